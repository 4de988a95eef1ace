// The official SDK as a client: answers, streams, models, every class of error, retries and aborts.
import test from 'node:test';
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { adminToken, eventually, startHub, startMock } from './harness.mjs';
import { chunks, completion, eventStream, failure, reply, replyDeltas, replyUsage, startRecorder } from './recorder.mjs';
import { closedPort, fresh, modelAt, upstreamKey } from './upstream.mjs';

const messages = [{ role: 'user', content: 'Hello' }];

/** An SDK client of the hub that repeats nothing unless told, and counts what it sends. */
function clientOf(hub, options = {}) {
  const counts = { sent: 0 };
  const client = new OpenAI({
    baseURL: `${hub.address}/v1`, apiKey: 'pk-team', maxRetries: 0,
    fetch: (...request) => { ++counts.sent; return fetch(...request); },
    ...options,
  });
  return Object.assign(client, { counts });
}

async function collect(stream) {
  const list = [];
  for await (const chunk of stream) list.push(chunk);
  return list;
}

const textOf = (list) => list.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');

/** The promise's error, which must be of that very class. */
async function errorOf(promise, type) {
  const error = await promise.then(() => assert.fail(`no ${type.name}`), (thrown) => thrown);
  assert.equal(error.constructor, type, error.stack);
  return error;
}

