// Every way in which an upstream can fail: the caller gets a clear answer, a broken stream never looks complete, and
// the statistics hold what was spent.
import test from 'node:test';
import assert from 'node:assert/strict';
import { eventually, startHub, startMock } from './harness.mjs';
import {
  ask, closedPort, completion, delta, done, finish, http, modelAt, rawUpstream, recorded, streamHead, upstreamKey, usage,
} from './upstream.mjs';

const noBreaker = { NEXUS_UPSTREAM_FAILURES_BEFORE_OPEN: '1000000' };

function assertRefused(answer, status, code, message) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.error.code, code, answer.text);
  assert.match(answer.error.message, message);
  assert.ok(answer.headers.get('x-request-id'));
  assert.ok(answer.headers.get('x-nexus-provider'));
  assert.equal(answer.headers.get('x-conversation-id'), answer.conversation);
  assert.ok(!answer.text.includes('[DONE]'));
}

function assertBrokenStream(answer, code, message) {
  assert.equal(answer.status, 200, answer.text);
  assert.ok(answer.events.length > 1, answer.text);
  assert.equal(answer.error?.code, code, answer.text.slice(-500));
  assert.match(answer.error.message, message);
  assert.ok(!answer.events.includes('[DONE]'));
}

function assertWholeStream(answer) {
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.events.filter((event) => event === '[DONE]').length, 1, answer.text);
  assert.equal(answer.events.at(-1), '[DONE]');
}

/** Writes `piece` again and again until the other side has enough. */
function writeEndlessly(socket, piece) {
  const go = () => { while (!socket.destroyed && socket.write(piece)); };
  socket.on('drain', go);
  go();
}

