// /ws/chat: every frame of the contract, chats that outlive their socket, and sockets that break the rules.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { adminToken, eventually, startHub, startMock } from './harness.mjs';
import { chatSocket, refusedSocket } from './chat_socket.mjs';
import { errorOf, startSteps, wire } from './wire.mjs';

const bare = { NEXUS_DEMO_ENABLED: 'false' };

async function stepwise(t, env = {}) {
  const upstream = await startSteps(t);
  const hub = await startHub(t, { env: { ...bare, ...env } });
  const provider = await hub.addProvider({ server_url: upstream.address }, ['m']);
  return { upstream, hub, provider };
}

/** The deltas' numbers must rise by one from `first`. */
function assertSequence(frames, first = 1) {
  assert.deepEqual(frames.filter((frame) => frame.type === 'delta').map((frame) => frame.seq), frames.filter((frame) => frame.type === 'delta').map((_, i) => first + i));
}

test('a chat is a start, deltas with rising numbers, and a done with both counts', async (t) => {
  const { upstream, hub, provider } = await stepwise(t);
  const socket = await chatSocket(t, hub);
  socket.chat('c1', 'm', { params: { temperature: 0.25, max_tokens: 50 }, conversation_id: 'my-conversation' });
  const stream = await upstream.stream(0);
  const start = await socket.frame('start');
  assert.deepEqual(start, { type: 'start', id: 'c1', conversation_id: 'my-conversation', provider_id: provider.id, model: 'm', prompt_tokens: start.prompt_tokens, exact: false });
  assert.ok(start.prompt_tokens > 0);
  stream.delta('Grüß');
  await socket.frame('delta');
  stream.event([{ index: 0, delta: { reasoning_content: 'hm' }, finish_reason: null }]);
  await socket.frame((frame) => frame.reasoning === 'hm');
  stream.delta(' Gott \u{1F44B}');
  stream.finish({ finish_reason: 'length' });
  const done = await socket.frame('done');
  assert.equal(socket.text('c1'), 'Grüß Gott \u{1F44B}');
  assert.equal(socket.frames[0], start);
  assert.equal(socket.frames.at(-1), done);
  assertSequence(socket.frames);
  assert.equal(done.finish_reason, 'length');
  assert.deepEqual(done.usage, { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 });
  assert.equal(done.counted.prompt_tokens, start.prompt_tokens);
  assert.ok(done.counted.completion_tokens > 0);
  assert.equal(done.counted.total_tokens, done.counted.prompt_tokens + done.counted.completion_tokens);
  assert.equal(done.counted.exact, false);
  assert.ok(Number.isInteger(done.ttft_ms) && done.ttft_ms > 0 && done.duration_ms >= 0);
  assert.match(done.request_id, /^req_/);
  const sent = JSON.parse(stream.request.body);
  assert.deepEqual(sent, { model: 'm', messages: [{ role: 'user', content: 'Hello' }], temperature: 0.25, max_tokens: 50, stream: true, stream_options: { include_usage: true } });
  const { body } = await hub.admin('GET', '/stats/conversation/my-conversation');
  assert.equal(body.rounds, 1);
  assert.equal(body.total_tokens, 18);
});

test('tool calls arrive as deltas', async (t) => {
  const { upstream, hub } = await stepwise(t);
  const socket = await chatSocket(t, hub);
  socket.chat('c', 'm');
  const stream = await upstream.stream(0);
  stream.event([{ index: 0, delta: { tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }] }, finish_reason: null }]);
  stream.event([{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: '{"a":1}' } }] }, finish_reason: null }]);
  stream.finish({ finish_reason: 'tool_calls' });
  assert.equal((await socket.frame('done')).finish_reason, 'tool_calls');
  const calls = socket.frames.flatMap((frame) => frame.tool_calls ?? []);
  assert.equal(calls[0].id, 'call_1');
  assert.equal(calls.map((call) => call.function.arguments).join(''), '{"a":1}');
});

