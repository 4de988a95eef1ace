// The messages of a conversation, the newest at the end, and where the reader is in them.
import { fill, h, icon } from '../lib/dom.js';
import { t } from '../lib/i18n.js';
import { isRunning, running, siblings, thread as nodesOf } from '../logic/conversation.js';
import { message } from './message.js';
import { button } from './parts.js';

const pageSize = 50; // older ones are made when one scrolls there
const longText = 4000; // characters, and how long its pictures stand then
const longMs = 40;
const nearPx = 48; // from the end: then the view follows it

/// Fills `el`; returns {show(conversation), toEnd()}. `known` is what messages want to know (components/message.js);
/// `welcome` stands in an empty one.
export function thread(el, signal, { known, welcome }) {
  const log = h('div', { className: 'log', role: 'log', 'aria-live': 'off', 'aria-label': t('chat.log') });
  const earlier = h('div', { className: 'earlier', hidden: true }, button(t('chat.earlier'), { kind: '-small', onclick: showEarlier }));
  const scroller = h('div', { className: 'scroller', tabIndex: -1 }, welcome, earlier, log);
  const jump = button(t('chat.jump'), { kind: '-small jump-down', picture: icon('arrow-down'), onclick: toEnd, hidden: true });
  const said = h('div', { className: 'hush', role: 'status' });
  fill(el, scroller, jump, said);
  const views = new Map(); // node id -> {view, node, key}
  let conversation = null;
  let first = 0; // of the nodes that are shown
  let following = true;
  let before = new Map(); // phases, to tell what ended
  let queued = 0;
  let drawnAt = 0;
  let cost = 0; // of the last drawing, in milliseconds

  scroller.addEventListener('scroll', onScroll, { signal, passive: true });
  // After the layout and before the paint: sticking to the end costs no layout of its own.
  new ResizeObserver(() => { if (following) stick(); }).observe(log);
  const clock = setInterval(() => { if (conversation && nodesOf(conversation).some((node) => node.phase === 'waiting')) redraw(true); }, 250);
  signal.addEventListener('abort', () => { clearInterval(clock); cancelAnimationFrame(queued); });
  const watch = new IntersectionObserver(([entry]) => { if (entry.isIntersecting && first > 0) showEarlier(); }, { root: scroller, rootMargin: '400px' });
  watch.observe(earlier);
  signal.addEventListener('abort', () => watch.disconnect());

  function onScroll() {
    const gap = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    following = gap < nearPx;
    jump.hidden = following || log.childElementCount === 0;
  }

  function stick() {
    scroller.scrollTop = scroller.scrollHeight;
  }

  function toEnd() {
    following = true;
    stick();
    jump.hidden = true;
    // Heights that were only guessed are known after the first layout.
    requestAnimationFrame(stick);
  }

  function showEarlier() {
    const gap = scroller.scrollHeight - scroller.scrollTop;
    first = Math.max(0, first - pageSize);
    redraw(true);
    scroller.scrollTop = scroller.scrollHeight - gap;
  }

  /// Shows what changed, with the next frame (more seldom if nobody sees it).
  function show(next) {
    const fresh = next?.id !== conversation?.id;
    conversation = next;
    if (fresh) {
      views.clear();
      fill(log);
      before = new Map();
      first = next ? Math.max(0, nodesOf(next).length - pageSize) : 0;
      redraw(true);
      toEnd();
    } else if (!queued) queue();
  }

  // With the next frame; later if nobody sees it, if drawing takes so long that typing would suffer, or if the answer is so
  // long that every frame costs.
  function queue() {
    const rest = Math.max(cost * 3, running(conversation).some((node) => node.text.length > longText) ? longMs : 0);
    const pause = document.hidden ? 250 : drawnAt + rest - performance.now();
    queued = pause > 16 ? window.setTimeout(() => { queued = requestAnimationFrame(() => redraw()); }, Math.min(pause, 250)) : requestAnimationFrame(() => redraw());
  }

  function redraw(keepQueue = false) {
    if (!keepQueue) queued = 0;
    if (signal.aborted) return;
    const begun = performance.now();
    const nodes = conversation ? nodesOf(conversation) : [];
    if (first >= nodes.length) first = Math.max(0, nodes.length - pageSize);
    welcome.hidden = nodes.length > 0;
    earlier.hidden = first === 0;
    const shown = nodes.slice(first);
    const keep = new Set(shown.map((node) => node.id));
    for (const [id, entry] of views) if (!keep.has(id)) { entry.view.el.remove(); views.delete(id); }
    let last = null;
    for (const node of shown) {
      last = place(node, last);
      announce(node);
    }
    const busy = String(shown.some(isRunning));
    if (log.getAttribute('aria-busy') !== busy) log.setAttribute('aria-busy', busy);
    cost = performance.now() - begun;
    drawnAt = performance.now();
  }

  function place(node, last) {
    const family = siblings(conversation, node);
    const key = `${family.at}/${family.count}`;
    let entry = views.get(node.id);
    if (!entry) {
      entry = { view: message(node), node: null, key: '' };
      views.set(node.id, entry);
    }
    const { el: article } = entry.view;
    if (entry.node !== node || entry.key !== key || node.phase === 'waiting') entry.view.update(node, family, known);
    entry.node = node;
    entry.key = key;
    const next = last ? last.nextSibling : log.firstChild;
    if (next !== article) log.insertBefore(article, next);
    return article;
  }

  function announce(node) {
    const was = before.get(node.id);
    before.set(node.id, node.phase);
    if (!was || was === node.phase || node.role === 'user') {
      if (!was && node.phase === 'waiting') said.textContent = t('say.answering');
      return;
    }
    if (node.phase === 'done') said.textContent = t('say.done', { n: words(node.text) });
    if (node.phase === 'stopped') said.textContent = t('say.stopped');
    if (node.phase === 'failed') said.textContent = t('say.failed', { message: node.error?.message ?? '' });
  }

  return { show, toEnd, redraw: () => { for (const entry of views.values()) entry.node = null; redraw(true); }, el: scroller };
}

function words(text) {
  let n = 0;
  for (const { isWordLike } of new Intl.Segmenter(document.documentElement.lang, { granularity: 'word' }).segment(text.slice(0, 200_000))) if (isWordLike) n += 1;
  return n;
}
