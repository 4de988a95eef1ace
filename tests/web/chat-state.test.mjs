import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as chat from '../../web/logic/chat-state.js';

const choice = { providerId: 'p', model: 'm' };
const asked = (text = 'hello', id = 'a', from = chat.empty) => chat.ask(from, { id, text, choice, now: 5 });
const underWay = () => chat.sent(asked());
const play = (state, ...frames) => frames.reduce(chat.onFrame, state);
const last = (state) => state.messages.at(-1);

const start = {
  type: 'start', id: 'a', conversation_id: 'c', provider_id: 'q', model: 'n', prompt_tokens: 4, exact: true,
};
const delta = (seq, content) => ({ type: 'delta', id: 'a', seq, content });
const usage = { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 };
const counted = { prompt_tokens: 4, completion_tokens: 3, total_tokens: 7 };
const done = {
  type: 'done', id: 'a', finish_reason: 'stop', usage, counted, ttft_ms: 10, duration_ms: 20, request_id: 'r',
};
const failed = { type: 'error', id: 'a', error: { message: 'No', type: 't', code: 'c' }, request_id: 'r' };

test('a question adds itself and a waiting answer', () => {
  const state = asked();
  assert.deepEqual(state.messages[0], { role: 'user', text: 'hello' });
  assert.equal(last(state).phase, 'waiting');
  assert.equal(last(state).askedAt, 5);
  assert.equal(chat.running(state), last(state));
  assert.equal(chat.running(chat.empty), null);
});

test('a second question waits until the first is answered', () => {
  const state = underWay();
  assert.equal(asked('again', 'b', state), state);
});

test('a whole answer goes from start to done, with both counts', () => {
  const state = play(underWay(), start, delta(1, 'Hel'), delta(2, 'lo'), done);
  const answer = last(state);
  assert.equal(answer.text, 'Hello');
  assert.equal(answer.phase, 'done');
  assert.equal(answer.model, 'n');
  assert.equal(answer.providerId, 'q');
  assert.deepEqual([answer.usage, answer.counted], [usage, counted]);
  assert.deepEqual([answer.ttftMs, answer.durationMs, answer.requestId], [10, 20, 'r']);
  assert.equal(state.conversationId, 'c');
  assert.equal(chat.running(state), null);
});

test('states are never changed in place', () => {
  const before = play(underWay(), start, delta(1, 'a'));
  const copy = structuredClone(before);
  play(before, delta(2, 'b'), done);
  assert.deepEqual(before, copy);
});

test('a delta that was seen already changes nothing, wherever the stream is repeated', () => {
  const frames = [delta(1, 'a'), delta(2, 'b'), delta(3, 'c'), delta(4, 'd')];
  for (let cut = 0; cut <= frames.length; cut++) {
    for (let from = 0; from <= cut; from++) {
      const state = play(underWay(), start, ...frames.slice(0, cut), start, ...frames.slice(from), done);
      assert.equal(last(state).text, 'abcd', `cut ${cut}, repeated from ${from}`);
    }
  }
  const state = play(underWay(), start, delta(1, 'a'));
  assert.equal(chat.onFrame(state, delta(1, 'a')), state);
});

test('a stream that counts from zero loses nothing', () => {
  assert.equal(last(play(underWay(), start, delta(0, 'a'), delta(1, 'b'))).text, 'ab');
});

test('reasoning is kept apart from the text', () => {
  const state = play(underWay(), start, { type: 'delta', id: 'a', seq: 1, reasoning: 'hm' }, delta(2, 'x'));
  assert.deepEqual([last(state).reasoning, last(state).text], ['hm', 'x']);
});

test('frames of other chats and unknown types change nothing', () => {
  const state = underWay();
  const count = { type: 'count', id: 'a', tokens: 1 };
  const foreign = [{ ...start, id: 'b' }, { ...failed, id: 'b' }, count, { type: 'new', id: 'a' }, {}];
  for (const frame of foreign) {
    assert.equal(chat.onFrame(state, frame), state);
  }
});

