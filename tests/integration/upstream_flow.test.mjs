// What the hub makes of several providers, failing ones, slow ones and slow or leaving clients.
import test from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { eventually, startHub, startMock } from './harness.mjs';
import {
  ask, closedPort, completion, delta, done, finish, fresh, http, modelAt, rawUpstream, recorded, residentKib, sanitized, streamHead, upstreamKey,
} from './upstream.mjs';

const noBreaker = { NEXUS_UPSTREAM_FAILURES_BEFORE_OPEN: '1000000' };
const hello = [{ role: 'user', content: 'Hello' }];
const answering = (text) => (socket, request) => (request.body.includes('"stream"')
  ? socket.end(streamHead + delta(text) + finish() + done)
  : socket.write(http(200, completion(text))));

/** One provider's row as the control plane shows it. */
async function provider(hub, name) {
  const { body } = await hub.admin('GET', '/providers');
  return body.providers.find((row) => row.name === name);
}

test('a second provider answers for a first that fails before its first byte', async (t) => {
  const hub = await startHub(t, { env: noBreaker });
  const mock = await startMock(t);
  const silent = { timeouts: { head: 100 } };
  const faults = [
    ['refused', `http://127.0.0.1:${await closedPort()}`], ['dropped', mock.url('fault=drop')], ['reset', mock.url('fault=reset')],
    ['silent', mock.url('head_delay_ms=600000'), silent], ['busy', mock.url('status=429')], ['failing', mock.url('status=500')],
    ['unauthorized', mock.url('status=401')], ['redirect', mock.url('status=302')],
  ];
  for (const [what, url, fields] of faults) {
    await t.test(what, async () => {
      const model = await modelAt(hub, mock.url('chunks=3'), { name: `second-${what}`, priority: 2 });
      await modelAt(hub, url, { model, name: `first-${what}`, priority: 1, ...fields });
      for (const stream of [false, true]) {
        const answer = await ask(hub, model, { stream });
        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.headers.get('x-nexus-provider'), `second-${what}`);
        const rows = await recorded(hub, answer.conversation);
        assert.equal(rows.length, 1, 'what was not spent is not recorded');
        assert.equal(rows[0].completion.provider_id, (await provider(hub, `second-${what}`)).id);
      }
    });
  }

  await t.test('the priority decides while both work', async (context) => {
    const first = await rawUpstream(context, answering('first'));
    const second = await rawUpstream(context, answering('second'));
    const model = await modelAt(hub, second.address, { priority: 2 });
    await modelAt(hub, first.address, { model, priority: 1 });
    for (let round = 0; round < 5; ++round) assert.equal((await ask(hub, model)).content, 'first');
    assert.equal(second.requests.length, 0);
  });

  await t.test('an error that another provider would share is not tried elsewhere', async (context) => {
    const second = await rawUpstream(context, answering('second'));
    const model = await modelAt(hub, mock.url('status=400'), { priority: 1 });
    await modelAt(hub, second.address, { model, priority: 2 });
    assert.equal((await ask(hub, model)).status, 400);
    assert.equal(second.requests.length, 0);
  });

  await t.test('when all fail, the caller hears of the last', async () => {
    const model = await modelAt(hub, mock.url('fault=drop'), { priority: 1 });
    await modelAt(hub, mock.url('status=503'), { model, priority: 2 });
    const answer = await ask(hub, model);
    assert.equal(answer.status, 503);
    assert.equal(answer.error.message, 'injected status');
  });

  await t.test('after the first byte there is no second provider', async (context) => {
    const second = await rawUpstream(context, answering('second'));
    const model = await modelAt(hub, mock.url('fault=reset_mid,at=5'), { priority: 1 });
    await modelAt(hub, second.address, { model, priority: 2 });
    const answer = await ask(hub, model, { stream: true });
    assert.equal(answer.status, 200);
    assert.equal(answer.error.code, 'upstream_error');
    assert.ok(answer.content.length > 0 && !answer.events.includes('[DONE]'));
    assert.equal(second.requests.length, 0);
  });
});

