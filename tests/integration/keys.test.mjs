// Personalized keys: made by the hub or brought along by providers, what they reach, what bounds them, and how soon they
// stop working once they should.
import test from 'node:test';
import assert from 'node:assert/strict';
import { eventually, readEvents, startHub } from './harness.mjs';
import { chatSocket } from './chat_socket.mjs';
import { assertAbsent, dataFiles } from './team.mjs';
import { errorOf, startSteps, startUpstream, wire } from './wire.mjs';

const bare = { NEXUS_DEMO_ENABLED: 'false' };
const hello = (model, more = {}) => ({ model, messages: [{ role: 'user', content: 'Hello' }], ...more });
const models = async (hub, key) => {
  const response = await fetch(`${hub.address}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  const body = await response.json();
  return response.status === 200 ? body.data.map((model) => model.id) : response.status;
};
const noLimits = { requests_per_minute: null, tokens_per_minute: null, concurrent_requests: null, budget: null };
const cancels = { policy: 'cancel', seconds: 30, tokens: null, money: null };
/** How soon a revocation must be felt. */
const soon = 1000;

async function makeKey(hub, fields = {}) {
  const made = await hub.admin('POST', '/keys', { name: 'laptop', ...fields });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return made.body;
}

test('a key is made, shown whole once, changed and removed', async (t) => {
  const hub = await startHub(t, { env: bare });
  await hub.addProvider({ server_url: 'http://127.0.0.1:9', personalized_key: '' }, ['m']);
  const made = await hub.admin('POST', '/keys', { name: 'laptop' });
  assert.equal(made.status, 201);
  assert.equal(made.headers.get('location'), `/keys/${made.body.id}`);
  assert.match(made.headers.get('cache-control'), /no-store/);
  const { id, key, created_at: createdAt, updated_at: updatedAt, ...rest } = made.body;
  assert.match(key, /^nxh_u_[0-9A-Za-z]{49}$/);
  assert.ok(createdAt > 1.6e12 && updatedAt === createdAt);
  assert.deepEqual(rest, { origin: 'hub', name: 'laptop', grants: { providers: [], models: [] }, allowed_addresses: [], enabled: true, expires_at: null, limits: noLimits, on_client_leave: cancels, state: 'active', former_key_until: null, last_used_at: null, spending: { tokens: 0, cost: '0', running_requests: 0, reserved_tokens: 0, reserved_cost: '0', period: null } });
  assert.deepEqual(await models(hub, key), ['m']);

  const masked = `nxh_u_…${key.slice(-4)}`;
  const shown = await hub.admin('GET', `/keys/${id}`);
  assert.equal(shown.body.key, masked);
  assert.ok(shown.body.last_used_at >= createdAt);
  assert.equal(shown.headers.get('etag'), made.headers.get('etag'));
  assert.deepEqual((await hub.admin('GET', '/keys')).body, { keys: [shown.body], next_cursor: null });

  // The whole resource comes back with one member changed.
  const changed = await hub.admin('PUT', `/keys/${id}`, { ...shown.body, name: 'desktop' }, { 'if-match': shown.headers.get('etag') });
  assert.equal(changed.status, 200, JSON.stringify(changed.body));
  assert.deepEqual({ ...changed.body, updated_at: 0 }, { ...shown.body, name: 'desktop', updated_at: 0 });
  assert.deepEqual(await models(hub, key), ['m']);
  assert.equal((await hub.admin('PUT', `/keys/${id}`, { name: 'x' }, { 'if-match': shown.headers.get('etag') })).status, 412);
  assert.equal((await hub.admin('DELETE', `/keys/${id}`, undefined, { 'if-match': shown.headers.get('etag') })).status, 412);
  assert.equal((await hub.admin('DELETE', `/keys/${id}`, undefined, { 'if-match': changed.headers.get('etag') })).status, 204);
  assert.equal(await models(hub, key), 401);
  for (const [method, route, body] of [['GET', `/keys/${id}`], ['PUT', `/keys/${id}`, { name: 'x' }], ['DELETE', `/keys/${id}`], ['POST', `/keys/${id}/rotate`, {}], ['GET', '/keys/0'], ['GET', '/keys/x']])
    assert.equal((await hub.admin(method, route, body)).status, 404, `${method} ${route}`);
});

test('a key survives a restart, a change of its name keeps it, and two of one name are two', async (t) => {
  const hub = await startHub(t, { env: bare });
  await hub.addProvider({ server_url: 'http://127.0.0.1:9', personalized_key: '' }, ['m']);
  const one = await makeKey(hub, { limits: { requests_per_minute: 60 } });
  const two = await makeKey(hub);
  assert.notEqual(one.key, two.key);
  await hub.stop();
  const again = await startHub(t, { env: bare, folder: hub.folder });
  assert.deepEqual(await models(again, one.key), ['m']);
  assert.deepEqual(await models(again, two.key), ['m']);
  assert.equal((await again.admin('GET', `/keys/${one.id}`)).body.limits.requests_per_minute, 60);
});

test('a key reaches the providers and models that it is granted', async (t) => {
  const upstream = await startUpstream(t);
  const hub = await startHub(t, { env: bare });
  const first = await hub.addProvider({ name: 'first', server_url: upstream.address, personalized_key: '' }, ['gpt-4o', 'gpt-4o-mini', 'org/other']);
  const second = await hub.addProvider({ name: 'second', server_url: upstream.address, personalized_key: '' }, ['gpt-4o', 'claude']);
  const { id, key } = await makeKey(hub);
  for (const [grants, expected] of [
    [{}, ['claude', 'gpt-4o', 'gpt-4o-mini', 'org/other']],
    [{ providers: [second.id] }, ['claude', 'gpt-4o']],
    [{ models: ['gpt-*'] }, ['gpt-4o', 'gpt-4o-mini']],
    [{ models: ['org/*', 'claude'] }, ['claude', 'org/other']],
    [{ providers: [first.id], models: ['claude'] }, []],
    [{ providers: [first.id, second.id], models: ['*mini*'] }, ['gpt-4o-mini']],
  ]) {
    assert.equal((await hub.admin('PUT', `/keys/${id}`, { grants })).status, 200);
    assert.deepEqual(await models(hub, key), expected, JSON.stringify(grants));
  }
  await hub.admin('PUT', `/keys/${id}`, { grants: { providers: [second.id], models: ['gpt-4o'] } });
  const answered = await hub.chat(hello('gpt-4o'), { key });
  assert.equal(answered.headers.get('x-nexus-provider'), 'second');
  const refused = await hub.chat(hello('gpt-4o-mini'), { key });
  assert.equal(refused.status, 404);
  assert.equal(errorOf(await refused.json()).code, 'model_not_found');
  // What a provider took with it when it went is not "everything".
  assert.equal((await hub.admin('DELETE', `/providers/${second.id}`)).status, 204);
  assert.deepEqual(await models(hub, key), []);
});

test('a brought-along key comes and goes with its providers, and can be bounded', async (t) => {
  const hub = await startHub(t, { env: bare });
  const key = 'pk-brought-along-0001';
  const one = await hub.addProvider({ server_url: 'http://127.0.0.1:9', personalized_key: key }, ['a']);
  const two = await hub.addProvider({ server_url: 'http://127.0.0.1:9', personalized_key: key }, ['b']);
  await hub.addProvider({ server_url: 'http://127.0.0.1:9', personalized_key: 'pk-of-another-team-1' }, ['c']);
  const list = async () => (await hub.admin('GET', '/keys')).body.keys;
  assert.deepEqual((await list()).map((row) => [row.origin, row.key, row.grants.providers.length]), [['provider', 'pk-…0001', 2], ['provider', 'pk-…am-1', 1]]);
  const [row] = await list();
  assert.deepEqual(row.grants, { providers: [one.id, two.id], models: [] });
  assert.deepEqual(await models(hub, key), ['a', 'b']);

  for (const [method, route, body] of [['DELETE', `/keys/${row.id}`], ['POST', `/keys/${row.id}/rotate`, {}]]) {
    const answer = await hub.admin(method, route, body);
    assert.equal(answer.status, 409, method);
    assert.equal(errorOf(answer.body).code, 'conflict');
  }
  const regranted = await hub.admin('PUT', `/keys/${row.id}`, { grants: { providers: [one.id] } });
  assert.equal(regranted.status, 400);
  assert.equal(errorOf(regranted.body).param, 'grants');
  const bounded = await hub.admin('PUT', `/keys/${row.id}`, { ...row, limits: { ...row.limits, tokens_per_minute: 1000 } });
  assert.equal(bounded.status, 200, JSON.stringify(bounded.body));
  assert.equal((await hub.admin('PUT', `/keys/${row.id}`, { enabled: false })).status, 200);
  assert.equal(await models(hub, key), 401);
  assert.equal((await hub.admin('PUT', `/keys/${row.id}`, { enabled: true })).status, 200);

  assert.equal((await hub.admin('DELETE', `/providers/${one.id}`)).status, 204);
  assert.deepEqual(await models(hub, key), ['b']);
  // Its last provider gets another text: it is the same key, limits and all.
  assert.equal((await hub.admin('PUT', `/providers/${two.id}`, { personalized_key: 'pk-renewed-text-0002' })).status, 200);
  assert.equal(await models(hub, key), 401);
  const renewed = (await list()).find((found) => found.id === row.id);
  assert.equal(renewed.key, 'pk-…0002');
  assert.equal(renewed.limits.tokens_per_minute, 1000);
  assert.equal((await hub.admin('PUT', `/providers/${two.id}`, { personalized_key: '' })).status, 200);
  assert.equal((await list()).length, 1);
  assert.equal(await models(hub, 'pk-renewed-text-0002'), 401);

  const made = await makeKey(hub);
  for (const text of [made.key, 'nxh_anything']) {
    const answer = await hub.admin('PUT', `/providers/${two.id}`, { personalized_key: text });
    assert.equal(answer.status, 400);
    assert.equal(errorOf(answer.body).param, 'personalized_key');
  }
});

test('limits and the like come back as they went in, and each field is checked', async (t) => {
  const hub = await startHub(t, { env: bare });
  const fields = {
    limits: { requests_per_minute: 60, tokens_per_minute: 100_000, concurrent_requests: 4, budget: { unit: 'money', amount: '12.345678901', period: 'month', time_zone: 'Europe/Berlin' } },
    on_client_leave: { policy: 'drain', seconds: 12, tokens: 5000, money: '0.05' },
    allowed_addresses: ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'],
    expires_at: Date.now() + 86_400_000,
  };
  const { id, ...made } = await makeKey(hub, fields);
  for (const [name, value] of Object.entries(fields)) assert.deepEqual(made[name], value, name);
  const tokens = { unit: 'tokens', amount: 1_000_000, period: 'week', time_zone: 'UTC' };
  assert.deepEqual((await hub.admin('PUT', `/keys/${id}`, { limits: { budget: { unit: 'tokens', amount: 1_000_000, period: 'week' } } })).body.limits, { ...noLimits, budget: tokens });
  const cleared = await hub.admin('PUT', `/keys/${id}`, { expires_at: null, limits: { budget: null }, allowed_addresses: [] });
  assert.deepEqual([cleared.body.expires_at, cleared.body.limits, cleared.body.allowed_addresses], [null, noLimits, []]);
  assert.deepEqual(cleared.body.on_client_leave, fields.on_client_leave, 'what is not named stays');

  const budget = (more) => ({ limits: { budget: { unit: 'tokens', amount: 5, ...more } } });
  for (const [body, param] of [
    [{ name: '' }, 'name'], [{ name: 5 }, 'name'], [{ name: ' x' }, 'name'], [{ enabled: 'yes' }, 'enabled'], [{ expires_at: -1 }, 'expires_at'], [{ expires_at: '2030' }, 'expires_at'],
    [{ grants: [] }, 'grants'], [{ grants: { provider: [] } }, 'grants'], [{ grants: { providers: [999] } }, 'grants.providers'], [{ grants: { providers: ['1'] } }, 'grants.providers'], [{ grants: { models: [''] } }, 'grants.models'], [{ grants: { models: 'm' } }, 'grants.models'],
    [{ allowed_addresses: ['10.0.0.1/8'] }, 'allowed_addresses'], [{ allowed_addresses: ['localhost'] }, 'allowed_addresses'], [{ allowed_addresses: '10.0.0.0/8' }, 'allowed_addresses'],
    [{ limits: [] }, 'limits'], [{ limits: { requests_per_minute: 0 } }, 'limits.requests_per_minute'], [{ limits: { requests_per_minute: 1.5 } }, 'limits.requests_per_minute'], [{ limits: { tokens_per_minute: '9' } }, 'limits.tokens_per_minute'], [{ limits: { concurrent_requests: -1 } }, 'limits.concurrent_requests'], [{ limits: { rpm: 1 } }, 'limits.rpm'],
    [{ limits: { budget: 5 } }, 'limits.budget'], [budget({ unit: 'euro' }), 'limits.budget.unit'], [budget({ amount: 0 }), 'limits.budget.amount'], [budget({ amount: '5' }), 'limits.budget.amount'], [budget({ unit: 'money' }), 'limits.budget.amount'], [budget({ unit: 'money', amount: '1.0000000001' }), 'limits.budget.amount'], [budget({ unit: 'money', amount: '-1' }), 'limits.budget.amount'], [budget({ unit: 'money', amount: '0.0' }), 'limits.budget.amount'], [budget({ unit: 'money', amount: '99999999999' }), 'limits.budget.amount'],
    [budget({ period: 'year' }), 'limits.budget.period'], [budget({ time_zone: 'Mars/Olympus' }), 'limits.budget.time_zone'], [budget({ time_zone: '/etc/passwd' }), 'limits.budget.time_zone'], [budget({ time_zone: '../../etc/passwd' }), 'limits.budget.time_zone'], [budget({ surplus: 1 }), 'limits.budget.surplus'], [{ limits: { budget: { unit: 'tokens' } } }, 'limits.budget.amount'],
    [{ on_client_leave: 5 }, 'on_client_leave'], [{ on_client_leave: { policy: 'stay' } }, 'on_client_leave.policy'], [{ on_client_leave: { seconds: 3601 } }, 'on_client_leave.seconds'], [{ on_client_leave: { money: 0.05 } }, 'on_client_leave.money'],
    [{ surplus: 1 }, 'surplus'],
  ]) {
    for (const [method, route] of [['POST', '/keys'], ['PUT', `/keys/${id}`]]) {
      const answer = await hub.admin(method, route, { ...(method === 'POST' ? { name: 'fresh' } : {}), ...body });
      assert.equal(answer.status, 400, `${method} ${JSON.stringify(body)}: ${JSON.stringify(answer.body)}`);
      assert.equal(errorOf(answer.body).param, param, JSON.stringify(answer.body));
    }
  }
  assert.equal(errorOf((await hub.admin('POST', '/keys', { name: 'x', key: 'my-own-text' })).body).param, 'key', 'the hub makes the text');
  assert.equal((await hub.admin('GET', '/keys')).body.keys.length, 1);
});

test('a key that is disabled, expired or elsewhere says so, on a kept-alive connection too', async (t) => {
  const hub = await startHub(t, { env: bare });
  await hub.addProvider({ server_url: 'http://127.0.0.1:9', personalized_key: '' }, ['m']);
  const { id, key } = await makeKey(hub);
  const line = wire(t, hub);
  const ask = async () => {
    const { status, body } = await line.send(`GET /v1/models HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${key}\r\n\r\n`).answer();
    return [status, status === 200 ? '' : errorOf(body).message];
  };
  const put = (fields) => hub.admin('PUT', `/keys/${id}`, fields);
  assert.deepEqual(await ask(), [200, '']);
  await put({ enabled: false });
  assert.deepEqual(await ask(), [401, 'This API key has been disabled.']);
  await put({ enabled: true, expires_at: Date.now() - 1 });
  assert.deepEqual(await ask(), [401, 'This API key has expired.']);
  assert.equal((await hub.admin('GET', `/keys/${id}`)).body.state, 'expired');
  await put({ expires_at: null, allowed_addresses: ['203.0.113.0/24'] });
  assert.deepEqual(await ask(), [403, 'This API key may not be used from this address.']);
  await put({ allowed_addresses: ['203.0.113.0/24', '127.0.0.1'] });
  assert.deepEqual(await ask(), [200, '']);
  // Nobody changes anything: the time comes.
  const expiry = Date.now() + 700;
  await put({ expires_at: expiry });
  assert.deepEqual(await ask(), [200, '']);
  await eventually(async () => (await ask())[0] === 401, 'the expiry', 5000);
  assert.ok(Date.now() >= expiry);
});

test('a rotated key works beside its successor until the grace ends', async (t) => {
  const hub = await startHub(t, { env: bare });
  await hub.addProvider({ server_url: 'http://127.0.0.1:9', personalized_key: '' }, ['m']);
  const { id, key } = await makeKey(hub, { limits: { requests_per_minute: 60 } });
  const rotate = (body) => hub.admin('POST', `/keys/${id}/rotate`, body);
  const second = await rotate({ grace_seconds: 60 });
  assert.equal(second.status, 200);
  assert.equal(second.body.id, id);
  assert.equal(second.body.limits.requests_per_minute, 60);
  assert.ok(second.body.former_key_until > Date.now());
  assert.deepEqual(await models(hub, key), ['m']);
  assert.deepEqual(await models(hub, second.body.key), ['m']);
  const third = await rotate({ grace_seconds: 1 });
  assert.equal(await models(hub, key), 401, 'only the last one has a grace');
  assert.deepEqual(await models(hub, second.body.key), ['m']);
  await eventually(async () => await models(hub, second.body.key) === 401, 'the end of the grace', 5000);
  assert.deepEqual(await models(hub, third.body.key), ['m']);
  const fourth = await rotate({ grace_seconds: 0 });
  assert.equal(await models(hub, third.body.key), 401);
  assert.deepEqual(await models(hub, fourth.body.key), ['m']);
  assert.ok((await rotate(undefined)).body.former_key_until > Date.now() + 23 * 3600 * 1000, 'a day by default');
  for (const body of [{ grace_seconds: -1 }, { grace_seconds: 'x' }, { surplus: 1 }]) assert.equal((await rotate(body)).status, 400);
});

// --- Revocation. Each way takes the right from a call that runs.

const revocations = [
  ['disabled', (hub, { id }) => hub.admin('PUT', `/keys/${id}`, { enabled: false }), 'invalid_api_key'],
  ['deleted', (hub, { id }) => hub.admin('DELETE', `/keys/${id}`), 'invalid_api_key'],
  ['replaced without a grace', (hub, { id }) => hub.admin('POST', `/keys/${id}/rotate`, { grace_seconds: 0 }), 'invalid_api_key'],
  ['expired by a change', (hub, { id }) => hub.admin('PUT', `/keys/${id}`, { expires_at: Date.now() - 1 }), 'invalid_api_key'],
  ['expired by the clock', (hub, { id }) => hub.admin('PUT', `/keys/${id}`, { expires_at: Date.now() + 300 }), 'invalid_api_key'],
  ['bound to another address', (hub, { id }) => hub.admin('PUT', `/keys/${id}`, { allowed_addresses: ['203.0.113.9'] }), 'forbidden'],
  ['left without the model', (hub, { id }) => hub.admin('PUT', `/keys/${id}`, { grants: { models: ['other'] } }), 'forbidden'],
  ['left without the provider', (hub, { id }, other) => hub.admin('PUT', `/keys/${id}`, { grants: { providers: [other.id] } }), 'forbidden'],
];

for (const [what, revoke, code] of revocations) {
  test(`what runs ends within a second when its key is ${what}`, async (t) => {
    const upstream = await startSteps(t);
    const hub = await startHub(t, { env: bare });
    await hub.addProvider({ server_url: upstream.address, personalized_key: '' }, ['m']);
    const other = await hub.addProvider({ server_url: 'http://127.0.0.1:9', personalized_key: '' }, ['n']);
    // Not even a call that would go on without its client goes on without its key.
    const made = await makeKey(hub, { on_client_leave: { policy: 'finish' } });
    const bystander = await makeKey(hub);

    const streaming = hub.chat(hello('m', { stream: true }), { key: made.key });
    (await upstream.stream(0)).delta('begun');
    const socket = await chatSocket(t, hub, { key: made.key });
    socket.chat('c', 'm');
    const socketStream = await upstream.stream(1);
    socketStream.delta('begun');
    await socket.grown('c', 5);
    const whole = hub.chat(hello('m'), { key: made.key });
    await upstream.stream(2);
    const spared = hub.chat(hello('m', { stream: true }), { key: bystander.key });
    const sparedStream = await upstream.stream(3);

    const changed = await revoke(hub, made, other);
    assert.ok([200, 204].includes(changed.status), JSON.stringify(changed.body));
    const end = Date.now() + soon;
    const inTime = (promise, name) => Promise.race([promise, eventually(() => Date.now() > end + 300, 'nothing', soon * 2).then(() => { throw new Error(`${name} went on`); })]);

    const events = await inTime(readEvents(await streaming), 'the stream');
    assert.equal(JSON.parse(events[0]).choices[0].delta.content, 'begun');
    assert.equal(errorOf(events.at(-1)).code, code);
    const refused = await inTime(whole, 'the request');
    assert.equal(refused.status, code === 'forbidden' ? 403 : 401);
    assert.equal(errorOf(await refused.json()).code, code);
    assert.equal((await inTime(socket.frame('error', 'c'), 'the chat')).error.code, code);
    // The socket goes with the key; one that only lost a model stays.
    if (!what.startsWith('left without')) assert.equal((await inTime(socket.end(), 'the socket')).code, 4401);
    await eventually(() => [0, 1, 2].every((number) => upstream.streams[number].left), 'the upstreams being left', soon);
    const next = await hub.chat(hello('m'), { key: made.key });
    assert.ok([401, 403, 404].includes(next.status));
    await next.text();
    sparedStream.delta('unharmed');
    sparedStream.finish();
    assert.equal((await readEvents(await spared)).at(-1), '[DONE]');
  });
}

// --- What is written down.

test('the audit log says who changed what, from where, before and after', async (t) => {
  const hub = await startHub(t, { env: bare });
  const provider = await hub.addProvider({ name: 'acme', server_url: 'http://127.0.0.1:9', server_key: 'sk-server-secret-0001', personalized_key: 'pk-PLANTED-0001' }, ['m']);
  const { id } = await makeKey(hub, { name: 'laptop' });
  await hub.admin('PUT', `/keys/${id}`, { enabled: false }, { 'x-request-id': 'my-label' });
  await hub.admin('POST', `/keys/${id}/rotate`, {});
  await hub.admin('PUT', `/keys/${id}`, { name: 'refused' }, { 'if-match': '"v1"' });
  await hub.admin('DELETE', `/keys/${id}`);
  await hub.admin('DELETE', `/providers/${provider.id}`);
  const { status, body } = await hub.admin('GET', '/audit_log');
  assert.equal(status, 200);
  assert.equal(body.next_cursor, null);
  assert.deepEqual(body.entries.map(({ action, resource, resource_id: of }) => [action, resource, of]).reverse(), [
    ['create', 'provider', provider.id], ['create', 'provider_model', 1], ['create', 'key', id], ['update', 'key', id], ['rotate', 'key', id], ['delete', 'key', id], ['delete', 'provider', provider.id],
  ]);
  for (const entry of body.entries) {
    assert.equal(entry.actor, 'administrator token');
    assert.equal(entry.address, '127.0.0.1');
    assert.ok(entry.request_id.length > 0 && entry.at > 1.6e12);
    assert.equal(entry.before === null, entry.action === 'create');
    assert.equal(entry.after === null, entry.action === 'delete');
  }
  const update = body.entries.find((entry) => entry.action === 'update');
  assert.equal(update.request_id, 'my-label');
  assert.deepEqual([update.before.enabled, update.after.enabled], [true, false]);
  assert.equal(body.entries.at(-1).after.server_key, 'sk-…0001');

  const pages = [];
  for (let cursor = ''; cursor !== null;) {
    const page = (await hub.admin('GET', `/audit_log?limit=3${cursor && `&cursor=${cursor}`}`)).body;
    pages.push(page.entries);
    cursor = page.next_cursor;
  }
  assert.deepEqual(pages.map((page) => page.length), [3, 3, 1]);
  assert.deepEqual(pages.flat(), body.entries);
});

test('the text of a key is nowhere but in the one answer that shows it', async (t) => {
  const upstream = await startUpstream(t);
  const hub = await startHub(t, { env: { ...bare, NEXUS_LOG_LEVEL: 'debug' } });
  await hub.addProvider({ name: 'acme', server_url: upstream.address, personalized_key: 'pk-PLANTED-brought-along-4711' }, ['m']);
  const seen = [];
  const note = (answer) => { seen.push(JSON.stringify([...answer.headers]), JSON.stringify(answer.body)); return answer; };
  const first = await makeKey(hub);
  const second = (await hub.admin('POST', `/keys/${first.id}/rotate`, {})).body;
  for (const key of [first.key, second.key, 'pk-PLANTED-brought-along-4711']) {
    const answer = await hub.chat(hello('m'), { key });
    assert.equal(answer.status, 200);
    note({ headers: answer.headers, body: await answer.text() });
  }
  note(await hub.admin('PUT', `/keys/${first.id}`, { enabled: false }));
  const refused = await hub.chat(hello('m'), { key: second.key });
  note({ headers: refused.headers, body: await refused.text() });
  for (const route of ['/keys', `/keys/${first.id}`, '/audit_log', '/providers', '/stats/total']) note(await hub.admin('GET', route));
  assert.ok(upstream.requests.every((request) => !JSON.stringify(request).includes('nxh_')), 'nor at the upstream');
  const running = await dataFiles(hub);
  await hub.stop();
  const everything = [...running, ...await dataFiles(hub), ...seen, hub.stdout, hub.stderr];
  assert.ok(everything.some((bytes) => Buffer.from(bytes).includes('acme')), 'the search finds what is there');
  assertAbsent([first.key, second.key, 'pk-PLANTED-brought-along-4711'], everything);
});
