// One message of a conversation: a question, or an answer with its reasoning, its end in numbers or its error. Sends verb
// events that bubble, with the node's id: `copyText`, `editText` ({text, send}), `again`, `againWith`, `drop`, `chooseBranch`.
import { fill, h, icon } from '../lib/dom.js';
import { count, dateTime, duration, money, t } from '../lib/i18n.js';
import { MarkdownView } from '../lib/markdown.js';
import { isRunning } from '../logic/conversation.js';
import { tokens } from '../logic/format.js';
import { scriptOf } from '../logic/markdown-rules.js';
import { button, copyButton, iconButton, openMenu, badge } from './parts.js';

/// Returns {el, update(node, {at, count}, known)}. `known` is {provider(id), cost(node)}: a provider's name, and what an
/// answer costs in dollars by its model's prices (null if they are not known).
export function message(node) {
  return node.role === 'user' ? question(node) : answer(node);
}

function send(el, type, detail) {
  el.dispatchEvent(new CustomEvent(type, { bubbles: true, detail }));
}

// Touches the page only if the text is another: this runs with every frame.
function say(el, text) {
  if (el.textContent !== text) el.textContent = text;
}

function branches(el, node, { at, count: all, ids }) {
  if (all < 2) return null;
  const go = (step) => send(el, 'chooseBranch', ids[at + step]);
  return h('span', { className: 'branches', role: 'group', 'aria-label': t('branch.label') },
    iconButton(t('branch.previous'), icon('chevron-left'), { kind: '-small -ghost', disabled: at === 0, onclick: () => go(-1) }),
    h('span', { className: 'number' }, `${at + 1}/${all}`),
    iconButton(t('branch.next'), icon('chevron-right'), { kind: '-small -ghost', disabled: at === all - 1, onclick: () => go(1) }));
}

function question(first) {
  const body = h('div', { className: 'bubble', dir: 'auto' });
  const actions = h('div', { className: 'actions' });
  const el = h('article', { className: 'message -user', dataset: { id: first.id } }, h('h2', { className: 'hush' }, t('you')), body, actions);
  return {
    el,
    update(node, family) {
      body.textContent = node.text;
      body.lang = scriptOf(node.text);
      fill(actions, branches(el, node, family), copyButton(t('message.copy'), () => node.text),
        iconButton(t('message.edit'), icon('pen'), { kind: '-small -ghost', onclick: () => editor(el, body, node, 'message.resend') }),
        iconButton(t('message.delete'), icon('trash-can'), { kind: '-small -ghost', onclick: () => send(el, 'drop', node.id) }));
    },
  };
}

// In the place of the text until it is saved or given up.
function editor(el, body, node, saveKey) {
  if (el.querySelector('.editor')) return;
  const area = h('textarea', { className: 'area', value: node.text, 'aria-label': t('message.edit'), dir: 'auto' });
  const close = () => {
    form.remove();
    body.hidden = false;
    el.querySelector('.actions')?.removeAttribute('hidden');
  };
  const save = () => {
    const text = area.value.trim();
    close();
    if (text && text !== node.text) send(el, 'editText', { id: node.id, text });
  };
  const form = h('form', { className: 'editor', onsubmit: (event) => { event.preventDefault(); save(); } }, area,
    h('div', { className: 'row' }, h('span', { className: 'spring' }), button(t('cancel'), { kind: '-small', onclick: close }), button(t(saveKey), { kind: '-small -primary', type: 'submit' })));
  area.addEventListener('keydown', (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Escape') { event.stopPropagation(); close(); }
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) save();
  });
  body.hidden = true;
  body.after(form);
  el.querySelector('.actions')?.setAttribute('hidden', '');
  area.focus();
}

