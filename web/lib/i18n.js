// Texts and numbers in the language of <html lang>. A text may be {one, other}; the parameter `n` chooses.
import en from '../i18n/en.js';
import zh from '../i18n/zh.js';
import * as format from '../logic/format.js';
import { remember } from './preferences.js';

const tables = { en, 'zh-CN': zh };

export function language() {
  return document.documentElement.lang;
}

/// Switches the language and sends `language` to the document, whereupon everything is drawn anew.
export function setLanguage(next) {
  document.documentElement.lang = next;
  remember('language', next);
  document.dispatchEvent(new Event('language'));
}

/// Returns the text of `key` with its {parameters} filled in.
export function t(key, parameters = {}) {
  const text = tables[language()][key];
  if (text === undefined) throw new Error(`no text ${key}`);
  return format.fill(text, parameters, language());
}

/// True if there is such a text; for keys that the hub's answers choose.
export const hasText = (key) => Object.hasOwn(tables[language()], key);

export const count = (n) => format.count(n, language());
export const shortCount = (n) => format.shortCount(n, language());
export const money = (amount) => format.money(amount, language());
export const percent = (share) => format.percent(share, language());
export const dateTime = (ms) => format.dateTime(ms, language());
export const day = (ms) => format.day(ms, language());

/// Returns "412 ms", "2.1 s", "3 min 05 s".
export function duration(ms) {
  const { key, parameters } = format.duration(ms);
  return t(key, parameters);
}

/// Returns "3 minutes ago", "in 2 days".
export const ago = (ms, now = Date.now()) => format.ago(ms, now, language());