test('a provider that fails again and again rests, and the others notice nothing', async (t) => {
  const env = { NEXUS_SERVER_THREADS: '1', NEXUS_UPSTREAM_FAILURES_BEFORE_OPEN: '3', NEXUS_UPSTREAM_BACKOFF_MIN_MS: '600000', NEXUS_UPSTREAM_BACKOFF_MAX_MS: '600000' };
  const hub = await startHub(t, { env });
  const upstream = await rawUpstream(t, (socket) => socket.destroy());
  const good = await rawUpstream(t, answering('fine'));
  const name = fresh('provider');
  const model = await modelAt(hub, upstream.address, { name });
  const other = await modelAt(hub, good.address);
  assert.equal((await provider(hub, name)).state, 'ready');
  for (let round = 0; round < 3; ++round) assert.equal((await ask(hub, model)).error.code, 'upstream_error');
  for (const stream of [false, true]) {
    const answer = await ask(hub, model, { stream });
    assert.equal(answer.status, 503);
    assert.equal(answer.error.code, 'upstream_unavailable');
    const wait = Number(answer.headers.get('retry-after'));
    assert.ok(wait > 0 && wait <= 600, String(wait));
  }
  assert.equal(upstream.requests.length, 3, 'the resting provider is left alone');
  assert.equal((await provider(hub, name)).state, 'failing');
  assert.equal((await ask(hub, other)).content, 'fine');

  // A changed provider is tried at once.
  const changed = await hub.admin('PUT', `/providers/${(await provider(hub, name)).id}`, { server_url: good.address, server_key: upstreamKey });
  assert.equal(changed.status, 200);
  await eventually(async () => (await ask(hub, model)).content === 'fine', 'the corrected provider works');
  assert.equal((await provider(hub, name)).state, 'ready');
});

test('a resting provider comes back by itself when its upstream does', async (t) => {
  const env = { NEXUS_SERVER_THREADS: '1', NEXUS_UPSTREAM_FAILURES_BEFORE_OPEN: '2', NEXUS_UPSTREAM_BACKOFF_MIN_MS: '20', NEXUS_UPSTREAM_BACKOFF_MAX_MS: '40' };
  const hub = await startHub(t, { env });
  const upstream = await rawUpstream(t, (socket) => socket.destroy());
  const name = fresh('provider');
  const model = await modelAt(hub, upstream.address, { name });
  await eventually(async () => (await ask(hub, model)).error.code === 'upstream_unavailable', 'the circuit opens');
  assert.equal((await provider(hub, name)).state, 'failing');
  upstream.answer = answering('back');
  await eventually(async () => (await ask(hub, model)).content === 'back', 'the provider recovers');
  assert.equal((await provider(hub, name)).state, 'ready');
  for (let round = 0; round < 5; ++round) assert.equal((await ask(hub, model)).content, 'back');
});

test('answers of the upstream, even of an error, do not make it rest', async (t) => {
  const hub = await startHub(t, { env: { NEXUS_SERVER_THREADS: '1', NEXUS_UPSTREAM_FAILURES_BEFORE_OPEN: '2' } });
  const mock = await startMock(t);
  for (const status of [400, 401, 429, 500]) {
    const model = await modelAt(hub, mock.url(`status=${status}`));
    for (let round = 0; round < 5; ++round) assert.equal((await ask(hub, model)).status, status === 401 ? 502 : status);
  }
});

test('a client that left does not count against the provider', async (t) => {
  const hub = await startHub(t, { env: { NEXUS_SERVER_THREADS: '1', NEXUS_UPSTREAM_FAILURES_BEFORE_OPEN: '2' } });
  const upstream = await rawUpstream(t, () => {});
  const model = await modelAt(hub, upstream.address);
  for (let round = 1; round <= 4; ++round) {
    const leaving = new AbortController();
    const answer = hub.chat({ model, messages: hello }, { signal: leaving.signal });
    await eventually(() => upstream.requests.length === round, 'the upstream is asked');
    leaving.abort();
    await assert.rejects(answer);
    await eventually(() => upstream.sockets.size === 0, 'the connection to the upstream ends');
  }
  upstream.answer = answering('fine');
  assert.equal((await ask(hub, model)).content, 'fine');
});

