import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choices, contextState, estimate, preselected } from '../../web/logic/catalogue.js';
import { filter } from '../../web/logic/fuzzy.js';
import { bodyOf, checkRange, expiryOf, faults, formOf, spentOf } from '../../web/logic/keys-form.js';
import { pricesOf, publicModels } from '../../web/logic/models.js';
import { parameters, read, write } from '../../web/logic/parameters.js';
import { adviceFor, changes, compareModels, conflicts, endpoint, templates } from '../../web/logic/providers.js';
import { match } from '../../web/logic/routes.js';
import { snippet } from '../../web/logic/snippets.js';

const acme = { provider: { id: 2, name: 'Acme', priority: 1, weight: 1, state: 'ready' }, models: [{ model_name: 'large' }, { model_name: 'small', enabled: false }] };
const demo = { provider: { id: 7, name: 'Try it', kind: 'demo', priority: 0, weight: 1 }, models: [{ model_name: 'large' }] };

test('every usable model of every provider is a choice', () => {
  assert.deepEqual(choices([acme, demo]).map(({ providerId, model }) => [providerId, model]), [[2, 'large'], [7, 'large']]);
  assert.deepEqual(choices([{ ...acme, provider: { ...acme.provider, enabled: false } }]), []);
});

test('what is wanted is chosen, else what was last, else a real provider’s', () => {
  const all = choices([demo, acme]);
  assert.equal(preselected(all, { model: 'large', providerId: 7 }, null).providerId, 7);
  assert.equal(preselected(all, null, all[0].value).providerId, 7);
  assert.equal(preselected(all, { model: 'gone' }, '[9,"gone"]').providerId, 2);
  assert.equal(preselected([], null, null), null);
});

test('a context warns at 80 % and is full above 100 %', () => {
  assert.deepEqual([0, 799, 800, 1000, 1001].map((used) => contextState(1000, used).level), ['fine', 'fine', 'warn', 'warn', 'full']);
  assert.equal(contextState(0, 5).level, 'unknown');
});

test('a cost is the arithmetic of prices for a million', () => {
  const choice = { facts: { prices: { input: '2.50', output: '10', cached: null, reasoning: null } } };
  assert.equal(estimate(choice, { prompt: 1_000_000, completion: 500_000 }), 7.5);
  assert.equal(estimate({ facts: {} }, { prompt: 1, completion: 1 }), null);
  assert.deepEqual(pricesOf({ prices: { input: null, output: null } }), null);
});

test('a model that several serve is one row, in the order in which they are tried', () => {
  const rows = publicModels([acme, demo]);
  assert.deepEqual(rows.map((row) => [row.name, row.offers.map(({ provider }) => provider.id)]), [['large', [7, 2]], ['small', [2]]]);
});

test('what is found stands in the order of how well it fits', () => {
  const names = ['gpt-4o-mini', 'claude', 'mini', 'administration'];
  assert.deepEqual(filter(names, 'mini', (name) => name), ['mini', 'gpt-4o-mini', 'administration']);
  assert.deepEqual(filter(names, 'g4m', (name) => name), ['gpt-4o-mini']);
  assert.deepEqual(filter(names, '  ', (name) => name), names);
  assert.deepEqual(filter(names, 'zz', (name) => name), []);
});

test('addresses find their page and its parameters', () => {
  const pages = [{ name: 'chat', path: '/app/chat/:id?' }, { name: 'providers', path: '/app/providers' }, { name: 'provider', path: '/app/providers/:id' }];
  const found = (address) => { const { page, params } = match(pages, address); return [page?.name, params.id]; };
  assert.deepEqual(found('/app/chat'), ['chat', undefined]);
  assert.deepEqual(found('/app/chat/a%2Fb/'), ['chat', 'a/b']);
  assert.deepEqual(found('/app/providers'), ['providers', undefined]);
  assert.deepEqual(found('/app/providers/2'), ['provider', '2']);
  assert.deepEqual(found('/app/providers/2/x'), [undefined, undefined]);
  assert.deepEqual(found('/app/chat/%zz'), ['chat', '%zz']);
});

test('requests go where the rule of the server URL says', () => {
  for (const [url, goes] of [['https://a.b', 'https://a.b/v1/chat/completions'], ['https://a.b/v1', 'https://a.b/v1/chat/completions'], ['https://a.b/x/', 'https://a.b/x/chat/completions'], ['https://a.b/x#', 'https://a.b/x'], ['a.b', ''], ['ftp://a', ''], ['', '']]) assert.equal(endpoint(url), goes, url);
  for (const { url } of templates) assert.match(endpoint(url), /^https?:\/\/.*chat\/completions$/);
});

