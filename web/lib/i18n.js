// Texts in the language of <html lang>. A text may be {one, other}; the parameter `n` chooses.
import en from '../i18n/en.js';
import zh from '../i18n/zh.js';
import { fill } from '../logic/format.js';
import { remember } from './preferences.js';

const tables = { en, 'zh-CN': zh };

export function language() {
  return document.documentElement.lang;
}

/// Switches to the other language and sends `language` to the document.
export function toggleLanguage() {
  document.documentElement.lang = language() === 'en' ? 'zh-CN' : 'en';
  remember('language', language());
  document.dispatchEvent(new Event('language'));
}

/// Returns the text of `key` with its {parameters} filled in.
export function t(key, parameters = {}) {
  return fill(tables[language()][key], parameters, language());
}

/// Calls `update` now and whenever the language changes, until the signal aborts.
export function whenLanguage(update, signal) {
  update();
  document.addEventListener('language', update, { signal });
}
