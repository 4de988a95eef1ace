// The design tokens: contrast by WCAG, and chart colours that differ for every kind of sight.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const css = readFileSync(new URL('../../web/styles/tokens.css', import.meta.url), 'utf8');
const tokens = { light: {}, dark: {} };
for (const [, name, light, dark] of css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)) Object.assign(tokens.light, { [name]: light }) && Object.assign(tokens.dark, { [name]: dark });
for (const theme of Object.values(tokens)) theme['on-accent'] = '#ffffff';

const linear = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
const luminance = (hex) => linear(hex).reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
function contrast(a, b) {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

const pairs = [
  ...['text', 'text-2', 'text-3'].flatMap((text) => ['bg', 'surface', 'surface-2'].map((ground) => [text, ground, 4.5])),
  ['text', 'surface-3', 4.5], ['text-2', 'surface-3', 4.5], ['text', 'user-bubble', 4.5], ['text-2', 'user-bubble', 4.5], ['text', 'code-bg', 4.5], ['text', 'mark', 4.5],
  ['accent-text', 'surface', 4.5], ['accent-text', 'bg', 4.5], ['accent-text', 'surface-2', 4.5], ['accent-text', 'accent-soft', 4.5], ['text-2', 'accent-soft', 4.5], ['text', 'accent-soft', 4.5],
  ['on-accent', 'accent', 4.5], ['on-accent', 'accent-hover', 4.5], ['on-accent', 'danger', 4.5],
  ...['success', 'warn', 'danger', 'info'].flatMap((role) => [[`${role}-text`, `${role}-soft`, 4.5], [`${role}-text`, 'surface', 4.5]]),
  ...['keyword', 'string', 'number', 'comment', 'title', 'attr', 'builtin', 'tag', 'meta'].map((role) => [`code-${role}`, 'code-bg', 4.5]),
  ['border-strong', 'surface', 3], ['border-strong', 'surface-2', 3], ['focus', 'bg', 3], ['focus', 'surface', 3],
  ...['chart-1', 'chart-2', 'chart-3', 'chart-4', 'chart-5', 'chart-6', 'chart-other'].map((role) => [role, 'surface', 3]),
];

for (const theme of ['light', 'dark'])
  test(`every pair of colours of the ${theme} theme has its contrast`, () => {
    const poor = pairs.map(([a, b, least]) => [a, b, contrast(tokens[theme][a], tokens[theme][b]), least]).filter(([, , found, least]) => !(found >= least));
    assert.deepEqual(poor, []);
  });

// Machado 2009, severity 1.
const sights = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protan: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deutan: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritan: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};
const seen = (rgb, sight) => sight.map((row) => Math.min(1, Math.max(0, row.reduce((sum, weight, i) => sum + weight * rgb[i], 0))));
function oklab([r, g, b]) {
  const [l, m, s] = [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566], [0.0883024619, 0.2817188376, 0.6299787005]].map((row) => Math.cbrt(row[0] * r + row[1] * g + row[2] * b));
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s, 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
}

for (const theme of ['light', 'dark'])
  test(`chart colours of the ${theme} theme differ for every kind of sight`, () => {
    for (const [name, sight] of Object.entries(sights)) {
      const labs = [1, 2, 3, 4, 5, 6].map((i) => oklab(seen(linear(tokens[theme][`chart-${i}`]), sight)));
      for (let i = 0; i < labs.length; i++) for (let k = 0; k < i; k++) {
        const distance = Math.hypot(...labs[i].map((part, at) => part - labs[k][at]));
        assert.ok(distance >= 0.12, `${name}: ${k + 1} and ${i + 1} are ${distance.toFixed(3)} apart`);
      }
    }
  });