test('chat completions', async (t) => {
  const hub = await startHub(t);
  const recorder = await startRecorder(t);
  const mock = await startMock(t);
  const client = clientOf(hub);
  const model = await modelAt(hub, recorder.address, { name: 'The Recorder' });

  await t.test('an answer arrives as the upstream made it, unknown members too', async () => {
    const made = { ...completion(), system_fingerprint: 'fp_1', service_tier: 'default', x_unknown: { deep: [1, 2.50, null] } };
    recorder.next.push({ body: made });
    const { _request_id, ...answer } = await client.chat.completions.create({ model, messages });
    assert.deepEqual(answer, made);
    assert.deepEqual(answer.usage, replyUsage);
    assert.equal(recorder.requests.at(-1).json.model, model);
  });

  await t.test('every answer says who made it and how long the hub took', async () => {
    for (const stream of [false, true]) {
      const { response, request_id, data } = await client.chat.completions.create({ model, messages, stream }).withResponse();
      assert.equal(response.headers.get('x-request-id'), request_id);
      assert.notEqual(request_id, 'upstream-id');
      assert.equal(response.headers.get('x-nexus-provider'), 'The Recorder');
      assert.match(response.headers.get('x-conversation-id'), /^\S+$/);
      assert.match(response.headers.get('server-timing'), /^gateway;dur=\d+\.\d{3}$/);
      if (stream) await collect(data);
      else assert.equal(data._request_id, request_id);
    }
  });

  await t.test("the caller's own request id is kept and passed on", async () => {
    const { request_id } = await client.chat.completions.create({ model, messages }, { headers: { 'x-request-id': 'my-own/1' } }).withResponse();
    assert.equal(request_id, 'my-own/1');
    assert.equal(recorder.requests.at(-1).headers['x-request-id'], 'my-own/1');
  });

  await t.test('a stream without include_usage has a choice in every chunk and no usage', async () => {
    for (const stream_options of [undefined, null, {}, { include_usage: false }]) {
      const list = await collect(await client.chat.completions.create({ model, messages, stream: true, stream_options }));
      assert.deepEqual(recorder.requests.at(-1).json.stream_options, { include_usage: true });
      assert.deepEqual(list, chunks(replyDeltas, 'stop', false));
      assert.equal(textOf(list), reply);
    }
  });

  await t.test('a stream with include_usage ends with the usage, once', async () => {
    const asked = { model, messages, stream: true, stream_options: { include_usage: true } };
    const list = await collect(await client.chat.completions.create(asked));
    assert.deepEqual(list, chunks(replyDeltas, 'stop', true));
    assert.deepEqual(list.filter((chunk) => chunk.usage).map((chunk) => chunk.usage), [replyUsage]);
  });

  await t.test('long streams and long answers are whole', async () => {
    const long = await modelAt(hub, mock.url('chunks=2000,chunk_bytes=1000,body_bytes=90000'));
    const list = await collect(await client.chat.completions.create({ model: long, messages, stream: true }));
    assert.equal(list.length, 2002);  // with the role and the finish reason
    assert.ok(list.every((chunk) => chunk.choices.length === 1));
    const answer = await client.chat.completions.create({ model: long, messages });
    assert.ok(answer.choices[0].message.content.length >= 90000);
  });

  await t.test('the streaming helper puts the answer together', async () => {
    const pieces = [];
    const runner = client.chat.completions.stream({ model, messages, stream_options: { include_usage: true } });
    runner.on('content', (piece) => pieces.push(piece));
    const final = await runner.finalChatCompletion();
    assert.equal(final.choices[0].message.content, reply);
    assert.equal(pieces.join(''), reply);
    assert.deepEqual(await runner.totalUsage(), replyUsage);
  });

  await t.test('the streaming helper puts tool calls together', async () => {
    const call = (fields, id) => ({ tool_calls: [{ index: 0, ...(id ? { id, type: 'function' } : {}), function: fields }] });
    const deltas = [{ role: 'assistant', content: null }, call({ name: 'f', arguments: '' }, 'call_1'), call({ arguments: '{"a":' }), call({ arguments: '"ü"}' })];
    recorder.next.push(() => ({ type: 'text/event-stream', body: eventStream(chunks(deltas, 'tool_calls', true)) }));
    const final = await client.chat.completions.stream({ model, messages }).finalChatCompletion();
    assert.equal(final.choices[0].finish_reason, 'tool_calls');
    const [made] = final.choices[0].message.tool_calls;
    assert.deepEqual([made.id, made.function.name, made.function.arguments], ['call_1', 'f', '{"a":"ü"}']);
  });

  await t.test('a structured answer is parsed', async () => {
    const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'], additionalProperties: false };
    recorder.next.push({ body: completion({ role: 'assistant', content: '{"n":3}', refusal: null }) });
    const answer = await client.chat.completions.parse({
      model, messages,
      response_format: { type: 'json_schema', json_schema: { name: 'number', strict: true, schema }, $brand: 'auto-parseable-response-format', $parseRaw: JSON.parse },
    });
    assert.deepEqual(answer.choices[0].message.parsed, { n: 3 });
    assert.deepEqual(recorder.requests.at(-1).json.response_format.json_schema.schema, schema);
  });
});