test('several chats run on one socket, each at its own pace', async (t) => {
  const { upstream, hub } = await stepwise(t);
  const socket = await chatSocket(t, hub);
  for (const id of ['a', 'b', 'c']) {
    socket.chat(id, 'm', { messages: [{ role: 'user', content: id }] });
    await socket.frame('start', id);
  }
  await upstream.stream(2);
  const streams = Object.fromEntries(upstream.streams.map((stream) => [JSON.parse(stream.request.body).messages[0].content, stream]));
  const expected = { a: '', b: '', c: '' };
  for (const id of ['b', 'a', 'c', 'a', 'b', 'b', 'c']) {
    const piece = `${id}${expected[id].length};`;
    expected[id] += piece;
    streams[id].delta(piece);
    await socket.grown(id, expected[id].length);
  }
  for (const id of ['c', 'a', 'b']) {
    streams[id].finish();
    await socket.frame('done', id);
  }
  for (const id of ['a', 'b', 'c']) {
    assert.equal(socket.text(id), expected[id]);
    assertSequence(socket.of(id));
    assert.deepEqual([socket.of(id)[0].type, socket.of(id).at(-1).type], ['start', 'done']);
  }
  assert.equal(new Set(socket.frames.filter((frame) => frame.type === 'start').map((frame) => frame.conversation_id)).size, 3);
});

test('an id can be used again once its chat is done', async (t) => {
  const { upstream, hub } = await stepwise(t);
  const socket = await chatSocket(t, hub);
  for (let round = 0; round < 3; ++round) {
    socket.frames.length = 0;
    socket.chat('same', 'm');
    (await upstream.stream(round)).finish();
    await socket.frame('done', 'same');
    assert.equal(socket.of('same')[0].type, 'start');
  }
});

test('stop cancels the chat, the upstream too, and what came is counted', async (t) => {
  const { upstream, hub } = await stepwise(t);
  const socket = await chatSocket(t, hub);
  socket.chat('c', 'm');
  const stream = await upstream.stream(0);
  stream.delta('So far');
  await socket.grown('c', 6);
  socket.send({ type: 'stop', id: 'c' });
  const done = await socket.frame('done');
  assert.equal(done.finish_reason, 'cancelled');
  assert.equal(done.usage, null);
  assert.ok(done.counted.completion_tokens > 0);
  await eventually(() => stream.left, 'the upstream notices');
  assert.equal(socket.text('c'), 'So far');
  socket.send({ type: 'stop', id: 'c' });
  const error = await socket.frame('error', 'c');
  assert.equal(error.error.type, 'invalid_request_error');
  const totals = (await hub.admin('GET', '/stats/total')).body;
  assert.equal(totals.total_rounds, 1);
  assert.ok(totals.completion_tokens > 0);
});

test('stop reaches the mock upstream in mid-stream and before its first byte', async (t) => {
  const mock = await startMock(t);
  const hub = await startHub(t, { env: bare });
  await hub.addProvider({ server_url: mock.url('chunks=100000,chunk_delay_ms=5') }, ['slow']);
  await hub.addProvider({ server_url: mock.url('head_delay_ms=3600000') }, ['silent']);
  const socket = await chatSocket(t, hub);
  socket.chat('slow', 'slow').chat('silent', 'silent');
  await socket.frame('delta', 'slow');
  await eventually(async () => (await mock.stats()).requests >= 2, 'both requests at the mock');
  socket.send({ type: 'stop', id: 'slow' }).send({ type: 'stop', id: 'silent' });
  for (const id of ['slow', 'silent']) assert.equal((await socket.frame('done', id)).finish_reason, 'cancelled');
  await eventually(async () => (await mock.stats()).aborted >= 1, 'the mock sees its stream abandoned');
});

test('a chat outlives its socket: what was missed is replayed, nothing comes twice', async (t) => {
  const { upstream, hub } = await stepwise(t);
  for (let round = 0; round < 4; ++round) {  // reconnecting may end on any shard
    const id = `resumed-${round}`;
    const first = await chatSocket(t, hub);
    first.chat(id, 'm');
    const stream = await upstream.stream(round);
    let whole = '';
    const say = (piece) => { whole += piece; stream.delta(piece); };
    for (const piece of ['one ', 'two ', 'three ']) {
      say(piece);
      await first.grown(id, whole.length);
    }
    first.drop();
    await first.end();
    for (const piece of ['four ', 'five ']) say(piece);
    const second = await chatSocket(t, hub);
    const lastSeq = first.of(id).at(-1).seq;
    second.send({ type: 'resume', id, last_seq: lastSeq });
    await second.grown(id, 'four five '.length);
    say('six');
    stream.finish();
    await second.frame('done', id);
    const deltas = [...first.of(id), ...second.of(id)].filter((frame) => frame.type === 'delta');
    assert.deepEqual(deltas.map((frame) => frame.seq), deltas.map((_, i) => i + 1));
    assert.equal(deltas.map((frame) => frame.content).join(''), whole);
    assert.equal(stream.left, false);
  }
  assert.equal((await hub.admin('GET', '/stats/total')).body.total_rounds, 4);
});