test('faults of an upstream', async (t) => {
  const hub = await startHub(t, { env: noBreaker });
  const mock = await startMock(t);
  const at = (directives, fields) => modelAt(hub, mock.url(directives), fields);
  const raw = async (context, answer, fields) => modelAt(hub, (await rawUpstream(context, answer)).address, fields);
  const both = [{ stream: false }, { stream: true }];
  const nothingRecorded = async (answer) => assert.deepEqual(await recorded(hub, answer.conversation), []);
  const partRecorded = async (answer) => {
    const [{ prompt, completion: said }] = await recorded(hub, answer.conversation);
    assert.equal(said.outcome, 'truncated');
    assert.equal(said.source, 'partial');
    assert.ok(prompt.tokens_count > 0 && said.tokens_count > 0);
  };

  await t.test('nothing listens on the port', async () => {
    const model = await modelAt(hub, `http://127.0.0.1:${await closedPort()}`);
    for (const way of both) {
      const answer = await ask(hub, model, way);
      assertRefused(answer, 502, 'upstream_error', /refused the connection/);
      await nothingRecorded(answer);
    }
  });

  await t.test('the host name does not exist', async () => {
    // A label of more than 63 characters: no resolver has to be asked.
    const model = await modelAt(hub, `http://${'x'.repeat(64)}.invalid`);
    for (const way of both) assertRefused(await ask(hub, model, way), 502, 'upstream_error', /cannot be resolved/);
  });

  for (const [fault, message] of [['drop', /closed the connection before it answered/], ['reset', /reset the connection before it answered/]]) {
    await t.test(`the connection ends before the answer: ${fault}`, async () => {
      const model = await at(`fault=${fault}`);
      for (const way of both) {
        const answer = await ask(hub, model, way);
        assertRefused(answer, 502, 'upstream_error', message);
        await nothingRecorded(answer);
      }
    });
  }

  for (const fault of ['cut', 'reset_mid']) {
    await t.test(`the connection ends in the answer: ${fault}`, async () => {
      const model = await at(`fault=${fault}`);
      const whole = await ask(hub, model);
      assertRefused(whole, 502, 'upstream_error', /broke off its answer/);
      const stream = await ask(hub, model, { stream: true });
      assertBrokenStream(stream, 'upstream_error', /broke off in mid-stream/);
      assert.ok(stream.content.length > 0);
      await partRecorded(stream);
    });
  }

  for (const directives of ['head_delay_ms=600000', 'fault=slow_headers,gap_ms=1000']) {
    await t.test(`silence before the head: ${directives}`, async () => {
      const { aborted } = await mock.stats();
      const model = await at(directives, { timeouts: { head: 100 } });
      for (const way of both) assertRefused(await ask(hub, model, way), 504, 'upstream_timeout', /did not answer within 100 ms/);
      await eventually(async () => (await mock.stats()).aborted === aborted + 2, 'the upstream hears of it');
    });
  }

  await t.test('silence before the first token, comments do not count', async (context) => {
    const model = await raw(context, (socket) => {
      socket.write(streamHead);
      const timer = setInterval(() => socket.write(': processing\n\n'), 20);
      socket.on('close', () => clearInterval(timer));
    }, { timeouts: { first_token: 200 } });
    assertRefused(await ask(hub, model, { stream: true }), 504, 'upstream_timeout', /no token within 200 ms/);
  });

  await t.test('silence in the answer', async () => {
    const model = await at('fault=stall', { timeouts: { idle: 200 } });
    assertRefused(await ask(hub, model), 504, 'upstream_timeout', /fell silent for 200 ms/);
    const stream = await ask(hub, model, { stream: true });
    assertBrokenStream(stream, 'upstream_timeout', /fell silent for 200 ms/);
    await partRecorded(stream);
  });

  await t.test('an answer without end', async (context) => {
    const streaming = await at('chunks=1000000,chunk_delay_ms=5', { timeouts: { total: 800 } });
    assertBrokenStream(await ask(hub, streaming, { stream: true }), 'upstream_timeout', /did not finish its answer within 800 ms/);
    const whole = await raw(context, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"choices": [');
      const timer = setInterval(() => socket.write(' '), 20);
      socket.on('close', () => clearInterval(timer));
    }, { timeouts: { total: 800 } });
    assertRefused(await ask(hub, whole), 504, 'upstream_timeout', /did not finish its answer within 800 ms/);
  });

  await t.test('broken JSON', async () => {
    const model = await at('fault=garbage');
    assertRefused(await ask(hub, model), 502, 'upstream_invalid_response', /./);
    const stream = await ask(hub, model, { stream: true });
    assertBrokenStream(stream, 'upstream_invalid_response', /./);
    assert.ok(!stream.text.includes('chatcmpl-broken'), 'the broken event itself stays with the hub');
    await partRecorded(stream);
  });

  await t.test('JSON that is no chat answer', async (context) => {
    for (const body of ['[]', '"text"', '{}', 'null', '']) {
      const model = await raw(context, (socket) => socket.write(http(200, body)));
      assertRefused(await ask(hub, model), 502, 'upstream_invalid_response', /./);
    }
  });

  await t.test('an answer that is no HTTP', async (context) => {
    const model = await raw(context, (socket) => socket.write('SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n'));
    for (const way of both) assertRefused(await ask(hub, model, way), 502, 'upstream_invalid_response', /not valid HTTP/);
  });

  await t.test('a line without end', async (context) => {
    const first = await raw(context, (socket) => {
      socket.write(`${streamHead}data: `);
      writeEndlessly(socket, 'x'.repeat(65536));
    });
    assertRefused(await ask(hub, first, { stream: true }), 502, 'upstream_invalid_response', /too long/);
    const later = await raw(context, (socket) => {
      socket.write(`${streamHead}${delta('Hello')}data: `);
      writeEndlessly(socket, 'x'.repeat(65536));
    });
    const answer = await ask(hub, later, { stream: true });
    assertBrokenStream(answer, 'upstream_invalid_response', /too long/);
    assert.equal(answer.content, 'Hello');
    await partRecorded(answer);
  });

  await t.test('a line of 300 KB passes', async (context) => {
    const long = 'word '.repeat(60_000);
    const model = await raw(context, (socket) => socket.end(streamHead + delta(long) + finish() + done));
    const answer = await ask(hub, model, { stream: true });
    assertWholeStream(answer);
    assert.equal(answer.content, long);
  });

  await t.test('a head without end', async (context) => {
    const model = await raw(context, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      writeEndlessly(socket, `x-filler: ${'x'.repeat(8000)}\r\n`);
    });
    for (const way of both) assertRefused(await ask(hub, model, way), 502, 'upstream_invalid_response', /not valid HTTP/);
  });

  await t.test('interim heads without end', async (context) => {
    const model = await raw(context, (socket) => writeEndlessly(socket, 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'));
    for (const way of both) assertRefused(await ask(hub, model, way), 502, 'upstream_invalid_response', /not valid HTTP/);
  });

  for (const status of [401, 403]) {
    await t.test(`the upstream rejects our key with ${status}, and the key appears nowhere`, async (context) => {
      const model = await raw(context, (socket, request) => {
        assert.match(request.head, new RegExp(`authorization: Bearer ${upstreamKey}`, 'i'));
        const body = JSON.stringify({ error: { message: `Incorrect API key provided: ${upstreamKey}`, type: 'invalid_request_error', code: 'invalid_api_key' } });
        socket.write(http(status, body, { 'x-key': upstreamKey, 'www-authenticate': `Bearer ${upstreamKey}` }));
      });
      for (const way of both) {
        const answer = await ask(hub, model, way);
        assertRefused(answer, 502, 'upstream_credentials_rejected', /rejected the hub's credentials/);
        for (const [name, value] of answer.headers) assert.ok(!value.includes(upstreamKey), name);
        assert.ok(!answer.text.includes(upstreamKey));
        await nothingRecorded(answer);
      }
    });
  }

  await t.test('an upstream that quotes our key in any other failure is not quoted', async (context) => {
    const quoted = { error: { message: `no quota for ${upstreamKey} and header-secret-0002` } };
    const said = {
      400: (socket) => socket.write(http(400, JSON.stringify(quoted))),
      500: (socket) => socket.write(http(500, JSON.stringify(quoted))),
      200: (socket) => socket.write(http(200, JSON.stringify(quoted))),
      first: (socket) => socket.end(`${streamHead}data: ${JSON.stringify(quoted)}\n\n`),
      later: (socket) => socket.end(`${streamHead}${delta('Hello')}data: ${JSON.stringify(quoted)}\n\n`),
    };
    for (const [what, say] of Object.entries(said)) {
      const model = await raw(context, say, { headers: { 'api-key': 'header-secret-0002' } });
      const answer = await ask(hub, model, { stream: what === 'first' || what === 'later' });
      assert.equal(answer.error.message, 'no quota for sk-…0001 and hea…0002', what);
      assert.ok(!answer.text.includes(upstreamKey) && !answer.text.includes('header-secret-0002'), what);
    }
  });

  await t.test('429 passes with its Retry-After in seconds', async () => {
    const model = await at('status=429,retry_after=3600');
    for (const way of both) {
      const answer = await ask(hub, model, way);
      assert.equal(answer.status, 429);
      assert.equal(answer.headers.get('retry-after'), '3600');
      assert.match(answer.error.message, /injected status/);
    }
  });

  await t.test('429 passes with its Retry-After as a date', async (context) => {
    const model = await raw(context, (socket) => socket.write(
      http(429, '{"error":{"message":"slow down","type":"tokens","code":"rate_limit_exceeded"}}', { 'retry-after': new Date(Date.now() + 600_000).toUTCString() })));
    const answer = await ask(hub, model);
    assert.equal(answer.status, 429);
    assert.deepEqual(answer.error, { message: 'slow down', type: 'tokens', code: 'rate_limit_exceeded' });
    const seconds = Number(answer.headers.get('retry-after'));
    assert.ok(seconds > 0 && seconds <= 600, String(seconds));
  });

  for (const status of [400, 404, 408, 422, 500, 503, 529]) {
    await t.test(`${status} passes with its message`, async () => {
      const model = await at(`status=${status}`);
      for (const way of both) {
        const answer = await ask(hub, model, way);
        assert.equal(answer.status, status);
        assert.equal(answer.error.message, 'injected status');
        await nothingRecorded(answer);
      }
    });
  }

  await t.test('an error page that is no JSON keeps its status and becomes an error object', async (context) => {
    const model = await raw(context, (socket) => socket.write(http(504, '<html>Gateway Time-out</html>', { 'content-type': 'text/html' })));
    for (const way of both) {
      const answer = await ask(hub, model, way);
      assertRefused(answer, 504, 'upstream_status', /status 504/);
      assert.ok(!answer.text.includes('<html>'));
    }
  });

  await t.test('an error page without end keeps its status', async (context) => {
    const model = await raw(context, (socket) => {
      socket.write('HTTP/1.1 500 Oops\r\ncontent-type: text/html\r\n\r\n');
      writeEndlessly(socket, 'x'.repeat(65536));
    });
    assertRefused(await ask(hub, model), 500, 'upstream_status', /status 500/);
  });

  for (const status of [301, 302, 307, 308]) {
    await t.test(`a redirect is never followed: ${status}`, async (context) => {
      const thief = await rawUpstream(context, (socket) => socket.write(http(200, completion('stolen'))));
      const model = await raw(context, (socket) => socket.write(http(status, '', { location: `${thief.address}/v1/chat/completions` })));
      for (const way of both) assertRefused(await ask(hub, model, way), 502, 'upstream_redirect', /redirect/);
      assert.equal(thief.requests.length, 0);
      assert.equal(thief.sockets.size, 0);
    });
  }

  const counted = async (answer, prompt, said, source) => {
    const [row] = await recorded(hub, answer.conversation);
    assert.equal(row.completion.source, source);
    assert.equal(row.completion.outcome, 'delivered');
    if (prompt !== undefined) assert.equal(row.prompt.tokens_count, prompt);
    if (said !== undefined) assert.equal(row.completion.tokens_count, said);
    const stats = await hub.admin('GET', `/stats/conversation/${answer.conversation}`);
    assert.equal(stats.body.rounds, 1);
    assert.equal(stats.body.total_tokens, row.prompt.tokens_count + row.completion.tokens_count);
    return row;
  };

  await t.test('usage sent twice: the last one counts', async (context) => {
    const model = await raw(context, (socket) => socket.end(streamHead + delta('Hello') + usage(5, 1) + finish() + usage(11, 7) + done));
    const answer = await ask(hub, model, { stream: true });
    assertWholeStream(answer);
    assert.ok(!answer.text.includes('"usage":{'), 'it was not asked for');
    await counted(answer, 11, 7, 'reported');
  });

  await t.test('usage never sent: an estimate, labelled', async (context) => {
    const model = await raw(context, (socket, request) => (request.body.includes('"stream"')
      ? socket.end(streamHead + delta('Hello, how are you today?') + finish() + done)
      : socket.write(http(200, completion('Hello, how are you today?')))));
    for (const way of both) {
      const answer = await ask(hub, model, way);
      assert.equal(answer.content, 'Hello, how are you today?');
      const row = await counted(answer, undefined, undefined, 'estimated');
      assert.ok(row.prompt.tokens_count > 0 && row.completion.tokens_count > 0);
    }
  });

  await t.test('usage of zero is what the upstream reported', async (context) => {
    const model = await raw(context, (socket, request) => (request.body.includes('"stream"')
      ? socket.end(streamHead + delta('Hello') + finish() + usage(0, 0) + done)
      : socket.write(http(200, completion('Hello', { usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } })))));
    for (const way of both) await counted(await ask(hub, model, way), 0, 0, 'reported');
  });

  await t.test('usage that makes no sense does no harm', async (context) => {
    for (const broken of ['null', '{"prompt_tokens": -5, "completion_tokens": 3}', '{"prompt_tokens": "7", "completion_tokens": 3}', '{"prompt_tokens": 1e400, "completion_tokens": 1}', '[]', '{"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 50}}', '{"prompt_tokens": 9223372036854775807, "completion_tokens": 9223372036854775807}']) {
      const model = await raw(context, (socket) => socket.write(http(200, `${completion('Hello').slice(0, -1)},"usage":${broken}}`)));
      const answer = await ask(hub, model);
      assert.ok(answer.status === 200 || answer.error.code === 'upstream_invalid_response', answer.text);
      for (const row of await recorded(hub, answer.conversation)) {
        for (const { tokens_count } of [row.prompt, row.completion]) assert.ok(tokens_count >= 0 && tokens_count < 1e12, `${broken}: ${tokens_count}`);
      }
    }
    const total = await hub.admin('GET', '/stats/total');
    assert.ok(total.body.total_tokens >= 0 && total.body.total_tokens < 1e13, JSON.stringify(total.body));
  });

  await t.test('a stream that closes without a finish_reason is no complete answer', async (context) => {
    const model = await raw(context, (socket) => socket.end(streamHead + delta('Hello')));
    const answer = await ask(hub, model, { stream: true });
    assertBrokenStream(answer, 'upstream_error', /before its answer was complete/);
    await partRecorded(answer);
  });

  await t.test('a missing [DONE] is completed by the hub, once', async (context) => {
    assertWholeStream(await ask(hub, await at('fault=no_done'), { stream: true }));
    const model = await raw(context, (socket) => socket.end(streamHead + delta('Hello') + finish()));
    const answer = await ask(hub, model, { stream: true });
    assertWholeStream(answer);
    await counted(answer, undefined, undefined, 'estimated');
  });

  await t.test('nothing passes after [DONE]', async (context) => {
    const model = await raw(context, (socket) => socket.end(streamHead + delta('Hello') + finish() + done + delta('more') + done));
    const answer = await ask(hub, model, { stream: true });
    assertWholeStream(answer);
    assert.equal(answer.content, 'Hello');
  });

  await t.test('an error object in the stream', async () => {
    const answer = await ask(hub, await at('fault=error_event'), { stream: true });
    assertBrokenStream(answer, 'upstream_error', /injected error event/);
    await partRecorded(answer);
  });

  await t.test('text passes even if the failure came in one read with it', async (context) => {
    for (const failure of ['data: {"error":{"message":"no capacity"}}\n\n', 'data: {"choices": [\n\n']) {
      const model = await raw(context, (socket) => socket.end(streamHead + delta('Hello') + failure));
      const answer = await ask(hub, model, { stream: true });
      assert.equal(answer.status, 200);
      assert.equal(answer.content, 'Hello');
      assert.ok(answer.error && !answer.text.includes('[DONE]'), answer.text);
      await partRecorded(answer);
    }
  });

  await t.test('an error object instead of a stream or an answer', async (context) => {
    const model = await raw(context, (socket, request) => (request.body.includes('"stream"')
      ? socket.end(`${streamHead}data: {"error":{"message":"no capacity"}}\n\n`)
      : socket.write(http(200, '{"error":{"message":"no capacity"}}'))));
    for (const way of both) assertRefused(await ask(hub, model, way), 502, 'upstream_error', /no capacity/);
  });

  await t.test('a stream was asked for and something else came', async (context) => {
    const model = await raw(context, (socket) => socket.write(http(200, completion('Hello'))));
    assertRefused(await ask(hub, model, { stream: true }), 502, 'upstream_invalid_response', /no event stream/);
    const empty = await raw(context, (socket) => socket.end(streamHead));
    assertRefused(await ask(hub, empty, { stream: true }), 502, 'upstream_error', /before its answer was complete/);
  });

  await t.test('a compressed answer', async (context) => {
    const model = await raw(context, (socket) => socket.write(http(200, 'xxxx', { 'content-encoding': 'gzip', 'content-type': 'text/event-stream' })));
    for (const way of both) assertRefused(await ask(hub, model, way), 502, 'upstream_invalid_response', /compressed/);
  });

  await t.test('interim heads before the answer', async (context) => {
    const model = await raw(context, (socket) => socket.write(
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n${http(200, completion('Hello'))}`));
    assert.equal((await ask(hub, model)).content, 'Hello');
    assert.equal((await ask(hub, model)).content, 'Hello');
  });

  for (const framing of ['chunked', 'close', 'length']) {
    await t.test(`every framing works: ${framing}`, async () => {
      const model = await at(`framing=${framing},chunks=5`);
      for (let round = 0; round < 2; ++round) {
        const whole = await ask(hub, model);
        assert.equal(whole.body.choices[0].finish_reason, 'stop');
        await counted(whole, whole.body.usage.prompt_tokens, whole.body.usage.completion_tokens, 'reported');
        assertWholeStream(await ask(hub, model, { stream: true }));
      }
    });
  }

  await t.test('HTTP/1.0, and names and types in capitals', async (context) => {
    const model = await raw(context, (socket, request) => socket.end(request.body.includes('"stream"')
      ? `HTTP/1.0 200 OK\r\nCONTENT-TYPE: Text/Event-Stream\r\n\r\n${delta('Hello')}${finish()}${done}`
      : `HTTP/1.0 200 OK\r\nCONTENT-TYPE: Application/JSON\r\n\r\n${completion('Hello')}`));
    for (const way of both) assert.equal((await ask(hub, model, way)).content, 'Hello');
  });

  await t.test('bytes behind an answer end the connection and reach nobody', async (context) => {
    const upstream = await rawUpstream(context, (socket) => socket.write(`${http(200, completion('Hello'))}${http(200, completion('not asked for'))}`));
    const model = await modelAt(hub, upstream.address);
    for (let round = 0; round < 3; ++round) assert.equal((await ask(hub, model)).content, 'Hello');
    assert.equal(upstream.requests.length, 3);
  });

  await t.test('an answer before the request was read', async (context) => {
    const upstream = await rawUpstream(context, () => {});
    upstream.server.removeAllListeners('connection');
    upstream.server.on('connection', (socket) => {
      upstream.sockets.add(socket);
      socket.on('error', () => {});
      socket.once('readable', () => socket.end(http(413, '{"error":{"message":"too much"}}', { connection: 'close' })));
    });
    const model = await modelAt(hub, upstream.address);
    const answer = await ask(hub, model, { body: { messages: [{ role: 'user', content: 'x'.repeat(20_000_000) }] } });
    assert.equal(answer.status, 413);
    assert.equal(answer.error.message, 'too much');
  });

  await t.test('an answer that trickles in byte by byte', async (context) => {
    const model = await raw(context, (socket, request) => {
      const answer = request.body.includes('"stream"') ? streamHead + delta('Grüße 😀') + finish() + done : http(200, completion('Grüße 😀'), { connection: 'close' });
      const bytes = Buffer.from(answer);
      let next = 0;
      socket.setNoDelay(true);
      const go = () => (next < bytes.length ? socket.write(bytes.subarray(next, ++next), go) : socket.end());
      go();
    });
    for (const way of both) assert.equal((await ask(hub, model, way)).content, 'Grüße 😀');
  });

  await t.test('after all of that the hub works, and its log never held the key', async () => {
    assertWholeStream(await ask(hub, await at('chunks=3'), { stream: true }));
    assert.equal((await ask(hub, await at(''))).status, 200);
    assert.ok(!(hub.stdout + hub.stderr).includes(upstreamKey));
  });
});

test('an answer larger than the hub accepts', async (t) => {
  const hub = await startHub(t, { env: { ...noBreaker, NEXUS_UPSTREAM_ANSWER_BYTES_MAX: '4096' } });
  const mock = await startMock(t);
  for (const framing of ['length', 'chunked', 'close']) {
    const fits = await modelAt(hub, mock.url(`body_bytes=1000,framing=${framing}`));
    assert.equal((await ask(hub, fits)).status, 200);
    const large = await modelAt(hub, mock.url(`body_bytes=50000,framing=${framing}`));
    assertRefused(await ask(hub, large), 502, 'upstream_invalid_response', /larger than this hub accepts/);
  }
  // The bound is on what the hub has to hold: a stream passes.
  assertWholeStream(await ask(hub, await modelAt(hub, mock.url('chunks=100,chunk_bytes=1000')), { stream: true }));
});
