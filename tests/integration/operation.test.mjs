// The program as its operator knows it: command line, start and refusal to start, signals, logs, crashes, the interface.
import test from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import tls from 'node:tls';
import path from 'node:path';
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Program, adminToken, eventually, hubBinary, readEvents, startHub, startMock, temporaryFolder } from './harness.mjs';
import { chatSocket } from './chat_socket.mjs';
import { errorOf, startSteps, startUpstream, wire } from './wire.mjs';

const bare = { NEXUS_DEMO_ENABLED: 'false' };
const repository = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const hello = (model, more = {}) => ({ model, messages: [{ role: 'user', content: 'Hello' }], ...more });
const plainEnvironment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NEXUS_')));

/** Runs the program to its end. */
function run(args, env = {}, options = {}) {
  return new Promise((resolve) => {
    execFile(hubBinary, args, { env: { ...plainEnvironment, ...env }, timeout: 60_000, ...options }, (failure, stdout, stderr) => {
      resolve({ code: failure ? failure.code ?? failure.signal : 0, stdout, stderr });
    });
  });
}

/** `serve` that must not come up: one sentence on standard error, nothing on standard output. */
async function refusal(folder, env = {}, dataDir = path.join(folder, 'data')) {
  const { code, stdout, stderr } = await run(['serve', '--data-dir', dataDir], { NEXUS_SERVER_LISTEN: '127.0.0.1:0', ...env }, { cwd: folder });
  assert.ok(Number.isInteger(code) && code !== 0, `exit ${code}: ${stdout} ${stderr}`);
  assert.equal(stdout, '');
  assert.match(stderr, /^nexus-hub: [^\n]+\.\n$/);
  return stderr;
}

const totalsOf = async (hub) => (await hub.admin('GET', '/stats/total')).body;
const lines = (text) => text.split('\n').filter((line) => line !== '');

// --- The command line.

