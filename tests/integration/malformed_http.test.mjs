// HTTP as broken, slow and hostile clients speak it: one clear answer, the connection closed where nothing behind the
// fault can be trusted, and the hub goes on.
import test from 'node:test';
import assert from 'node:assert/strict';
import { adminToken, eventually, startHub } from './harness.mjs';
import { errorOf, startSteps, startUpstream, wire } from './wire.mjs';

const bare = { NEXUS_DEMO_ENABLED: 'false' };
const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n';
const get = (fields = '', target = '/healthz') => `GET ${target} HTTP/1.1\r\nHost: h\r\n${fields}\r\n`;
const post = (fields, body = '') => `POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer pk-team\r\nContent-Type: application/json\r\n${fields}\r\n${body}`;
const chunked = (body) => post('Transfer-Encoding: chunked\r\n', body);
const chat = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hello' }] });
const streamed = JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'Hello' }] });
const sized = (body, fields = '') => post(`Content-Length: ${Buffer.byteLength(body)}\r\n${fields}`, body);

async function served(t, env = {}) {
  const upstream = await startUpstream(t);
  const hub = await startHub(t, { env: { ...bare, ...env } });
  await hub.addProvider({ server_url: upstream.address }, ['m']);
  return { upstream, hub };
}

/** Sends bytes; there must be this one answer, an error, and then the end of the connection. */
async function refused(t, hub, bytes, status, what) {
  const line = wire(t, hub);
  const answer = await line.send(bytes).answer();
  assert.equal(answer.status, status, `${what}: ${answer.status} ${answer.body}`);
  errorOf(answer.body);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.headers.connection, 'close', what);
  assert.ok(answer.headers['x-request-id'], what);
  await line.end();
  return answer;
}

