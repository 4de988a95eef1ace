// The conversation as a log. Sends `ask` (detail: a starter's text) and `retry`. While an answer streams the log is
// silent; a hidden region says when an answer begins and how it ended.
import { answer } from './answer.js';
import { h, icon } from '../lib/dom.js';
import { t, whenLanguage } from '../lib/i18n.js';

const nearPx = 80; // this close to the end, the list follows the answer

export function messageList(el, signal, chat) {
  const rows = []; // {message, el, update}, one for each message
  let follows = true; // until the person scrolls back
  let top = 0;
  let frame = 0;
  let asked = false; // the last answer is still waiting
  let said = null; // phase of the answer as last announced

  const welcome = h('div', { className: 'welcome' });
  const log = h('div', { className: 'log', role: 'log', 'aria-live': 'off' });
  const scroller = h('div', { className: 'scroller', tabIndex: 0, role: 'group', onscroll: onScroll }, welcome, log);
  const jumpLabel = h('span');
  const jump = h('button', { type: 'button', className: 'button jump', hidden: true, onclick: toEnd },
    icon('down'), jumpLabel);
  const live = h('p', { className: 'visually-hidden', role: 'status' });
  el.append(scroller, jump, live);

  chat.addEventListener('change', schedule, { signal });
  const sizes = new ResizeObserver(() => follows && toEnd());
  sizes.observe(log);
  sizes.observe(scroller);
  whenLanguage(retell, signal);
  const clock = setInterval(() => chat.running && schedule(), 1000);
  signal.addEventListener('abort', () => {
    clearInterval(clock);
    cancelAnimationFrame(frame);
    sizes.disconnect();
  });

  // Deltas come faster than the screen shows them.
  function schedule() {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      update();
    });
  }

  function onScroll() {
    const near = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < nearPx;
    if (near) follows = true;
    else if (scroller.scrollTop < top) follows = false;
    top = scroller.scrollTop;
    jump.hidden = follows;
  }

  function toEnd() {
    scroller.scrollTop = scroller.scrollHeight;
  }

  function retell() {
    welcome.replaceChildren(
      h('h2', {}, t('chat.empty.title')),
      h('p', {}, t('chat.empty.text')),
      h('ul', {}, ...[1, 2, 3].map((n) => starter(t(`chat.starter.${n}`)))),
    );
    jumpLabel.textContent = t('chat.jump');
    scroller.setAttribute('aria-label', t('chat.label'));
    for (const row of rows.splice(0)) row.el.remove();
    update();
  }

  function starter(text) {
    const send = () => el.dispatchEvent(new CustomEvent('ask', { detail: text }));
    return h('li', {}, h('button', { type: 'button', className: 'button', onclick: send }, text));
  }

  function update() {
    const { messages } = chat.state;
    welcome.hidden = messages.length > 0;
    log.hidden = messages.length === 0;
    while (rows.length > messages.length) rows.pop().el.remove();
    messages.forEach(updateRow);
    log.setAttribute('aria-busy', String(Boolean(chat.running)));
    announce(messages.at(-1));
    if (messages.at(-1)?.phase === 'waiting' && !asked) follows = true; // a new question brings the end into view
    asked = messages.at(-1)?.phase === 'waiting';
    if (follows) toEnd();
    onScroll();
  }

  function updateRow(message, i) {
    if (rows[i]?.message === message && message.phase !== 'waiting') return;
    const same = rows[i] && rows[i].message.role === message.role && rows[i].message.id === message.id;
    if (!same) {
      const row = message.role === 'user' ? question() : answer(() => el.dispatchEvent(new Event('retry')));
      if (rows[i]) rows[i].el.replaceWith(row.el);
      else log.append(row.el);
      rows[i] = row;
    }
    rows[i].message = message;
    rows[i].update(message);
  }

  function announce(message) {
    const phase = message?.phase ?? null;
    if (phase === said) return;
    said = phase;
    const texts = {
      waiting: () => t('say.answering'),
      done: () => t('say.done', { n: [...message.text].length }),
      stopped: () => t('say.stopped'),
      failed: () => t('say.failed', { message: message.error.message }),
    };
    if (phase !== 'streaming') live.textContent = texts[phase]?.() ?? '';
  }
}

function question() {
  const text = h('p', { className: 'bubble', dir: 'auto' });
  const el = h('article', { className: 'message -user', 'aria-label': t('you') }, text);
  return { el, update: (message) => (text.textContent = message.text) };
}
