// Upstreams over HTTPS: only a certificate that is trusted and names the host is spoken to.
import test from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import tls from 'node:tls';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { readFile } from 'node:fs/promises';
import { startHub, startMock, temporaryFolder } from './harness.mjs';
import { ask, completion, http, modelAt, rawUpstream, upstreamKey } from './upstream.mjs';

const run = promisify(execFile);

/** Makes a self-signed certificate for `names` and returns the paths of certificate and key. */
async function makeCertificate(folder, name, names, days = '30') {
  const [cert, key] = [path.join(folder, `${name}.pem`), path.join(folder, `${name}.key`)];
  await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', days,
    '-keyout', key, '-out', cert, '-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`]);
  return { cert, key };
}

const port = (mock) => new URL(mock.address).port;
const served = ({ cert, key }) => ['--cert', cert, '--key', key];

test('an upstream over HTTPS', async (t) => {
  const folder = await temporaryFolder(t);
  const good = await makeCertificate(folder, 'upstream', 'DNS:localhost,IP:127.0.0.1');
  const other = await makeCertificate(folder, 'other', 'DNS:other.example,IP:127.0.0.9');
  const stranger = await makeCertificate(folder, 'stranger', 'DNS:localhost,IP:127.0.0.1');
  const trusted = path.join(folder, 'trusted.pem');
  await run('sh', ['-c', 'cat "$1" "$2" > "$3"', 'sh', good.cert, other.cert, trusted]);
  const hub = await startHub(t, { env: { NEXUS_UPSTREAM_CA_FILE: trusted, NEXUS_UPSTREAM_FAILURES_BEFORE_OPEN: '1000000' } });

  const assertRefused = async (url, log) => {
    const model = await modelAt(hub, url);
    for (const stream of [false, true]) {
      const answer = await ask(hub, model, { stream });
      assert.equal(answer.status, 502, answer.text);
      assert.equal(answer.error.code, 'upstream_error');
      assert.match(answer.error.message, /TLS connection to the upstream failed/);
    }
    assert.match(hub.stdout + hub.stderr, log);
  };

  await t.test('trusted by the CA file, by address and by name', async () => {
    const mock = await startMock(t, served(good));
    for (const host of ['127.0.0.1', 'localhost']) {
      const model = await modelAt(hub, `https://${host}:${port(mock)}/m/chunks=20,chunk_bytes=5000`);
      for (let round = 0; round < 2; ++round) {
        assert.equal((await ask(hub, model)).status, 200);
        const stream = await ask(hub, model, { stream: true });
        assert.equal(stream.events.length, 20 + 3, stream.text.slice(0, 500));
        assert.equal(stream.events.at(-1), '[DONE]');
      }
    }
  });

  await t.test('a large request and a large answer', async () => {
    const mock = await startMock(t, served(good));
    const model = await modelAt(hub, `https://127.0.0.1:${port(mock)}/m/body_bytes=90000`);
    const answer = await ask(hub, model, { body: { messages: [{ role: 'user', content: 'x'.repeat(2_000_000) }] } });
    assert.equal(answer.status, 200);
    assert.ok(answer.content.length >= 90000);
  });

  await t.test('faults within TLS', async () => {
    const mock = await startMock(t, served(good));
    const at = (directives) => modelAt(hub, `https://127.0.0.1:${port(mock)}/m/${directives}`);
    assert.equal((await ask(hub, await at('fault=drop'))).error.code, 'upstream_error');
    assert.equal((await ask(hub, await at('fault=reset'))).error.code, 'upstream_error');
    for (const fault of ['cut', 'reset_mid']) {
      const answer = await ask(hub, await at(`fault=${fault}`), { stream: true });
      assert.equal(answer.status, 200);
      assert.equal(answer.error.code, 'upstream_error');
      assert.ok(!answer.events.includes('[DONE]'));
    }
    assert.equal((await ask(hub, await at('status=429,retry_after=5'))).headers.get('retry-after'), '5');
  });

  await t.test('self-signed by a stranger', async () => {
    const mock = await startMock(t, served(stranger));
    await assertRefused(`https://127.0.0.1:${port(mock)}`, /certificate verify failed \(self-signed certificate\)/i);
    await assertRefused(`https://localhost:${port(mock)}`, /certificate verify failed/i);
  });

  await t.test('trusted, but for another host', async () => {
    const mock = await startMock(t, served(other));
    await assertRefused(`https://127.0.0.1:${port(mock)}`, /certificate verify failed \(IP address mismatch\)/i);
    await assertRefused(`https://localhost:${port(mock)}`, /certificate verify failed \(hostname mismatch\)/i);
  });

  await t.test('a server that speaks no TLS', async (context) => {
    const plain = await rawUpstream(context, (socket) => socket.write(http(200, completion('in clear'))));
    const address = new URL(plain.address);
    // It does not answer what it does not understand: closing is its answer.
    plain.server.on('connection', (socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    await assertRefused(`https://127.0.0.1:${address.port}`, /TLS connection to the upstream failed/);
    assert.equal(plain.requests.length, 0, 'nothing was said in clear');
  });

  await t.test('a server that never finishes the handshake', async (context) => {
    const plain = await rawUpstream(context, () => {});
    const model = await modelAt(hub, `https://127.0.0.1:${new URL(plain.address).port}`, { timeouts: { connect: 200 } });
    const answer = await ask(hub, model);
    assert.equal(answer.status, 504);
    assert.equal(answer.error.code, 'upstream_timeout');
    assert.match(answer.error.message, /no connection within 200 ms/);
  });

  await t.test('the name goes into the handshake, and only the newer protocols are spoken', async (context) => {
    const options = { cert: await readFile(good.cert), key: await readFile(good.key) };
    const names = [];
    const server = tls.createServer({ ...options, SNICallback: (name, done) => { names.push(name); done(null, null); } }, (socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(http(200, completion(socket.getProtocol()), { connection: 'close' })));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    context.after(() => server.close());
    const answer = await ask(hub, await modelAt(hub, `https://localhost:${server.address().port}`));
    assert.match(answer.content, /^TLSv1\.[23]$/);
    assert.deepEqual(names, ['localhost']);

    const old = tls.createServer({ ...options, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }).listen(0, '127.0.0.1');
    old.on('tlsClientError', () => {});
    await once(old, 'listening');
    context.after(() => old.close());
    await assertRefused(`https://localhost:${old.address().port}`, /TLS connection to the upstream failed/);
  });

  await t.test('the key never reached the log', () => assert.ok(!(hub.stdout + hub.stderr).includes(upstreamKey)));
});

test('without a CA file a self-signed upstream is refused', async (t) => {
  const folder = await temporaryFolder(t);
  const mock = await startMock(t, served(await makeCertificate(folder, 'upstream', 'DNS:localhost,IP:127.0.0.1')));
  const hub = await startHub(t);
  const answer = await ask(hub, await modelAt(hub, mock.address));
  assert.equal(answer.status, 502);
  assert.equal(answer.error.code, 'upstream_error');
  assert.match(answer.error.message, /TLS/);
});