test('version and help go to standard output and succeed', async () => {
  const version = await run(['version']);
  assert.deepEqual([version.code, version.stderr], [0, '']);
  assert.match(version.stdout, /^nexus-hub \d+\.\d+\.\d+ \(/);
  assert.match((await run(['--version'])).stdout, /^nexus-hub \d+\.\d+\.\d+\n$/);
  for (const args of [['--help'], ['serve', '--help'], ['check-config', '-h']]) {
    const help = await run(args);
    assert.deepEqual([help.code, help.stderr], [0, ''], args.join(' '));
    assert.match(help.stdout, /--config|SUBCOMMAND|serve/);
  }
});

test('wrong use is exit code 2 and said on standard error', async (t) => {
  const cwd = await temporaryFolder(t);
  for (const args of [[], ['dance'], ['serve', '--unknown'], ['serve', 'surplus'], ['serve', '--threads', '0'], ['serve', '--threads', 'x'], ['serve', '--config'], ['check-config', '--listen', 'x'], ['--unknown']]) {
    const { code, stdout, stderr } = await run(args, {}, { cwd });
    assert.equal(code, 2, args.join(' '));
    assert.equal(stdout, '');
    assert.ok(stderr.length > 0);
  }
  assert.deepEqual(await readdir(cwd), []);
});

test('check-config accepts the sample, and prints what is in force', async (t) => {
  const sample = path.join(repository, 'conf/nexus-hub.toml');
  const checked = await run(['check-config', '--config', sample]);
  assert.deepEqual([checked.code, checked.stderr], [0, '']);
  const effective = await run(['check-config', '--print-effective']);
  assert.equal(effective.code, 0);
  assert.equal(effective.stdout, await readFile(sample, 'utf8'));
  // Later ones win: file, then environment.
  const file = path.join(await temporaryFolder(t), 'hub.toml');
  await writeFile(file, '[server]\nthreads = 3\nlisten = "127.0.0.1:1234"\n');
  const mixed = await run(['check-config', '--print-effective'], { NEXUS_CONFIG: file, NEXUS_SERVER_THREADS: '5', NEXUS_LOG_LEVEL: 'warn' });
  assert.match(mixed.stdout, /^threads = 5$/m);
  assert.match(mixed.stdout, /^listen = "127.0.0.1:1234"$/m);
  assert.match(mixed.stdout, /^level = "warn"$/m);
  const again = path.join(path.dirname(file), 'again.toml');
  await writeFile(again, mixed.stdout);
  assert.equal((await run(['check-config', '--print-effective', '--config', again])).stdout, mixed.stdout);
});

test('a broken configuration is named with file, line and column, by check-config and by serve', async (t) => {
  const folder = await temporaryFolder(t);
  const file = path.join(folder, 'hub.toml');
  for (const [text, line, column] of [
    ['[server]\nlisten = \n', 2], ['[server]\nlisten = "127.0.0.1:0"\n  lisen = "x"\n', 3, 3], ['[sever]\nx = 1\n', 1], ['surplus = 1\n', 1, 1],
    ['[server]\nthreads = "two"\n', 2], ['[server]\nthreads = -1\n', 2], ['[server]\nhead_timeout_ms = 0\n', 2], ['[server]\nhead_timeout_ms = 1.5\n', 2],
    ['\n\n[log]\nlevel = "loud"\n', 4], ['[server]\nlisten = "nowhere"\n', 2], ['[web]\nenabled = "yes"\n', 2], ['[server]\nthreads = 1\nthreads = 2\n', 3],
    ['[websocket]\norigins = ["chat.example.org/path"]\n', 2], ['[server\n', 1],
  ]) {
    await writeFile(file, text);
    for (const args of [['check-config', '--config', file], ['serve', '--config', file]]) {
      const { code, stdout, stderr } = await run(args, {}, { cwd: folder });
      assert.equal(code, 2, text);
      assert.equal(stdout, '');
      assert.ok(stderr.startsWith(`nexus-hub: ${file}:${line}:${column ?? ''}`), `${text}: ${stderr}`);
      assert.match(stderr, /^nexus-hub: \S+:\d+:\d+: [^\n]+\n$/);
    }
  }
  assert.deepEqual(await readdir(folder), ['hub.toml']);
  for (const env of [{ NEXUS_SERVER_THREADS: 'x' }, { NEXUS_SERVER_UNKNOWN: '1' }, { NEXUS_LOG_LEVEL: 'loud' }, { NEXUS_CONFIG: path.join(folder, 'absent.toml') }]) {
    const { code, stderr } = await run(['check-config'], env);
    assert.equal(code, 2, JSON.stringify(env));
    assert.match(stderr, /^nexus-hub: [^\n]+\n$/);
  }
});

// --- Refusing to start.

test('a port in use, a folder that cannot be written, and a missing certificate are one sentence each', async (t) => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port } = taken.address();
  const folder = await temporaryFolder(t);
  assert.match(await refusal(folder, { NEXUS_SERVER_LISTEN: `127.0.0.1:${port}` }), new RegExp(`${port}.*in use`, 'i'));
  await writeFile(path.join(folder, 'file'), '');
  const below = path.join(folder, 'file', 'data');
  assert.ok((await refusal(folder, {}, below)).includes(below));
  assert.ok((await refusal(folder, {}, path.join(folder, 'file'))).includes(path.join(folder, 'file')));
  assert.match(await refusal(folder, { NEXUS_SERVER_TLS_CERTIFICATE: 'absent.pem', NEXUS_SERVER_TLS_KEY: 'absent.key' }), /absent/);
});

test('a second hub on the same folder is refused, and the first does not notice', async (t) => {
  const hub = await startHub(t, { env: bare });
  assert.match(await refusal(hub.folder), /in use by another/);
  assert.equal((await fetch(`${hub.address}/healthz`)).status, 200);
});

