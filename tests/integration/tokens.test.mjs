// Tokens counted by the hub: exactly for models whose tokenizer is known, as an estimate that says so for the others.
import test from 'node:test';
import assert from 'node:assert/strict';
import { chatSocket } from './chat_socket.mjs';
import { startHub } from './harness.mjs';
import { rawUpstream, upstreamKey } from './upstream.mjs';

const say = (model, content, more = {}) => ({ model, messages: [{ role: 'user', content }], ...more });

async function tokenize(hub, body, key = 'pk-team') {
  const response = await fetch(`${hub.address}/v1/tokenize`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: typeof body === 'string' ? body : JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
}

async function hubBefore(t, answer, models) {
  const upstream = await rawUpstream(t, answer);
  const hub = await startHub(t);
  await hub.addProvider({ server_url: upstream.address, server_key: upstreamKey }, models);
  return { hub, upstream };
}

test('texts of known models are counted exactly, those of others estimated', async (t) => {
  const { hub } = await hubBefore(t, () => {}, ['gpt-4o']);
  // By the reference implementations; see tests/tokenizer/vectors.
  const text = 'The quick brown fox jumps over the lazy dog.';
  assert.deepEqual((await tokenize(hub, { model: 'gpt-4o', input: text })).body, { tokens: 10, exact: true, encoding: 'o200k_base' });
  assert.deepEqual((await tokenize(hub, { model: 'gpt-4', input: text })).body, { tokens: 10, exact: true, encoding: 'cl100k_base' });
  assert.deepEqual((await tokenize(hub, { model: 'openai/gpt-4o', input: '<|endoftext|>' })).body.exact, true);
  assert.ok((await tokenize(hub, { model: 'gpt-4o', input: '<|endoftext|>' })).body.tokens > 1, 'special strings are plain text');
  const unknown = (await tokenize(hub, { model: 'nobody-knows-it', input: text })).body;
  assert.equal(unknown.exact, false);
  assert.equal(unknown.encoding, 'estimate');
  assert.ok(unknown.tokens >= 7 && unknown.tokens <= 14, `${unknown.tokens}`);
  assert.equal((await tokenize(hub, { model: 'gpt-4o', input: '' })).body.tokens, 0);
});

test('prompts are counted with what stands around the texts', async (t) => {
  const { hub } = await hubBefore(t, () => {}, ['gpt-4o']);
  const one = (await tokenize(hub, say('gpt-4o', 'Hello'))).body;
  assert.equal(one.tokens, 3 + 1 + 1 + 3);  // the message, its role, its text, the primed answer
  const two = (await tokenize(hub, { model: 'gpt-4o', messages: [{ role: 'system', content: 'Hello' }, { role: 'user', content: 'Hello' }] })).body;
  assert.equal(two.tokens, 2 * 5 + 3);
  const tools = (await tokenize(hub, { ...say('gpt-4o', 'Hello'), tools: [{ type: 'function', function: { name: 'look', description: 'Looks', parameters: { type: 'object', properties: { where: { type: 'string' } } } } }] })).body;
  assert.ok(tools.tokens > one.tokens + 10);
});

test('bad questions get clear errors', async (t) => {
  const { hub } = await hubBefore(t, () => {}, ['gpt-4o']);
  for (const [body, param] of [[{ input: 'x' }, 'model'], [{ model: 'm' }, 'input'], [{ model: 'm', input: 5 }, 'input'], [{ model: 'm', input: 'x', messages: [] }, 'input'], [{ model: 'm', messages: 'x' }, 'messages']]) {
    const answer = await tokenize(hub, body);
    assert.equal(answer.status, 400, JSON.stringify(body));
    assert.equal(answer.body.error.param, param);
  }
  assert.equal((await tokenize(hub, '{')).status, 400);
  assert.equal((await tokenize(hub, { model: 'm', input: 'x' }, 'wrong')).status, 401);
});

test('what the upstream does not report is counted as it streams, exactly', async (t) => {
  const pieces = ['The quick brown', ' fox jumps', ' over the la', 'zy dog.'];
  const { hub } = await hubBefore(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n');
    for (const content of pieces) socket.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`);
    socket.end('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n');
  }, ['gpt-4o', 'nobody-knows-it']);
  for (const model of ['gpt-4o', 'nobody-knows-it']) await (await hub.chat(say(model, 'Hello', { stream: true }))).text();
  const totals = await hub.admin('GET', '/stats/usage?group_by=model&bucket=day');
  const point = (model) => totals.body.series.find((line) => line.group.id === model).points[0];
  assert.equal(point('gpt-4o').completion_tokens, 10);
  assert.equal(point('gpt-4o').prompt_tokens, 8);
  assert.ok(point('nobody-knows-it').completion_tokens > 0);
});

test('both counts stand beside each other', async (t) => {
  const { hub } = await hubBefore(t, (socket) => {
    const body = JSON.stringify({ id: 'x', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'The quick brown fox jumps over the lazy dog.' }, finish_reason: 'stop' }], usage: { prompt_tokens: 9, completion_tokens: 11, total_tokens: 20 } });
    socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }, ['gpt-4o']);
  await (await hub.chat(say('gpt-4o', 'Hello'))).text();
  const [row] = (await hub.admin('GET', '/stats/drift')).body.drift;
  assert.deepEqual([row.reported_prompt_tokens, row.counted_prompt_tokens, row.reported_completion_tokens, row.counted_completion_tokens], [9, 8, 11, 10]);
  assert.equal(row.completion_ratio, 1.1);
});

test('an estimate learns from reports and remembers over a restart', async (t) => {
  const words = 'alpha beta gamma delta epsilon zeta eta theta iota kappa lambda '.repeat(4);
  const { hub } = await hubBefore(t, (socket) => {
    const body = JSON.stringify({ id: 'x', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: words }, finish_reason: 'stop' }], usage: { prompt_tokens: 9, completion_tokens: 130, total_tokens: 139 } });
    socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }, ['nobody-knows-it']);
  const before = (await tokenize(hub, { model: 'nobody-knows-it', input: words })).body.tokens;
  for (let i = 0; i < 60; ++i) await (await hub.chat(say('nobody-knows-it', 'Hello'))).text();
  const after = (await tokenize(hub, { model: 'nobody-knows-it', input: words })).body.tokens;
  assert.ok(Math.abs(after - 130) < Math.abs(before - 130) && Math.abs(after - 130) <= 4, `${before} became ${after}`);
  await hub.stop();
  const again = await startHub(t, { folder: hub.folder });
  assert.equal((await tokenize(again, { model: 'nobody-knows-it', input: words })).body.tokens, after);
});

test('a prompt of some megabytes is counted, and others are served meanwhile', async (t) => {
  const { hub } = await hubBefore(t, () => {}, ['gpt-4o']);
  const long = 'The quick brown fox jumps over the lazy dog. '.repeat(100_000);
  const counting = tokenize(hub, { model: 'gpt-4o', input: long });
  assert.equal((await fetch(`${hub.address}/healthz`)).status, 200);
  const answer = await counting;
  assert.equal(answer.body.tokens, 10 * 100_000 + 1);
  assert.equal(answer.body.exact, true);
});

test('the WebSocket counts as you type', async (t) => {
  const { hub } = await hubBefore(t, () => {}, ['gpt-4o']);
  const socket = await chatSocket(t, hub);
  socket.send({ type: 'count', id: 'c1', model: 'gpt-4o', text: 'The quick brown fox jumps over the lazy dog.' });
  const frame = await socket.frame('count', 'c1');
  assert.deepEqual([frame.tokens, frame.exact], [10, true]);
});