test('a call waits for a connection, but neither for ever nor in any number', async (t) => {
  const env = { ...noBreaker, NEXUS_SERVER_THREADS: '1', NEXUS_UPSTREAM_CONNECTIONS_MAX: '1', NEXUS_UPSTREAM_QUEUE_MAX: '1', NEXUS_UPSTREAM_KEEP_ALIVE_COMMENT_MS: '50' };
  const hub = await startHub(t, { env });

  await t.test('one is served, one waits, the others are refused at once', async (context) => {
    const waiting = [];
    const upstream = await rawUpstream(context, (socket) => waiting.push(socket));
    const model = await modelAt(hub, upstream.address);
    const served = ask(hub, model);
    await eventually(() => waiting.length === 1, 'the first call reaches the upstream');
    const others = [ask(hub, model), ask(hub, model), ask(hub, model)];
    const refused = await Promise.race(others);
    assert.equal(refused.status, 503);
    assert.equal(refused.error.code, 'upstream_unavailable');
    assert.match(refused.error.message, /are busy/);
    assert.equal(refused.headers.get('retry-after'), '1');
    waiting.shift().write(http(200, completion('one')));
    assert.equal((await served).content, 'one');
    await eventually(() => waiting.length === 1, 'the call that waited follows');
    waiting.shift().write(http(200, completion('two')));
    const statuses = (await Promise.all(others)).map((answer) => answer.status).sort();
    assert.deepEqual(statuses, [200, 503, 503]);
  });

  await t.test('the wait has an end', async (context) => {
    const upstream = await rawUpstream(context, () => {});
    const model = await modelAt(hub, upstream.address, { timeouts: { connect: 200 } });
    const leaving = new AbortController();
    const served = hub.chat({ model, messages: hello }, { signal: leaving.signal });
    await eventually(() => upstream.requests.length === 1, 'the first call reaches the upstream');
    const answer = await ask(hub, model);
    assert.equal(answer.status, 503);
    assert.match(answer.error.message, /became free in time/);
    leaving.abort();
    await assert.rejects(served);
  });

  await t.test('who leaves while waiting costs nothing', async (context) => {
    const waiting = [];
    const upstream = await rawUpstream(context, (socket) => waiting.push(socket));
    const model = await modelAt(hub, upstream.address);
    const served = ask(hub, model);
    await eventually(() => waiting.length === 1, 'the first call reaches the upstream');
    const conversation = fresh('conversation');
    const leaving = new AbortController();
    // Its first comment says that it is taken and waits.
    const left = await hub.chat({ model, stream: true, messages: hello }, { signal: leaving.signal, headers: { 'x-conversation-id': conversation } });
    assert.equal(left.status, 200);
    assert.equal((await ask(hub, model)).status, 503, 'the queue is full');
    leaving.abort();
    waiting.shift().write(http(200, completion('one')));
    assert.equal((await served).content, 'one');
    // The next call may have to stand behind the one that left.
    upstream.answer = answering('three');
    await eventually(async () => (await ask(hub, model)).content === 'three', 'the provider goes on');
    assert.equal(upstream.requests.length, 2, 'nothing is asked for somebody who left');
    assert.deepEqual(await recorded(hub, conversation), []);
  });
});

test('a kept connection that its upstream closed is replaced without a word', async (t) => {
  const hub = await startHub(t, { env: { ...noBreaker, NEXUS_SERVER_THREADS: '1' } });

  await t.test('closed while idle', async (context) => {
    const upstream = await rawUpstream(context, answering('fine'));
    const model = await modelAt(hub, upstream.address);
    for (let round = 0; round < 3; ++round) {
      assert.equal((await ask(hub, model)).content, 'fine');
      assert.equal(upstream.sockets.size, 1, 'the connection is kept');
      for (const socket of upstream.sockets) socket.destroy();
      await eventually(() => upstream.sockets.size === 0, 'it is closed');
    }
  });

  await t.test('closed just as the next request arrives, after a rest', async (context) => {
    const upstream = await rawUpstream(context, answering('fine'));
    const model = await modelAt(hub, upstream.address);
    assert.equal((await ask(hub, model)).content, 'fine');
    const [old] = upstream.sockets;
    upstream.answer = (socket, request) => (socket === old ? socket.destroy() : answering('fine')(socket, request));
    const rested = Date.now() + 1_100;  // the hub takes a connection for stale after a second
    await eventually(() => Date.now() > rested, 'a rest');
    assert.equal((await ask(hub, model)).content, 'fine');
    assert.equal(upstream.requests.length, 3);
  });
});

