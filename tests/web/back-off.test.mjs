import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backOff, nextAttempt } from '../../web/logic/back-off.js';

test('the wait doubles from half a second to fifteen seconds', () => {
  const longest = [1, 2, 3, 4, 5, 6, 7, 100, 5000].map((attempt) => backOff(attempt, 0.9999999));
  assert.deepEqual(longest, [500, 1000, 2000, 4000, 8000, 15000, 15000, 15000, 15000]);
});

test('chance takes away at most half of the wait', () => {
  for (let attempt = 1; attempt < 12; attempt++) {
    const least = backOff(attempt, 0);
    const most = backOff(attempt, 0.9999999);
    assert.equal(least, most / 2);
    for (let random = 0; random < 1; random += 0.07) {
      const wait = backOff(attempt, random);
      assert.ok(wait >= least && wait <= most);
    }
  }
});

test('a connection that lived long begins anew, a short one goes on counting', () => {
  assert.equal(nextAttempt(0, 0), 1);
  assert.equal(nextAttempt(3, 0), 4);
  assert.equal(nextAttempt(3, 9_999), 4);
  assert.equal(nextAttempt(3, 10_000), 1);
});
