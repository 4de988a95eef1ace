import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groups, preselected } from '../../web/logic/models.js';

const acme = {
  provider: { id: 2, name: 'Acme' },
  models: [{ model_name: 'large' }, { model_name: 'small', enabled: false }],
};
const demo = { provider: { id: 7, name: 'Try it', kind: 'demo' }, models: [{ model_name: 'large' }] };

test('every usable model is a choice of its provider, in the order of the hub', () => {
  const found = groups([acme, demo]);
  assert.deepEqual(found.map((group) => group.provider), ['Acme', 'Try it']);
  assert.deepEqual(found[0].choices.map(({ providerId, model }) => [providerId, model]), [[2, 'large']]);
});

test('the same model of two providers makes two different choices', () => {
  const [a, b] = groups([acme, demo]).flatMap((group) => group.choices);
  assert.equal(a.model, b.model);
  assert.notEqual(a.value, b.value);
});

test('providers that are off or have nothing are left out', () => {
  const off = { provider: { id: 3, name: 'Off', enabled: false }, models: [{ model_name: 'x' }] };
  const bare = { provider: { id: 4, name: 'Bare' }, models: [] };
  const spent = { provider: { id: 5, name: 'Spent' }, models: [{ model_name: 'x', enabled: false }] };
  assert.deepEqual(groups([off, bare, spent]), []);
});

test('the remembered choice wins, then the demo, then the first', () => {
  const both = groups([acme, demo]);
  assert.equal(preselected(both, both[0].choices[0].value), both[0].choices[0]);
  assert.equal(preselected(both, null), both[1].choices[0]);
  assert.equal(preselected(both, '[9,"gone"]'), both[1].choices[0]);
  assert.equal(preselected(groups([acme]), null).model, 'large');
  assert.equal(preselected([], null), null);
});

test('the demo provider is known by its kind, its id or its name', () => {
  for (const provider of [{ id: 1, kind: 'demo' }, { id: 'demo' }, { id: 1, name: 'Demo' }]) {
    assert.equal(groups([{ provider, models: [{ model_name: 'x' }] }])[0].demo, true);
  }
  assert.equal(groups([acme])[0].demo, false);
});
