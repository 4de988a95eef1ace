// Answers as elements: marked cuts the text into tokens, and this builds an element for each. No string ever becomes markup,
// whatever a model says. While an answer arrives only its last block is built again.
import { Lexer, Marked } from '../vendor/marked.js';
import { codeBlock } from '../components/code-block.js';
import { decode } from '../logic/entities.js';
import { MarkdownStream } from '../logic/markdown-stream.js';
import { extensions, isOwnImage, safeLink, scriptOf } from '../logic/markdown-rules.js';
import { fill, h, icon } from './dom.js';
import { t } from './i18n.js';
import { formula } from './math.js';
import { copyButton } from '../components/parts.js';

const marked = new Marked({ gfm: true });
// @ts-ignore the extensions are as marked wants them; its types are not at hand
marked.use({ extensions });
const depthMax = 32;

function lex(text, links) {
  const lexer = new Lexer(marked.defaults);
  lexer.tokens.links = Object.assign(Object.create(null), links);
  return lexer.lex(text);
}

/// Shows a text that may grow in `el`. The first heading of a text is an <h3>: it stands below the message's own.
export class MarkdownView {
  #el;
  #stream = new MarkdownStream(lex);
  #context = newContext();
  #open = []; // blocks that may still change
  #all = []; // every block, for the end
  #scripted = false;

  constructor(el) {
    this.#el = el;
  }

  /// Shows more of the same text.
  update(text) {
    this.#mark(text);
    const { closed, open } = this.#stream.update(text);
    const context = { ...this.#context };
    const blocks = [...closed, ...open].map((token, i) => this.#block(token, this.#open[i], context, i < closed.length));
    this.#open.slice(blocks.length).forEach((block) => block.el?.remove());
    for (const block of blocks.slice(0, closed.length)) remember(this.#context, block);
    this.#all.length -= Math.min(this.#all.length, this.#open.length);
    this.#all.push(...blocks);
    this.#open = blocks.slice(closed.length);
  }

  /// Shows the whole text: what earlier blocks could not know is made good.
  finish(text) {
    this.#mark(text);
    const tokens = this.#stream.finish(text.replace(/\r\n?/g, '\n'));
    const anew = tokens.some((token) => token.type === 'def');
    const context = newContext();
    const before = this.#all;
    this.#open = [];
    this.#all = tokens.map((token, i) => {
      const same = before[i]?.raw === token.raw && before[i].type === token.type && !anew;
      if (!same) return this.#build(token, context, before[i], true);
      before[i].code?.close();
      return remember(context, before[i]);
    });
    before.slice(tokens.length).forEach((block) => block.el?.remove());
  }

  #mark(text) {
    if (this.#scripted || text.length < 16) return;
    this.#scripted = true;
    this.#el.lang = scriptOf(text);
  }

  #block(token, before, context, final) {
    if (before && before.raw === token.raw && before.type === token.type) {
      if (final) before.code?.close();
      return remember(context, before);
    }
    if (before?.code && token.type === 'code' && before.lang === token.lang) {
      before.raw = token.raw;
      before.code.update(token.text);
      if (final || isClosed(token)) before.code.close();
      return remember(context, before);
    }
    return this.#build(token, context, before, final);
  }

  #build(token, context, before, final) {
    const block = { raw: token.raw, type: token.type, lang: token.lang, el: null, code: null, heading: 0 };
    if (token.type === 'code') {
      block.code = codeBlock((token.lang ?? '').split(/\s/)[0], token.text);
      block.el = block.code.el;
      if (final || isClosed(token)) block.code.close();
    } else block.el = blockElement(token, context);
    block.heading = context.heading;
    before?.el?.remove();
    // Blocks are made in order: each stands behind the last one, before what is still to be replaced.
    if (block.el && context.last) context.last.after(block.el);
    else if (block.el) this.#el.prepend(block.el);
    return remember(context, block);
  }
}

// What the next block needs to know.
function remember(context, block) {
  context.heading = block.heading;
  context.last = block.el ?? context.last;
  return block;
}

const newContext = () => ({ heading: 2, depth: 0, last: null });