test('a store of a newer schema, of another key, or that is none is refused and left as it was', async (t) => {
  const hub = await startHub(t, { env: bare });
  await hub.addProvider({ server_url: 'http://127.0.0.1:9' }, ['m']);
  await hub.stop();
  const data = path.join(hub.folder, 'data');
  const database = path.join(data, 'nexus-hub.db');
  const masterKey = path.join(data, 'master.key');
  const good = await readFile(database);
  const goodKey = await readFile(masterKey);
  const version = (number) => execFileSync('python3', ['-c', 'import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nprint(c.execute("PRAGMA user_version").fetchone()[0])\nif sys.argv[2]: c.execute("PRAGMA user_version = " + sys.argv[2])\nc.close()', database, number]).toString().trim();

  const present = version('');
  version('1000');
  assert.match(await refusal(hub.folder), /newer/);
  assert.equal(version(present), '1000');

  await writeFile(database, 'This is no database, whatever its name says. '.repeat(100));
  assert.match(await refusal(hub.folder), /nexus-hub\.db/);
  assert.match(await readFile(database, 'utf8'), /^This is no database/);
  await writeFile(database, good);

  assert.match(await refusal(hub.folder, { NEXUS_MASTER_KEY: Buffer.alloc(32, 7).toString('base64') }), /master key/i);
  for (const broken of ['too short', Buffer.alloc(31).toString('base64'), '!'.repeat(44)]) assert.match(await refusal(hub.folder, { NEXUS_MASTER_KEY: broken }), /master key|NEXUS_MASTER_KEY/i);
  await rm(masterKey);
  assert.match(await refusal(hub.folder), /master/i);
  await assert.rejects(stat(masterKey), 'no new key is made over existing secrets');
  await writeFile(masterKey, goodKey, { mode: 0o600 });

  const again = await startHub(t, { env: bare, folder: hub.folder });
  assert.equal((await again.admin('GET', '/providers')).body.providers.length, 1);
});

test('the data folder and its secrets are the owner\'s alone', async (t) => {
  const hub = await startHub(t, { env: { ...bare, NEXUS_ADMIN_TOKEN: '' } });
  const data = path.join(hub.folder, 'data');
  assert.equal((await stat(data)).mode & 0o777, 0o700);
  for (const name of await readdir(data)) assert.equal((await stat(path.join(data, name))).mode & 0o077, 0, name);
  const token = (await readFile(path.join(data, 'admin.token'), 'utf8')).trim();
  const ask = (bearer) => fetch(`${hub.address}/providers`, { headers: { authorization: `Bearer ${bearer}` } });
  assert.equal((await ask(token)).status, 200);
  assert.equal((await ask(adminToken)).status, 401);
  await hub.stop();
  const again = await startHub(t, { env: { ...bare, NEXUS_ADMIN_TOKEN: '' }, folder: hub.folder });
  assert.equal((await fetch(`${again.address}/providers`, { headers: { authorization: `Bearer ${token}` } })).status, 200);
  assert.equal((await readFile(`/proc/${again.pid}/cmdline`, 'utf8')).includes(token), false);
});

// --- The database.

test('answers go on while another program locks the database, and nothing is lost', async (t) => {
  const upstream = await startUpstream(t);
  const hub = await startHub(t, { env: { ...bare, NEXUS_STORAGE_BUSY_TIMEOUT_MS: '50' } });
  await hub.addProvider({ server_url: upstream.address }, ['m']);
  const script = 'import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\nc.execute("BEGIN IMMEDIATE")\nprint("locked", flush=True)\nsys.stdin.readline()\nc.execute("ROLLBACK")\nc.close()\nprint("released", flush=True)';
  const locker = new Program('python3', ['-c', script, path.join(hub.folder, 'data', 'nexus-hub.db')], { stdio: ['pipe', 'pipe', 'pipe'] });
  t.after(() => locker.stop('SIGKILL'));
  await locker.output(/locked/);
  for (let i = 0; i < 20; ++i) {
    const response = await hub.chat(hello('m'));
    assert.equal(response.status, 200);
    await response.text();
  }
  const change = await hub.admin('POST', '/providers', { name: 'while-locked', server_url: upstream.address });
  assert.equal(change.status, 503);
  errorOf(change.body);
  locker.child.stdin.write('\n');
  await locker.output(/released/);
  await eventually(async () => (await totalsOf(hub)).total_rounds === 20, 'every row');
  assert.equal((await totalsOf(hub)).total_tokens, 100);
  assert.equal((await hub.admin('POST', '/providers', { name: 'afterwards', server_url: upstream.address })).status, 201);
  assert.equal((await hub.chat(hello('m'))).status, 200);
});

