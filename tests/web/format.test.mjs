import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count, duration, fill, shortCount, tokens } from '../../web/logic/format.js';

test('parameters are filled in, numbers in the manner of the language', () => {
  assert.equal(fill('{a} of {b}', { a: 1234567, b: 'x' }, 'en'), '1,234,567 of x');
  assert.equal(fill('{a}', {}, 'en'), '{a}');
  assert.equal(fill('{a}', { a: '{b}', b: 'no' }, 'en'), '{b}');
  assert.equal(fill('{a}', { a: 0 }, 'en'), '0');
});

test('a plural is chosen by n', () => {
  const text = { one: '{n} token', other: '{n} tokens' };
  assert.equal(fill(text, { n: 0 }, 'en'), '0 tokens');
  assert.equal(fill(text, { n: 1 }, 'en'), '1 token');
  assert.equal(fill(text, { n: 1000 }, 'en'), '1,000 tokens');
  assert.equal(fill(text, { n: 1 }, 'zh-CN'), '1 tokens');
});

test('large counts are short in a header only', () => {
  assert.equal(count(12345, 'en'), '12,345');
  assert.equal(shortCount(9999, 'en'), '9,999');
  assert.equal(shortCount(12345, 'en'), '12.3K');
  assert.equal(shortCount(12345, 'zh-CN'), '1.2万');
  assert.equal(shortCount(3_400_000_000, 'en'), '3.4B');
});

test('durations change their unit where people do', () => {
  const key = (ms) => duration(ms).key;
  assert.deepEqual(duration(0), { key: 'time.ms', parameters: { ms: 0 } });
  assert.deepEqual(duration(411.6), { key: 'time.ms', parameters: { ms: 412 } });
  assert.equal(key(999), 'time.ms');
  assert.deepEqual(duration(1000), { key: 'time.s', parameters: { s: '1.0' } });
  assert.deepEqual(duration(59_949), { key: 'time.s', parameters: { s: '59.9' } });
  assert.deepEqual(duration(59_950), { key: 'time.min', parameters: { min: 1, s: '00' } });
  assert.deepEqual(duration(125_000), { key: 'time.min', parameters: { min: 2, s: '05' } });
});

test('usage without both counts is no usage', () => {
  assert.equal(tokens(null), null);
  assert.equal(tokens(undefined), null);
  assert.equal(tokens({}), null);
  assert.equal(tokens({ prompt_tokens: 3 }), null);
  assert.equal(tokens({ prompt_tokens: '3', completion_tokens: 4 }), null);
  assert.deepEqual(tokens({ prompt_tokens: 0, completion_tokens: 0 }), { prompt: 0, completion: 0, total: 0 });
});

test('a reported total is shown as reported, a missing one is the sum', () => {
  assert.equal(tokens({ prompt_tokens: 3, completion_tokens: 4 }).total, 7);
  assert.equal(tokens({ prompt_tokens: 3, completion_tokens: 4, total_tokens: 9 }).total, 9);
});