function isClosed({ raw, codeBlockStyle }) {
  const fence = /^ {0,3}(`{3,}|~{3,})/.exec(raw)?.[1];
  return codeBlockStyle !== 'indented' && Boolean(fence) && new RegExp(`\\n {0,3}${fence}[\`~]*\\s*$`).test(raw);
}

function blockElement(token, context) {
  switch (token.type) {
    case 'space': case 'def': return null;
    case 'heading': {
      context.heading = Math.min(token.depth + 2, context.heading + 1, 6);
      return h(`h${context.heading}`, { className: `title-${token.depth}` }, inline(token.tokens, context));
    }
    case 'paragraph': return h('p', {}, inline(token.tokens, context));
    case 'blockquote': return h('blockquote', {}, blocks(token.tokens, context));
    case 'list': return listElement(token, context);
    case 'table': return tableElement(token, context);
    case 'hr': return h('hr');
    case 'code': {
      const code = codeBlock((token.lang ?? '').split(/\s/)[0], token.text);
      code.close();
      return code.el;
    }
    case 'blockMath': return formula(token.text, true);
    case 'text': return h('p', {}, token.tokens ? inline(token.tokens, context) : decode(token.text));
    default: return h('p', { className: 'plain' }, (token.raw ?? token.text ?? '').trimEnd());
  }
}

function blocks(tokens, context) {
  if (context.depth >= depthMax) return [tokens.map((token) => token.raw).join('')];
  context.depth += 1;
  const made = tokens.map((token) => blockElement(token, context));
  context.depth -= 1;
  return made;
}

function listElement({ ordered, start, items }, context) {
  const tasks = items.some((item) => item.task);
  const list = h(ordered ? 'ol' : 'ul', tasks ? { className: 'tasks' } : {});
  if (list instanceof HTMLOListElement && start !== 1 && Number.isInteger(start)) list.start = start;
  list.append(...items.map((item) => itemElement(item, context)));
  return list;
}

function itemElement(item, context) {
  const el = h('li');
  if (item.task) el.append(h('span', { className: 'task', role: 'img', 'aria-label': t(item.checked ? 'markdown.done' : 'markdown.open') }, icon(item.checked ? 'square-check' : 'square')), ' ');
  if (context.depth >= depthMax) {
    el.append(item.text);
    return el;
  }
  context.depth += 1;
  for (const token of item.tokens) {
    if (token.type === 'checkbox' || token.type === 'space') continue;
    // A tight list's text stands in the item itself.
    if (token.type === 'text' && !item.loose) el.append(...(token.tokens ? inline(token.tokens, context) : [decode(token.text)]));
    else if (item.task && token.type === 'paragraph') el.append(h('p', {}, inline(token.tokens.filter((each) => each.type !== 'checkbox'), context)));
    else el.append(blockElement(token, context) ?? '');
  }
  context.depth -= 1;
  return el;
}

function tableElement({ header, rows }, context) {
  const cell = (tag) => (each) => h(tag, { ...(each.align ? { className: `-${each.align}` } : {}), ...(tag === 'th' ? { scope: 'col' } : {}) }, inline(each.tokens, context));
  const table = h('table', {}, h('thead', {}, h('tr', {}, header.map(cell('th')))),
    h('tbody', {}, rows.map((row) => h('tr', {}, row.map(cell('td'))))));
  const csv = () => [header, ...rows].map((row) => row.map(({ text }) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(',')).join('\n');
  return h('div', { className: 'table' },
    h('div', { className: 'scroller', tabIndex: 0, role: 'group', 'aria-label': t('markdown.table') }, table), copyButton(t('markdown.copy-table'), csv));
}

function inline(tokens, context) {
  if (context.depth >= depthMax) return [tokens.map((token) => token.raw).join('')];
  context.depth += 1;
  const made = tokens.map((token) => inlineElement(token, context));
  context.depth -= 1;
  return made;
}

function inlineElement(token, context) {
  switch (token.type) {
    case 'text': return token.tokens ? h('span', {}, inline(token.tokens, context)) : decode(token.text);
    case 'escape': return token.text;
    case 'strong': return h('strong', {}, inline(token.tokens, context));
    case 'em': return h('em', {}, inline(token.tokens, context));
    case 'del': return h('del', {}, inline(token.tokens, context));
    case 'codespan': return h('code', {}, token.text);
    case 'br': return h('br');
    case 'link': return linkElement(token, context);
    case 'image': return imageElement(token);
    case 'inlineMath': return formula(token.text, token.display);
    case 'html': return /^<br\s*\/?>$/i.test(token.raw) ? h('br') : token.raw;
    default: return token.raw ?? '';
  }
}

function linkElement({ href, tokens, raw }, context) {
  const address = safeLink(decode(href));
  if (!address) return raw;
  return h('a', { href: address, target: '_blank', rel: 'noopener noreferrer nofollow', title: address }, inline(tokens, context));
}

// A foreign image would tell its server that this was read, and could carry words of the conversation there.
function imageElement({ href, text, raw }) {
  if (isOwnImage(href)) return h('img', { src: href, alt: text, loading: 'lazy' });
  const address = safeLink(decode(href));
  if (!address) return raw;
  return h('a', { className: 'chip', href: address, target: '_blank', rel: 'noopener noreferrer nofollow', title: address }, icon('image'), `${text || t('markdown.image')} (${new URL(address).host})`);
}

/// Shows a finished text.
export function showMarkdown(el, text) {
  fill(el);
  new MarkdownView(el).finish(text);
}
