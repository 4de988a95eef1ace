// The chat: model picker and "New chat" above, messages, composer below. Sends `expire` if the session has ended.
import { composer } from './composer.js';
import { messageList } from './message-list.js';
import { modelPicker } from './model-picker.js';
import { h, icon } from '../lib/dom.js';
import { t, whenLanguage } from '../lib/i18n.js';
import { composerAction } from '../logic/keys.js';

export function chatPage(el, signal, chat) {
  let choice = null;

  const picker = h('div', { className: 'model-picker' });
  const newLabel = h('span');
  const newButton = h('button', { type: 'button', className: 'button', onclick: startAnew }, icon('plus'), newLabel);
  const lostText = h('span', { role: 'status' });
  const retryText = h('span');
  const nowButton = h('button', { type: 'button', className: 'button -small', onclick: () => chat.reconnect() });
  const banner = h('div', { className: 'banner', hidden: true }, lostText, retryText, nowButton);
  const list = h('div', { className: 'message-list' });
  const form = h('div', { className: 'composer' });
  el.append(h('div', { className: 'toolbar' }, picker, newButton), banner, list, form);

  picker.addEventListener('modelChoice', (event) => {
    choice = event.detail;
    form.dispatchEvent(new CustomEvent('modelChoice', { detail: choice }));
  }, { signal });
  picker.addEventListener('expire', () => el.dispatchEvent(new Event('expire')), { signal });
  form.addEventListener('ask', (event) => ask(event.detail), { signal });
  form.addEventListener('stop', () => chat.stop(), { signal });
  list.addEventListener('ask', (event) => ask(event.detail), { signal });
  list.addEventListener('retry', () => choice && chat.retry(choice), { signal });
  document.addEventListener('keydown', stopOnEscape, { signal });

  modelPicker(picker, signal);
  messageList(list, signal, chat);
  composer(form, signal, chat);
  chat.addEventListener('change', update, { signal });
  const clock = setInterval(update, 1000);
  signal.addEventListener('abort', () => clearInterval(clock));
  whenLanguage(update, signal);

  function ask(text) {
    if (choice) chat.ask(text, choice);
  }

  function startAnew() {
    chat.clear();
    form.dispatchEvent(new Event('focusText'));
  }

  function stopOnEscape(event) {
    if (!event.defaultPrevented && composerAction(event, { running: chat.running }) === 'stop') chat.stop();
  }

  function update() {
    newLabel.textContent = t('chat.new');
    newButton.disabled = chat.state.messages.length === 0;
    const seconds = Math.ceil((chat.retryAt - Date.now()) / 1000);
    banner.hidden = !chat.retryAt;
    // Set only when it changes: a live region is read out whenever it is touched.
    const lost = chat.retryAt ? t('connection.lost') : '';
    if (lostText.textContent !== lost) lostText.textContent = lost;
    retryText.textContent = seconds > 0 ? t('connection.retry', { n: seconds }) : t('connection.trying');
    nowButton.textContent = t('connection.now');
    nowButton.hidden = seconds <= 0;
  }
}
