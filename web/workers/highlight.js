// Colours code away from the page's thread: {id, language, code} is answered by {id, runs}, runs being [class, text].
import hljs from '../vendor/highlight/core.js';

const known = new Map(); // language -> promise of true or false

function learn(language) {
  if (!/^[a-z]+$/.test(language)) return Promise.resolve(false);
  if (!known.has(language))
    known.set(language, import(`../vendor/highlight/${language}.js`).then(
      (module) => { hljs.registerLanguage(language, module.default); return true; }, () => false));
  return known.get(language);
}

// The tree that highlight.js makes before it would write HTML of it.
function runsOf(node, kind, runs) {
  for (const child of node.children) {
    if (typeof child === 'string') runs.push([kind, child]);
    else runsOf(child, child.scope ? child.scope.split('.')[0] : kind, runs);
  }
  return runs;
}

addEventListener('message', async (event) => {
  const { id, language, code } = event.data;
  let runs = null;
  try {
    if (await learn(language)) runs = runsOf(hljs.highlight(code, { language, ignoreIllegals: true })._emitter.rootNode, '', []);
  } catch {
    // Uncoloured, then.
  }
  postMessage({ id, runs });
});