test('models', async (t) => {
  const hub = await startHub(t);
  const recorder = await startRecorder(t);
  const client = clientOf(hub);
  const ids = ['plain', 'org/team/model-7b:free', 'größe/7b', '100%/a b+c?d#e'];
  await hub.addProvider({ name: 'Owner', server_url: recorder.address }, ids);
  await hub.addProvider({ name: 'Other', server_url: recorder.address, personalized_key: 'pk-other' }, ['not-ours']);

  await t.test('list names what the key may use and nothing else', async () => {
    const page = await client.models.list();
    const list = await collect(page);
    assert.deepEqual(list.map((entry) => entry.id).sort(), [...ids].sort());
    for (const entry of list) {
      assert.equal(entry.object, 'model');
      assert.equal(entry.owned_by, 'Owner');
      assert.ok(Number.isInteger(entry.created) && entry.created > 1.7e9 && entry.created < 1e11);
    }
    const others = await collect(await clientOf(hub, { apiKey: 'pk-other' }).models.list());
    assert.deepEqual(others.map((entry) => entry.id), ['not-ours']);
  });

  await t.test('retrieve finds ids with slashes and other signs', async () => {
    for (const id of ids) assert.equal((await client.models.retrieve(id)).id, id);
    const bare = await fetch(`${hub.address}/v1/models/org/team/model-7b:free`, { headers: { 'api-key': 'pk-team' } });
    assert.equal((await bare.json()).id, 'org/team/model-7b:free');
  });

  await t.test('an encoded slash is taken in a model id only', async () => {
    const places = ['/v1%2fmodels/plain', '/v1/models%2Fplain', '/v1/models/org%2F..%2Fplain', '/v1/chat%2Fcompletions', '/providers%2F1', '/no%2Fsuch'];
    for (const place of places) {
      const response = await fetch(hub.address + place, { headers: { 'api-key': 'pk-team' } });
      assert.equal(response.status, 400, place);
      assert.equal((await response.json()).error.code, 'invalid_request');
    }
  });

  await t.test("another key's model is not found", async () => {
    const error = await errorOf(client.models.retrieve('not-ours'), OpenAI.NotFoundError);
    assert.equal(error.code, 'model_not_found');
  });

  await t.test('every model of the list answers under its name', async () => {
    for (const model of ids) {
      await client.chat.completions.create({ model, messages });
      assert.equal(recorder.requests.at(-1).json.model, model);
    }
  });
});

