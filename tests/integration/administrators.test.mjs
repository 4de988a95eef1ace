// Administrators and viewers: the first one, passwords, sessions that outlive a restart and die when they should, and
// how often one may guess.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { eventually, hubBinary, startHub } from './harness.mjs';
import { chatSocket } from './chat_socket.mjs';
import { asBrowser, assertAbsent, cookieOf, dataFiles, password, post, setUp, setupToken, signIn } from './team.mjs';
import { errorOf, startSteps } from './wire.mjs';

const bare = { NEXUS_DEMO_ENABLED: 'false' };
const session = (hub, cookie) => asBrowser(hub, cookie, 'GET', '/session');
const plain = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NEXUS_')));
const command = (hub, ...args) => execFileSync(hubBinary, args, { cwd: hub.folder, env: plain, encoding: 'utf8' });

test('the set-up token makes the first administrator, once, and signs in', async (t) => {
  const hub = await startHub(t, { env: bare });
  const token = setupToken(hub);
  for (const [body, status, param] of [
    [{ setup_token: 'wrong', name: 'anna', password }, 401], [{ name: 'anna', password }, 400, 'setup_token'], [{ setup_token: token, password }, 400, 'name'], [{ setup_token: token, name: 'anna' }, 400, 'password'],
    [{ setup_token: token, name: 'anna', password: 'short' }, 400, 'password'], [{ setup_token: token, name: ' anna', password }, 400, 'name'], [{ setup_token: token, name: 'anna', password, role: 'viewer' }, 400, 'role'],
  ]) {
    const response = await post(hub, '/setup', body);
    assert.equal(response.status, status, JSON.stringify(body));
    assert.equal(response.headers.get('set-cookie'), null);
    const error = errorOf(await response.text());
    if (param) assert.equal(error.param, param);
  }
  assert.equal((await post(hub, '/setup', { setup_token: token, name: 'anna', password }, { origin: 'https://evil.example' })).status, 403);
  const cookie = await setUp(hub);
  const { status, body, headers } = await session(hub, cookie);
  assert.equal(status, 200);
  assert.deepEqual({ ...body, expires_at: 0 }, { role: 'administrator', name: 'anna', administrator_id: 1, expires_at: 0 });
  assert.ok(body.expires_at > Date.now() + 29 * 60_000 && body.expires_at < Date.now() + 31 * 60_000);
  assert.match(headers.get('cache-control'), /no-store/);
  assert.equal((await post(hub, '/setup', { setup_token: token, name: 'eve', password })).status, 401, 'a second time');
  assert.equal((await post(hub, '/session', { token })).status, 401, 'nor as a log-in');
  await hub.stop();
  const again = await startHub(t, { env: bare, folder: hub.folder });
  assert.doesNotMatch(again.stdout, /Set-up token/, 'there is an administrator');
  assert.equal((await session(again, cookie)).body.name, 'anna', 'a session outlives a restart');
  await signIn(again, 'anna');
});

test('admin reset makes a way back in, with a hub that runs and without', async (t) => {
  const hub = await startHub(t, { env: bare });
  const first = await setUp(hub);
  const reset = () => command(hub, 'admin', 'reset', '--data-dir', path.join(hub.folder, 'data')).match(/Set-up token +(\S+)/)[1];
  const replaced = reset();
  const token = reset();
  const file = path.join(hub.folder, 'data', 'setup.token');
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await post(hub, '/setup', { setup_token: replaced, name: 'anna', password: 'another password' })).status, 401);
  const answer = await post(hub, '/setup', { setup_token: token, name: 'anna', password: 'another password' });
  assert.equal(answer.status, 201);
  assert.equal((await answer.json()).id, 1, 'the same account with a new password');
  assert.equal((await session(hub, first)).status, 401, 'its sessions are over');
  assert.equal((await post(hub, '/session', { name: 'anna', password })).status, 401);
  await signIn(hub, 'anna', 'another password');
  assert.equal((await post(hub, '/setup', { setup_token: token, name: 'eve', password })).status, 401, 'a second time');
  const late = reset();
  const old = new Date(Date.now() - 2 * 3600 * 1000);
  await utimes(file, old, old);
  assert.equal((await post(hub, '/setup', { setup_token: late, name: 'eve', password })).status, 401, 'after its hour');
});

