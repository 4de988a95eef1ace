// Beside the chat: parameters, the same call as a program, and the frames that went over the socket. Sends `params` (detail:
// the parameters) and `closeDrawer`.
import { fill, h, icon, newId } from '../lib/dom.js';
import { t } from '../lib/i18n.js';
import { remember, remembered } from '../lib/preferences.js';
import { chatFrame, isRunning, thread } from '../logic/conversation.js';
import { parameters, read, write } from '../logic/parameters.js';
import { languages, snippet } from '../logic/snippets.js';
import { copyButton, fault, field, iconButton, segments, select } from './parts.js';

const tabs = ['parameters', 'code', 'debug'];

/// Fills `el`; returns {show(conversation, choice, draft)}.
export function chatDrawer(el, signal, chats) {
  let tab = 'parameters';
  let language = 'curl';
  let conversation = null;
  let choice = null;
  const panelId = newId('panel');
  const list = h('div', { className: 'tabs', role: 'tablist', 'aria-label': t('drawer.label') }, tabs.map((name) => h('button', {
    type: 'button', className: 'tab', role: 'tab', id: `${panelId}-${name}`, 'aria-controls': panelId, onclick: () => open(name),
  }, t(`drawer.${name}`))));
  list.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    open(tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length]);
    list.querySelector('[aria-selected="true"]').focus();
  });
  const panel = h('div', { className: 'panel', role: 'tabpanel', id: panelId, tabIndex: 0 });
  fill(el, h('div', { className: 'head' }, list, h('span', { className: 'spring' }), iconButton(t('close'), icon('xmark'), { kind: '-small -ghost', onclick: () => el.dispatchEvent(new Event('closeDrawer')) })), panel);
  let queued = 0;
  chats.addEventListener('frame', () => { if (tab === 'debug') later(); }, { signal });
  open(tab);

  function later() {
    if (!queued) queued = window.setTimeout(() => { queued = 0; if (tab === 'debug' && !signal.aborted) debug(); }, 300);
  }

  function open(name) {
    tab = name;
    for (const button of list.children) {
      const on = button.id.endsWith(`-${name}`);
      button.setAttribute('aria-selected', String(on));
      button.setAttribute('tabindex', on ? '0' : '-1');
    }
    panel.setAttribute('aria-labelledby', `${panelId}-${name}`);
    draw();
  }

  function draw() {
    if (!conversation) return;
    ({ parameters: form, code, debug })[tab]();
  }

  function set(name, value) {
    const params = { ...conversation.params };
    if (value === undefined || value === '') delete params[name];
    else params[name] = value;
    el.dispatchEvent(new CustomEvent('params', { detail: params }));
  }

  function form() {
    const system = h('textarea', { className: 'area', rows: 5, value: conversation.params.system ?? '', placeholder: t('param.system.placeholder'), onchange: () => set('system', system.value.trim()) });
    fill(panel, field(t('param.system'), system), parameters.map(control), choice && contextWindow());
  }

  // How much a model takes is kept in this browser: the meter below the message needs it.
  function contextWindow() {
    const input = h('input', { className: 'input number', type: 'number', min: '1', step: '1', value: remembered(`window-${choice.model}`) ?? '', placeholder: t('param.unknown'), onchange: () => {
      remember(`window-${choice.model}`, Number(input.value) > 0 ? String(Math.floor(Number(input.value))) : null);
      el.dispatchEvent(new Event('window'));
    } });
    return field(t('param.window', { model: choice.model }), input, { hint: t('param.window.hint') });
  }

  function control(parameter) {
    const { name, kind, min, max, step, plain } = parameter;
    const value = write(parameter, conversation.params[name]);
    const label = t(`param.${name}`);
    if (kind === 'choice') return field(label, select([['', t('param.default')], ...parameter.values.map((each) => [each, each])], value, (next) => set(name, read(parameter, next).value)), { hint: t(`param.${name}.hint`) });
    if (kind !== 'number') {
      const area = h('textarea', { className: 'area -mono', rows: kind === 'json' ? 4 : 2, value, spellcheck: false, onchange: () => take(area) });
      return field(label, area, { hint: t(`param.${name}.hint`) });
    }
    const input = h('input', { className: 'input -small number', type: 'number', min: String(min), max: String(max), step: String(step), value, placeholder: t('param.default'), onchange: () => take(input) });
    if (plain) { input.classList.remove('-small'); return field(label, input, { hint: t(`param.${name}.hint`) }); }
    const slider = h('input', { type: 'range', min: String(min), max: String(max), step: String(step), value: value || String((min + max) / 2), 'aria-label': label, oninput: () => { input.value = slider.value; }, onchange: () => take(input) });
    return field(label, h('div', { className: 'with-slider' }, input, slider), { hint: t(`param.${name}.hint`) });

    function take(control_) {
      const found = read(parameter, control_.value);
      fault(control_, found.fault ? t(`param.fault.${found.fault}`, { min: min ?? 0, max: max ?? 0 }) : '');
      if (!found.fault) set(name, found.value);
    }
  }

  function request() {
    const nodes = thread(conversation);
    const answer = nodes.findLast((node) => node.role === 'assistant');
    const frame = answer ? chatFrame(conversation, answer.id) : { model: choice?.model ?? '', messages: [{ role: 'user', content: t('drawer.example') }], params: conversation.params };
    const { model, messages, params = {} } = frame;
    const { system, ...others } = params;
    return { model: choice?.model ?? model, messages: system && !answer ? [{ role: 'system', content: system }, ...messages] : messages, ...others };
  }

  function code() {
    const text = snippet(language, { origin: location.origin, key: '$NEXUS_KEY', body: request() });
    fill(panel, h('div', { className: 'row -between' }, segments(t('drawer.language'), languages.map((each) => [each, t(`snippet.${each}`)]), language, (next) => { language = next; code(); }), copyButton(t('code.copy'), () => text)),
      h('pre', { className: 'block', tabIndex: 0 }, text), h('p', { className: 'quiet' }, t('drawer.key-hint')));
  }

  function debug() {
    const { scrollTop } = panel;
    const rows = chats.frames.slice(-120).reverse();
    fill(panel, h('div', { className: 'row -between' }, h('p', { className: 'quiet' }, t('drawer.frames', { n: chats.frames.length })), copyButton(t('drawer.copy-frames'), () => JSON.stringify(chats.frames, null, 1))),
      h('ol', { className: 'frames', role: 'list' }, rows.map(({ at, out, frame }) => h('li', {}, h('details', {}, h('summary', {},
        icon(out ? 'arrow-up' : 'arrow-down'), h('code', {}, frame.type), h('span', { className: 'hush' }, t(out ? 'drawer.sent' : 'drawer.received')), frame.seq !== undefined && h('span', { className: 'quiet number' }, `#${frame.seq}`),
        h('span', { className: 'spring' }), h('span', { className: 'quiet number' }, new Date(at).toISOString().slice(11, 23))), h('pre', { className: 'block', tabIndex: 0 }, JSON.stringify(frame, null, 2)))))));
    panel.scrollTop = scrollTop;
  }

  return {
    show(next, nextChoice) {
      const other = next?.id !== conversation?.id || next?.params !== conversation?.params;
      const same = nextChoice === choice;
      conversation = next;
      choice = nextChoice;
      // A form is not drawn anew below the fingers of who fills it in.
      if (tab === 'parameters' ? (other || !same) && !panel.contains(document.activeElement) : tab === 'code' && (other || !same || !thread(next).some(isRunning))) draw();
    },
  };
}