const broken = {
  'bare LF everywhere': ['GET / HTTP/1.1\nHost: h\n\n', 400],
  'bare LF behind the request line': ['GET / HTTP/1.1\nHost: h\r\n\r\n', 400],
  'bare CR behind the request line': ['GET / HTTP/1.1\rHost: h\r\n\r\n', 400],
  'bare CR in a value': [get('A: b\rC: d\r\n'), 400],
  'bare LF between fields': [get('A: b\nC: d\r\n'), 400],
  'NUL in the method': ['G\0T / HTTP/1.1\r\nHost: h\r\n\r\n', 400],
  'NUL in the target': [get('', '/\0'), 400],
  'NUL in a value': [get('A: b\0c\r\n'), 400],
  'control in a value': [get('A: b\x01\r\n'), 400],
  'a TLS greeting': ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
  'no Host': ['GET / HTTP/1.1\r\n\r\n', 400],
  'two Hosts': ['GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n', 400],
  'empty Host': ['GET / HTTP/1.1\r\nHost:\r\n\r\n', 400],
  'Host as a list': ['GET / HTTP/1.1\r\nHost: a, b\r\n\r\n', 400],
  'Host with a user': ['GET / HTTP/1.1\r\nHost: u@h\r\n\r\n', 400],
  'obs-fold': [get('Authorization: Bearer\r\n key\r\n'), 400],
  'obs-fold with a tab': [get('A: b\r\n\tc\r\n'), 400],
  'space before the colon': [get('Content-Length : 5\r\n') + 'hello', 400],
  'no colon': [get('Authorization\r\n'), 400],
  'name with a space': [get('A B: v\r\n'), 400],
  'unknown method': ['BREW /healthz HTTP/1.1\r\nHost: h\r\n\r\n', 405],
  'method in lower case': ['get /healthz HTTP/1.1\r\nHost: h\r\n\r\n', 405],
  'CONNECT': ['CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n', 405],
  'HTTP/2 preface': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 405],
  'absolute-form target': [get('', 'http://evil.example/healthz'), 400],
  'asterisk-form target': ['OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n', 400],
  'fragment in the target': [get('', '/healthz#x'), 400],
  'HTTP/0.9': ['GET /\r\n\r\n', 400],
  'HTTP/2.0': ['GET / HTTP/2.0\r\nHost: h\r\n\r\n', 400],
  'two spaces': ['GET  / HTTP/1.1\r\nHost: h\r\n\r\n', 400],
  'an endless request line': ['G'.repeat(40_000), 431],
  'an endless field': [`GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`, 431],
  'endless fields': [`GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(5_000)}`, 431],
  'too many fields': [`GET / HTTP/1.1\r\nHost: h\r\n${'X: y\r\n'.repeat(100)}\r\n`, 431],
  'a target too long': [get('', `/${'t'.repeat(9_000)}`), 431],
  'Expect of something else': [get('Expect: 200-ok\r\n'), 400],
  'both framings': [post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${smuggled}`), 400],
  'both framings, other way round': [post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', '0\r\n\r\n'), 400],
  'two lengths': [post('Content-Length: 5\r\nContent-Length: 6\r\n', `hello${smuggled}`), 400],
  'the same length twice': [post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'), 400],
  'a list of lengths': [post('Content-Length: 5, 5\r\n', 'hello'), 400],
  'length with a plus': [post('Content-Length: +5\r\n', 'hello'), 400],
  'negative length': [post('Content-Length: -5\r\n', smuggled), 400],
  'length that overflows': [post('Content-Length: 18446744073709551621\r\n', `hello${smuggled}`), 400],
  'gzip, chunked': [post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'), 400],
  'xchunked': [post('Transfer-Encoding: xchunked\r\n', `0\r\n\r\n${smuggled}`), 400],
  'two Transfer-Encodings': [post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', '0\r\n\r\n'), 400],
  'Transfer-Encoding in HTTP/1.0': ['POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  'an encoded body': [post('Content-Encoding: gzip\r\nContent-Length: 2\r\n', 'hi'), 415],
  'chunk size with a plus': [chunked(`+5\r\nhello\r\n0\r\n\r\n${smuggled}`), 400],
  'chunk size with 0x': [chunked(`0x5\r\nhello\r\n0\r\n\r\n${smuggled}`), 400],
  'chunk size that is a word': [chunked('five\r\nhello\r\n0\r\n\r\n'), 400],
  'empty chunk size': [chunked('\r\nhello\r\n0\r\n\r\n'), 400],
  'chunk size that overflows': [chunked('10000000000000005\r\nhello\r\n0\r\n\r\n'), 400],
  'largest chunk size': [chunked('ffffffffffffffff\r\nhello\r\n0\r\n\r\n'), 413],
  'chunk line that ends with LF': [chunked('5\nhello\r\n0\r\n\r\n'), 400],
  'chunk data longer than its size': [chunked('5\r\nhello!\r\n0\r\n\r\n'), 400],
  'endless chunk extension': [chunked(`5;${'e'.repeat(70_000)}`), 400],
  'a trailer': [chunked(`2\r\n{}\r\n0\r\nAuthorization: Bearer x\r\n\r\n${smuggled}`), 400],
  'endless trailers': [chunked(`0\r\n${'X: y\r\n'.repeat(12_000)}`), 400],
  'path with an encoded slash': [get('', '/v1%2fmodels'), 400, 'keeps'],
  'path with a dot segment': [get('', '/v1/../providers'), 400, 'keeps'],
  'path with an encoded dot segment': [get('', '/%2e%2e/providers'), 400, 'keeps'],
  'path with an empty segment': [get('', '//providers'), 400, 'keeps'],
  'path with a backslash': [get('', '/..\\providers'), 400, 'keeps'],
  'path with an encoded backslash': [get('', '/..%5cproviders'), 400, 'keeps'],
  'path with an encoded NUL': [get('', '/healthz%00'), 400, 'keeps'],
  'path with an encoded line end': [get('', '/healthz%0d%0ax:%20y'), 400, 'keeps'],
  'path with a broken escape': [get('', '/%zz'), 400, 'keeps'],
  'path with a semicolon': [get('', '/providers;x=/healthz'), 400, 'keeps'],
};

test('broken requests get one clear answer each, and what stands behind them is never read as a request', async (t) => {
  const { upstream, hub } = await served(t, { NEXUS_LOG_LEVEL: 'debug' });
  for (const [what, [bytes, status, keeps]] of Object.entries(broken)) {
    if (!keeps) {
      await refused(t, hub, bytes, status, what);
      continue;
    }
    // Sound HTTP for a path that is not: the connection may be used again.
    const line = wire(t, hub);
    const answer = await line.send(bytes).answer();
    assert.equal(answer.status, status, `${what}: ${answer.body}`);
    errorOf(answer.body);
    assert.equal((await line.send(get()).answer()).status, 200, what);
  }
  assert.equal(upstream.requests.length, 0);
  assert.doesNotMatch(hub.stderr, /smuggled/);
  assert.equal((await hub.chat(chat)).status, 200);
});

test('the same holds if the bytes come one after the other', async (t) => {
  const { hub } = await served(t);
  await Promise.all(['both framings', 'obs-fold', 'chunk size with 0x', 'a trailer', 'NUL in a value', 'two Hosts'].map(async (what) => {
    const [bytes, status] = broken[what];
    const line = wire(t, hub);
    await line.connected;
    line.socket.setNoDelay(true);
    for (const byte of bytes) {
      if (line.received.length > 0) break;
      line.send(byte);
      await new Promise(setImmediate);
    }
    const answer = await line.answer();
    assert.equal(answer.status, status, what);
    errorOf(answer.body);
    await line.end();
  }));
});

test('sound requests that look odd are served', async (t) => {
  const { upstream, hub } = await served(t);
  const body = Buffer.from(chat).toString('latin1');
  const half = body.length >> 1;
  for (const [what, bytes] of Object.entries({
    'a length with leading zeros': post(`Content-Length: 000${body.length}\r\n`, body),
    'one chunk': chunked(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`),
    'two chunks with extensions': chunked(`${half.toString(16)};a=b\r\n${body.slice(0, half)}\r\n${(body.length - half).toString(16).toUpperCase()}\r\n${body.slice(half)}\r\n000;last\r\n\r\n`),
    'chunks of a byte': chunked(`${[...body].map((byte) => `1\r\n${byte}\r\n`).join('')}0\r\n\r\n`),
    'odd case': sized(body).replace('Content-Length', 'cONTENT-lENGTH').replace('Authorization: Bearer ', 'AUTHORIZATION:   bEARER   '),
    'an empty line before': `\r\n${sized(body)}`,
    'a query': sized(body).replace('/completions ', '/completions?api-version=2024-10-21 '),
  })) {
    const line = wire(t, hub);
    const answer = await line.send(bytes).answer();
    assert.equal(answer.status, 200, `${what}: ${answer.body}`);
    assert.equal(upstream.requests.at(-1).body, chat, what);
    assert.equal((await line.send(get()).answer()).status, 200, `${what}, and again`);
  }
});