test('only what was changed is saved', () => {
  assert.deepEqual(changes({ a: 1, b: { c: 1 } }, { a: 1, b: { c: 2 } }), { b: { c: 2 } });
});

test('an upstream’s list against ours is new, known and gone', () => {
  const found = compareModels([{ id: 'a' }, { id: 'b' }], [{ model_name: 'b' }, { model_name: 'c' }]);
  assert.deepEqual([found.fresh, found.known, found.gone.map((model) => model.model_name)], [['a'], ['b'], ['c']]);
});

test('two people’s changes are shown where they differ', () => {
  assert.deepEqual(conflicts({ a: 1, b: 1 }, { a: 2, b: 3 }, { a: 5, b: 3 }), [{ name: 'a', mine: 2, theirs: 5, base: 1 }]);
});

test('every step of a test has its advice', () => {
  assert.equal(adviceFor('dns'), 'test.advice.dns');
  assert.equal(adviceFor('new'), 'test.advice.other');
});

test('a parameter is sent only if it is set, and only if it is sound', () => {
  const of = (name) => parameters.find((parameter) => parameter.name === name);
  assert.deepEqual(read(of('temperature'), ' 0.5 '), { value: 0.5 });
  assert.deepEqual(read(of('temperature'), ''), { value: undefined });
  assert.deepEqual(read(of('temperature'), '3'), { fault: 'range' });
  assert.deepEqual(read(of('max_tokens'), '1.5'), { fault: 'number' });
  assert.deepEqual(read(of('stop'), 'a\n\n b '), { value: ['a', 'b'] });
  assert.deepEqual(read(of('tools'), '{}'), { fault: 'json' });
  assert.deepEqual(read(of('response_format'), 'json_object'), { value: { type: 'json_object' } });
  for (const parameter of parameters) assert.equal(write(parameter, undefined), '');
  assert.equal(write(of('response_format'), { type: 'text' }), 'text');
  assert.equal(write(of('stop'), ['a', 'b']), 'a\nb');
});

test('programs hold their texts safely', () => {
  const body = { model: 'm', messages: [{ role: 'user', content: `it's "so"\n` }], stream: true, seed: null };
  assert.ok(snippet('curl', { origin: 'http://h', key: 'k', body }).includes(`it'\\''s`));
  const python = snippet('python', { origin: 'http://h', key: 'k', body });
  assert.ok(python.includes('stream=True') && python.includes('seed=None') && python.includes('base_url="http://h/v1"'));
  assert.ok(snippet('node', { origin: 'http://h', key: 'k', body }).includes('apiKey: "k"'));
});

test('a key’s form becomes what the hub wants, and back', () => {
  const form = { ...formOf(null, 'UTC'), name: ' ci ', models: 'gpt-*\n', budgetAmount: '12.50', budgetUnit: 'money', rpm: '60' };
  const body = bodyOf(form);
  assert.deepEqual([body.name, body.grants, body.limits.requests_per_minute, body.limits.tokens_per_minute], ['ci', { providers: [], models: ['gpt-*'] }, 60, null]);
  assert.deepEqual(body.limits.budget, { unit: 'money', amount: '12.50', period: 'month', time_zone: 'UTC' });
  assert.deepEqual(bodyOf(formOf(body, 'UTC')), body);
});

test('what is wrong with a key’s form is told by its field', () => {
  assert.deepEqual(faults({ ...formOf(null, 'UTC'), rpm: '0', budgetAmount: 'x', addresses: '10.0.0.0/33' }), { name: 'required', rpm: 'number', budgetAmount: 'number', addresses: 'prefix' });
  assert.deepEqual(faults({ ...formOf(null, 'UTC'), name: 'a', addresses: '10.0.0.0/8, ::1' }), {});
});

test('addresses and ranges are checked', () => {
  for (const good of ['10.0.0.1', '10.0.0.0/8', '::1', '2001:db8::/32', '::ffff:1.2.3.4']) assert.equal(checkRange(good), '', good);
  for (const bad of ['10.0.0', '300.1.1.1', 'x', '1::2::3', '']) assert.equal(checkRange(bad), 'address', bad);
  for (const bad of ['10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/8/8']) assert.equal(checkRange(bad), 'prefix', bad);
});

test('quick choices of expiry count from now', () => {
  assert.equal(expiryOf('hour', 1000), 1000 + 36e5);
  assert.equal(expiryOf('never', 1000), null);
});

test('a budget knows how much of it is spent', () => {
  assert.deepEqual(spentOf({ limits: { budget: { unit: 'tokens', amount: 100, period: 'day' } }, spending: { tokens: 500, period: { tokens: 80, cost: '0.1' } } }), { unit: 'tokens', used: 80, limit: 100, share: 0.8, period: 'day' });
  assert.equal(spentOf({ limits: {} }), null);
});