test('comments keep a silent stream alive', async (t) => {
  const hub = await startHub(t, { env: { ...noBreaker, NEXUS_UPSTREAM_KEEP_ALIVE_COMMENT_MS: '50' } });
  const mock = await startMock(t);

  /** Starts a stream and returns a function that reads on until `pattern` appeared; without one, to the end. */
  const startStream = async (model) => {
    const response = await hub.chat({ model, stream: true, messages: hello });
    assert.equal(response.status, 200);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    return async (pattern) => {
      while (!pattern?.test(text)) {
        const { value, done: ended } = await reader.read();
        if (ended) break;
        text += value;
      }
      return text;
    };
  };
  const comment = ': keep-alive\n\n';

  await t.test('before the answer and within it', async (context) => {
    let waiting;
    const upstream = await rawUpstream(context, (socket) => { waiting = socket; });
    const read = await startStream(await modelAt(hub, upstream.address));
    assert.ok((await read(/(: keep-alive\n\n){2}/)).startsWith(comment + comment));
    waiting.write(streamHead + delta('Hel'));
    await read(/"Hel".*\n\n: keep-alive\n\n/);
    waiting.end(delta('lo') + finish() + done);
    assert.equal((await read()).replaceAll(comment, ''), delta('Hel') + delta('lo') + finish() + done);
  });

  await t.test('from the first comment on a failure travels in the stream', async (context) => {
    let waiting;
    const upstream = await rawUpstream(context, (socket) => { waiting = socket; });
    const read = await startStream(await modelAt(hub, upstream.address));
    await read(/: keep-alive\n\n/);
    waiting.write(http(500, '{"error":{"message":"no luck"}}'));
    const event = (await read()).replaceAll(comment, '');
    assert.equal(JSON.parse(event.slice('data: '.length)).error.message, 'no luck');
  });

  await t.test('an answer that is no stream gets none', async () => {
    const answer = await ask(hub, await modelAt(hub, mock.url('head_delay_ms=400')));
    assert.equal(answer.status, 200);
    assert.equal(answer.comments, 0);
    assert.equal(answer.body.choices.length, 1);
  });
});

