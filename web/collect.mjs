// Gathers everything that the binary embeds: our files as they stand, the libraries from node_modules, an icon sprite,
// the licences; compresses it; and writes assets.S and assets.inc for the compiler. `node collect.mjs OUT [FOLDER…]`: further
// folders whose packages become part of the program, and so belong among the licences.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const root = path.dirname(fileURLToPath(import.meta.url));
const modules = path.join(root, 'node_modules');
const folders = ['components', 'i18n', 'lib', 'logic', 'pages', 'styles', 'workers'];
const firstPage = 'app.js';

// The languages that are coloured in answers; each is fetched when it is first met.
const languages = ('bash c cmake cpp csharp css dart diff dockerfile go graphql haskell http ini java javascript json julia '
  + 'kotlin latex lua makefile markdown nginx objectivec perl php plaintext powershell protobuf python r ruby rust scala '
  + 'shell sql swift typescript wasm xml yaml').split(' ');

/** Every library: what is taken of its package, and under which name it is served. `edit` turns a script into a module. */
const libraries = [
  { name: 'marked', licence: 'LICENSE', files: [['lib/marked.esm.js', 'vendor/marked.js']], edit: withoutMap },
  {
    name: '@highlightjs/cdn-assets', licence: 'LICENSE',
    files: [['es/core.min.js', 'vendor/highlight/core.js'],
      ...languages.map((name) => [`es/languages/${name}.min.js`, `vendor/highlight/${name}.js`])],
  },
  {
    name: 'katex', licence: 'LICENSE',
    files: [['dist/katex.min.js', 'vendor/katex/katex.js'], ['dist/katex.min.css', 'vendor/katex/katex.css'],
      ...list(path.join(modules, 'katex/dist/fonts')).filter((name) => name.endsWith('.woff2'))
        .map((name) => [`dist/fonts/${name}`, `vendor/katex/fonts/${name}`])],
  },
  {
    name: 'uplot', licence: 'LICENSE',
    files: [['dist/uPlot.iife.min.js', 'vendor/uplot.js'], ['dist/uPlot.min.css', 'vendor/uplot.css']],
    edit: (name, text) => (name.endsWith('.js') ? `${text}\nexport default uPlot;\n` : text),
  },
  { name: '@fortawesome/fontawesome-free', licence: 'LICENSE.txt', files: [] }, // the sprite below
];

function list(folder) {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

function withoutMap(_name, text) {
  return text.replace(/\n?\/\/# sourceMappingURL=\S+\s*$/, '\n');
}

/** Our own files: {path: bytes}. */
function ours() {
  const names = folders.flatMap((folder) => list(path.join(root, folder)).map((name) => `${folder}/${name}`));
  const found = new Map();
  for (const name of [firstPage, 'pages.js', 'icon.svg', ...names]) found.set(name, readFileSync(path.join(root, name)));
  return found;
}

function vendored() {
  const found = new Map();
  for (const { name, files, edit } of libraries)
    for (const [from, to] of files) {
      const bytes = readFileSync(path.join(modules, name, from));
      found.set(to, edit ? Buffer.from(edit(from, bytes.toString())) : bytes);
    }
  return found;
}

/** One <symbol> for each icon that a source names as icon('…') or icon: '…'; a name that does not exist ends the build. */
function sprite(files) {
  const names = new Set();
  for (const [name, bytes] of files)
    if (name.endsWith('.js'))
      for (const [, icon] of bytes.toString().matchAll(/\bicon(?:\(|: )'([a-z0-9-]+)'/g)) names.add(icon);
  const symbols = [...names].sort().map((name) => {
    const svg = readFileSync(path.join(modules, '@fortawesome/fontawesome-free/svgs/solid', `${name}.svg`), 'utf8');
    const [, viewBox] = /viewBox="([^"]+)"/.exec(svg);
    const paths = [...svg.matchAll(/<path[^>]*\sd="([^"]+)"/g)].map(([, d]) => `<path d="${d}"/>`).join('');
    return `<symbol id="${name}" viewBox="${viewBox}">${paths}</symbol>`;
  });
  const credit = '<!-- Font Awesome Free 7 by @fontawesome, https://fontawesome.com, icons CC BY 4.0 -->';
  return Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg">${credit}${symbols.join('\n')}</svg>\n`);
}

/** What the page "About" shows of each embedded package. */
function licences(folders_) {
  const rows = libraries.map(({ name, licence }) => licenceOf(modules, name, licence, 'interface'));
  for (const folder of folders_)
    for (const name of Object.keys(JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).dependencies))
      rows.push(licenceOf(path.join(folder, 'node_modules'), name, 'LICENSE', 'program'));
  return Buffer.from(JSON.stringify(rows));
}

