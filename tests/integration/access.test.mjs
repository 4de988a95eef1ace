// Every route of the hub's own table, with every kind of credential in every place where one may stand: who is let in is
// decided by the table's access level alone. A new route is tested as soon as it is in the table.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { adminToken, hubBinary, startHub } from './harness.mjs';
import { asBrowser, setUp, signIn } from './team.mjs';
import { errorOf } from './wire.mjs';

const { routes } = JSON.parse(execFileSync(hubBinary, ['routes'], { encoding: 'utf8' }));
const headerNames = ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'];
const concrete = (pattern) => pattern.replace(/\{file\.\.\.\}/, 'app.js').replace(/\{id\.\.\.\}/, 'no/such/model').replace(/\{[a-z_]+\}/g, '999999');
const changes = (method) => !['GET', 'HEAD'].includes(method);
const inHeader = (name, text) => ({ [name]: name === 'authorization' ? `Bearer ${text}` : text });

/** 401 and 403 are refusals; whatever else comes, the caller was let in. */
const outcome = (status) => (status === 401 || status === 403 ? status : 'in');

async function people(t) {
  const hub = await startHub(t, { env: { NEXUS_DEMO_ENABLED: 'false' } });
  await hub.addProvider({ server_url: 'http://127.0.0.1:9', personalized_key: 'pk-brought-along-0001' }, ['m']);
  const anna = await setUp(hub);
  assert.equal((await asBrowser(hub, anna, 'POST', '/administrators', { name: 'victor', password: 'nothing but reading', role: 'viewer' })).status, 201);
  const key = async (fields) => (await hub.admin('POST', '/keys', { name: 'k', ...fields })).body;
  const kinds = {
    valid: (await key({})).key,
    'brought along': 'pk-brought-along-0001',
    'of elsewhere': (await key({ allowed_addresses: ['203.0.113.0/24'] })).key,
    'without grants here': (await key({ grants: { models: ['other'] } })).key,
    expired: (await key({ expires_at: Date.now() - 1000 })).key,
  };
  const disabled = await key({ enabled: false });
  kinds.disabled = disabled.key;
  const gone = await key({});
  kinds.deleted = gone.key;
  assert.equal((await hub.admin('DELETE', `/keys/${gone.id}`)).status, 204);
  const rotated = await key({});
  kinds.rotated = rotated.key;
  assert.equal((await hub.admin('POST', `/keys/${rotated.id}/rotate`, { grace_seconds: 0 })).status, 200);
  kinds.mistyped = `${kinds.valid.slice(0, -1)}${kinds.valid.endsWith('a') ? 'b' : 'a'}`;
  kinds.wrong = 'nothing-that-the-hub-knows';
  return { hub, anna, victor: await signIn(hub, 'victor', 'nothing but reading'), kinds };
}

const letIn = new Set(['valid', 'brought along', 'without grants here']);
const verdictOfKey = (kind) => (letIn.has(kind) ? 'in' : kind === 'of elsewhere' ? 403 : 401);

/** What the access level says of a credential. Throws for a level that it does not know. */
const verdicts = {
  anyone: () => 'in',
  key: ({ kind, carrier }) => (headerNames.includes(carrier) ? verdictOfKey(kind) : 401),
  viewer: ({ kind, carrier }) => ((kind === 'administrator token' && carrier === 'authorization') || (carrier === 'cookie' && ['administrator', 'viewer'].includes(kind)) ? 'in' : 401),
  administrator: (shown) => (shown.carrier === 'cookie' && shown.kind === 'viewer' ? 403 : verdicts.viewer(shown)),
  chat(shown) {
    const team = verdicts.administrator(shown);
    if (team !== 401) return team;
    return headerNames.includes(shown.carrier) ? verdictOfKey(shown.kind) : 401;
  },
};

