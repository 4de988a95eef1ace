import assert from 'node:assert/strict';
import { test } from 'node:test';
import { composerAction } from '../../web/logic/keys.js';

const idle = { running: false, touch: false };
const running = { running: true, touch: false };

test('Enter sends, with Shift or Alt it does not', () => {
  assert.equal(composerAction({ key: 'Enter' }, idle), 'send');
  assert.equal(composerAction({ key: 'Enter', ctrlKey: true }, idle), 'send');
  assert.equal(composerAction({ key: 'Enter', shiftKey: true }, idle), null);
  assert.equal(composerAction({ key: 'Enter', altKey: true }, idle), null);
});

test('a key of an input method never acts', () => {
  for (const key of ['Enter', 'Escape']) {
    for (const state of [idle, running]) {
      assert.equal(composerAction({ key, isComposing: true }, state), null);
      assert.equal(composerAction({ key, keyCode: 229 }, state), null);
    }
  }
});

test('while an answer runs, Escape stops it and Enter waits', () => {
  assert.equal(composerAction({ key: 'Escape' }, running), 'stop');
  assert.equal(composerAction({ key: 'Enter' }, running), null);
  assert.equal(composerAction({ key: 'Escape' }, idle), null);
});

test('on a touch keyboard Enter is a new line', () => {
  assert.equal(composerAction({ key: 'Enter' }, { running: false, touch: true }), null);
  assert.equal(composerAction({ key: 'Enter', ctrlKey: true }, { running: false, touch: true }), 'send');
});

test('other keys do nothing', () => {
  assert.equal(composerAction({ key: 'a' }, idle), null);
  assert.equal(composerAction({ key: 's', ctrlKey: true }, running), null);
});
