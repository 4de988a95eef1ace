// The sign-in form. Sends `signIn` when the hub has accepted the token.
import * as api from '../lib/api.js';
import { h } from '../lib/dom.js';
import { t, whenLanguage } from '../lib/i18n.js';

/// `message` is the key of a text that says why the form is shown, or undefined.
export function signIn(el, signal, message) {
  let fault = message ? () => t(message) : null;
  let busy = false;

  const title = h('h2', { id: 'sign-in-title' });
  const text = h('p', { id: 'sign-in-text' });
  const label = h('label', { htmlFor: 'token' });
  const token = h('input', {
    id: 'token', type: 'password', name: 'password', autocomplete: 'current-password', spellcheck: false,
    autocapitalize: 'off', 'aria-describedby': 'sign-in-fault sign-in-text sign-in-hint', oninput: forgive,
  });
  const show = h('input', { type: 'checkbox', id: 'show-token', onchange: update });
  const showLabel = h('label', { htmlFor: 'show-token' });
  const faultText = h('p', { id: 'sign-in-fault', className: 'fault', role: 'alert' });
  const submit = h('button', { type: 'submit', className: 'button -primary' });
  const hint = h('p', { id: 'sign-in-hint', className: 'hint' });
  // Password managers file a password under a name.
  const user = h('input', { type: 'text', name: 'username', autocomplete: 'username', value: 'admin', hidden: true });
  const form = h('form', { className: 'card', noValidate: true, 'aria-labelledby': 'sign-in-title', onsubmit: send },
    title, text, user, label, token, h('div', { className: 'check' }, show, showLabel), faultText, submit, hint);
  el.append(form);
  whenLanguage(update, signal);
  token.focus();

  function forgive() {
    if (!fault) return;
    fault = null;
    update();
  }

  async function send(event) {
    event.preventDefault();
    if (busy) return;
    const value = token.value.trim(); // a copied token often brings a space or a line end
    if (!value) return refuse(() => t('sign-in.empty'));
    busy = true;
    fault = null;
    update();
    try {
      await api.signIn(value, signal);
      el.dispatchEvent(new Event('signIn'));
    } catch (error) {
      if (signal.aborted) return;
      refuse(() => reason(error));
    }
  }

  function refuse(why) {
    busy = false;
    fault = why;
    update();
    token.focus();
    token.select();
  }

  function update() {
    title.textContent = t('sign-in.title');
    text.textContent = t('sign-in.text');
    label.textContent = t('sign-in.token');
    showLabel.textContent = t('sign-in.show');
    hint.textContent = t('sign-in.hint');
    submit.textContent = t(busy ? 'sign-in.busy' : 'sign-in.submit');
    submit.setAttribute('aria-disabled', String(busy));
    token.type = show.checked ? 'text' : 'password';
    token.setAttribute('aria-invalid', String(Boolean(fault)));
    faultText.textContent = fault ? fault() : '';
    faultText.hidden = !fault;
  }
}

function reason(error) {
  if (error.status === 0) return t('fault.network');
  if (error.status === 401) return t('sign-in.wrong');
  return error.message || t('fault.other', { status: error.status });
}