test('what was counted before a kill -9 is there afterwards', async (t) => {
  const upstream = await startUpstream(t);
  const hub = await startHub(t, { env: bare });
  await hub.addProvider({ server_url: upstream.address }, ['m']);
  let conversation;
  for (let i = 0; i < 10; ++i) {
    const response = await hub.chat(hello('m'));
    conversation = response.headers.get('x-conversation-id');
    await response.text();
  }
  const before = await totalsOf(hub);
  assert.equal(before.total_rounds, 10);
  // Further ones are under way when it dies.
  const more = Array.from({ length: 10 }, () => hub.chat(hello('m')).then((response) => response.text()).catch(() => 'cut'));
  await more[0];
  await hub.stop('SIGKILL');
  await Promise.all(more);
  const again = await startHub(t, { env: bare, folder: hub.folder });
  const after = await totalsOf(again);
  assert.ok(after.total_rounds >= 10 && after.total_rounds <= 20, JSON.stringify(after));
  assert.ok(after.total_tokens >= 50);  // of those that were cut, at least the prompt is counted
  assert.deepEqual((await again.admin('GET', '/stats/audit')).body.differences, []);
  assert.equal((await again.admin('GET', `/stats/conversation/${conversation}`)).body.rounds >= 1, true);
  assert.equal((await again.chat(hello('m'))).status, 200);
});

// --- Stopping.

const refused = (port) => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('connect', () => { socket.destroy(); resolve(false); });
  socket.on('error', (error) => resolve(error.code === 'ECONNREFUSED'));
});

test('SIGTERM lets a stream finish, refuses new connections, and keeps the count', async (t) => {
  const upstream = await startSteps(t);
  const hub = await startHub(t, { env: bare });
  await hub.addProvider({ server_url: upstream.address }, ['m']);
  const pending = hub.chat(hello('m', { stream: true }));
  const stream = await upstream.stream(0);
  stream.delta('before ');
  const response = await pending;
  // One whole request and half of the next: the hub has read both when it answers the first.
  const line = wire(t, hub);
  line.send('GET /readyz HTTP/1.1\r\nHost: h\r\n\r\nGET /readyz HTTP/1.1\r\nHost: h');
  assert.equal((await line.answer()).status, 200);
  const idle = wire(t, hub);
  await idle.send('GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n').answer();
  const socket = await chatSocket(t, hub);
  socket.chat('ws', 'm');
  const chat = await upstream.stream(1);

  hub.child.kill('SIGTERM');
  await hub.output(/[Ss]topping/, 'stderr');
  await eventually(() => refused(hub.port), 'connections refused');
  await idle.end();  // nothing was under way there
  const draining = await line.send('\r\n\r\n').answer();
  assert.equal(draining.status, 503);
  assert.equal(errorOf(draining.body).code, 'shutting_down');
  assert.equal(draining.headers['x-should-retry'], 'true');
  await line.end();
  socket.chat('late', 'm');
  assert.equal((await socket.frame('error', 'late')).error.code, 'shutting_down');
  assert.ok(hub.running);

  stream.delta('and after');
  stream.finish();
  const events = await readEvents(response);
  assert.equal(events.at(-1), '[DONE]');
  assert.equal(events.slice(0, -1).map((text) => JSON.parse(text).choices[0]?.delta?.content ?? '').join(''), 'before and after');
  chat.delta('the same here');
  chat.finish();
  await socket.frame('done', 'ws');
  assert.equal(socket.text('ws'), 'the same here');
  assert.equal((await socket.end()).code, 1001);
  assert.deepEqual(await hub.exited, { code: 0, signal: null });

  const again = await startHub(t, { env: bare, folder: hub.folder });
  assert.deepEqual(await totalsOf(again), { total_conversations: 2, total_rounds: 2, prompt_tokens: 22, completion_tokens: 14, total_tokens: 36 });
});