function answer(first) {
  const head = h('h2', {});
  const provider = h('span', { className: 'provider' });
  const thought = h('div', { className: 'thought', dir: 'auto' });
  const summary = h('summary', {});
  const reasoning = h('details', { className: 'reasoning', hidden: true }, summary, thought);
  const body = h('div', { className: 'markdown', dir: 'auto' });
  const tools = h('div', { className: 'tools' });
  const waiting = h('p', { className: 'waiting' }, h('span', { className: 'caret' }), h('span', { className: 'text' }));
  const ending = h('div', { className: 'ending' });
  const el = h('article', { className: 'message -assistant', dataset: { id: first.id } }, h('header', {}, head, provider), reasoning, body, tools, waiting, ending);
  let view = new MarkdownView(body);
  let shown = { text: '', phase: '', family: '' };
  let opened = false;

  function update(node, family, known) {
    say(head, node.model);
    say(provider, known.provider(node.providerId));
    const live = isRunning(node);
    el.classList.toggle('-running', live);
    waiting.hidden = node.phase !== 'waiting' && !(live && !node.text);
    if (!waiting.hidden) say(waiting.lastElementChild, waitingText(node));
    think(node, live);
    write(node, live);
    if (shown.calls !== node.toolCalls) fill(tools, node.toolCalls.map(toolCall));
    const state = `${node.phase} ${node.stopping} ${family.at}/${family.count} ${live ? '' : costText(node, known)}`;
    if (shown.family !== state) fill(ending, ...endingOf(el, body, node, family, known));
    shown = { text: node.text, phase: node.phase, family: state, calls: node.toolCalls };
  }

  function write(node, live) {
    if (!live && (shown.phase !== node.phase || shown.text !== node.text)) {
      if (!node.text.startsWith(shown.text)) { fill(body); view = new MarkdownView(body); }
      view.finish(node.text);
    } else if (live && shown.text !== node.text) view.update(node.text);
  }

  // Opens by itself while there is nothing else to read, and closes when the answer begins; after that it is the reader's.
  function think(node, live) {
    reasoning.hidden = node.reasoning === '';
    if (reasoning.hidden) return;
    const old = thought.firstChild;
    if (old instanceof Text && node.reasoning.startsWith(old.data)) {
      if (node.reasoning.length > old.length) old.appendData(node.reasoning.slice(old.length));
    } else thought.textContent = node.reasoning;
    const thinking = live && node.text === '';
    if (thinking && !opened) { opened = true; reasoning.open = true; }
    if (!thinking && opened) { opened = false; reasoning.open = false; }
    say(summary, thinking ? t('answer.thinking') : node.thoughtMs ? t('answer.thought', { time: duration(node.thoughtMs) }) : t('answer.reasoning'));
  }
  return { el, update };
}

function waitingText({ at, phase, reasoning, sent }) {
  if (phase === 'streaming') return reasoning ? '' : t('answer.begun');
  const ms = Date.now() - at;
  return ms < 1000 ? t(sent ? 'answer.waiting' : 'answer.queued') : t('answer.waiting-for', { time: duration(ms) });
}

function toolCall({ name, arguments: text }) {
  let shown = text;
  try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* still arriving, or not JSON */ }
  return h('details', { className: 'tool' }, h('summary', {}, icon('screwdriver-wrench'), h('span', {}, t('answer.tool', { name: name || '…' }))), h('pre', { tabIndex: 0 }, shown));
}

function endingOf(el, body, node, family, known) {
  if (isRunning(node)) return [];
  return [...remarks(el, node), actionsOf(el, body, node, family), facts(node, known)];
}

function remarks(el, node) {
  if (node.phase === 'failed') return [failure(el, node)];
  if (node.phase === 'stopped') return [remark('answer.stopped')];
  if (node.finishReason === 'length') return [remark('answer.length')];
  if (node.finishReason === 'content_filter') return [remark('answer.filter')];
  return node.text === '' && node.toolCalls.length === 0 ? [remark('answer.none')] : [];
}

function remark(key) {
  return h('p', { className: 'remark' }, icon('circle-info'), t(key));
}

function failure(el, { id, text, error, requestId }) {
  return h('div', { className: 'note -danger failure' }, icon('triangle-exclamation'), h('div', { className: 'stack', style: { gap: '6px' } },
    h('strong', {}, t(text ? 'answer.failed-partly' : 'answer.failed')),
    h('p', { dir: 'auto' }, error?.message || error?.type || error?.code || t('fault.unknown')),
    h('p', { className: 'row -wrap codes' }, error?.code && h('code', {}, error.code), requestId && h('code', {}, requestId)),
    h('div', { className: 'row -wrap' },
      button(t('try-again'), { kind: '-small', picture: icon('rotate-right'), onclick: () => send(el, 'again', id) }),
      button(t('message.other-model'), { kind: '-small', onclick: (event) => send(el, 'againWith', { id, anchor: event.currentTarget }) }))));
}

