// Secrets at rest: the master key's rotation, online, offline and broken off; the commands that talk to a running hub.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { adminToken, eventually, hubBinary, startHub } from './harness.mjs';
import { assertAbsent, dataFiles } from './team.mjs';
import { errorOf, startUpstream } from './wire.mjs';

const bare = { NEXUS_DEMO_ENABLED: 'false' };
const hello = { model: 'm', messages: [{ role: 'user', content: 'Hello' }] };
const plain = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NEXUS_')));
const fields = { server_key: 'sk-PLANTED-upstream-0001', personalized_key: 'pk-PLANTED-team-0001', headers: { 'x-extra': 'PLANTED-header-0001' } };
const keyFile = (hub) => path.join(hub.folder, 'data', 'master.key');
const freshKey = () => randomBytes(32).toString('base64');

async function command(folder, args, env = {}) {
  const run = promisify(execFile)(hubBinary, args, { cwd: folder, env: { ...plain, ...env } });
  try {
    return { code: 0, ...await run };
  } catch (failure) {
    return { code: failure.code, stdout: failure.stdout, stderr: failure.stderr };
  }
}
const remote = (hub, ...args) => command(hub.folder, [...args, '--data-dir', path.join(hub.folder, 'data'), '--url', hub.address], { NEXUS_ADMIN_TOKEN: adminToken });
const rotate = (hub, env = {}) => command(hub.folder, ['secrets', 'rotate', '--data-dir', path.join(hub.folder, 'data')], { NEXUS_ADMIN_TOKEN: adminToken, ...(hub.running ? { NEXUS_SERVER_LISTEN: `127.0.0.1:${hub.port}` } : {}), ...env });
const ids = async (hub) => (await hub.admin('GET', '/secrets')).body.keys.map(({ id, state }) => [id, state]);

/** What was stored still reaches the upstream, and the hub's own key still opens the door. */
async function works(hub, upstream, made) {
  for (const key of [fields.personalized_key, made.key]) assert.equal((await hub.chat(hello, { key })).status, 200);
  const { headers } = upstream.requests.at(-1);
  assert.equal(headers.authorization, `Bearer ${fields.server_key}`);
  assert.equal(headers['x-extra'], fields.headers['x-extra']);
}

async function filled(t, count = 1, env = {}) {
  const upstream = await startUpstream(t);
  const hub = await startHub(t, { env: { ...bare, ...env } });
  for (let i = 0; i < count; ++i) await hub.addProvider({ ...fields, name: `p${i}`, server_url: upstream.address }, ['m']);
  return { upstream, hub, made: (await hub.admin('POST', '/keys', { name: 'k' })).body };
}

test('a rotation through the running hub seals everything anew and retires the former key', async (t) => {
  const { upstream, hub, made } = await filled(t, 3);
  const former = (await readFile(keyFile(hub), 'utf8')).trim();
  const [[before]] = await ids(hub);
  const done = await rotate(hub);
  assert.equal(done.code, 0, done.stderr);
  const after = await ids(hub);
  assert.equal(after.length, 1);
  assert.notEqual(after[0][0], before);
  await works(hub, upstream, made);
  const text = await readFile(keyFile(hub), 'utf8');
  assert.match(text, /^[0-9a-f]{8} \d+ active [\w+/]{43}=\n$/);
  assert.ok(!text.includes(former));
  assert.equal((await stat(keyFile(hub))).mode & 0o777, 0o600);
  assert.equal((await hub.admin('GET', '/audit_log?limit=1')).body.entries[0].resource, 'master_key');
  await hub.stop();
  const again = await startHub(t, { env: bare, folder: hub.folder });
  await works(again, upstream, made);
  await again.stop();
  // Nothing is left that the former key would open, and it does not start the hub any more.
  const refused = await command(hub.folder, ['serve', '--data-dir', 'data', '--listen', '127.0.0.1:0'], { NEXUS_MASTER_KEY: former });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /master key does not belong/);
  assertAbsent([...Object.values(fields).slice(0, 2), fields.headers['x-extra'], made.key], [...await dataFiles(hub, ['master.key']), hub.stderr, again.stderr, done.stdout]);
});