test('a second SIGTERM ends at once, and what was streamed is counted', async (t) => {
  const upstream = await startSteps(t);
  const hub = await startHub(t, { env: { ...bare, NEXUS_SERVER_DRAIN_TIMEOUT_MS: '3600000' } });
  await hub.addProvider({ server_url: upstream.address }, ['m']);
  const pending = hub.chat(hello('m', { stream: true }));
  const stream = await upstream.stream(0);
  stream.delta('never finished');
  const response = await pending;
  hub.child.kill('SIGTERM');
  await hub.output(/[Ss]topping/, 'stderr');
  await eventually(() => refused(hub.port), 'connections refused');
  assert.ok(hub.running);
  assert.deepEqual(await hub.stop(), { code: 0, signal: null });
  const text = await response.text().catch(() => 'cut');
  assert.ok(!text.includes('[DONE]'));
  const again = await startHub(t, { env: bare, folder: hub.folder });
  const totals = await totalsOf(again);
  assert.equal(totals.total_rounds, 1);
  assert.ok(totals.completion_tokens > 0);
});

test('the drain ends at its timeout: the stream is cut, and counted', async (t) => {
  const upstream = await startSteps(t);
  const hub = await startHub(t, { env: { ...bare, NEXUS_SERVER_DRAIN_TIMEOUT_MS: '100' } });
  await hub.addProvider({ server_url: upstream.address }, ['m']);
  const pending = hub.chat(hello('m', { stream: true }));
  const stream = await upstream.stream(0);
  stream.delta('so far');
  const response = await pending;
  assert.deepEqual(await hub.stop(), { code: 0, signal: null });
  assert.ok(!(await response.text().catch(() => 'cut')).includes('[DONE]'));
  assert.ok(await eventually(() => stream.left, 'the upstream is let go'));
  const again = await startHub(t, { env: bare, folder: hub.folder });
  const totals = await totalsOf(again);
  assert.equal(totals.total_rounds, 1);
  assert.ok(totals.completion_tokens > 0);
});

test('an idle hub stops at SIGTERM and at SIGINT, whatever connections are open', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    const hub = await startHub(t, { env: bare });
    const fresh = wire(t, hub);
    await fresh.connected;
    const half = wire(t, hub);
    await half.send('GET / HTTP/1.1\r\n').connected;
    assert.deepEqual(await hub.stop(signal), { code: 0, signal: null });
    assert.match(hub.stderr, /on disk/);
  }
});

// --- Reloading.

async function configured(t, text, env = {}) {
  const folder = await temporaryFolder(t);
  const file = path.join(folder, 'hub.toml');
  await writeFile(file, text);
  const hub = await startHub(t, { folder, args: ['--config', file], env: { ...bare, ...env } });
  const count = (pattern) => (hub.stderr.match(pattern) ?? []).length;
  const reload = async (fresh, event = 'reloaded') => {
    const pattern = new RegExp(event, 'g');
    const before = count(pattern);
    if (fresh !== undefined) await writeFile(file, fresh);
    hub.child.kill('SIGHUP');
    await eventually(() => count(pattern) > before, `${event} in ${hub.stderr}`);
  };
  return { hub, reload, folder, file };
}