test('error classes', async (t) => {
  const hub = await startHub(t);
  const recorder = await startRecorder(t);
  const mock = await startMock(t);
  const client = clientOf(hub);
  const model = await modelAt(hub, recorder.address);
  const chat = (body = {}, options) => client.chat.completions.create({ model, messages, ...body }, options);
  const assertSays = (error, expected) => {
    const { status, code, type, param } = error;
    assert.deepEqual({ status, code, type, param }, { param: null, ...expected });
    assert.match(error.requestID, /^\S+$/);
    assert.ok(!JSON.stringify([error.error, [...error.headers]]).includes(upstreamKey));
  };

  await t.test('400 is BadRequestError and names the member', async () => {
    const wrong = [
      [{ messages: [] }, 'messages'], [{ messages: [{ role: 'nobody', content: '' }] }, 'messages[0].role'],
      [{ temperature: 3 }, 'temperature'], [{ n: 0 }, 'n'], [{ model: '' }, 'model'], [{ tools: {} }, 'tools'],
      [{ stream_options: { include_usage: true } }, 'stream_options'],
    ];
    const before = recorder.requests.length;
    for (const [body, param] of wrong) {
      const error = await errorOf(chat(body), OpenAI.BadRequestError);
      assertSays(error, { status: 400, code: 'invalid_request', type: 'invalid_request_error', param });
    }
    assert.equal(recorder.requests.length, before);
  });

  await t.test('401 is AuthenticationError, without a key and with a wrong one', async () => {
    const wrong = { status: 401, code: 'invalid_api_key', type: 'authentication_error' };
    const headers = [{ Authorization: 'Bearer pk-wrong' }, { Authorization: null }, { Authorization: `Bearer ${upstreamKey}` }, { 'x-api-key': 'pk-second' }];
    for (const each of headers) assertSays(await errorOf(chat({}, { headers: each }), OpenAI.AuthenticationError), wrong);
    const error = await errorOf(clientOf(hub, { apiKey: 'pk-wrong' }).models.list(), OpenAI.AuthenticationError);
    assertSays(error, wrong);
    assert.equal(error.headers.get('www-authenticate'), 'Bearer');
    assert.ok(!error.message.includes('pk-wrong'));
  });

  await t.test('404 is NotFoundError, for models and for URLs', async () => {
    const error = await errorOf(chat({ model: 'no/such' }), OpenAI.NotFoundError);
    assertSays(error, { status: 404, code: 'model_not_found', type: 'invalid_request_error', param: 'model' });
    assert.match(error.message, /no\/such/);
    const absent = await errorOf(client.post('/no/such/route', { body: {} }), OpenAI.NotFoundError);
    assertSays(absent, { status: 404, code: 'route_not_found', type: 'invalid_request_error' });
  });

  await t.test('409 is ConflictError, and the SDK does not repeat it', async () => {
    const admin = clientOf(hub, { baseURL: hub.address, apiKey: adminToken, maxRetries: 2 });
    const { id } = await admin.post('/providers', { body: { name: fresh('twice'), server_url: recorder.address } });
    const body = { provider_id: id, model_name: 'twice', description: '' };
    await admin.post('/provider_models', { body });
    admin.counts.sent = 0;
    const error = await errorOf(admin.post('/provider_models', { body }), OpenAI.ConflictError);
    assert.equal(error.code, 'conflict');
    assert.equal(admin.counts.sent, 1);
  });

  const passing = [
    [400, OpenAI.BadRequestError], [402, OpenAI.APIError], [404, OpenAI.NotFoundError], [409, OpenAI.ConflictError],
    [413, OpenAI.APIError], [422, OpenAI.UnprocessableEntityError], [429, OpenAI.RateLimitError],
    [500, OpenAI.InternalServerError], [503, OpenAI.InternalServerError], [529, OpenAI.InternalServerError],
  ];
  for (const [status, type] of passing) {
    await t.test(`the upstream's ${status} passes with its words as ${type.name}`, async () => {
      for (const stream of [false, true]) {
        recorder.next.push(failure(status, { param: 'some.param' }));
        const error = await errorOf(chat({ stream }), type);
        assertSays(error, { status, code: 'upstream_code', type: 'upstream_type', param: 'some.param' });
        assert.equal(error.message, `${status} the upstream says ${status}`);
        assert.notEqual(error.requestID, 'upstream-id');
      }
    });
  }

  await t.test('Retry-After of the upstream goes out bare, a date as its seconds', async () => {
    const later = new Date(Date.now() + 3600_000).toUTCString();
    for (const [given, expected] of [['3600', /^3600$/], ['0', /^0$/], [later, /^3(600|5\d\d)$/]]) {
      recorder.next.push(failure(429, { headers: { 'retry-after': given } }));
      const error = await errorOf(chat(), OpenAI.RateLimitError);
      assert.match(error.headers.get('retry-after'), expected);
    }
  });

  await t.test('401 and 403 about our key are a 502 that never shows it', async () => {
    for (const status of [401, 403]) {
      for (const stream of [false, true]) {
        recorder.next.push(failure(status, { message: `Incorrect API key provided: ${upstreamKey}` }));
        const error = await errorOf(chat({ stream }), OpenAI.InternalServerError);
        assertSays(error, { status: 502, code: 'upstream_credentials_rejected', type: 'upstream_error' });
        assert.ok(!error.message.includes('sk-'));
      }
    }
    assert.ok(!(hub.stdout + hub.stderr).includes(upstreamKey));
  });

  await t.test('an upstream that answers with no JSON is an InternalServerError with an error object of ours', async () => {
    recorder.next.push({ status: 503, type: 'text/html', body: '<h1>Service Unavailable</h1>' }, { type: 'text/html', body: '<h1>Welcome</h1>' });
    assertSays(await errorOf(chat(), OpenAI.InternalServerError), { status: 503, code: 'upstream_status', type: 'upstream_error' });
    assertSays(await errorOf(chat(), OpenAI.InternalServerError), { status: 502, code: 'upstream_invalid_response', type: 'upstream_error' });
  });

  await t.test('an upstream that nobody can reach is an InternalServerError', async () => {
    const nowhere = await modelAt(hub, `http://127.0.0.1:${await closedPort()}`);
    const error = await errorOf(chat({ model: nowhere }), OpenAI.InternalServerError);
    assertSays(error, { status: 502, code: 'upstream_error', type: 'upstream_error' });
  });

  await t.test('a stream that breaks off raises after what had arrived', async () => {
    for (const [fault, message] of [['error_event', /injected error event/], ['cut', /broke off/], ['reset_mid', /broke off|reset/], ['garbage', /not a JSON object/]]) {
      const broken = await modelAt(hub, mock.url(`chunks=30,fault=${fault},at=10`));
      const { data: stream, request_id } = await chat({ model: broken, stream: true }).withResponse();
      const list = [];
      const error = await errorOf((async () => { for await (const chunk of stream) list.push(chunk); })(), OpenAI.APIError);
      assert.ok(list.length > 0 && list.every((chunk) => chunk.choices[0].finish_reason === null), fault);
      assert.match(error.message, message);
      assert.ok(error.code && error.type);
      assert.equal(error.requestID, request_id);
    }
  });

  await t.test('a hub that is not there is APIConnectionError', async () => {
    const lost = clientOf({ address: `http://127.0.0.1:${await closedPort()}` });
    await errorOf(lost.models.list(), OpenAI.APIConnectionError);
  });

  await t.test('too long a wait is APIConnectionTimeoutError, and the upstream is told', async () => {
    const slow = await modelAt(hub, mock.url('head_delay_ms=600000'));
    const { aborted } = await mock.stats();
    const error = await errorOf(chat({ model: slow }, { timeout: 1500 }), OpenAI.APIConnectionTimeoutError);
    assert.ok(error instanceof OpenAI.APIConnectionError);
    await eventually(async () => (await mock.stats()).aborted === aborted + 1, 'the call of the upstream is cancelled');
    await chat();
  });
});