test('a rotation without a hub does the same', async (t) => {
  const { upstream, hub, made } = await filled(t);
  await hub.stop();
  const before = await readFile(keyFile(hub), 'utf8');
  const done = await rotate(hub);
  assert.equal(done.code, 0, done.stderr);
  assert.notEqual(await readFile(keyFile(hub), 'utf8'), before);
  const again = await startHub(t, { env: bare, folder: hub.folder });
  await works(again, upstream, made);
  assert.equal((await command(hub.folder, ['secrets', 'rotate', '--data-dir', 'nowhere'])).code, 1);
});

test('a rotation that was killed at any point goes on where it was', async (t) => {
  const { upstream, hub, made } = await filled(t, 250);
  for (let round = 0; round < 6; ++round) {
    const again = round === 0 ? hub : await startHub(t, { env: bare, folder: hub.folder });
    await works(again, upstream, made);
    // Three batches: the end comes during one of them, or before, or behind.
    const under = again.admin('POST', '/secrets/rotate', {}).catch(() => {});
    if (round > 0) await eventually(async () => (await readFile(keyFile(hub), 'utf8')).split('\n').length > 2 || !again.running, 'the rotation to begin', 2000).catch(() => {});
    again.child.kill('SIGKILL');
    await again.exited;
    await under;
  }
  const last = await startHub(t, { env: bare, folder: hub.folder });
  await works(last, upstream, made);
  assert.equal((await last.admin('POST', '/secrets/rotate', {})).status, 200);
  assert.equal((await ids(last)).length, 1);
  await works(last, upstream, made);
});

test('a key of the environment is rotated by giving the new one first', async (t) => {
  const [old, fresh] = [freshKey(), freshKey()];
  const { upstream, hub, made } = await filled(t, 1, { NEXUS_MASTER_KEY: old });
  const refused = await hub.admin('POST', '/secrets/rotate', {});
  assert.equal(refused.status, 409);
  assert.match(errorOf(refused.body).message, /NEXUS_MASTER_KEY=NEW,PRESENT/);
  await hub.stop();
  const both = await startHub(t, { env: { ...bare, NEXUS_MASTER_KEY: `${fresh},${old}` }, folder: hub.folder });
  assert.match(both.stderr, /rotation-unfinished/);
  assert.equal((await ids(both)).length, 2);
  assert.equal((await both.admin('POST', '/secrets/rotate', {})).status, 200);
  await both.stop();
  const alone = await startHub(t, { env: { ...bare, NEXUS_MASTER_KEY: fresh }, folder: hub.folder });
  await works(alone, upstream, made);
});

test('the memory of the hub is not for debuggers and its key not in its environment', async (t) => {
  const key = freshKey();
  const { hub } = await filled(t, 1, { NEXUS_MASTER_KEY: key });
  const limits = await readFile(`/proc/${hub.pid}/limits`, 'utf8');
  assert.match(limits, /Max core file size +0 +0/);
  const environment = await readFile(`/proc/${hub.pid}/environ`).catch(() => Buffer.alloc(0));  // for root alone
  assert.ok(!environment.includes(key) && !environment.includes(adminToken));
});

test('a stored key stays with the server that it was given for', async (t) => {
  const { upstream, hub } = await filled(t);
  const evil = await startUpstream(t);
  const { body: { providers: [{ id, server_key: masked, headers }] } } = await hub.admin('GET', '/providers');
  const move = (more) => hub.admin('PUT', `/providers/${id}`, { server_url: evil.address, ...more });
  for (const [more, param] of [[{}, 'server_key'], [{ server_key: masked }, 'server_key'], [{ server_key: 'sk-new-one-0002' }, 'headers'], [{ server_key: 'sk-new-one-0002', headers }, 'headers']]) {
    const refused = await move(more);
    assert.equal(refused.status, 400, JSON.stringify(more));
    assert.equal(errorOf(refused.body).param, param);
  }
  assert.equal((await hub.admin('PUT', `/providers/${id}`, { server_url: `${upstream.address}/v1` })).status, 200, 'the same server');
  assert.equal((await move({ server_key: 'sk-new-one-0002', headers: { 'x-extra': 'new' } })).status, 200);
  assert.equal((await hub.chat(hello, { key: fields.personalized_key })).status, 200);
  assert.equal(evil.requests.length, 1);
  assert.equal(evil.requests[0].headers.authorization, 'Bearer sk-new-one-0002');
  assert.equal(evil.requests[0].headers['x-extra'], 'new');
});