test('every route lets in whom its access level names, and nobody else', async (t) => {
  const { hub, anna, victor, kinds } = await people(t);
  const shown = [{ kind: 'nothing', carrier: 'none', headers: {} }];
  for (const [kind, text] of Object.entries({ ...kinds, 'administrator token': adminToken, administrator: anna.split('=')[1], viewer: victor.split('=')[1] }))
    for (const carrier of [...headerNames, 'cookie'])
      shown.push({ kind, carrier, headers: carrier === 'cookie' ? { cookie: `nxh=${text}`, origin: hub.address } : inHeader(carrier, text) });
  assert.ok(routes.length > 30 && shown.length > 60);

  let asked = 0;
  for (const { method, pattern, access } of routes) {
    const route = concrete(pattern);
    // This one would end the session that the other routes need.
    const ends = method === 'DELETE' && pattern === '/session';
    for (const one of shown) {
      const headers = { ...one.headers, ...(changes(method) ? { 'content-type': 'application/json' } : {}) };
      if (ends && one.carrier === 'cookie' && one.kind === 'administrator') headers.cookie = await signIn(hub, 'anna');
      if (ends && one.carrier === 'cookie' && one.kind === 'viewer') headers.cookie = await signIn(hub, 'victor', 'nothing but reading');
      const response = await fetch(hub.address + route, { method, headers, body: ['POST', 'PUT'].includes(method) ? '{}' : undefined });
      const text = await response.text();
      const expected = verdicts[access](one);
      assert.equal(outcome(response.status), expected, `${method} ${route} (${access}) with ${one.kind} in ${one.carrier}: ${response.status} ${text.slice(0, 200)}`);
      if (expected === 401) assert.equal(errorOf(text).code, 'invalid_api_key');
      if (expected === 403) assert.equal(errorOf(text).type, 'permission_error');
      ++asked;
    }
  }
  assert.equal(asked, routes.length * shown.length);
});

test('a change by cookie needs its own Origin and JSON, on every route', async (t) => {
  const { hub, anna } = await people(t);
  const guarded = routes.filter(({ method, access }) => changes(method) && access !== 'anyone' && access !== 'key');
  assert.ok(guarded.length > 10);
  for (const { method, pattern } of guarded) {
    for (const [headers, status] of [
      [{ 'content-type': 'application/json' }, 403],
      [{ 'content-type': 'application/json', origin: 'https://evil.example' }, 403],
      [{ 'content-type': 'application/json', origin: 'null' }, 403],
      ...(method === 'DELETE' ? [] : [[{ 'content-type': 'text/plain', origin: hub.address }, 415], [{ 'content-type': 'application/x-www-form-urlencoded', origin: hub.address }, 415]]),
    ]) {
      const response = await fetch(hub.address + concrete(pattern), { method, headers: { cookie: anna, ...headers }, body: method === 'DELETE' ? undefined : '{}' });
      assert.equal(response.status, status, `${method} ${pattern} ${JSON.stringify(headers)}`);
      await response.text();
    }
  }
});

test('a session that has ended opens nothing', async (t) => {
  const { hub, victor } = await people(t);
  assert.equal((await asBrowser(hub, victor, 'DELETE', '/session')).status, 204);
  for (const { method, pattern, access } of routes.filter((row) => ['viewer', 'administrator', 'chat'].includes(row.access)))
    assert.equal((await asBrowser(hub, victor, method, concrete(pattern), ['POST', 'PUT'].includes(method) ? {} : undefined)).status, 401, `${method} ${pattern} ${access}`);
});

test('two different keys in one request, and a key in the URL, are refused on every route for keys', async (t) => {
  const { hub, kinds } = await people(t);
  for (const { method, pattern } of routes.filter(({ access }) => access === 'key')) {
    const body = method === 'POST' ? '{}' : undefined;
    for (const [query, headers] of [['', { authorization: `Bearer ${kinds.valid}`, 'x-api-key': kinds['brought along'] }], [`?key=${kinds.valid}`, {}], [`?api_key=${kinds.valid}`, { authorization: `Bearer ${kinds.valid}` }]]) {
      const response = await fetch(hub.address + concrete(pattern) + query, { method, headers: { 'content-type': 'application/json', ...headers }, body });
      assert.equal(response.status, 401, `${method} ${pattern}${query}`);
      assert.ok(!(await response.text()).includes(kinds.valid));
    }
  }
});
