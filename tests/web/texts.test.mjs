import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import en from '../../web/i18n/en.js';
import zh from '../../web/i18n/zh.js';

const root = new URL('../../web/', import.meta.url);
const sources = ['.', 'components', 'lib', 'logic']
  .flatMap((folder) => readdirSync(new URL(`${folder}/`, root)).map((file) => new URL(`${folder}/${file}`, root)))
  .filter((url) => url.pathname.endsWith('.js'))
  .map((url) => readFileSync(url, 'utf8'))
  .join('\n');

const forms = (text) => (typeof text === 'object' ? Object.values(text) : [text]);
const parameters = (text) => [...new Set(forms(text).flatMap((form) => form.match(/\{\w+\}/g) ?? []))].sort();

test('both languages have the same texts with the same parameters', () => {
  assert.deepEqual(Object.keys(zh), Object.keys(en));
  for (const key of Object.keys(en)) assert.deepEqual(parameters(zh[key]), parameters(en[key]), key);
});

test('no text is empty, and a plural has the form that every language has', () => {
  for (const table of [en, zh]) {
    for (const [key, text] of Object.entries(table)) {
      assert.ok(forms(text).every((form) => form.trim() !== ''), key);
      if (typeof text === 'object') assert.ok('other' in text, key);
    }
  }
});

test('every text that a script names exists, and every text is named', () => {
  const named = new Set([...sources.matchAll(/'([a-z]+(?:[.-][a-z0-9.-]+)?)'/g)].map((match) => match[1]));
  // Built from a part: t(`totals.${key}`).
  const prefixes = [...sources.matchAll(/t\(`([a-z.]+\.)\$\{/g)].map((match) => match[1]);
  for (const [, key] of sources.matchAll(/\bt\('([^']+)'/g)) assert.ok(key in en, key);
  for (const key of Object.keys(en)) {
    assert.ok(named.has(key) || prefixes.some((prefix) => key.startsWith(prefix)), `${key} is never used`);
  }
});

test('no script contains Chinese text of its own', () => {
  const code = sources.replace(/^\s*\/\/.*$/gm, '').replace(/\/\/\/.*$/gm, '');
  assert.equal(/[\u4e00-\u9fff]+/.exec(code)?.[0], undefined);
});
