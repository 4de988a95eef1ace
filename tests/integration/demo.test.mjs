// A newcomer's first minute: the demo provider answers, streams, and is counted.
import test from 'node:test';
import assert from 'node:assert/strict';
import { startHub, readEvents } from './harness.mjs';

const hello = { model: 'demo', messages: [{ role: 'user', content: 'Hello' }] };

test('the demo provider answers as JSON, and the answer is counted', async (t) => {
  const hub = await startHub(t, { env: { NEXUS_DEMO_DELTA_INTERVAL_MS: '1' } });
  const response = await hub.chat(hello, { key: 'nxh-demo' });
  assert.equal(response.status, 200);
  const answer = await response.json();
  assert.equal(answer.choices[0].finish_reason, 'stop');
  const totals = await hub.admin('GET', '/stats/total');
  assert.deepEqual(totals.body, {
    total_conversations: 1, total_rounds: 1, prompt_tokens: answer.usage.prompt_tokens,
    completion_tokens: answer.usage.completion_tokens, total_tokens: answer.usage.total_tokens,
  });
  const conversation = await hub.admin('GET', `/stats/conversation/${response.headers.get('x-conversation-id')}`);
  assert.equal(conversation.body.rounds, 1);
});

test('the demo provider streams Markdown, and says usage only to those who ask', async (t) => {
  const hub = await startHub(t, { env: { NEXUS_DEMO_DELTA_INTERVAL_MS: '1' } });
  const plain = await readEvents(await hub.chat({ ...hello, stream: true }, { key: 'nxh-demo' }));
  assert.equal(plain.at(-1), '[DONE]');
  const chunks = plain.slice(0, -1).map((text) => JSON.parse(text));
  assert.ok(chunks.every((chunk) => chunk.choices.length === 1));
  const text = chunks.map((chunk) => chunk.choices[0].delta.content ?? '').join('');
  assert.match(text, /```/);
  assert.match(text, /\| --- \|/);
  const asked = await readEvents(await hub.chat({ ...hello, stream: true, stream_options: { include_usage: true } }, { key: 'nxh-demo' }));
  const usage = JSON.parse(asked.at(-2));
  assert.deepEqual(usage.choices, []);
  assert.ok(usage.usage.completion_tokens > 10);
});
