// Where a message is written. Takes `modelChoice` and `focusText`; sends `ask` (detail: the text) and `stop`.
import { h, icon } from '../lib/dom.js';
import { t, whenLanguage } from '../lib/i18n.js';
import { composerAction } from '../logic/keys.js';

export function composer(el, signal, chat) {
  let ready = false; // a model is chosen
  const touch = matchMedia('(pointer: coarse)');

  const label = h('label', { htmlFor: 'message', className: 'visually-hidden' });
  const text = h('textarea', {
    id: 'message', rows: 1, value: chat.draft, 'aria-describedby': 'composer-hint', oninput: keep, onkeydown: onKey,
  });
  const actionLabel = h('span');
  const action = h('button', { type: 'submit', className: 'button -primary' }, icon('send'), icon('stop'), actionLabel);
  const hint = h('p', { id: 'composer-hint', className: 'hint' });
  el.append(h('form', { onsubmit: onSubmit }, label, text, action), hint);

  el.addEventListener('modelChoice', (event) => {
    ready = event.detail !== null;
    update();
  }, { signal });
  el.addEventListener('focusText', () => text.focus(), { signal });
  chat.addEventListener('change', update, { signal });
  whenLanguage(update, signal);
  if (!touch.matches) text.focus(); // on a phone the keyboard would cover the page

  function keep() {
    chat.draft = text.value;
    update();
  }

  function onKey(event) {
    const what = composerAction(event, { running: Boolean(chat.running), touch: touch.matches });
    if (!what) return;
    event.preventDefault();
    if (what === 'send') send();
    else el.dispatchEvent(new Event('stop'));
  }

  function onSubmit(event) {
    event.preventDefault();
    if (!chat.running) return send();
    el.dispatchEvent(new Event('stop'));
    text.focus();
  }

  function send() {
    const message = text.value.trim();
    if (!message || !ready) return;
    text.value = chat.draft = '';
    el.dispatchEvent(new CustomEvent('ask', { detail: message }));
    text.focus();
  }

  function update() {
    const { running } = chat;
    label.textContent = t('composer.label');
    text.placeholder = t('composer.placeholder');
    hint.textContent = t('composer.hint');
    action.classList.toggle('-stop', Boolean(running));
    action.disabled = running ? running.stopping : !ready || text.value.trim() === '';
    actionLabel.textContent = t(running ? (running.stopping ? 'composer.stopping' : 'composer.stop') : 'composer.send');
  }
}
