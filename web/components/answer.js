// One answer: text with its code blocks, the waiting state, the reasoning, the end in numbers, or the error.
import { h } from '../lib/dom.js';
import { language, t } from '../lib/i18n.js';
import { splitFences } from '../logic/fences.js';
import { count, duration, tokens } from '../logic/format.js';

export function answer(onRetry) {
  const waiting = h('p', { className: 'waiting' });
  const thought = h('pre', { className: 'thought' });
  const summary = h('summary', {}, t('answer.reasoning'));
  const reasoning = h('details', { className: 'reasoning', hidden: true }, summary, thought);
  const body = h('div', { className: 'body', dir: 'auto' });
  const ending = h('div', { className: 'ending' });
  const el = h('article', { className: 'message -assistant' }, reasoning, body, waiting, ending);
  let shown = ''; // the phase whose ending is shown
  let segments = [];

  function update(message) {
    el.setAttribute('aria-label', message.model);
    el.classList.toggle('-running', message.phase === 'waiting' || message.phase === 'streaming');
    waiting.hidden = message.phase !== 'waiting';
    if (!waiting.hidden) waiting.textContent = waitingText(message);
    reasoning.hidden = message.reasoning === '';
    grow(thought, message.reasoning);
    segments = show(body, segments, splitFences(message.text));
    if (shown !== message.phase) ending.replaceChildren(...endingOf(message, onRetry));
    shown = message.phase;
  }
  return { el, update };
}

function waitingText({ askedAt }) {
  const seconds = Math.floor((Date.now() - askedAt) / 1000);
  return seconds < 1 ? t('answer.waiting') : `${t('answer.waiting')} · ${t('time.s', { s: seconds })}`;
}

// Only what is new is touched, so that a selection in the earlier text survives.
function show(body, before, now) {
  now.forEach((segment, i) => {
    if (before[i]?.kind !== segment.kind || before[i]?.language !== segment.language) {
      const fresh = segment.kind === 'code' ? codeBlock(segment.language) : h('p', { className: 'text' });
      if (body.children[i]) body.children[i].replaceWith(fresh);
      else body.append(fresh);
    }
    const el = body.children[i];
    grow(segment.kind === 'code' ? el.querySelector('code') : el, segment.text);
  });
  while (body.children.length > now.length) body.lastChild.remove();
  return now;
}

function grow(el, text) {
  const node = el.firstChild;
  if (node && text.startsWith(node.data)) {
    if (text.length > node.length) node.appendData(text.slice(node.length));
  } else {
    el.textContent = text;
  }
}

function codeBlock(name) {
  const caption = h('figcaption', { hidden: !name }, name);
  // Wide code scrolls, so the keyboard must reach it.
  const scroller = h('pre', { tabIndex: 0, role: 'group', 'aria-label': name || t('answer.code-block') }, h('code'));
  return h('figure', { className: 'code', dir: 'ltr' }, caption, scroller);
}

function endingOf(message, onRetry) {
  switch (message.phase) {
    case 'done': return [...remarks(message), details(message)];
    case 'stopped': return stopped(message, onRetry);
    case 'failed': return [failure(message, onRetry)];
    default: return [];
  }
}

function stopped(message, onRetry) {
  const remarkAndRetry = remark('answer.stopped', retryButton(onRetry));
  return message.usage || message.counted ? [remarkAndRetry, details(message)] : [remarkAndRetry];
}

function remarks({ text, finishReason }) {
  if (finishReason === 'length') return [remark('answer.length')];
  if (finishReason === 'content_filter') return [remark('answer.filter')];
  return text === '' ? [remark('answer.none')] : [];
}

function remark(key, ...more) {
  return h('p', { className: 'remark' }, t(key), ...more);
}

function retryButton(onRetry) {
  return h('button', { type: 'button', className: 'button -small', onclick: onRetry }, t('try-again'));
}

function failure({ text, error, requestId }, onRetry) {
  const facts = [
    error.code && t('answer.code', { code: error.code }),
    requestId && t('answer.request', { id: requestId }),
  ].filter(Boolean);
  return h('div', { className: 'failure' },
    h('strong', {}, t(text ? 'answer.failed-partly' : 'answer.failed')),
    h('p', { dir: 'auto' }, error.message || error.type || error.code),
    h('p', { className: 'facts' }, ...facts.map((fact) => h('span', {}, fact))),
    retryButton(onRetry));
}

function details(message) {
  const facts = [
    ['model', message.model],
    ['usage', ...usageText(message.usage)],
    ['counted', ...usageText(message.counted)],
    ['ttft', time(message.ttftMs)],
    ['duration', time(message.durationMs)],
    ['request', message.requestId],
  ];
  return h('dl', { className: 'details', 'aria-label': t('details.label') }, ...facts
    .filter(([, text]) => text)
    .map(([key, text, title = '']) => h('div', { title }, h('dt', {}, t(`details.${key}`)), h('dd', {}, text))));
}

function usageText(usage) {
  const found = tokens(usage);
  if (!found) return [t('details.unreported')];
  const { prompt, completion, total } = found;
  const text = t('details.tokens', { prompt, completion, n: total });
  const mark = usage.exact === false ? ` (${t('details.estimated')})` : '';
  const written = { prompt: count(prompt, language()), completion: count(completion, language()) };
  return [text + mark, t('details.tokens.title', written)];
}

function time(ms) {
  if (!Number.isFinite(ms)) return '';
  const { key, parameters } = duration(ms);
  return t(key, parameters);
}
