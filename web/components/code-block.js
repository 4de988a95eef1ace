// A block of code: its language, its colours when it is complete, and what one does with code.
import { fill, h, icon } from '../lib/dom.js';
import { t } from '../lib/i18n.js';
import { highlight } from '../lib/highlight.js';
import { button, copyButton, iconButton, saveFile } from './parts.js';

const foldLines = 40;
const shownLines = 24;

/// Returns {el, update(text), close()}: `update` takes more of the same text, `close` colours it.
export function codeBlock(language, text) {
  const code = h('code');
  const name = /^[\w+#.-]{1,24}$/.test(language) ? language : '';
  const pre = h('pre', { tabIndex: 0, role: 'group', 'aria-label': name || t('code.label') }, code);
  const wrap = iconButton(t('code.wrap'), icon('arrow-turn-down'), { kind: '-small -ghost', 'aria-pressed': 'false', onclick: toggleWrap });
  const el = h('figure', { className: 'code', dir: 'ltr' },
    h('figcaption', {}, h('span', { className: 'cut' }, name || t('code.plain')), h('span', { className: 'spring' }), wrap,
      iconButton(t('code.save'), icon('download'), { kind: '-small -ghost', onclick: () => saveFile(`code.${name || 'txt'}`, whole) }),
      copyButton(t('code.copy'), () => whole)),
    pre);
  let whole = '';
  let closed = false;
  update(text);

  function update(next) {
    const node = code.firstChild;
    if (!closed && node instanceof Text && next.startsWith(whole) && node.length === whole.length) node.appendData(next.slice(whole.length));
    else fill(code, next);
    whole = next;
    closed = false;
  }

  function close() {
    if (closed) return;
    closed = true;
    fold();
    const asked = whole;
    if (name) highlight(whole, name).then((runs) => { if (runs && asked === whole) colour(runs); });
  }

  function colour(runs) {
    fill(code, runs.map(([kind, part]) => (kind ? h('span', { className: `hl-${kind}` }, part) : part)));
  }

  function fold() {
    const lines = whole.split('\n').length;
    if (lines <= foldLines || el.querySelector('.unfold')) return;
    el.classList.add('-folded');
    pre.style.setProperty('--lines', String(shownLines));
    const more = button(t('code.unfold', { n: lines }), { kind: '-small -ghost unfold', 'aria-expanded': 'false', onclick: () => {
      const folded = el.classList.toggle('-folded');
      more.setAttribute('aria-expanded', String(!folded));
      more.querySelector('.text').textContent = folded ? t('code.unfold', { n: lines }) : t('code.fold');
    } });
    el.append(more);
  }

  function toggleWrap() {
    const on = pre.classList.toggle('-wrapped');
    wrap.setAttribute('aria-pressed', String(on));
  }

  return { el, update, close };
}
