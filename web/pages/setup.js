// The first run: an account, a provider, its models, a key, then the chat. Every step after the account can be skipped, and
// a reload goes on where one was; secrets are never kept for that.
import * as api from '../lib/api.js';
import { base, fill, h, icon } from '../lib/dom.js';
import { t } from '../lib/i18n.js';
import { navigate } from '../lib/router.js';
import { compareModels, endpoint, templates } from '../logic/providers.js';
import { busy, button, fault, field, secretInput, select } from '../components/parts.js';
import { testSteps } from '../components/test-steps.js';
import { complain, reason } from '../components/toasts.js';
import { showSecret } from './keys.js';
import { languageSwitch } from './login.js';

const steps = ['account', 'provider', 'models', 'key', 'chat'];
const passwordMin = 8;

// What was entered, without secrets, until the tab is closed.
const kept = {
  read: () => { try { return JSON.parse(sessionStorage.getItem('nexus-setup') ?? '{}'); } catch { return {}; } },
  write: (entries) => { try { sessionStorage.setItem('nexus-setup', JSON.stringify(entries)); } catch { /* then a reload begins anew */ } },
  clear: () => { try { sessionStorage.removeItem('nexus-setup'); } catch { /* nothing was kept */ } },
};

export async function mount(el, signal, { signedIn, onSignedIn }) {
  const entries = kept.read();
  const card = h('section', { className: 'card outside-card -wide', 'aria-labelledby': 'setup-title' });
  fill(el, card, languageSwitch());
  if (!signedIn && !(await api.needsSetup(signal).catch(() => false))) {
    await navigate('/app/login', { replace: true });
    return;
  }
  if (signal.aborted) return;
  const at = signedIn ? entries.step ?? 'provider' : 'account';
  show(steps.includes(at) ? at : 'account');

  function keep(changes) {
    Object.assign(entries, changes);
    kept.write(entries);
  }

  function show(step) {
    keep({ step });
    const place = steps.indexOf(step);
    fill(card, h('img', { src: `${base}icon.svg`, alt: '', width: '44', height: '44' }),
      h('h1', { id: 'setup-title', tabIndex: -1 }, t(`setup.${step}`)),
      h('ol', { className: 'stepper', role: 'list', 'aria-label': t('setup.steps') }, steps.map((name, i) => h('li', { className: i < place ? '-done' : '', ...(i === place ? { 'aria-current': 'step' } : {}) }, h('span', { className: 'mark' }, i < place ? icon('check') : String(i + 1)), h('span', { className: 'name' }, t(`setup.step.${name}`))))),
      { account, provider, models, key, chat }[step]());
    card.querySelector('input:not([type="checkbox"])')?.focus();
  }

  function form(submit, ...children) {
    return h('form', { className: 'stack', noValidate: true, onsubmit: (event) => { event.preventDefault(); submit(); } }, children);
  }

  function foot(go, next, back) {
    return h('div', { className: 'row' }, back && button(t('setup.back'), { kind: '-ghost', onclick: () => show(back) }), h('span', { className: 'spring' }),
      next && button(t('setup.skip'), { kind: '-ghost', onclick: () => show(next) }), go);
  }

  function account() {
    const token = secretInput({ autocomplete: 'one-time-code', name: 'setup-token' });
    const name = h('input', { className: 'input', name: 'username', autocomplete: 'username', autocapitalize: 'none', value: entries.name ?? 'admin', oninput: () => keep({ name: name.value }) });
    const password = secretInput({ autocomplete: 'new-password', name: 'password' });
    const go = button(t('setup.create-account'), { kind: '-primary', type: 'submit' });
    const problem = h('div', { role: 'alert' });
    return form(() => {
      fault(token.input, token.input.value.trim() ? '' : t('required'));
      fault(name, name.value.trim() ? '' : t('required'));
      fault(password.input, password.input.value.length >= passwordMin ? '' : t('setup.password-short', { n: passwordMin }));
      const wrong = card.querySelector('[aria-invalid="true"]');
      if (wrong) return wrong.focus();
      return busy(go, async () => {
        try {
          await api.setUp({ setup_token: token.input.value.trim(), name: name.value.trim(), password: password.input.value }, signal);
        } catch (error) {
          fill(problem, h('div', { className: 'note -danger' }, icon('triangle-exclamation'), error.status === 401 ? t('setup.wrong-token') : reason(error)));
          const field_ = { name, password: password.input }[error.param] ?? token.input;
          field_.setAttribute('aria-invalid', 'true');
          field_.focus();
          return;
        }
        await onSignedIn(false);
        show('provider');
      });
    }, h('p', { className: 'quiet' }, t('setup.account.text')), problem, field(t('setup.token'), token.el, { hint: t('setup.token.hint') }), field(t('sign-in.name'), name), field(t('sign-in.password'), password.el, { hint: t('setup.password-hint', { n: passwordMin }) }), foot(go),
    h('a', { href: '/app/login?with=token' }, t('setup.use-token')));
  }

  function provider() {
    const name = h('input', { className: 'input', value: entries.provider ?? '', oninput: () => keep({ provider: name.value }) });
    const url = h('input', { className: 'input -mono', type: 'url', value: entries.url ?? '', placeholder: 'https://api.example.com', oninput: () => { keep({ url: url.value }); goes(); } });
    const hint = h('p', { className: 'hint' });
    const template = select([['', t('setup.choose')], ...templates.map((each) => [each.name, each.name])], entries.template ?? '', (chosen) => {
      const found = templates.find((each) => each.name === chosen);
      if (found) { name.value = found.name; url.value = found.url; }
      keep({ template: chosen, provider: name.value, url: url.value });
      goes();
    });
    const secret = secretInput({ placeholder: 'sk-…' });
    const result = h('div', { className: 'stack' });
    const go = button(t('setup.add-and-test'), { kind: '-primary', type: 'submit' });
    const urlField = field(t('providers.url'), url);
    urlField.append(hint);
    function goes() { hint.textContent = endpoint(url.value) ? t('providers.goes-to', { url: endpoint(url.value) }) : ''; }
    goes();
    return form(() => {
      fault(name, name.value.trim() ? '' : t('required'));
      fault(url, endpoint(url.value) ? '' : t('providers.url.wrong'));
      const wrong = card.querySelector('[aria-invalid="true"]');
      if (wrong) return wrong.focus();
      return busy(go, async () => {
        try {
          const body = { name: name.value.trim(), server_url: url.value.trim(), description: '' };
          if (secret.input.value || !entries.providerId) body.server_key = secret.input.value;
          const { data } = entries.providerId ? await api.providers.save(entries.providerId, body) : await api.providers.create({ ...body, personalized_key: '' });
          keep({ providerId: data.id });
          testSteps(result, null);
          const report = await api.providers.test(data.id, signal);
          testSteps(result, report);
          result.append(h('div', { className: 'row' }, h('span', { className: 'spring' }), button(t(report.ok ? 'setup.next' : 'setup.next-anyway'), { kind: report.ok ? '-primary' : '', onclick: () => show('models') })));
        } catch (error) {
          fill(result);
          if (error.param === 'name' || error.param === 'server_url') fault(error.param === 'name' ? name : url, error.message);
          else complain(error);
        }
      });
    }, h('p', { className: 'quiet' }, t('setup.provider.text')), field(t('setup.template'), template), field(t('providers.name'), name), urlField, field(t('providers.server-key'), secret.el, { hint: t('providers.server-key.hint') }), result, foot(go, 'key'));
  }

  function models() {
    if (!entries.providerId) return h('div', { className: 'stack' }, h('p', {}, t('setup.no-provider')), foot(null, 'key', 'provider'));
    const chosen = new Set();
    const list = h('fieldset', { className: 'checks' }, h('legend', {}, t('models.fresh-title')));
    const typed = h('input', { className: 'input', placeholder: 'gpt-4o-mini' });
    const go = button(t('setup.add-models'), { kind: '-primary', type: 'submit' });
    const state = h('p', { className: 'quiet', role: 'status' }, t('loading'));
    Promise.all([api.providers.upstreamModels(entries.providerId, signal), api.providers.models(entries.providerId, signal)]).then(([upstream, configured]) => {
      const { fresh } = compareModels(upstream.models, configured);
      state.textContent = t('models.fresh', { n: fresh.length });
      list.append(...fresh.slice(0, 300).map((id) => h('label', { className: 'check' }, h('input', { type: 'checkbox', onchange: (event) => { if (event.currentTarget.checked) chosen.add(id); else chosen.delete(id); } }), h('span', { className: 'cut' }, id))));
    }, (error) => { if (!signal.aborted) state.textContent = reason(error); });
    return form(() => busy(go, async () => {
      const names = [...chosen, typed.value.trim()].filter(Boolean);
      try {
        for (const name of names) await api.models.create({ provider_id: entries.providerId, model_name: name, description: '' });
        if (names[0]) keep({ model: names[0] });
        show('key');
      } catch (error) {
        complain(error);
      }
    }), h('p', { className: 'quiet' }, t('setup.models.text')), state, h('div', { className: 'setup-models' }, list), field(t('setup.other-model'), typed), foot(go, 'key', 'provider'));
  }

  function key() {
    const name = h('input', { className: 'input', value: entries.keyName ?? '', placeholder: t('keys.name-example'), oninput: () => keep({ keyName: name.value }) });
    const go = button(t('setup.make-key'), { kind: '-primary', type: 'submit' });
    return form(() => {
      fault(name, name.value.trim() ? '' : t('required'));
      if (!name.value.trim()) return name.focus();
      return busy(go, async () => {
        try {
          const { data } = await api.keys.create({ name: name.value.trim() });
          await showSecret(data, entries.model ?? 'demo');
          show('chat');
        } catch (error) {
          complain(error);
        }
      });
    }, h('p', { className: 'quiet' }, t('setup.key.text')), field(t('providers.name'), name), foot(go, 'chat', 'models'));
  }

  function chat() {
    const to = entries.model ? `/app/chat?new=1&provider=${entries.providerId}&model=${encodeURIComponent(entries.model)}` : '/app/chat?new=1';
    return h('div', { className: 'stack' }, h('p', { className: 'quiet' }, t('setup.chat.text')), h('div', { className: 'row' }, h('span', { className: 'spring' }),
      button(t('setup.open-chat'), { kind: '-primary', picture: icon('message'), onclick: () => { kept.clear(); navigate(to); } })));
  }
}
