// Colours for code, from a worker that starts with the first block.
import { startWorker } from './trusted.js';

const aliases = {
  sh: 'bash', zsh: 'bash', console: 'shell', js: 'javascript', mjs: 'javascript', jsx: 'javascript', ts: 'typescript', tsx: 'typescript',
  py: 'python', rb: 'ruby', rs: 'rust', 'c++': 'cpp', cc: 'cpp', hpp: 'cpp', h: 'c', cs: 'csharp', 'c#': 'csharp', golang: 'go', kt: 'kotlin',
  yml: 'yaml', html: 'xml', svg: 'xml', vue: 'xml', md: 'markdown', docker: 'dockerfile', make: 'makefile', ps1: 'powershell', tex: 'latex',
  toml: 'ini', conf: 'nginx', proto: 'protobuf', objc: 'objectivec', hs: 'haskell', pl: 'perl', wat: 'wasm', patch: 'diff', jsonc: 'json',
};
const codeMax = 100_000;
const waiting = new Map();
let worker = null;
let last = 0;

/// Returns [class, text] runs, or null if this cannot be coloured.
export function highlight(code, language) {
  const name = aliases[language.toLowerCase()] ?? language.toLowerCase();
  if (!name || code.length > codeMax) return Promise.resolve(null);
  if (!worker) {
    worker = startWorker('highlight.js');
    worker.onmessage = ({ data }) => {
      waiting.get(data.id)?.(data.runs);
      waiting.delete(data.id);
    };
  }
  last += 1;
  worker.postMessage({ id: last, language: name, code });
  return new Promise((resolve) => waiting.set(last, resolve));
}