test('a name and a password sign in, and nothing near them', async (t) => {
  const hub = await startHub(t, { env: bare });
  await setUp(hub);
  const one = await signIn(hub, 'anna');
  const two = await signIn(hub, 'anna');
  assert.notEqual(one, two, 'a new id each time');
  for (const [name, word] of [['anna', `${password} `], ['anna', password.toUpperCase()], ['Anna', password], ['nobody', password]]) {
    const response = await post(hub, '/session', { name, password: word });
    assert.equal(response.status, 401);
    assert.equal(response.headers.get('set-cookie'), null);
    assert.equal(errorOf(await response.text()).message, 'The name or the password is wrong.', 'the same for both');
  }
  for (const body of [{ name: 'anna' }, { name: 'anna', password: 5 }, { name: 'anna', password, token: 'x' }, { name: 'anna', password: 'p'.repeat(1025) }])
    assert.equal((await post(hub, '/session', body)).status, 400, JSON.stringify(body).slice(0, 60));
});

test('administrators are made, shown, changed and removed, but never the last one', async (t) => {
  const hub = await startHub(t, { env: bare });
  const anna = await setUp(hub);
  const ask = (...args) => asBrowser(hub, anna, ...args);
  const made = await ask('POST', '/administrators', { name: 'berta', password: 'bertas password' });
  assert.equal(made.status, 201);
  assert.equal(made.headers.get('location'), `/administrators/${made.body.id}`);
  assert.deepEqual(Object.keys(made.body).sort(), ['created_at', 'id', 'name', 'role', 'updated_at']);
  assert.equal(made.body.role, 'administrator');
  assert.deepEqual((await ask('GET', '/administrators')).body.administrators.map(({ name }) => name), ['anna', 'berta']);
  assert.deepEqual((await ask('GET', `/administrators/${made.body.id}`)).body, made.body);
  assert.equal((await ask('POST', '/administrators', { name: 'berta', password })).status, 409);
  assert.equal((await ask('PUT', `/administrators/${made.body.id}`, { name: 'anna' })).status, 409);
  assert.equal((await ask('PUT', `/administrators/${made.body.id}`, { name: 'x' }, { 'if-match': '"v9"' })).status, 412);
  for (const [body, param] of [[{ role: 'owner' }, 'role'], [{ password: 'short' }, 'password'], [{ name: '' }, 'name'], [{ surplus: 1 }, 'surplus']])
    assert.equal(errorOf((await ask('PUT', `/administrators/${made.body.id}`, body)).body).param, param);
  const berta = await signIn(hub, 'berta', 'bertas password');
  const renamed = await ask('PUT', `/administrators/${made.body.id}`, { name: 'bertha' }, { 'if-match': made.headers.get('etag') });
  assert.equal(renamed.status, 200);
  assert.equal((await session(hub, berta)).body.name, 'bertha', 'a name ends no session');

  assert.equal((await ask('PUT', `/administrators/${made.body.id}`, { role: 'viewer' })).status, 200);
  assert.equal((await session(hub, berta)).status, 401, 'a role does');
  for (const [method, body] of [['DELETE'], ['PUT', { role: 'viewer' }]]) {
    const refused = await ask(method, '/administrators/1', body);
    assert.equal(refused.status, 409);
    assert.equal(errorOf(refused.body).code, 'conflict');
  }
  assert.equal((await ask('DELETE', `/administrators/${made.body.id}`)).status, 204);
  for (const [method, body] of [['GET'], ['PUT', { name: 'x' }], ['DELETE']]) assert.equal((await ask(method, `/administrators/${made.body.id}`, body)).status, 404);
  const log = (await ask('GET', '/audit_log')).body.entries.filter(({ resource }) => resource === 'administrator').reverse();
  assert.deepEqual(log.map(({ actor, action }) => [actor, action]), [['set-up token', 'create'], ['administrator anna', 'create'], ['administrator anna', 'update'], ['administrator anna', 'update'], ['administrator anna', 'delete']]);
});

test('one changes the own password with the present one, and stays signed in here alone', async (t) => {
  const hub = await startHub(t, { env: bare });
  const elsewhere = await setUp(hub);
  const here = await signIn(hub, 'anna');
  const change = (body) => asBrowser(hub, here, 'PUT', '/session/password', body);
  const wrong = await change({ password: 'not the present one', new_password: 'a better password' });
  assert.equal(wrong.status, 400);
  assert.equal(errorOf(wrong.body).param, 'password');
  assert.equal((await change({ password, new_password: 'short' })).status, 400);
  const changed = await change({ password, new_password: 'a better password' });
  assert.equal(changed.status, 204);
  for (const cookie of [elsewhere, here]) assert.equal((await session(hub, cookie)).status, 401);
  assert.equal((await session(hub, cookieOf(changed))).body.name, 'anna');
  await signIn(hub, 'anna', 'a better password');
  assert.equal((await post(hub, '/session', { name: 'anna', password })).status, 401);
  assert.equal((await hub.admin('PUT', '/session/password', { password, new_password: 'a better password' })).status, 409, 'a token has none');
});

