import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as s from '../../web/logic/stats.js';

const hour = 36e5;
const point = (t, requests, more = {}) => ({ t, requests, errors: 0, prompt_tokens: requests * 10, completion_tokens: requests, cached_tokens: 0, reasoning_tokens: 0, cost: (requests * 0.5).toFixed(2), duration_ms_sum: requests * 100, ttft_ms_sum: requests * 20, ttft_count: requests, ...more });
const answer = (series, { from = 0, to = 4 * hour } = {}) => ({ from, to, bucket: 'hour', bucket_ms: hour, series: series.map(([name, points]) => ({ group: { id: name, name }, points })) });

test('a bucket without a point is 0 in a sum, and nothing in a ratio', () => {
  const asked = answer([['a', [point(hour, 3)]]]);
  assert.deepEqual(s.align(asked, s.metricOf('requests')).series[0].values, [0, 3, 0, 0]);
  assert.deepEqual(s.align(asked, s.metricOf('duration')).series[0].values, [null, 100, null, null]);
});

test('the largest come first, the rest are one "other", and all of them make the whole', () => {
  const asked = answer(Array.from({ length: 9 }, (_, i) => [`m${i}`, [point(0, i + 1)]]));
  const { series } = s.align(asked, s.metricOf('requests'), { top: 5 });
  assert.deepEqual(series.map((each) => each.total), [9, 8, 7, 6, 5, 10]);
  assert.equal(series.at(-1).other, 4);
  assert.equal(series.reduce((sum, each) => sum + each.total, 0), s.totals(asked).requests);
});

test('one more than the top is shown itself, not as an "other" of one', () => {
  const { series } = s.align(answer(Array.from({ length: 6 }, (_, i) => [`m${i}`, [point(0, i + 1)]])), s.metricOf('requests'), { top: 5 });
  assert.ok(series.every((each) => each.other === 0));
});

test('cumulative sums never fall', () => {
  const { series } = s.align(answer([['a', [point(0, 2), point(2 * hour, 5)]]]), s.metricOf('requests'), { cumulative: true });
  assert.deepEqual(series[0].values, [2, 2, 7, 7]);
});

test('a mean over groups is the mean of the requests, not of the groups', () => {
  const asked = answer([['a', [point(0, 1, { duration_ms_sum: 1000 })]], ['b', [point(0, 9, { duration_ms_sum: 900 })]]]);
  assert.equal(s.totals(asked).duration, 190);
  assert.equal(s.totals(asked).cost, 5);
});

test('months begin at midnight of this browser’s zone, other ranges end now', () => {
  const now = new Date(2026, 2, 15, 13).getTime();
  assert.deepEqual(s.rangeOf('last-month', now), { from: new Date(2026, 1, 1).getTime(), to: new Date(2026, 2, 1).getTime() });
  assert.deepEqual(s.rangeOf('this-month', now), { from: new Date(2026, 2, 1).getTime(), to: now });
  assert.deepEqual(s.rangeOf('6h', now), { from: now - 6 * hour, to: now });
  for (const preset of s.presets) assert.ok(s.rangeOf(preset, now).from < s.rangeOf(preset, now).to, preset);
});

test('the range before is as long and ends where this one begins', () => {
  assert.deepEqual(s.before({ from: 100, to: 130 }), { from: 70, to: 100 });
});

test('a change is known only against something', () => {
  assert.equal(s.delta(12, 10), 0.2);
  assert.equal(s.delta(5, 0), null);
  assert.equal(s.delta(null, 4), null);
});

test('a cell of the week is the sum of its hour', () => {
  const monday = new Date(2026, 10, 23, 9).getTime();
  const { rows, most } = s.heat(answer([['a', [point(monday, 3), point(monday + 7 * 864e5, 4)]]]), s.metricOf('requests'));
  assert.equal(rows[0][9], 7);
  assert.equal(most, 7);
  assert.deepEqual([0, 1, 4, 7].map((value) => s.heatStep(value, 7)), [0, 1, 3, 5]);
});

test('no cell of a CSV file is a formula', () => {
  for (const text of ['=1+1', '+1', '-1', '@x', '\tx']) assert.ok(s.csvCell(text).replace(/^"/, '').startsWith("'"), text);
  assert.equal(s.csvCell(-5), '-5');
  assert.equal(s.csvCell('a"b,c'), '"a""b,c"');
  assert.equal(s.csvCell(null), '');
  assert.equal(s.csv([['a', 1], ['b', 2]]), '\ufeffa,1\r\nb,2\r\n');
});

test('stacked series stand on each other', () => {
  assert.deepEqual(s.stack([{ values: [1, null] }, { values: [2, 3] }]), [[1, 0], [3, 3]]);
});