test('nothing that arrives after the end changes it', () => {
  for (const end of [done, failed]) {
    const state = play(underWay(), start, delta(1, 'x'), end);
    for (const frame of [start, delta(2, 'y'), done, failed]) assert.equal(chat.onFrame(state, frame), state);
  }
  assert.equal(chat.onFrame(chat.empty, failed), chat.empty);
});

test('an error keeps the text that had arrived', () => {
  const answer = last(play(underWay(), start, delta(1, 'par'), failed));
  assert.equal(answer.phase, 'failed');
  assert.equal(answer.text, 'par');
  assert.deepEqual(answer.error, { message: 'No', type: 't', code: 'c' });
  assert.equal(answer.requestId, 'r');
});

test('an error without an id, or without details, ends the running answer too', () => {
  assert.equal(last(play(underWay(), { type: 'error', error: { message: 'bad' } })).error.message, 'bad');
  assert.equal(last(play(underWay(), { type: 'error', id: '' })).phase, 'failed');
});

test('a stop waits for the last word of the hub, whatever it is', () => {
  for (const end of [done, failed]) {
    const stopping = chat.stop(play(underWay(), start, delta(1, 'x')));
    assert.equal(last(stopping).stopping, true);
    assert.notEqual(chat.running(stopping), null);
    assert.equal(chat.stop(stopping), stopping);
    const state = play(stopping, delta(2, 'y'), end);
    assert.equal(last(state).phase, 'stopped');
    assert.equal(last(state).text, 'xy');
  }
});

test('a stop before the question left ends at once', () => {
  assert.equal(last(chat.stop(asked())).phase, 'stopped');
  assert.equal(chat.stop(chat.empty), chat.empty);
});

test('giving up ends the stopping answer and no other', () => {
  const stopping = chat.stop(underWay());
  assert.equal(last(chat.giveUp(stopping, 'a')).phase, 'stopped');
  assert.equal(chat.giveUp(stopping, 'b'), stopping);
  const state = underWay();
  assert.equal(chat.giveUp(state, 'a'), state);
});

test('a retry replaces the failed answer under a new id', () => {
  const state = chat.retry(play(underWay(), start, failed), { id: 'b', choice, now: 9 });
  assert.deepEqual(state.messages.map((message) => message.role), ['user', 'assistant']);
  assert.deepEqual([last(state).id, last(state).phase, last(state).sent], ['b', 'waiting', false]);
  const finished = play(underWay(), start, done);
  assert.equal(chat.retry(finished, { id: 'b', choice, now: 9 }), finished);
});

test('the chat frame carries what was said before, without empty answers', () => {
  const first = asked();
  assert.deepEqual(chat.chatFrame(first), {
    type: 'chat', id: 'a', model: 'm', provider_id: 'p', messages: [{ role: 'user', content: 'hello' }],
  });
  const second = asked('more', 'b', play(underWay(), start, delta(1, 'Hi'), done));
  assert.deepEqual(chat.chatFrame(second), {
    type: 'chat', id: 'b', model: 'm', provider_id: 'p', conversation_id: 'c',
    messages: [
      { role: 'user', content: 'hello' },
      { role: 'assistant', content: 'Hi' },
      { role: 'user', content: 'more' },
    ],
  });
  const afterFailure = asked('more', 'b', play(underWay(), start, failed));
  assert.deepEqual(chat.chatFrame(afterFailure).messages.map((message) => message.content), ['hello', 'more']);
});

test('an opened connection sends what is due, and nothing else', () => {
  assert.deepEqual(chat.onOpen(chat.empty), []);
  assert.deepEqual(chat.onOpen(asked()), [chat.chatFrame(asked())]);
  assert.deepEqual(chat.onOpen(underWay()), [{ type: 'resume', id: 'a', last_seq: 0 }]);
  const streaming = play(underWay(), start, delta(1, 'a'), delta(2, 'b'));
  assert.deepEqual(chat.onOpen(streaming), [{ type: 'resume', id: 'a', last_seq: 2 }]);
  assert.deepEqual(chat.onOpen(chat.stop(streaming)), [
    { type: 'resume', id: 'a', last_seq: 2 },
    { type: 'stop', id: 'a' },
  ]);
  assert.deepEqual(chat.onOpen(play(streaming, done)), []);
});