test('SIGHUP puts new settings into force, and a broken file keeps the former ones', async (t) => {
  const mock = await startMock(t);
  const { hub, reload, file } = await configured(t, '[log]\nlevel = "info"\n');
  await hub.addProvider({ server_url: mock.url('head_delay_ms=3600000') }, ['silent']);
  await hub.addProvider({ server_url: mock.address }, ['m']);
  const patient = hub.chat(hello('silent'));  // began before: keeps its time
  await eventually(async () => (await mock.stats()).requests >= 1, 'the request at the mock');
  await (await fetch(`${hub.address}/healthz`)).text();
  assert.doesNotMatch(hub.stderr, /GET \/healthz/);
  await reload('[log]\nlevel = "debug"\n[upstream]\nhead_timeout_ms = 50\n');
  await (await fetch(`${hub.address}/healthz`)).text();
  await hub.output(/debug.*GET \/healthz 200/, 'stderr');
  const late = await hub.chat(hello('silent'));
  assert.equal(late.status, 504);
  assert.match(errorOf(await late.text()).message, /50 ms/);
  await reload('[upstream]\nhead_timeout_ms = "soon"\n', 'reload-refused');
  assert.ok(hub.stderr.includes(`${file}:2:`), hub.stderr);
  assert.equal((await hub.chat(hello('silent'))).status, 504);
  assert.equal((await hub.chat(hello('m'))).status, 200);
  await reload('[log]\nlevel = "info"\n[storage]\nqueue_max = 1000\n', 'restart-needed');
  await reload('[log]\nlevel = "info"\n');
  assert.equal((await hub.chat(hello('m'))).status, 200);
  void patient.catch(() => {});
  mock.child.kill('SIGKILL');
  assert.ok([502, 504].includes((await patient).status));
});

function certificate(folder, name) {
  const [key, cert] = [path.join(folder, `${name}.key`), path.join(folder, `${name}.pem`)];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-keyout', key, '-out', cert, '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'], { stdio: 'ignore' });
  return { key, cert };
}

async function servedName(port) {
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return subject.CN;
}

test('HTTPS serves a renewed certificate after SIGHUP, and connections that were there live on', async (t) => {
  const folder = await temporaryFolder(t);
  const [one, two] = [certificate(folder, 'one.test'), certificate(folder, 'two.test')];
  const [cert, key] = [path.join(folder, 'server.pem'), path.join(folder, 'server.key')];
  const install = async (from) => { await writeFile(cert, await readFile(from.cert)); await writeFile(key, await readFile(from.key)); };
  await install(one);
  const { hub, reload } = await configured(t, `[server]\ntls_certificate = "${cert}"\ntls_key = "${key}"\n`);
  assert.match(hub.address, /^https:/);
  assert.equal(await servedName(hub.port), 'one.test');
  const kept = wire(t, hub);
  const ask = () => kept.send('GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n').answer();
  assert.equal((await ask()).status, 200);
  await install(two);
  await reload();
  await eventually(async () => (await servedName(hub.port)) === 'two.test', 'the new certificate');
  assert.equal(await servedName(hub.port), 'two.test');
  assert.equal((await ask()).status, 200);
  // A key that does not fit, and no certificate at all: the last good pair stays.
  await writeFile(key, await readFile(one.key));
  await reload(undefined, 'reload-refused');
  await writeFile(cert, 'nonsense');
  await reload(undefined, 'reload-refused');
  assert.equal(await servedName(hub.port), 'two.test');
  assert.equal((await ask()).status, 200);
  // Whoever speaks plain HTTP to it does no harm.
  const plain = wire(t, hub, { secure: false });
  plain.send('GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n');
  await eventually(() => plain.ended || plain.closed, 'the end of a plain connection');
  assert.equal((await ask()).status, 200);
});