test('a body that is too large is refused as early as it can be known', async (t) => {
  const { upstream, hub } = await served(t, { NEXUS_SERVER_BODY_BYTES_MAX: '10000' });
  await refused(t, hub, post('Content-Length: 10001\r\n'), 413, 'announced');
  await refused(t, hub, post('Content-Length: 9999999999999999999\r\n'), 413, 'announced absurdly');
  await refused(t, hub, chunked(`2711\r\n${'x'.repeat(10_001)}`), 413, 'one chunk');
  await refused(t, hub, chunked(`${`3e8\r\n${'x'.repeat(1000)}\r\n`.repeat(10)}1\r\nx\r\n`), 413, 'the sum of chunks');
  await refused(t, hub, post('Content-Length: 10001\r\nExpect: 100-continue\r\n'), 413, 'asked before it is sent');
  // It is being sent all the same: the answer must not drown in a reset.
  const line = wire(t, hub);
  line.send(post('Content-Length: 200000\r\n', 'x'.repeat(200_000)));
  assert.equal((await line.answer()).status, 413);
  const fits = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: '' }] });
  const padded = fits.replace('""', `"${'x'.repeat(10_000 - fits.length)}"`);
  assert.equal(padded.length, 10_000);
  assert.equal((await hub.chat(padded)).status, 200);
  assert.equal(upstream.requests.length, 1);
});

test('the control plane takes small bodies only, whatever the data plane takes', async (t) => {
  const { hub } = await served(t);
  const large = JSON.stringify({ name: 'x', description: 'd'.repeat(300_000) });
  const head = (fields) => `POST /providers HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${adminToken}\r\nContent-Type: application/json\r\n${fields}\r\n`;
  for (const bytes of [head(`Content-Length: ${large.length}\r\n`) + large, `${head('Transfer-Encoding: chunked\r\n')}${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`]) {
    const line = wire(t, hub);
    const answer = await line.send(bytes).answer();
    assert.equal(answer.status, 413);
    errorOf(answer.body);
    line.close();
  }
  assert.equal((await hub.admin('GET', '/providers')).body.providers.length, 1);
});

test('whoever may not send a body is told before it is read', async (t) => {
  const { hub } = await served(t);
  for (const [key, route, status] of [['wrong', '/v1/chat/completions', 401], ['pk-team', '/nowhere', 404], ['pk-team', '/v1/models', 405]]) {
    const line = wire(t, hub);
    // Not a byte of the body is sent.
    const answer = await line.send(`POST ${route} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n`).answer();
    assert.equal(answer.status, status, route);
    errorOf(answer.body);
    assert.equal(answer.headers.connection, 'close');
    await line.end();
  }
});