test('keys and providers from the command line', async (t) => {
  const upstream = await startUpstream(t);
  const hub = await startHub(t, { env: bare });
  const added = await remote(hub, 'provider', 'add', 'acme', '--server-url', upstream.address, '--server-key', 'sk-upstream-0001', '--model', 'm', '--model', 'n');
  assert.equal(added.code, 0, added.stderr);
  const id = Number(added.stdout);
  assert.deepEqual((await hub.admin('GET', `/providers/${id}`)).body.models, ['m', 'n']);
  assert.match((await remote(hub, 'provider', 'list')).stdout, /^1 {2}ready {2}openai {2}acme {2}http/);
  assert.deepEqual(JSON.parse((await remote(hub, 'provider', 'list', '--json')).stdout), (await hub.admin('GET', '/providers')).body);
  const tested = await remote(hub, 'provider', 'test', String(id));
  assert.match(tested.stdout, /^dns: ok\ntcp: ok\n/);
  const made = await remote(hub, 'key', 'create', 'laptop', '--provider', String(id), '--model', 'm*');
  assert.equal(made.code, 0, made.stderr);
  const key = made.stdout.trim();
  assert.equal((await hub.chat(hello, { key })).status, 200);
  const [row] = JSON.parse((await remote(hub, 'key', 'list', '--json')).stdout).keys.filter(({ origin }) => origin === 'hub');
  assert.deepEqual(row.grants, { providers: [id], models: ['m*'] });
  assert.match((await remote(hub, 'key', 'list')).stdout, /nxh_u_….{4} {2}hub {2}active {2}laptop/);
  assert.equal((await remote(hub, 'key', 'disable', String(row.id))).code, 0);
  assert.equal((await hub.chat(hello, { key })).status, 401);
  const missing = await remote(hub, 'key', 'disable', '999');
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /There is no key 999/);
  const unreachable = await command(hub.folder, ['key', 'list', '--url', 'http://127.0.0.1:1'], { NEXUS_ADMIN_TOKEN: 'x' });
  assert.equal(unreachable.code, 1);
  assert.match(unreachable.stderr, /did not answer/);
  const stranger = await command(hub.folder, ['key', 'list', '--url', hub.address], { NEXUS_ADMIN_TOKEN: 'wrong' });
  assert.match(stranger.stderr, /Sign in/);
  const tokenless = await command(hub.folder, ['key', 'list', '--url', hub.address, '--data-dir', 'nowhere']);
  assert.match(tokenless.stderr, /no administrator token/);
});

test('a key file that the hub cannot write over refuses the rotation and harms nothing', async (t) => {
  const elsewhere = freshKey();
  const { upstream, hub, made } = await filled(t);
  await hub.stop();
  // The key lies in a folder that is gone by the time of the rotation.
  const file = path.join(hub.folder, 'master.key');
  await writeFile(file, `${(await readFile(keyFile(hub), 'utf8')).trim()}\n`, { mode: 0o600 });
  const again = await startHub(t, { env: { ...bare, NEXUS_SECURITY_MASTER_KEY_FILE: file }, folder: hub.folder });
  await promisify(execFile)('mkdir', [`${file}.next`]);
  await writeFile(path.join(`${file}.next`, 'x'), elsewhere);
  const refused = await again.admin('POST', '/secrets/rotate', {});
  assert.equal(refused.status, 503, JSON.stringify(refused.body));
  assert.match(errorOf(refused.body).message, /cannot be written/);
  assert.equal((await ids(again)).length, 1);
  await works(again, upstream, made);
});
