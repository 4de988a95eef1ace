// Markdown that is still arriving: blocks that cannot change any more are handed out once, only the rest is lexed again.
// `lex(text, links)` returns marked's block tokens; `links` are the reference definitions seen so far.

const sureCharacters = 12; // "2." without its space would not be a list yet: the next block must be this clear
export const tailMax = 64 * 1024; // beyond it, and beyond the next two, the rest is shown as plain text until the end
const nestingMax = 32;
const marksMax = 800; // of emphasis in one line
const lexMsMax = 50;

export class MarkdownStream {
  #lex;
  #clock;
  #text = '';
  #from = 0; // where the rest begins
  #plain = false;
  #slow = false;
  #links = {};

  constructor(lex, clock = () => performance.now()) {
    this.#lex = lex;
    this.#clock = clock;
  }

  /// Takes the whole text so far, which begins with what was given before. Returns {closed, open}: tokens that are final
  /// since the last call, and those of the rest, to be drawn anew.
  update(text) {
    this.#text = text.endsWith('\r') ? text.slice(0, -1) : text;
    const rest = this.#text.slice(this.#from);
    if (this.#plain || rest.length > tailMax || nesting(rest) > nestingMax) {
      this.#plain = true;
      return { closed: [], open: rest ? [plain(rest)] : [] };
    }
    const begun = this.#clock();
    const tokens = this.#lex(rest, { ...this.#links });
    if (this.#clock() - begun > lexMsMax) this.#plain = this.#slow = true;
    const sure = countSure(tokens);
    const closed = tokens.slice(0, sure);
    for (const token of closed) {
      this.#from += token.raw.length;
      // A definition in the rest may still be cut off.
      if (token.type === 'def') this.#links[token.tag] ??= { href: token.href, title: token.title };
    }
    return { closed, open: tokens.slice(sure) };
  }

  /// Returns all tokens of the finished text: only now are references to later definitions known. What took too long to
  /// lex stays plain.
  finish(text) {
    if (nesting(text) > nestingMax) return [plain(text)];
    if (!this.#slow) return this.#lex(text, {});
    return [...this.#lex(text.slice(0, this.#from), {}), plain(text.slice(this.#from))];
  }
}

function plain(text) {
  return { type: 'plain', raw: text, text };
}

// A block is final when the next one is clearly another.
function countSure(tokens) {
  let sure = 0;
  for (let i = 0; i < tokens.length; i++) {
    const next = tokens.slice(i + 1).find((token) => token.type !== 'space');
    if (!next) break;
    if (next.raw.trim().length <= sureCharacters && !next.raw.trim().includes('\n')) break;
    sure = i + 1;
  }
  return sure;
}

/// Returns how deep quotes and lists are nested at most, roughly; brackets count, too: they cost the lexer most.
export function nesting(text) {
  let deepest = 0;
  for (const line of text.split('\n')) {
    if (line.length < nestingMax) continue;
    const markers = /^(?:\s*(?:>|[-*+]\s|\d+[.)]\s))+/.exec(line)?.[0].replace(/[^>*+.)-]/g, '').length ?? 0;
    const indent = Math.floor((/^ */.exec(line)[0].length) / 4);
    const dense = /[[(]{33,}|(?:!\[){17,}/.test(line) || (line.length > marksMax && (line.match(/[*_~]/g)?.length ?? 0) > marksMax) ? nestingMax + 1 : 0;
    deepest = Math.max(deepest, markers, indent > 60 ? indent : 0, dense);
  }
  return deepest;
}