test('over HTTPS the session cookie is bound to the host and to TLS', async (t) => {
  const folder = await temporaryFolder(t);
  const { cert, key } = certificate(folder, 'one.test');
  const hub = await startHub(t, { env: { ...bare, NEXUS_SERVER_TLS_CERTIFICATE: cert, NEXUS_SERVER_TLS_KEY: key } });
  const line = wire(t, hub);
  const body = JSON.stringify({ token: adminToken });
  const signedIn = await line.send(`POST /session HTTP/1.1\r\nHost: hub.test\r\nOrigin: https://hub.test\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`).answer();
  assert.equal(signedIn.status, 204);
  const [pair, ...attributes] = signedIn.headers['set-cookie'].split('; ');
  assert.match(pair, /^__Host-nxh=/);
  assert.deepEqual(attributes.sort(), ['HttpOnly', 'Path=/', 'SameSite=Strict', 'Secure']);
  assert.equal((await line.send(`GET /session HTTP/1.1\r\nHost: hub.test\r\nCookie: ${pair}\r\n\r\n`).answer()).status, 200);
  assert.equal((await line.send(`GET /session HTTP/1.1\r\nHost: hub.test\r\nCookie: ${pair.replace('__Host-', '')}\r\n\r\n`).answer()).status, 401);
});

// --- Watching.

test('healthz and readyz answer anybody', async (t) => {
  const hub = await startHub(t, { env: bare });
  for (const [route, status] of [['/healthz', 'ok'], ['/readyz', 'ready']]) {
    const response = await fetch(hub.address + route);
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), { status });
    assert.equal((await fetch(hub.address + route, { method: 'HEAD' })).status, 200);
  }
});

test('JSON logs are one object a line and carry the ids of their requests', async (t) => {
  const hub = await startHub(t, { env: { ...bare, NEXUS_LOG_FORMAT: 'json', NEXUS_LOG_LEVEL: 'debug' } });
  await hub.addProvider({ name: 'quotes " and \\ and ü', server_url: 'http://127.0.0.1:1' }, ['m']);
  const own = await fetch(`${hub.address}/healthz`);
  const named = await fetch(`${hub.address}/healthz`, { headers: { 'x-request-id': 'trace-me "1"' } });
  assert.match(own.headers.get('x-request-id'), /^req_\w+$/);
  const failed = await hub.chat(hello('m'), { headers: { 'x-request-id': 'failing-1' } });
  assert.equal(failed.status, 502);
  assert.equal(failed.headers.get('x-request-id'), 'failing-1');
  await hub.stop();
  const entries = lines(hub.stderr).map((line) => JSON.parse(line));
  for (const entry of entries) {
    assert.ok(!Number.isNaN(Date.parse(entry.ts)));
    assert.ok(['debug', 'info', 'warn', 'error'].includes(entry.level));
    for (const member of ['logger', 'event', 'msg']) assert.equal(typeof entry[member], 'string');
  }
  const ids = entries.map((entry) => entry.request_id);
  for (const response of [own, named, failed]) assert.ok(ids.includes(response.headers.get('x-request-id')), response.headers.get('x-request-id'));
  assert.ok(entries.some((entry) => entry.request_id === 'failing-1' && entry.event === 'request-failed'));
});

test('every answer carries a request id: the caller\'s if it is one, else the hub\'s own', async (t) => {
  const hub = await startHub(t, { env: bare });
  const line = wire(t, hub);
  const ask = async (id) => (await line.send(Buffer.from(`GET /healthz HTTP/1.1\r\nHost: h\r\n${id === undefined ? '' : `X-Request-Id: ${id}\r\n`}\r\n`, 'latin1')).answer()).headers;
  assert.equal((await ask('a-1_b'))['x-request-id'], 'a-1_b');
  const seen = new Set();
  for (const id of [undefined, '', 'x'.repeat(129), 'caf\xe9']) seen.add((await ask(id))['x-request-id']);
  assert.equal(seen.size, 4);
  for (const id of seen) assert.match(id, /^req_/);
  assert.match((await ask())['server-timing'], /^gateway;dur=\d+\.\d+$/);
});

// --- The interface.