test('retries', async (t) => {
  const hub = await startHub(t);
  const recorder = await startRecorder(t);
  const mock = await startMock(t);
  const model = await modelAt(hub, recorder.address);
  const chat = (client, body) => client.chat.completions.create({ model, messages, ...body });
  const soon = (status) => failure(status, { headers: { 'retry-after': '0' } });

  await t.test('the answer arrives after 429 and 503, with one request for each try', async () => {
    for (const stream of [false, true]) {
      const client = clientOf(hub, { maxRetries: 2 });
      const before = recorder.requests.length;
      recorder.next.push(soon(429), soon(503));
      const answer = await chat(client, { stream });
      assert.equal(stream ? textOf(await collect(answer)) : answer.choices[0].message.content, reply);
      assert.equal(recorder.requests.length - before, 3);
      assert.equal(client.counts.sent, 3);
      const bodies = recorder.requests.slice(before).map((request) => request.body);
      assert.deepEqual(bodies, Array(3).fill(bodies[0]));
    }
  });

  await t.test('the hub repeats nothing by itself at its only provider', async () => {
    for (const status of [429, 500, 503, 529]) {
      const before = recorder.requests.length;
      recorder.next.push(soon(status));
      await assert.rejects(chat(clientOf(hub)), { status });
      assert.equal(recorder.requests.length - before, 1);
    }
  });

  await t.test('tries end with maxRetries and the last error', async () => {
    for (const [status, type] of [[429, OpenAI.RateLimitError], [503, OpenAI.InternalServerError]]) {
      const before = recorder.requests.length;
      recorder.next.push(...Array(3).fill(soon(status)));
      await errorOf(chat(clientOf(hub, { maxRetries: 2 })), type);
      assert.equal(recorder.requests.length - before, 3);
      assert.equal(recorder.next.length, 0);
    }
  });

  await t.test('what is not worth a retry is asked once', async () => {
    for (const status of [400, 404, 422]) {
      const before = recorder.requests.length;
      recorder.next.push(failure(status));
      await assert.rejects(chat(clientOf(hub, { maxRetries: 2 })), { status });
      assert.equal(recorder.requests.length - before, 1);
    }
  });

  await t.test('every second request refused: each retry is the one that succeeds', async () => {
    const shaky = await modelAt(hub, mock.url('status=429,retry_after=1,every=2'));
    const client = clientOf(hub, { maxRetries: 1 });
    for (let i = 0; i < 3; ++i) assert.equal((await chat(client, { model: shaky })).object, 'chat.completion');
    const { requests, injected } = await mock.stats();
    assert.deepEqual([client.counts.sent, requests, injected], [5, 5, 2]);
  });

  await t.test('only what was answered is counted', async () => {
    const conversation = fresh('retried');
    const client = clientOf(hub, { maxRetries: 2, defaultHeaders: { 'x-conversation-id': conversation } });
    recorder.next.push(soon(429), soon(503));
    await chat(client);
    const { body } = await hub.admin('GET', `/stats/conversation/${conversation}`);
    assert.deepEqual([body.rounds, body.prompt_tokens, body.completion_tokens], [1, replyUsage.prompt_tokens, replyUsage.completion_tokens]);
  });
});