test('a chat that ended while nobody listened is replayed whole', async (t) => {
  const { upstream, hub } = await stepwise(t);
  const first = await chatSocket(t, hub);
  first.chat('c', 'm');
  const stream = await upstream.stream(0);
  await first.frame('start');
  first.drop();
  await first.end();
  stream.delta('All of it ');
  stream.delta('at once.');
  stream.finish();
  await eventually(async () => (await hub.admin('GET', '/stats/total')).body.total_rounds === 1, 'the end of the exchange');
  const second = await chatSocket(t, hub);
  second.send({ type: 'resume', id: 'c', last_seq: 0 });
  const done = await second.frame('done', 'c');
  assert.equal(done.finish_reason, 'stop');
  assert.equal(second.text('c'), 'All of it at once.');
  assertSequence(second.of('c'));
  assert.equal(second.frames.at(-1), done);
});

test('a second socket takes a running chat over from the first', async (t) => {
  const { upstream, hub } = await stepwise(t);
  const first = await chatSocket(t, hub);
  first.chat('c', 'm');
  const stream = await upstream.stream(0);
  stream.delta('abc');
  await first.grown('c', 3);
  const second = await chatSocket(t, hub);
  second.send({ type: 'resume', id: 'c', last_seq: 0 });
  await second.grown('c', 3);
  stream.delta('def');
  stream.finish();
  await second.frame('done', 'c');
  assert.equal(second.text('c'), 'abcdef');
  assert.equal((await first.frame('error', 'c')).error.code, 'conflict');
  assert.equal(first.text('c'), 'abc');
  // There it makes room, for the same id even.
  first.chat('c', 'm');
  const next = await upstream.stream(1);
  next.delta('anew');
  next.finish();
  await first.frame('done', 'c');
  assert.equal(first.text('c'), 'abcanew');
  assert.equal(second.text('c'), 'abcdef');
});

test('resume finds nothing that is unknown, done, or of another key', async (t) => {
  const { upstream, hub } = await stepwise(t);
  await hub.addProvider({ server_url: upstream.address, personalized_key: 'pk-other' }, ['m']);
  const socket = await chatSocket(t, hub);
  socket.send({ type: 'resume', id: 'unknown', last_seq: 3 });
  const unknown = await socket.frame('error', 'unknown');
  assert.equal(unknown.error.code, 'not_found');
  assert.match(unknown.request_id, /^req_/);
  socket.chat('mine', 'm');
  const stream = await upstream.stream(0);
  await socket.frame('start', 'mine');
  const stranger = await chatSocket(t, hub, { key: 'pk-other' });
  stranger.send({ type: 'resume', id: 'mine', last_seq: 0 });
  assert.equal((await stranger.frame('error', 'mine')).error.code, 'not_found');
  stream.delta('for me');
  stream.finish();
  await socket.frame('done', 'mine');
  assert.equal(socket.text('mine'), 'for me');
  assert.equal(stranger.text('mine'), '');
  socket.send({ type: 'resume', id: 'mine', last_seq: 0 });
  assert.equal((await socket.frame('error', 'mine')).error.code, 'not_found');
});

test('a chat that nobody resumes in time is cancelled', async (t) => {
  const { upstream, hub } = await stepwise(t, { NEXUS_WEBSOCKET_RESUME_WINDOW_MS: '50' });
  const socket = await chatSocket(t, hub);
  socket.chat('c', 'm');
  const stream = await upstream.stream(0);
  stream.delta('x');
  await socket.grown('c', 1);
  socket.drop();
  await eventually(() => stream.left, 'the upstream is let go');
  await eventually(async () => (await hub.admin('GET', '/stats/total')).body.total_rounds === 1, 'its statistics');
});

