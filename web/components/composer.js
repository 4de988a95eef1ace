// Where one writes: sends with Enter (never while an input method composes), tells tokens, cost and how full the context is.
// Sends `ask` (detail: the text), `stop` and `needModel`.
import { fill, h, icon } from '../lib/dom.js';
import { count, money, shortCount, t } from '../lib/i18n.js';
import { remember, remembered } from '../lib/preferences.js';
import { composerAction } from '../logic/keys.js';
import { contextState, estimate } from '../logic/catalogue.js';
import { iconButton } from './parts.js';

const countMs = 150;
const touch = matchMedia('(pointer: coarse)').matches;

/// Fills `el`; returns {update(state), focus(), set(text)}. `counter(model, text)` asks the hub; `draftName` is where the draft is kept.
export function composer(el, signal, { counter, lastQuestion }) {
  const area = h('textarea', { className: 'box', rows: 1, dir: 'auto', 'aria-label': t('composer.label'), placeholder: t('composer.placeholder'), enterKeyHint: touch ? 'enter' : 'send' });
  const tally = h('span', { className: 'tally number' });
  const meter = h('div', { className: 'meter', hidden: true });
  const sendButton = iconButton(t('composer.send'), icon('arrow-up'), { kind: '-primary send' });
  const stopButton = iconButton(t('composer.stop'), icon('stop'), { kind: 'send', hidden: true, onclick: () => el.dispatchEvent(new Event('stop')) });
  const form = h('form', { className: 'card' }, area,
    h('div', { className: 'foot' }, meter, tally, h('span', { className: 'spring' }), h('span', { className: 'keys only-wide' }, t(touch ? 'composer.hint-touch' : 'composer.hint')), sendButton, stopButton));
  fill(el, form);
  let state = { running: false, stopping: false, choice: null, used: 0, window: 0, draftName: 'new' };
  let draftTokens = { tokens: 0, exact: true };
  let timer = 0;
  let asked = 0; // answers to earlier questions are stale

  form.addEventListener('submit', (event) => { event.preventDefault(); send(); }, { signal });
  sendButton.type = 'submit';
  area.addEventListener('input', onInput, { signal });
  area.addEventListener('keydown', onKey, { signal });

  function onKey(event) {
    const action = composerAction(event, { running: state.running, touch });
    if (action === 'send') { event.preventDefault(); send(); }
    if (action === 'stop') { event.preventDefault(); el.dispatchEvent(new Event('stop')); }
    if (event.key === 'ArrowUp' && area.value === '' && lastQuestion()) { event.preventDefault(); set(lastQuestion()); }
  }

  function send() {
    const text = area.value.trim();
    if (!text || state.running) return;
    if (!state.choice) return el.dispatchEvent(new Event('needModel'));
    if (full()) return undefined;
    set('');
    return el.dispatchEvent(new CustomEvent('ask', { detail: text }));
  }

  function onInput() {
    remember(`draft-${state.draftName}`, area.value);
    grow();
    showState();
    clearTimeout(timer);
    timer = window.setTimeout(recount, countMs);
  }

  // field-sizing does it where it is known.
  function grow() {
    if (CSS.supports('field-sizing', 'content')) return;
    area.style.height = 'auto';
    area.style.height = `${Math.min(area.scrollHeight, innerHeight * 0.4)}px`;
  }

  async function recount() {
    asked += 1;
    const mine = asked;
    const text = area.value;
    const found = text.trim() && state.choice ? await counter(state.choice.model, text).catch(() => null) : { tokens: 0, exact: true };
    if (mine !== asked || signal.aborted) return;
    draftTokens = found ?? { tokens: 0, exact: true };
    showState();
  }

  const full = () => contextState(state.window, state.used + draftTokens.tokens).level === 'full';

  function showState() {
    sendButton.hidden = state.running;
    stopButton.hidden = !state.running;
    stopButton.disabled = state.stopping;
    sendButton.disabled = area.value.trim() === '' || full();
    const { tokens, exact } = draftTokens;
    const cost = estimate(state.choice, { prompt: state.used + tokens, completion: state.maxTokens ?? 0 });
    tally.textContent = tokens > 0 ? [t('composer.tokens', { n: tokens, about: exact ? '' : '≈ ' }), cost !== null && t('composer.cost', { cost: money(cost) })].filter(Boolean).join(' · ') : '';
    showMeter();
  }

  function showMeter() {
    const used = state.used + draftTokens.tokens;
    const { level, share, window: size } = contextState(state.window, used);
    meter.hidden = used === 0;
    meter.title = size ? t('context.title', { used, size }) : t('context.used', { n: used });
    fill(meter, size ? h('progress', { className: `progress ${level === 'full' ? '-danger' : level === 'warn' ? '-warn' : ''}`, value: share, max: 1, 'aria-label': t('context.label') }) : icon('layer-group'),
      h('span', { className: 'number' }, size ? `${shortCount(used)} / ${shortCount(size)}` : t('context.used', { n: used })),
      level === 'warn' && h('span', { className: 'warn' }, t('context.warn')), level === 'full' && h('strong', { className: 'warn', role: 'alert' }, t('context.full', { n: count(size) })));
  }

  function set(text) {
    area.value = text;
    onInput();
  }

  return {
    focus: () => area.focus(),
    set,
    /// Takes {running, stopping, choice, used, window, maxTokens, draftName}; another draft is shown if the name is another.
    update(next) {
      const other = next.draftName !== state.draftName;
      const model = next.choice?.model !== state.choice?.model;
      state = next;
      if (other) set(remembered(`draft-${next.draftName}`) ?? '');
      else if (model) recount();
      showState();
    },
    start(name) {
      state.draftName = name;
      set(remembered(`draft-${name}`) ?? '');
    },
  };
}
