import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as c from '../../web/logic/conversation.js';

const choice = { providerId: 2, model: 'm' };
let last = 0;
const id = () => `n${(last += 1)}`;

function asked(text, conversation = c.create({ id: 'c', now: 1 }), parent = c.thread(conversation).at(-1)?.id ?? '') {
  const question = id();
  const answer = id();
  const next = c.await_(c.ask(conversation, { id: question, parent, text, now: 2 }), { id: answer, runId: `r-${answer}`, parent: question, choice, now: 3 });
  return { conversation: next, question, answer };
}

function answered(text, answer, from) {
  const { conversation, answer: node, question } = asked(text, from);
  const frames = [{ type: 'start', conversation_id: 'hub-1', provider_id: 2, model: 'm' }, { type: 'delta', seq: 1, content: answer }, { type: 'done', finish_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }, counted: null, request_id: 'q' }];
  return { question, answer: node, conversation: frames.reduce((so, frame) => c.onFrame(so, node, frame, 5), conversation) };
}

const texts = (conversation) => c.thread(conversation).map((node) => node.text);

test('a first question names the conversation with its first line, shortened', () => {
  assert.equal(asked('## Hello\nmore').conversation.title, 'Hello');
  const long = asked('x'.repeat(100)).conversation.title;
  assert.ok(long.length <= 60 && long.endsWith('…'), long);
});

test('a name that was given stays', () => {
  const named = { ...c.create({ id: 'c', now: 1 }), title: 'Mine', named: true };
  assert.equal(asked('Hello', named).conversation.title, 'Mine');
});

test('an answer grows by its deltas and ends with both counts', () => {
  const { conversation, answer } = answered('Hi', 'Hello');
  const node = conversation.nodes[answer];
  assert.equal(node.phase, 'done');
  assert.equal(node.text, 'Hello');
  assert.equal(node.usage.total_tokens, 3);
  assert.equal(conversation.hubId, 'hub-1');
  assert.equal(c.usedTokens(conversation), 3);
});

test('a delta that came before is not added again', () => {
  const { conversation, answer } = asked('Hi');
  const delta = { type: 'delta', seq: 4, content: 'x' };
  const once = c.onFrame(conversation, answer, delta, 1);
  assert.equal(c.onFrame(once, answer, delta, 2), once);
  assert.equal(c.onFrame(once, answer, { type: 'delta', seq: 3, content: 'y' }, 2), once);
});

test('nothing comes to an answer that has ended', () => {
  const { conversation, answer } = answered('Hi', 'Hello');
  assert.equal(c.onFrame(conversation, answer, { type: 'delta', seq: 9, content: 'x' }, 1), conversation);
});

test('an edited question is a branch beside the former, which stays reachable', () => {
  const first = answered('Hi', 'Hello');
  const edited = asked('Hi!', first.conversation, '');
  assert.deepEqual(texts(edited.conversation), ['Hi!', '']);
  const family = c.siblings(edited.conversation, edited.conversation.nodes[edited.question]);
  assert.deepEqual([family.at, family.count], [1, 2]);
  const back = c.choose(edited.conversation, edited.conversation.nodes[first.question]);
  assert.deepEqual(texts(back), ['Hi', 'Hello']);
});

test('a second answer is a sibling of the first', () => {
  const { conversation, question, answer } = answered('Hi', 'Hello');
  const again = c.await_(conversation, { id: 'again', runId: 'r2', parent: question, choice, now: 9 });
  assert.deepEqual(c.siblings(again, again.nodes[answer]), { at: 0, count: 2, ids: [answer, 'again'] });
  assert.equal(c.thread(again).at(-1).id, 'again');
});

test('removing a node removes what is below it, and a sibling is shown instead', () => {
  const first = answered('Hi', 'Hello');
  const second = answered('More', 'Yes', first.conversation);
  const edited = asked('Hi!', second.conversation, '');
  const without = c.remove(edited.conversation, first.question);
  assert.equal(Object.keys(without.nodes).length, 2);
  assert.deepEqual(texts(c.remove(edited.conversation, edited.question)), ['Hi', 'Hello', 'More', 'Yes']);
});

test('a frame holds what was said on its own branch, the system prompt first, and no empty text', () => {
  const first = answered('Hi', 'Hello');
  const other = answered('Other', '', { ...first.conversation, params: { system: 'Be short', temperature: 0 } });
  const { conversation, answer } = asked('Now', other.conversation);
  const frame = c.chatFrame(conversation, answer);
  assert.deepEqual(frame.messages.map(({ role, content }) => `${role}: ${content}`), ['system: Be short', 'user: Hi', 'assistant: Hello', 'user: Other', 'user: Now']);
  assert.deepEqual(frame.params, { temperature: 0 });
  assert.equal(frame.provider_id, 2);
  assert.equal(frame.conversation_id, 'hub-1');
});

