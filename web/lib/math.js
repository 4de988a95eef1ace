// Formulas by KaTeX, which is fetched with the first one.
import { base, h } from './dom.js';

let loading = null;

function katex() {
  loading ??= new Promise((resolve, reject) => {
    const link = h('link', { rel: 'stylesheet', href: `${base}vendor/katex/katex.css` });
    document.head.append(link);
    // @ts-ignore a script of the old kind, which leaves a global
    import('../vendor/katex/katex.js').then(() => resolve(globalThis.katex), reject);
  });
  return loading;
}

/// Returns an element with the formula's source, which becomes the formula.
export function formula(tex, display) {
  const el = h(display ? 'div' : 'span', { className: `formula ${display ? '-display' : ''}` }, tex);
  if (display) el.tabIndex = 0;
  katex().then((library) => {
    const made = h('span');
    library.render(tex, made, { displayMode: display, trust: false, strict: 'ignore', maxExpand: 200, maxSize: 20, throwOnError: true, output: 'htmlAndMathml' });
    el.replaceChildren(...made.childNodes);
  }).catch(() => el.classList.add('-plain'));
  return el;
}