test('slow clients are let go: in the head, in the body, between requests', async (t) => {
  const { upstream, hub } = await served(t, { NEXUS_SERVER_HEAD_TIMEOUT_MS: '200', NEXUS_SERVER_BODY_TIMEOUT_MS: '200', NEXUS_SERVER_IDLE_TIMEOUT_MS: '200' });
  await Promise.all([
    refused(t, hub, 'GET /healthz HTTP/1.1\r\nHost:', 408, 'half a head'),
    refused(t, hub, 'G', 408, 'one byte'),
    refused(t, hub, post('Content-Length: 100\r\n', 'half'), 408, 'half a body'),
    refused(t, hub, chunked('5\r\nhel'), 408, 'half a chunk'),
    (async () => {
      // Byte after byte does not buy a head more time.
      const line = wire(t, hub);
      await line.connected;
      const drip = setInterval(() => line.send('x'), 20);
      t.after(() => clearInterval(drip));
      line.send('GET /healthz HTTP/1.1\r\nX: ');
      const answer = await line.answer();
      clearInterval(drip);
      assert.equal(answer.status, 408);
      await eventually(() => line.ended || line.closed, 'the end of a dripping connection');
    })(),
    (async () => {
      const silent = wire(t, hub);
      await eventually(() => silent.ended, 'the end of a silent connection');
      assert.ok([0, 408].includes(silent.received.length === 0 ? 0 : (await silent.answer()).status));
    })(),
    (async () => {
      const idle = wire(t, hub);
      assert.equal((await idle.send(get()).answer()).status, 200);
      await idle.end();  // without a word: there was no request
    })(),
  ]);
  assert.equal(upstream.requests.length, 0);
  assert.equal((await fetch(`${hub.address}/healthz`)).status, 200);
});

test('pipelined requests are answered in their order, slow ones too', async (t) => {
  const upstream = await startSteps(t);
  const hub = await startHub(t, { env: bare });
  await hub.addProvider({ server_url: upstream.address }, ['m']);
  const line = wire(t, hub);
  line.send(get('X-Request-Id: one\r\n') + sized(streamed, 'X-Request-Id: two\r\n') + get('X-Request-Id: three\r\n', '/nowhere') + chunked(`${streamed.length.toString(16)}\r\n${streamed}\r\n0\r\n\r\n`) + get('X-Request-Id: five\r\nConnection: close\r\n') + get('X-Request-Id: six\r\n'));
  const first = await line.answer();
  assert.deepEqual([first.status, first.headers['x-request-id']], [200, 'one']);
  const stream = await upstream.stream(0);
  stream.delta('slowly');
  stream.finish();
  const second = await line.answer();
  assert.deepEqual([second.status, second.headers['x-request-id']], [200, 'two']);
  assert.match(second.body, /slowly[^]*\[DONE\]\n\n$/);
  const third = await line.answer();
  assert.deepEqual([third.status, third.headers['x-request-id']], [404, 'three']);
  const later = await upstream.stream(1);
  later.delta('again');
  later.finish();
  assert.match((await line.answer()).body, /again[^]*\[DONE\]/);
  const fifth = await line.answer();
  assert.deepEqual([fifth.status, fifth.headers['x-request-id'], fifth.headers.connection], [200, 'five', 'close']);
  await line.end();  // the sixth is not answered
});

test('hundreds of pipelined requests are all answered', async (t) => {
  const { hub } = await served(t);
  const line = wire(t, hub);
  const count = 3000;
  for (let i = 0; i < count; ++i) line.send(get(`X-Request-Id: n${i}\r\n`));
  for (let i = 0; i < count; ++i) {
    const { status, headers } = await line.answer();
    assert.deepEqual([status, headers['x-request-id']], [200, `n${i}`]);
  }
});