test('the short form of the first NexusAI Hub is one user message', async (t) => {
  const { upstream, hub, provider } = await stepwise(t);
  const socket = await chatSocket(t, hub);
  socket.send({ message: 'Hallo "Welt"', provider_id: provider.id, model_name: 'm' });
  const stream = await upstream.stream(0);
  assert.deepEqual(JSON.parse(stream.request.body).messages, [{ role: 'user', content: 'Hallo "Welt"' }]);
  const { id, provider_id: chosen } = await socket.frame('start');
  assert.equal(chosen, provider.id);
  assert.ok(id);
  stream.delta('Hallo!');
  stream.finish();
  await socket.frame('done', id);
  assert.equal(socket.text(id), 'Hallo!');
});

test('provider_id picks among the providers of one model', async (t) => {
  const { upstream, hub } = await stepwise(t);
  const other = await startSteps(t);
  const second = await hub.addProvider({ server_url: other.address }, ['m']);
  const socket = await chatSocket(t, hub);
  for (let i = 0; i < 4; ++i) {
    socket.chat(`c${i}`, 'm', { provider_id: second.id });
    (await other.stream(i)).finish();
    await socket.frame('done', `c${i}`);
  }
  assert.equal(upstream.requests.length, 0);
  socket.chat('none', 'm', { provider_id: 9999 });
  assert.ok((await socket.frame('error', 'none')).error.code);
});

test('count answers the tokens of a text', async (t) => {
  const { hub } = await stepwise(t);
  const socket = await chatSocket(t, hub);
  socket.send({ type: 'count', id: 'short', model: 'm', text: 'Hello' }).send({ type: 'count', id: 'long', model: 'm', text: 'Hello world. '.repeat(100) });
  socket.send({ type: 'count', id: 'empty', model: 'm', text: '' });
  const [short, long, empty] = [await socket.frame('count', 'short'), await socket.frame('count', 'long'), await socket.frame('count', 'empty')];
  assert.deepEqual(Object.keys(short).sort(), ['exact', 'id', 'tokens', 'type']);
  assert.ok(short.tokens >= 1 && short.tokens < long.tokens);
  assert.equal(empty.tokens, 0);
  assert.equal(short.exact, false);
});

test('a wrong frame gets an error frame, and the socket goes on', async (t) => {
  const { upstream, hub } = await stepwise(t);
  const socket = await chatSocket(t, hub);
  const messages = [{ role: 'user', content: 'x' }];
  const wrong = [
    '', '{', '[]', '5', 'null', '{"type":"chat",}', '{"type":"chat","type":"stop","id":"c"}', '{"a":'.repeat(100),
    JSON.stringify({ type: 'dance', id: 'c' }), JSON.stringify({ id: 'c' }), JSON.stringify({ type: 5, id: 'c' }),
    JSON.stringify({ type: 'chat', model: 'm', messages }), JSON.stringify({ type: 'chat', id: '', model: 'm', messages }),
    JSON.stringify({ type: 'chat', id: 5, model: 'm', messages }), JSON.stringify({ type: 'chat', id: 'x y', model: 'm', messages }),
    JSON.stringify({ type: 'chat', id: 'i'.repeat(129), model: 'm', messages }),
    JSON.stringify({ type: 'chat', id: 'c', messages }), JSON.stringify({ type: 'chat', id: 'c', model: 'm' }),
    JSON.stringify({ type: 'chat', id: 'c', model: 5, messages }), JSON.stringify({ type: 'chat', id: 'c', model: 'm', messages: 'x' }),
    JSON.stringify({ type: 'chat', id: 'c', model: 'm', messages: [] }), JSON.stringify({ type: 'chat', id: 'c', model: 'm', messages: [5] }),
    JSON.stringify({ type: 'chat', id: 'c', model: 'm', messages, params: [] }), JSON.stringify({ type: 'chat', id: 'c', model: 'm', messages, params: { model: 'other' } }),
    JSON.stringify({ type: 'chat', id: 'c', model: 'm', messages, params: { stream: false } }), JSON.stringify({ type: 'chat', id: 'c', model: 'm', messages, params: { max_tokens: 'many' } }),
    JSON.stringify({ type: 'chat', id: 'c', model: 'm', messages, provider_id: 'x' }), JSON.stringify({ type: 'chat', id: 'c', model: 'm', messages, surplus: 1 }),
    JSON.stringify({ type: 'chat', id: 'c', model: 'unknown', messages }), JSON.stringify({ type: 'stop' }), JSON.stringify({ type: 'stop', id: 'unknown' }),
    JSON.stringify({ type: 'resume' }), JSON.stringify({ type: 'resume', id: 'c', last_seq: -1 }), JSON.stringify({ type: 'resume', id: 'c', last_seq: '1' }), JSON.stringify({ type: 'count', id: 'c' }),
    JSON.stringify({ message: 'x', provider_id: 1 }), JSON.stringify({ message: 5, provider_id: 1, model_name: 'm' }),
  ];
  for (const [i, text] of wrong.entries()) {
    socket.frames.length = 0;
    socket.send(text);
    const frame = await socket.frame(() => true);
    assert.equal(frame.type, 'error', `${text}: ${JSON.stringify(frame)}`);
    assert.equal(typeof frame.id, 'string');
    assert.ok(frame.error.message && frame.error.type, text);
    assert.match(frame.request_id, /^req_/);
    if (/"id":"c"/.test(text) && /unknown/.test(text) && i > 20) assert.ok(['model_not_found', 'not_found'].includes(frame.error.code), text);
    assert.equal(socket.frames.length, 1, text);
  }
  assert.equal(upstream.requests.length, 0);
  socket.frames.length = 0;
  socket.chat('good', 'm');
  (await upstream.stream(0)).finish();
  await socket.frame('done', 'good');
});