test('a client that stops reading stops the upstream, costs little memory, and loses nothing', async (t) => {
  const hub = await startHub(t, { env: noBreaker });
  const mock = await startMock(t);
  const chunks = 2000;
  const size = 20_000;
  const model = await modelAt(hub, mock.url(`chunks=${chunks},chunk_bytes=${size}`));
  const body = JSON.stringify({ model, stream: true, messages: hello });
  // Warmed up: what one stream leaves behind for the next is no growth.
  assert.equal((await ask(hub, model, { stream: true })).events.at(-1), '[DONE]');
  const before = await residentKib(hub.pid);
  const { chunks: sentBefore } = await mock.stats();

  const client = net.connect(hub.port, '127.0.0.1');
  t.after(() => client.destroy());
  client.pause();
  client.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\nauthorization: Bearer pk-team\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  const sent = async () => (await mock.stats()).chunks - sentBefore;
  let last = 0;
  let still = 0;
  await eventually(async () => {
    const now = await sent();
    still = now > 0 && now === last ? still + 1 : 0;
    last = now;
    return still === 25;
  }, 'the upstream is not read any more');
  assert.ok(last < chunks - 20 * 1024 * 1024 / size, `tens of megabytes are pending: ${last} of ${chunks} chunks sent`);
  const growth = await residentKib(hub.pid) - before;
  if (!sanitized) assert.ok(growth < 30 * 1024, `${growth} KiB more`);

  t.diagnostic(`${chunks - last} chunks pending, ${growth} KiB more`);
  const pieces = [];
  client.on('data', (bytes) => pieces.push(bytes));
  client.resume();
  await new Promise((resolve, reject) => { client.on('end', resolve); client.on('error', reject); });
  const received = Buffer.concat(pieces).toString('latin1');
  assert.equal(received.match(/"delta":{"content":/g).length, chunks);
  assert.match(received, /data: \[DONE\]\r?\n/);
  assert.equal(await sent(), chunks);
});

test('a client that leaves is left by the upstream too, and what was spent is recorded', async (t) => {
  const hub = await startHub(t, { env: noBreaker });
  const mock = await startMock(t);

  const partial = async (conversation) => {
    const [row] = await eventually(async () => {
      const rows = await recorded(hub, conversation);
      return rows.length > 0 && rows;
    }, 'the exchange is recorded');
    assert.equal(row.completion.outcome, 'client_cancelled');
    assert.equal(row.completion.source, 'partial');
    assert.ok(row.prompt.tokens_count > 0);
    return row;
  };

  for (const stream of [false, true]) {
    await t.test(`before the head, ${stream ? 'stream' : 'JSON'}`, async () => {
      const model = await modelAt(hub, mock.url('head_delay_ms=600000'));
      const { aborted, requests } = await mock.stats();
      const conversation = fresh('conversation');
      const leaving = new AbortController();
      const answer = hub.chat({ model, stream, messages: hello }, { signal: leaving.signal, headers: { 'x-conversation-id': conversation } });
      await eventually(async () => (await mock.stats()).requests === requests + 1, 'the upstream is asked');
      leaving.abort();
      await assert.rejects(answer);
      await eventually(async () => (await mock.stats()).aborted === aborted + 1, 'the upstream hears of it');
      assert.equal((await partial(conversation)).completion.tokens_count, 0);
    });
  }

  await t.test('after the first byte', async () => {
    const model = await modelAt(hub, mock.url('chunks=1000000,chunk_delay_ms=2'));
    const { aborted } = await mock.stats();
    const conversation = fresh('conversation');
    const leaving = new AbortController();
    const response = await hub.chat({ model, stream: true, messages: hello }, { signal: leaving.signal, headers: { 'x-conversation-id': conversation } });
    const reader = response.body.getReader();
    let seen = '';
    while (!/"content":"[^"]/.test(seen)) seen += Buffer.from((await reader.read()).value).toString();
    leaving.abort();
    await eventually(async () => (await mock.stats()).aborted === aborted + 1, 'the upstream hears of it');
    const row = await partial(conversation);
    assert.ok(row.completion.tokens_count > 0);
    assert.ok(row.completion.ttft_ms > 0);
    const stats = await hub.admin('GET', `/stats/conversation/${conversation}`);
    assert.equal(stats.body.rounds, 1);
  });

  await t.test('after the last content, before the usage', async (context) => {
    const upstream = await rawUpstream(context, (socket) => socket.write(streamHead + delta('Hello, how are you?') + finish()));
    const model = await modelAt(hub, upstream.address);
    const conversation = fresh('conversation');
    const leaving = new AbortController();
    const response = await hub.chat({ model, stream: true, messages: hello }, { signal: leaving.signal, headers: { 'x-conversation-id': conversation } });
    const reader = response.body.getReader();
    let seen = '';
    while (!seen.includes('"stop"')) seen += Buffer.from((await reader.read()).value).toString();
    leaving.abort();
    await eventually(() => upstream.sockets.size === 0, 'the connection to the upstream ends');
    assert.ok((await partial(conversation)).completion.tokens_count > 0);
  });

  await t.test('in the middle of a body of its own', async () => {
    const client = net.connect(hub.port, '127.0.0.1');
    const { requests } = await mock.stats();
    client.write('POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer pk-team\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"model":');
    client.end();
    await new Promise((resolve) => { client.on('close', resolve); client.resume(); });
    assert.equal((await mock.stats()).requests, requests);
  });
});