test('HTTP/1.0 clients get whole answers, and streams that end with the connection', async (t) => {
  const { hub } = await served(t);
  const line = wire(t, hub);
  const plain = await line.send('GET /healthz HTTP/1.0\r\n\r\n').answer();
  assert.equal(plain.status, 200);
  assert.notEqual(plain.headers.connection, 'keep-alive');
  await line.end();
  const keeps = wire(t, hub);
  const kept = await keeps.send('GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n').answer();
  assert.equal(kept.status, 200);
  if (kept.headers.connection?.toLowerCase() === 'keep-alive') assert.equal((await keeps.send('GET /healthz HTTP/1.0\r\n\r\n').answer()).status, 200);
  const steps = await startSteps(t);
  await hub.addProvider({ server_url: steps.address, personalized_key: 'pk-steps' }, ['s']);
  const stream = wire(t, hub);
  const body = streamed.replace('"m"', '"s"');
  stream.send(`POST /v1/chat/completions HTTP/1.0\r\nAuthorization: Bearer pk-steps\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  const upstream = await steps.stream(0);
  upstream.delta('old but fine');
  upstream.finish();
  const answer = await stream.answer();
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['transfer-encoding'], undefined);
  assert.equal(answer.headers['content-length'], undefined);
  assert.match(answer.body, /^data: [^]*old but fine[^]*data: \[DONE\]\n\n$/);
  await stream.end();
});

test('HEAD says what GET would, without the body', async (t) => {
  const { hub } = await served(t);
  const line = wire(t, hub);
  for (const target of ['/healthz', '/', '/v1/models']) {
    const fields = 'Authorization: Bearer pk-team\r\n';
    const whole = await line.send(get(fields, target)).answer();
    const head = await line.send(get(fields, target).replace('GET', 'HEAD')).answer({ method: 'HEAD' });
    assert.equal(head.status, whole.status, target);
    assert.equal(head.headers['content-length'], whole.headers['content-length'], target);
    assert.equal(head.headers['content-type'], whole.headers['content-type']);
  }
  assert.equal((await line.send(get('', '/nowhere').replace('GET', 'HEAD')).answer({ method: 'HEAD' })).status, 404);
  assert.equal((await line.send(get()).answer()).status, 200);
});

test('Expect: 100-continue is answered before the body is sent', async (t) => {
  const { upstream, hub } = await served(t);
  const line = wire(t, hub);
  for (let round = 0; round < 2; ++round) {
    line.send(post(`Content-Length: ${chat.length}\r\nExpect: 100-continue\r\n`));
    assert.equal((await line.answer()).status, 100);
    assert.equal((await line.send(chat).answer()).status, 200);
  }
  // A client that does not wait gets the answer to its request, too; HTTP/1.0 knows no 100.
  line.send(sized(chat, 'Expect: 100-continue\r\n'));
  const first = await line.answer();
  assert.equal(first.status === 100 ? (await line.answer()).status : first.status, 200);
  assert.equal(upstream.requests.length, 3);
});

test('a connection serves one request after the other, of any kind', async (t) => {
  const { hub } = await served(t);
  const line = wire(t, hub);
  for (let i = 0; i < 5; ++i) {
    assert.equal((await line.send(sized(chat)).answer()).status, 200);
    assert.equal((await line.send(sized('{"broken')).answer()).status, 400);
    assert.equal((await line.send(get('', '/nowhere')).answer()).status, 404);
    assert.equal((await line.send(sized(chat).replace('pk-team', 'pk-wrong').replace(chat, '').replace(/Content-Length: \d+/, 'Content-Length: 0')).answer()).status, 401);
    assert.equal((await line.send(get()).answer()).status, 200);
  }
  const last = await line.send(get('Connection: close\r\n')).answer();
  assert.equal(last.headers.connection, 'close');
  await line.end();
});

test('a client that closes its sending side is still answered', async (t) => {
  const { upstream, hub } = await served(t);
  const line = wire(t, hub);
  const answer = await line.send(get('Connection: close\r\n')).finish().answer();
  assert.equal(answer.status, 200);
  await line.end();
  const chatting = wire(t, hub);
  await chatting.connected;
  chatting.send(sized(chat)).finish();
  // Whether it is answered or taken for gone: the connection ends, and the hub counts what it asked for.
  await eventually(() => chatting.ended || chatting.closed, 'the end');
  if (chatting.received.length > 0) assert.equal((await chatting.answer()).status, 200);
  const half = wire(t, hub);
  half.send('GET /healthz HTTP/1.1\r\nHost').finish();
  await eventually(() => half.ended || half.closed, 'the end of half a request');
  assert.ok(upstream.requests.length <= 1);
  assert.equal((await fetch(`${hub.address}/healthz`)).status, 200);
});

test('connections beyond the limit are closed at once, and those that are there go on', async (t) => {
  const hub = await startHub(t, { env: { ...bare, NEXUS_SERVER_CONNECTIONS_MAX: '16', NEXUS_SERVER_THREADS: '1' } });
  const lines = [];
  for (let i = 0; i < 16; ++i) {
    lines.push(wire(t, hub));
    assert.equal((await lines[i].send(get()).answer()).status, 200);
  }
  const surplus = wire(t, hub);
  await eventually(() => surplus.ended || surplus.closed, 'the end of the surplus connection');
  for (const line of lines) assert.equal((await line.send(get()).answer()).status, 200);
  lines[0].close();
  await eventually(async () => {
    const next = wire(t, hub);
    next.send(get());
    return next.answer().then((answer) => answer.status === 200, () => false);
  }, 'room again');
});