test('the interface comes with its policy and is not sent twice', async (t) => {
  const hub = await startHub(t, { env: bare });
  const response = await fetch(`${hub.address}/`);
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type'), /^text\/html/);
  const policy = response.headers.get('content-security-policy');
  assert.match(policy, /default-src/);
  assert.doesNotMatch(policy, /unsafe-eval|script-src[^;]*unsafe-inline|\*/);
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
  const page = await response.text();
  const files = [...page.matchAll(/(?:src|href)="(\/ui\/[^"]+)"/g)].map(([, file]) => file);
  assert.ok(files.length > 0);
  for (const file of ['/', ...files]) {
    const first = await fetch(hub.address + file);
    assert.equal(first.status, 200, file);
    await first.arrayBuffer();
    const etag = first.headers.get('etag');
    assert.match(etag, /^"[^"]+"$/);
    const second = await fetch(hub.address + file, { headers: { 'if-none-match': etag } });
    assert.equal(second.status, 304, file);
    assert.equal((await second.arrayBuffer()).byteLength, 0);
    assert.equal((await fetch(hub.address + file, { headers: { 'if-none-match': '"other"' } })).status, 200);
  }
  assert.equal((await fetch(`${hub.address}/ui/absent.js`)).status, 404);
});

test('--no-web serves no interface, and the rest goes on', async (t) => {
  const hub = await startHub(t, { args: ['--no-web'], env: bare });
  for (const route of ['/', '/ui/app.js']) {
    const response = await fetch(hub.address + route);
    assert.equal(response.status, 404);
    errorOf(await response.text());
  }
  assert.equal((await fetch(`${hub.address}/healthz`)).status, 200);
});

test('a flag that is given twice counts as it was given last', async (t) => {
  const hub = await startHub(t, { args: ['--listen', 'nowhere', '--listen', '127.0.0.1:0'], env: bare });
  assert.equal((await fetch(`${hub.address}/healthz`)).status, 200);
});

test('--web-dir serves a folder as it is now, and nothing outside it', async (t) => {
  const folder = await temporaryFolder(t);
  const web = path.join(folder, 'web');
  await mkdir(path.join(web, 'sub'), { recursive: true });
  await writeFile(path.join(web, 'index.html'), '<h1>mine</h1>');
  await writeFile(path.join(web, 'sub', 'app.js'), '1');
  await writeFile(path.join(folder, 'secret.txt'), 'secret');
  const hub = await startHub(t, { args: ['--web-dir', web], env: bare });
  assert.equal(await (await fetch(`${hub.address}/`)).text(), '<h1>mine</h1>');
  await writeFile(path.join(web, 'index.html'), '<h1>changed</h1>');
  const page = await fetch(`${hub.address}/`);
  assert.equal(await page.text(), '<h1>changed</h1>');
  assert.match(page.headers.get('content-security-policy'), /default-src/);
  assert.match(page.headers.get('content-type'), /^text\/html/);
  const script = await fetch(`${hub.address}/ui/dev/sub/app.js`);
  assert.match(script.headers.get('content-type'), /javascript/);
  for (const target of ['/ui/dev/../secret.txt', '/ui/dev/../../secret.txt', '/ui/dev//etc/passwd', `/ui/dev/${path.join(folder, 'secret.txt')}`, '/ui/dev/sub', '/ui/dev/sub/', '/ui/dev/..%2fsecret.txt', '/ui/../secret.txt', '/ui/../../secret.txt', '/ui/%2e%2e/secret.txt', '/ui/..%2fsecret.txt', '/ui/sub/../../secret.txt', '/ui//etc/passwd', '/ui/%2fetc%2fpasswd', '/ui/.', '/ui/sub', '/ui/sub/', '/ui/..\\secret.txt', '/ui/%5c..%5csecret.txt', '/ui/secret.txt%00.js']) {
    const line = wire(t, hub);
    const answer = await line.send(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`).answer();
    assert.ok([400, 404].includes(answer.status), `${target}: ${answer.status} ${answer.body}`);
    errorOf(answer.body);
  }
});