test('a model that is not there is a model_not_found with the id of the chat', async (t) => {
  const { hub } = await stepwise(t);
  const socket = await chatSocket(t, hub);
  socket.chat('c', 'nothing');
  const { error } = await socket.frame('error', 'c');
  assert.equal(error.code, 'model_not_found');
  assert.match(error.message, /nothing/);
});

test('an upstream that fails ends its chat with an error, before and after the first word', async (t) => {
  const mock = await startMock(t);
  const hub = await startHub(t, { env: bare });
  await hub.addProvider({ server_url: mock.url('status=400') }, ['refused']);
  await hub.addProvider({ server_url: mock.url('fault=cut,at=5') }, ['cut']);
  const socket = await chatSocket(t, hub);
  socket.chat('refused', 'refused').chat('cut', 'cut');
  assert.ok((await socket.frame('error', 'refused')).error.message);
  const cut = await socket.frame('error', 'cut');
  assert.equal(cut.error.type, 'upstream_error');
  assert.ok(socket.text('cut').length > 0);
  assert.equal(socket.of('cut').at(-1), cut);
});

test('an id that is running is taken, and a socket runs only so many chats', async (t) => {
  const { upstream, hub } = await stepwise(t, { NEXUS_WEBSOCKET_CHATS_MAX: '3' });
  const socket = await chatSocket(t, hub);
  for (const id of ['a', 'b', 'c']) {
    socket.chat(id, 'm');
    await socket.frame('start', id);
  }
  socket.chat('a', 'm');
  assert.equal((await socket.frame('error', 'a')).error.code, 'conflict');
  socket.chat('d', 'm');
  assert.equal((await socket.frame('error', 'd')).error.code, 'rate_limit_exceeded');
  await upstream.stream(2);
  for (const stream of upstream.streams) {
    stream.delta('fine');
    stream.finish();
  }
  for (const id of ['a', 'b', 'c']) await socket.frame('done', id);
  assert.equal(upstream.streams.length, 3);
  socket.chat('e', 'm');
  (await upstream.stream(3)).finish();
  await socket.frame('done', 'e');
});

test('frames that break the protocol close the socket with the code that says why', async (t) => {
  const { hub } = await stepwise(t, { NEXUS_WEBSOCKET_MESSAGE_BYTES_MAX: '4096' });
  const binary = await chatSocket(t, hub);
  binary.socket.send(Buffer.from('{"type":"count","id":"c","model":"m","text":"x"}'), { binary: true });
  assert.equal((await binary.end()).code, 1003);
  const large = await chatSocket(t, hub);
  large.send({ type: 'count', id: 'c', model: 'm', text: 'x'.repeat(5000) });
  assert.equal((await large.end()).code, 1009);
  const inPieces = await chatSocket(t, hub);
  for (let i = 0; i < 10; ++i) inPieces.socket.send('x'.repeat(1000), { fin: false });
  assert.equal((await inPieces.end()).code, 1009);
  const invalid = await chatSocket(t, hub);
  invalid.socket.send(Buffer.from([0x7b, 0xc3, 0x28, 0x7d]), { binary: false });
  assert.equal((await invalid.end()).code, 1007);
  const fine = await chatSocket(t, hub);
  fine.send({ type: 'count', id: 'c', model: 'm', text: 'x'.repeat(4000) });
  await fine.frame('count');
  fine.socket.close(1000);
  assert.equal((await fine.end()).code, 1000);
});

