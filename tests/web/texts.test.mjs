import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import en from '../../web/i18n/en.js';
import zh from '../../web/i18n/zh.js';

const root = new URL('../../web/', import.meta.url);
const sources = ['.', 'components', 'lib', 'logic', 'pages', 'workers']
  .flatMap((folder) => readdirSync(new URL(`${folder}/`, root)).map((file) => new URL(`${folder}/${file}`, root)))
  .filter((url) => url.pathname.endsWith('.js'))
  .map((url) => readFileSync(url, 'utf8'))
  .join('\n');

const forms = (text) => (typeof text === 'object' ? Object.values(text) : [text]);
const parameters = (text) => [...new Set(forms(text).flatMap((form) => form.match(/\{\w+\}/g) ?? []))].sort();

test('both languages have the same texts with the same parameters', () => {
  assert.deepEqual(Object.keys(zh), Object.keys(en));
  for (const key of Object.keys(en)) {
    // Where a language tells one from many, the one may name what the many only count.
    assert.deepEqual(parameters(zh[key]).filter((each) => !parameters(en[key]).includes(each)), [], key);
    const always = forms(en[key]).map(parameters).reduce((all, each) => all.filter((name) => each.includes(name)));
    assert.deepEqual(always.filter((each) => !parameters(zh[key]).includes(each)), [], key);
  }
});

test('no text is empty, and a plural has the form that every language has', () => {
  for (const table of [en, zh])
    for (const [key, text] of Object.entries(table)) {
      assert.ok(forms(text).every((form) => form.trim() !== ''), key);
      if (typeof text === 'object') assert.ok('other' in text, key);
    }
});

test('every text that a script names exists, and every text is named', () => {
  const named = new Set([...sources.matchAll(/'([a-z]+(?:[.-][a-zA-Z0-9._-]+)?)'/g)].map((match) => match[1]));
  // Built from parts: t(`param.${name}.hint`).
  const patterns = [...sources.matchAll(/`([^`\s]*\$\{[^`\s]*)`/g)].map(([, text]) => text).filter((text) => /^[a-z$]/.test(text))
    .map((text) => new RegExp(`^${text.split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/).map((part) => part.replace(/[.*+?^$()|[\]\\{}]/g, '\\$&')).join('[\\w.-]+')}$`))
    .filter((pattern) => pattern.source !== '^[\\w.-]+$' && !/^\^\[/.test(pattern.source) || /hint\$$/.test(pattern.source));
  for (const [, key] of sources.matchAll(/\bt\('([^']+)'/g)) assert.ok(key in en, key);
  const unused = Object.keys(en).filter((key) => !named.has(key) && !patterns.some((pattern) => pattern.test(key)));
  assert.deepEqual(unused, []);
});

test('no script contains Chinese text of its own', () => {
  const code = sources.replace(/^\s*\/\/.*$/gm, '').replace(/\/\/\/.*$/gm, '');
  assert.equal(/[\u4e00-\u9fff]+/.exec(code)?.[0], undefined);
});