function actionsOf(el, body, node, family) {
  const again = iconButton(t('message.again'), icon('rotate-right'), { kind: '-small -ghost', onclick: () => send(el, 'again', node.id) });
  const more = iconButton(t('more'), icon('ellipsis'), { kind: '-small -ghost', 'aria-haspopup': 'menu', 'aria-expanded': 'false' });
  more.addEventListener('click', () => openMenu(more, [
    { text: t('message.other-model'), picture: icon('shuffle'), run: () => send(el, 'againWith', { id: node.id, anchor: more }) },
    { text: t('message.edit'), picture: icon('pen'), run: () => editor(el, body, node, 'save') },
    { text: t('message.copy-plain'), picture: icon('align-left'), run: () => send(el, 'copyText', body.innerText) },
    { text: t('message.raw'), picture: icon('code'), run: () => send(el, 'showRaw', node.id) },
    '-',
    { text: t('message.delete'), picture: icon('trash-can'), kind: '-warning', run: () => send(el, 'drop', node.id) },
  ]));
  return h('div', { className: 'actions' }, branches(el, node, family), copyButton(t('message.copy'), () => node.text), again, more, node.edited && badge(t('message.edited')));
}

/// Returns [term, text] of everything that is known about an answer.
export function factsOf(node, known) {
  const usage = (found) => found && t('details.tokens', { prompt: found.prompt, completion: found.completion, n: found.total });
  const counted = usage(tokens(node.counted));
  return [
    ['model', node.model],
    ['provider', known.provider(node.providerId)],
    ['usage', usage(tokens(node.usage)) ?? (node.phase === 'done' ? t('details.unreported') : '')],
    ['cached', node.usage?.cached_tokens ? count(node.usage.cached_tokens) : ''],
    ['reasoning', node.usage?.reasoning_tokens ? count(node.usage.reasoning_tokens) : ''],
    ['counted', counted && (node.counted.exact ? `${counted} (${t('details.exact')})` : `${counted} (${t('details.estimated')})`)],
    ['cost', costText(node, known)],
    ['ttft', Number.isFinite(node.ttftMs) ? duration(node.ttftMs) : ''],
    ['duration', Number.isFinite(node.durationMs) ? duration(node.durationMs) : ''],
    ['speed', speed(node)],
    ['finish', node.finishReason],
    ['attempts', node.attempts ? count(node.attempts) : ''],
    ['request', node.requestId],
    ['time', dateTime(node.at)],
  ].filter(([, text]) => text);
}

// The hub books the cost with the request; the page works it out from the same prices and the same counts.
function costText(node, known) {
  const amount = Number(node.cost ?? known.cost(node) ?? NaN);
  return Number.isFinite(amount) ? money(amount) : '';
}

function speed(node) {
  const made = (tokens(node.usage) ?? tokens(node.counted))?.completion;
  const ms = node.durationMs - node.ttftMs;
  return made && ms > 0 ? t('details.per-second', { n: Math.round((made * 1000) / ms) }) : '';
}

function facts(node, known) {
  const used = tokens(node.usage) ?? tokens(node.counted);
  const rows = factsOf(node, known);
  if (!used && !node.requestId) return null;
  const short = [Number.isFinite(node.ttftMs) && node.ttftMs > 0 && t('details.first', { time: duration(node.ttftMs) }), speed(node),
    used && t('details.in-out', { prompt: used.prompt, completion: used.completion }), costText(node, known)].filter(Boolean);
  return h('details', { className: 'facts' }, h('summary', {}, h('span', { className: 'hush' }, t('details.label')), h('span', { className: 'number' }, short.join(' · ') || t('details.label'))),
    h('dl', {}, rows.map(([term, text]) => h('div', {}, h('dt', {}, t(`details.${term}`)), h('dd', { className: 'number' }, text)))));
}