test('aborts', async (t) => {
  const hub = await startHub(t);
  const mock = await startMock(t);
  const client = clientOf(hub);
  const endless = await modelAt(hub, mock.url('chunks=100000000,chunk_delay_ms=2'));
  const silent = await modelAt(hub, mock.url('head_delay_ms=600000'));
  const quick = await modelAt(hub, mock.url('chunks=3'));
  const aborted = (count) => eventually(async () => (await mock.stats()).aborted === count, `${count} calls of the upstream cancelled`);
  const assertServes = async () => assert.equal((await collect(await client.chat.completions.create({ model: quick, messages, stream: true }))).length, 5);

  await t.test('abort in mid-stream ends the iteration and the call of the upstream, and what passed is counted', async () => {
    const conversation = fresh('aborted');
    const stream = await client.chat.completions.create({ model: endless, messages, stream: true }, { headers: { 'x-conversation-id': conversation } });
    let seen = 0;
    for await (const chunk of stream) {
      assert.equal(chunk.choices.length, 1);
      if (++seen === 5) stream.controller.abort();
    }
    assert.ok(seen >= 5);
    await aborted(1);
    const stats = await eventually(async () => {
      const answer = await hub.admin('GET', `/stats/conversation/${conversation}`);
      return answer.status === 200 && answer.body;
    }, 'the aborted call in the statistics');
    assert.equal(stats.rounds, 1);
    assert.ok(stats.prompt_tokens > 0 && stats.completion_tokens > 0);
    await assertServes();
  });

  await t.test('leaving the loop does the same', async () => {
    for await (const chunk of await client.chat.completions.create({ model: endless, messages, stream: true })) {
      if (chunk.choices[0].delta.content) break;
    }
    await aborted(2);
    await assertServes();
  });

  await t.test('a signal before the head raises APIUserAbortError', async () => {
    const { requests } = await mock.stats();
    const leaving = new AbortController();
    const waiting = errorOf(client.chat.completions.create({ model: silent, messages }, { signal: leaving.signal }), OpenAI.APIUserAbortError);
    await eventually(async () => (await mock.stats()).requests === requests + 1, 'the request at the upstream');
    leaving.abort();
    await waiting;
    await aborted(3);
    await assertServes();
  });

  await t.test('the streaming helper aborts too', async () => {
    const runner = client.chat.completions.stream({ model: endless, messages });
    runner.once('content', () => runner.abort());
    await errorOf(runner.done(), OpenAI.APIUserAbortError);
    await aborted(4);
    await assertServes();
  });

  await t.test('twenty streams at once, all left: every one ends at the upstream, and others go on', async () => {
    const others = client.chat.completions.create({ model: quick, messages });
    await Promise.all(Array.from({ length: 20 }, async () => {
      for await (const chunk of await client.chat.completions.create({ model: endless, messages, stream: true })) {
        if (chunk.choices[0].delta.content) break;
      }
    }));
    await aborted(24);
    await others;
    await assertServes();
  });
});