for (const [what, revoke] of [
  ['is signed out', (hub, admin, victim) => asBrowser(hub, victim, 'DELETE', '/session')],
  ['gets another password', (hub, admin) => asBrowser(hub, admin, 'PUT', '/administrators/2', { password: 'set by another' })],
  ['is demoted', (hub, admin) => asBrowser(hub, admin, 'PUT', '/administrators/2', { role: 'viewer' })],
  ['is removed', (hub, admin) => asBrowser(hub, admin, 'DELETE', '/administrators/2')],
]) {
  test(`the sockets and chats of whoever ${what} end within a second, after a restart too`, async (t) => {
    const upstream = await startSteps(t);
    const hub = await startHub(t, { env: bare });
    await hub.addProvider({ server_url: upstream.address }, ['m']);
    const anna = await setUp(hub);
    assert.equal((await asBrowser(hub, anna, 'POST', '/administrators', { name: 'berta', password: 'bertas password' })).status, 201);
    const berta = await signIn(hub, 'berta', 'bertas password');
    const open = async (cookie, id) => {
      const socket = await chatSocket(t, hub, { key: null, headers: { cookie, origin: hub.address } });
      socket.chat(id, 'm');
      return socket;
    };
    const theirs = await open(berta, 'theirs');
    (await upstream.stream(0)).delta('begun');
    await theirs.grown('theirs', 5);
    const ours = await open(anna, 'ours');
    const spared = await upstream.stream(1);
    assert.ok([200, 204].includes((await revoke(hub, anna, berta)).status));
    await eventually(() => theirs.closed?.code === 4401 && upstream.streams[0].left, 'the socket and its upstream being left', 1000);
    assert.equal(theirs.of('theirs').at(-1).error.code, 'invalid_api_key');
    assert.equal((await session(hub, berta)).status, 401);
    spared.finish();
    await ours.frame('done', 'ours');
    await hub.stop();
    const again = await startHub(t, { env: bare, folder: hub.folder });
    assert.equal((await session(again, berta)).status, 401);
    assert.equal((await session(again, anna)).status, 200);
  });
}

test('guessing a password is slowed down for the account, the right one included, and for nobody else', async (t) => {
  const hub = await startHub(t, { env: bare });
  await setUp(hub);
  const attempts = await Promise.all(Array.from({ length: 12 }, (_, i) => post(hub, '/session', { name: 'anna', password: `guess number ${i}` })));
  const statuses = attempts.map((response) => response.status);
  assert.equal(statuses.filter((status) => status === 401).length, 5, `at once or not: ${statuses}`);
  assert.equal(statuses.filter((status) => status === 429).length, 7);
  const refused = await post(hub, '/session', { name: 'anna', password });
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers.get('retry-after')) > 0);
  assert.equal(errorOf(await refused.text()).code, 'rate_limit_exceeded');
  assert.equal((await hub.admin('POST', '/administrators', { name: 'berta', password: 'bertas password' })).status, 201);
  await signIn(hub, 'berta', 'bertas password');
});

test('passwords, cookies and tokens are in no file, line or answer', async (t) => {
  const hub = await startHub(t, { env: { ...bare, NEXUS_LOG_LEVEL: 'debug' } });
  const words = ['PLANTED first password', 'PLANTED second password', 'PLANTED wrong password'];
  const token = setupToken(hub);
  const cookies = [await setUp(hub, 'anna', words[0])];
  const seen = [];
  const note = (answer) => { seen.push(JSON.stringify(answer.body)); return answer; };
  note(await asBrowser(hub, cookies[0], 'PUT', '/administrators/1', { password: words[1] }));
  const wrong = await post(hub, '/session', { name: 'anna', password: words[2] });
  note({ body: await wrong.text() });
  cookies.push(await signIn(hub, 'anna', words[1]));
  for (const route of ['/session', '/administrators', '/administrators/1', '/audit_log', '/secrets']) note(await asBrowser(hub, cookies[1], 'GET', route));
  const running = await dataFiles(hub);
  await hub.stop();
  const everything = [...running, ...await dataFiles(hub), ...seen, hub.stderr];
  assert.ok(everything.some((bytes) => Buffer.from(bytes).includes('anna')), 'the search finds what is there');
  assertAbsent([...words, token, ...cookies.map((cookie) => cookie.split('=')[1])], everything);
});