test('who may open a socket', async (t) => {
  const { upstream, hub } = await stepwise(t, { NEXUS_WEBSOCKET_ORIGINS: 'https://chat.example.org' });
  const signedIn = await fetch(`${hub.address}/session`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token: adminToken }) });
  const cookie = signedIn.headers.get('set-cookie').split(';')[0];
  for (const [options, status] of [
    [{ key: null }, 401], [{ key: 'wrong' }, 401], [{ key: null, headers: { cookie: 'nxh=wrong', origin: hub.address } }, 401],
    [{ key: null, headers: { cookie, origin: 'https://evil.example' } }, 403], [{ key: null, headers: { cookie } }, 403], [{ key: null, headers: { cookie, origin: 'null' } }, 403],
  ]) {
    const refusal = await refusedSocket(t, hub, options);
    assert.equal(refusal.status, status, JSON.stringify(options));
    errorOf(refusal.body);
    assert.ok(refusal.headers['x-request-id']);
  }
  let number = 0;
  for (const options of [{}, { key: adminToken }, { key: null, headers: { 'x-api-key': 'pk-team' } }, { key: null, headers: { cookie, origin: hub.address } }, { key: null, headers: { cookie, origin: 'https://chat.example.org' } }]) {
    const socket = await chatSocket(t, hub, options);
    socket.chat('c', 'm');
    (await upstream.stream(number++)).finish();
    await socket.frame('done', 'c');
  }
});

test('an open socket follows the changes of its key: new models, and its end', async (t) => {
  const { upstream, hub, provider } = await stepwise(t);
  const socket = await chatSocket(t, hub);
  socket.chat('running', 'm');
  const running = await upstream.stream(0);
  await socket.frame('start', 'running');
  await hub.admin('POST', '/provider_models', { provider_id: provider.id, model_name: 'later' });
  socket.chat('later', 'later');
  (await upstream.stream(1)).finish();
  await socket.frame('done', 'later');
  running.delta('until then');
  await socket.grown('running', 1);
  assert.equal((await hub.admin('PUT', `/providers/${provider.id}`, { personalized_key: 'pk-another' })).status, 200);
  assert.equal((await socket.frame('error', 'running')).error.code, 'invalid_api_key');
  assert.equal((await socket.end()).code, 4401);
  await eventually(() => running.response.destroyed || running.response.closed, 'the upstream being left');
  assert.equal(socket.text('running'), 'until then');
  assert.equal(upstream.streams.length, 2);
  // What the key started is not to be had by its name again, with whatever key.
  const other = await chatSocket(t, hub, { key: 'pk-another' });
  other.send({ type: 'resume', id: 'running', last_seq: 0 });
  assert.equal((await other.frame('error', 'running')).error.code, 'not_found');
});

test('a browser that signed out loses the socket it left open', async (t) => {
  const { upstream, hub } = await stepwise(t);
  const signedIn = await fetch(`${hub.address}/session`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token: adminToken }) });
  const cookie = signedIn.headers.get('set-cookie').split(';')[0];
  const socket = await chatSocket(t, hub, { key: null, headers: { cookie, origin: hub.address } });
  socket.chat('before', 'm');
  (await upstream.stream(0)).finish();
  await socket.frame('done', 'before');
  await fetch(`${hub.address}/session`, { method: 'DELETE', headers: { cookie, origin: hub.address } });
  assert.equal((await socket.end()).code, 4401);
  assert.equal(upstream.streams.length, 1);
});