function licenceOf(place, name, file, part) {
  const about = JSON.parse(readFileSync(path.join(place, name, 'package.json'), 'utf8'));
  const text = existsSync(path.join(place, name, file)) ? readFileSync(path.join(place, name, file), 'utf8') : about.license;
  return { name, version: about.version, licence: about.license.replace(/^SEE LICENSE IN .*/, ''), part, text };
}

/** The modules that `name` needs before it can run, itself first. */
function needed(name, files, seen = new Set()) {
  if (seen.has(name)) return seen;
  if (!files.has(name)) throw new Error(`there is no ${name}`);
  seen.add(name);
  for (const [, to] of files.get(name).toString().matchAll(/^(?:import|export)\b[^;']*?\s?'(\.[^']+)';/gm))
    needed(path.posix.join(path.posix.dirname(name), to), files, seen);
  return seen;
}

const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');

function buildId(files) {
  const hash = createHash('sha256');
  for (const [name, bytes] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(`${name}\0`).update(bytes);
  return hash.digest('hex').slice(0, 12);
}

/** The page as it is served: its files under the build's own prefix, and its modules asked for at once. */
function index(files, id) {
  const preloads = [...needed(firstPage, files)].filter((name) => name !== firstPage)
    .map((name) => `<link rel="modulepreload" href="/ui/dev/${name}">\n`).join('');
  const text = readFileSync(path.join(root, 'index.html'), 'utf8').replace('</head>', `${preloads}</head>`);
  return Buffer.from(text.replaceAll('/ui/dev/', `/ui/${id}/`));
}

function brotli(bytes) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  return brotliCompressSync(bytes, { params });
}

/** Writes a variant below `out` and returns the names of its symbol and of its lines. */
function embed(out, name, bytes, kind, number) {
  if (!bytes) return { text: '', row: '{}', declaration: '' };
  const file = path.join(out, 'site', name + kind);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  // The hash of the content is part of the symbol, so that neither output can be linked with an old other one.
  const symbol = `nexus_web_${number}${kind.replace('.', '_')}_${digest(bytes).slice(0, 16)}`;
  return {
    text: `    .global ${symbol}\n    .balign 16\n${symbol}:\n    .incbin "${file}"\n`,
    declaration: `extern "C" const char ${symbol}[];\n`,
    row: `{${symbol}, ${bytes.length}}`,
  };
}

function write(out, files, id) {
  let assembly = '    .section .rodata\n';
  let declarations = '';
  let rows = '';
  let number = 0;
  for (const [name, bytes] of files) {
    const packs = /\.(js|css|svg|json|html)$/.test(name);
    const variants = [['', bytes], ['.br', packs && brotli(bytes)], ['.gz', packs && gzipSync(bytes, { level: 9 })]]
      .map(([kind, content]) => embed(out, name, content, kind, number));
    number += 1;
    assembly += variants.map(({ text }) => text).join('');
    declarations += variants.map(({ declaration }) => declaration).join('');
    const [plain, br, gzip] = variants.map(({ row }) => row);
    rows += `    {"${name}", type_of("${name}"), ${plain}, ${br}, ${gzip}, "\\"${digest(bytes).slice(0, 16)}\\""},\n`;
  }
  writeFileSync(path.join(out, 'assets.S'), `${assembly}    .section .note.GNU-stack,"",%progbits\n`);
  writeFileSync(path.join(out, 'assets.inc'), `${declarations}\nconstexpr std::string_view build = "${id}";\n\n`
    + `constinit const asset assets[] = {\n${rows}};\n`);
}

const out = path.resolve(process.argv[2] ?? '.');
for (const { name } of libraries)
  if (!existsSync(path.join(modules, name))) {
    console.error(`web: the package ${name} is missing: run ./dev setup, or npm ci in web/`);
    process.exit(1);
  }
rmSync(path.join(out, 'site'), { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const files = new Map([...ours(), ...vendored()]);
files.set('icons.svg', sprite(files));
files.set('licences.json', licences(process.argv.slice(3)));
const id = buildId(files);
write(out, new Map([['index.html', index(files, id)], ...files]), id);
