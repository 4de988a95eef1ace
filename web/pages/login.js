// The way in, with name and password or with a token. Says only that it did not work, never why; the address one wanted is
// kept.
import * as api from '../lib/api.js';
import { base, fill, h, icon } from '../lib/dom.js';
import { language, setLanguage, t } from '../lib/i18n.js';
import { setQuery } from '../lib/router.js';
import { busy, button, fault, field, secretInput } from '../components/parts.js';
import { reason } from '../components/toasts.js';

export function mount(el, signal, { query, onSignedIn }) {
  const withToken = query.get('with') === 'token';
  const name = h('input', { className: 'input', name: 'username', autocomplete: 'username', autocapitalize: 'none', spellcheck: false });
  const { input: secret, el: box } = secretInput({ autocomplete: withToken ? 'off' : 'current-password', name: 'password' });
  const caps = h('p', { className: 'hint', hidden: true }, icon('keyboard'), ' ', t('sign-in.caps'));
  const secretField = field(t(withToken ? 'sign-in.token' : 'sign-in.password'), box, { hint: withToken ? t('sign-in.hint') : '' });
  secretField.append(caps);
  const submit = button(t('sign-in.submit'), { kind: '-primary', type: 'submit' });
  const problem = h('div', { role: 'alert' });
  const other = () => {
    setQuery({ with: withToken ? null : 'token' });
    mount(el, signal, { query: new URLSearchParams(location.search), onSignedIn });
  };
  fill(el, h('form', { className: 'card outside-card', noValidate: true, onsubmit: signIn },
    h('img', { src: `${base}icon.svg`, alt: '', width: '44', height: '44' }), h('h1', {}, t('sign-in.title')),
    query.get('why') === 'expired' && h('div', { className: 'note' }, icon('clock'), t('sign-in.expired')), problem,
    !withToken && field(t('sign-in.name'), name), secretField, submit,
    h('button', { type: 'button', className: 'button -ghost -small', onclick: other }, t(withToken ? 'sign-in.use-password' : 'sign-in.use-token'))), languageSwitch());
  secret.addEventListener('keyup', (event) => { caps.hidden = !event.getModifierState('CapsLock'); });
  (withToken ? secret : name).focus();

  async function signIn(event) {
    event.preventDefault();
    fill(problem);
    fault(secret, secret.value ? '' : t('required'));
    if (!withToken) fault(name, name.value.trim() ? '' : t('required'));
    const wrong = el.querySelector('[aria-invalid="true"]');
    if (wrong) return wrong.focus();
    return busy(submit, async () => {
      try {
        await api.signIn(withToken ? { token: secret.value } : { name: name.value.trim(), password: secret.value }, signal);
      } catch (error) {
        refused(error);
        return;
      }
      const to = query.get('to') ?? '';
      onSignedIn(/^\/app\/[^/]/.test(to) ? to : '/app/chat');
    });
  }

  function refused(error) {
    if (error.status === 429) return wait(error.retryAfter || 60);
    fill(problem, h('div', { className: 'note -danger' }, icon('triangle-exclamation'), error.status === 401 ? t(withToken ? 'sign-in.wrong-token' : 'sign-in.wrong') : reason(error)));
    secret.setAttribute('aria-invalid', 'true');
    secret.focus();
    secret.select();
    return undefined;
  }

  function wait(seconds) {
    submit.disabled = true;
    const end = Date.now() + seconds * 1000;
    const note = h('span', { className: 'number' });
    fill(problem, h('div', { className: 'note -warn' }, icon('clock'), note));
    const tick = () => {
      const left = Math.ceil((end - Date.now()) / 1000);
      if (left > 0) note.textContent = t('sign-in.wait', { n: left });
      else { clearInterval(timer); fill(problem); submit.disabled = false; }
    };
    const timer = setInterval(tick, 1000);
    signal.addEventListener('abort', () => clearInterval(timer));
    tick();
  }
}

export function languageSwitch() {
  return h('p', { className: 'languages' }, ['en', 'zh-CN'].map((each) => h('button', { type: 'button', className: 'button -ghost -small', id: `to-${each}`, lang: each, 'aria-pressed': String(each === language()), onclick: () => each !== language() && setLanguage(each) }, t(`language.${each}`))));
}