test('a resume that comes too late for the whole is told so', async (t) => {
  const { upstream, hub } = await stepwise(t);
  const first = await chatSocket(t, hub);
  first.chat('c', 'm');
  const stream = await upstream.stream(0);
  stream.delta('x');
  await first.grown('c', 1);
  first.drop();
  await first.end();
  for (let i = 0; i < 40; ++i) {  // more than the hub keeps
    const written = new Promise((resolve) => stream.response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'y'.repeat(100_000) }, finish_reason: null }] })}\n\n`, resolve));
    await written;
  }
  stream.finish();
  await eventually(async () => (await hub.admin('GET', '/stats/total')).body.total_rounds === 1, 'the end of the exchange');
  const second = await chatSocket(t, hub);
  second.send({ type: 'resume', id: 'c', last_seq: 1 });
  const error = await second.frame('error', 'c');
  assert.match(error.error.message, /missed/);
  assert.equal(second.of('c').length, 1);
});

test('a plain GET is told to upgrade', async (t) => {
  const { hub } = await stepwise(t);
  const plain = await fetch(`${hub.address}/ws/chat`, { headers: { authorization: 'Bearer pk-team' } });
  assert.equal(plain.status, 426);
  errorOf(await plain.text());
  for (const fields of ['Upgrade: websocket\r\nConnection: Upgrade\r\n', 'Upgrade: h2c\r\nConnection: Upgrade\r\n', 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n']) {
    const line = wire(t, hub);
    const answer = await line.send(`GET /ws/chat HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer pk-team\r\n${fields}\r\n`).answer();
    assert.ok([400, 426].includes(answer.status), fields);
  }
});

test('deltas are gathered: at most sixty frames a second, and no text is lost', async (t) => {
  const mock = await startMock(t);
  const hub = await startHub(t, { env: bare });
  await hub.addProvider({ server_url: mock.url('chunks=3000') }, ['fast']);
  const socket = await chatSocket(t, hub);
  socket.chat('c', 'fast');
  const done = await socket.frame('done', 'c');
  const deltas = socket.of('c').filter((frame) => frame.type === 'delta');
  assertSequence(deltas);
  assert.ok(deltas.length <= done.duration_ms * 60 / 1000 + 2, `${deltas.length} frames in ${done.duration_ms} ms`);
  const direct = await fetch(`${mock.url('chunks=3000')}/v1/chat/completions`, { method: 'POST', body: JSON.stringify({ model: 'fast', stream: true, messages: [] }) });
  const expected = (await direct.text()).split('\n').filter((line) => line.startsWith('data: {')).map((line) => JSON.parse(line.slice(6)).choices[0]?.delta?.content ?? '').join('');
  assert.equal(socket.text('c').length, expected.length);
});

test('idle sockets are pinged, and one that does not answer is dropped', async (t) => {
  const { hub } = await stepwise(t, { NEXUS_WEBSOCKET_PING_INTERVAL_MS: '100' });
  const alive = await chatSocket(t, hub);
  const dead = await chatSocket(t, hub, { autoPong: false });
  await eventually(() => alive.pings >= 5, 'pings');
  await dead.end();
  assert.equal(alive.closed, undefined);
  alive.send({ type: 'count', id: 'c', model: 'm', text: 'x' });
  await alive.frame('count');
});

test('a socket that does not read holds its upstream back instead of filling memory', async (t) => {
  const { upstream, hub } = await stepwise(t);
  const memory = async () => Number((await readFile(`/proc/${hub.pid}/status`, 'utf8')).match(/VmRSS:\s+(\d+)/)[1]) / 1024;
  const socket = await chatSocket(t, hub);
  socket.chat('c', 'm');
  const stream = await upstream.stream(0);
  stream.delta('x');
  await socket.grown('c', 1);
  const before = await memory();
  socket.socket.pause();
  const piece = 'y'.repeat(64 * 1024);
  const total = 1500;  // 94 MiB
  let sent = 0;
  const pour = () => {
    while (sent < total) {
      ++sent;
      if (!stream.response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: piece }, finish_reason: null }] })}\n\n`)) return stream.response.once('drain', pour);
    }
  };
  pour();
  let last = -1;
  let still = 0;
  await eventually(() => {
    still = sent === last ? still + 1 : 0;
    last = sent;
    return still >= 25;
  }, 'the upstream to stand still', 60_000);
  assert.ok(sent < total, 'the upstream was read to its end');
  const grown = await memory() - before;
  if (!/asan|tsan|sanit/.test(process.env.NEXUS_HUB)) assert.ok(grown < 40, `${grown} MiB more`);
  socket.socket.resume();
  await eventually(() => sent === total, 'the stream flows again', 120_000);
  stream.finish();
  await eventually(() => socket.of('c').at(-1).type === 'done', 'the end', 120_000);
  assert.equal(socket.text('c').length, 1 + total * piece.length);
});
