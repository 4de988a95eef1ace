// What Markdown may become here: links to where, and the two additions to marked (formulas, bold beside full-width signs).

/// Returns the address if a link may lead there, else ''. Only these schemes; no relative paths, which would mean the hub.
export function safeLink(href) {
  const address = String(href ?? '').trim();
  if (!/^(?:https?:\/\/|mailto:|tel:)/i.test(address)) return '';
  if (/^https?:/i.test(address)) {
    try {
      return new URL(address).href;
    } catch {
      return '';
    }
  }
  return address;
}

/// True for images that hold their own bytes; others would tell a foreign server who reads.
export const isOwnImage = (href) => /^data:image\/(?:png|jpe?g|gif|webp|avif);base64,[a-z0-9+/=\s]+$/i.test(String(href ?? ''));

const inlineMath = /^(?:\$(?!\s)((?:\\.|[^$\\\n])+?)(?<!\s)\$(?![\d])|\\\(([\s\S]+?)\\\)|\$\$([^$\n]+?)\$\$)/;
const blockMath = /^ {0,3}(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\])[ \t]*(?:\n|$)/;
const sign = /[\p{P}\p{S}]/u;
const wide = /[\u3000-\u9fff\uac00-\ud7af\uff00-\uffef]/;

/// marked extensions.
export const extensions = [
  {
    name: 'blockMath', level: 'block',
    start: (text) => { const at = text.search(/(^|\n) {0,3}(?:\$\$|\\\[)/); return at < 0 ? undefined : at; },
    tokenizer(text) {
      const found = blockMath.exec(text);
      return found ? { type: 'blockMath', raw: found[0], text: (found[1] ?? found[2]).trim() } : undefined;
    },
  },
  {
    name: 'inlineMath', level: 'inline',
    start: (text) => { const at = text.search(/\$|\\\(/); return at < 0 ? undefined : at; },
    tokenizer(text) {
      const found = inlineMath.exec(text);
      if (!found) return undefined;
      return { type: 'inlineMath', raw: found[0], text: (found[1] ?? found[2] ?? found[3]).trim(), display: found[3] !== undefined };
    },
  },
  {
    // "**「粗体」**文字": CommonMark takes a marker between a sign and a letter for neither an opening nor a closing one,
    // which suits languages with spaces between words only.
    name: 'wideStrong', level: 'inline',
    start: (text) => { const at = text.indexOf('**'); return at < 0 ? undefined : at; },
    tokenizer(text) {
      const found = /^\*\*(?![\s*])([^\n*]*[^\s*])\*\*(?!\*)/.exec(text);
      if (!found || !wide.test(found[1])) return undefined;
      if (!sign.test(found[1].at(0)) && !sign.test(found[1].at(-1))) return undefined;
      return { type: 'strong', raw: found[0], text: found[1], tokens: this.lexer.inlineTokens(found[1]) };
    },
  },
];

/// Returns 'zh-CN', 'ja' or 'en' for a text, so that Han characters get the right shapes.
export function scriptOf(text) {
  const part = text.slice(0, 2000);
  if (/[\u3040-\u30ff]/.test(part)) return 'ja';
  if (/[\uac00-\ud7af]/.test(part)) return 'ko';
  return /[\u4e00-\u9fff]/.test(part) ? 'zh-CN' : 'en';
}