test('what was never sent is sent when the connection opens; the rest is asked for otherwise', () => {
  const { conversation, answer } = asked('Hi');
  assert.equal(c.onOpen(conversation, conversation.nodes[answer])[0].type, 'chat');
  const sent = c.onFrame(c.change(conversation, answer, { sent: true }), answer, { type: 'delta', seq: 7, content: 'x' }, 1);
  assert.deepEqual(c.onOpen(sent, sent.nodes[answer]), [{ type: 'resume', id: sent.nodes[answer].runId, last_seq: 7 }]);
  const stopping = c.stop(sent, answer);
  assert.deepEqual(c.onOpen(stopping, stopping.nodes[answer]).map((frame) => frame.type), ['resume', 'stop']);
});

test('a stop ends at once what was never sent, and waits for the hub otherwise', () => {
  const { conversation, answer } = asked('Hi');
  assert.equal(c.stop(conversation, answer).nodes[answer].phase, 'stopped');
  const waiting = c.stop(c.change(conversation, answer, { sent: true }), answer);
  assert.equal(waiting.nodes[answer].phase, 'waiting');
  assert.equal(c.onFrame(waiting, answer, { type: 'done', finish_reason: 'cancelled' }, 1).nodes[answer].phase, 'stopped');
});

test('an error keeps what came before it', () => {
  const { conversation, answer } = asked('Hi');
  const partly = c.onFrame(conversation, answer, { type: 'delta', seq: 1, content: 'par' }, 1);
  const failed = c.onFrame(partly, answer, { type: 'error', error: { message: 'gone', code: 'upstream_down' }, request_id: 'q' }, 2).nodes[answer];
  assert.deepEqual([failed.phase, failed.text, failed.error.code, failed.requestId], ['failed', 'par', 'upstream_down', 'q']);
});

test('pieces of tool calls are put together by their index', () => {
  const first = c.mergeToolCalls([], [{ index: 0, id: 'a', function: { name: 'look', arguments: '{"x"' } }, { index: 1, id: 'b', function: { name: 'go' } }]);
  const all = c.mergeToolCalls(first, [{ index: 0, function: { arguments: ':1}' } }]);
  assert.deepEqual(all, [{ id: 'a', name: 'look', arguments: '{"x":1}' }, { id: 'b', name: 'go', arguments: '' }]);
});

test('the time of thinking ends with the first word of the answer', () => {
  const { conversation, answer } = asked('Hi');
  const thought = c.onFrame(conversation, answer, { type: 'delta', seq: 1, reasoning: 'hm' }, 1000);
  const said = c.onFrame(thought, answer, { type: 'delta', seq: 2, content: 'So' }, 4000).nodes[answer];
  assert.deepEqual([said.reasoning, said.thoughtMs], ['hm', 3000]);
});

test('the list is grouped by age, pinned ones first', () => {
  const now = new Date(2026, 10, 25, 12).getTime();
  const head = (name, age, more = {}) => ({ id: name, updatedAt: now - age, ...more });
  const groups = c.groupByAge([head('old', 30 * 864e5), head('new', 1), head('pin', 90 * 864e5, { pinned: true }), head('yesterday', 864e5), head('week', 3 * 864e5)], now);
  assert.deepEqual(groups.map(([age, rows]) => [age, rows.map((row) => row.id)]), [['pinned', ['pin']], ['today', ['new']], ['yesterday', ['yesterday']], ['week', ['week']], ['older', ['old']]]);
});

test('what is exported comes back the same, under another id', () => {
  const { conversation } = answered('Hi', 'Hello');
  const file = JSON.parse(JSON.stringify({ format: 'nexus-conversation', version: 1, conversation }));
  const back = c.fromExport(file, { id: 'other', now: 9 });
  assert.equal(back.id, 'other');
  assert.deepEqual(back.nodes, file.conversation.nodes);
  assert.equal(c.toMarkdown(back, { user: 'You' }), '# Hi\n\n## You\n\nHi\n\n## m\n\nHello\n');
});

test('no other file is taken for an exported conversation', () => {
  for (const file of [null, {}, { format: 'nexus-conversation' }, { format: 'nexus-conversation', conversation: { nodes: { a: { role: 'user', text: 1 } }, kids: {} } }])
    assert.equal(c.fromExport(file, { id: 'x', now: 1 }), null);
});
