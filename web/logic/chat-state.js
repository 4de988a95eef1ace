// The conversation on the page as a state machine: what the person does and what the hub sends, to what is shown.
// Every function returns a new state, or the same one if nothing changed. Frames: /ws/chat.
//
// A state is {conversationId, messages}. A message is {role: 'user', text}, or the hub's
// {role: 'assistant', id, phase, sent, stopping, text, reasoning, lastSeq, …}.
// phase: waiting -> streaming -> done | failed | stopped.

export const empty = Object.freeze({ conversationId: null, messages: [] });

/// Returns the answer that is under way, or null.
export function running(state) {
  const last = state.messages.at(-1);
  return last?.phase === 'waiting' || last?.phase === 'streaming' ? last : null;
}

/// Adds a question and its waiting answer. `choice` is {providerId, model}.
export function ask(state, { id, text, choice, now }) {
  if (running(state)) return state;
  return { ...state, messages: [...state.messages, { role: 'user', text }, waiting(id, choice, now)] };
}

/// Asks the last question once more, if its answer failed or was stopped; what had arrived of it is dropped.
export function retry(state, { id, choice, now }) {
  const last = state.messages.at(-1);
  if (last?.phase !== 'failed' && last?.phase !== 'stopped') return state;
  return { ...state, messages: [...state.messages.slice(0, -1), waiting(id, choice, now)] };
}

function waiting(id, choice, now) {
  return {
    role: 'assistant', id, phase: 'waiting', sent: false, stopping: false,
    providerId: choice.providerId, model: choice.model, askedAt: now,
    text: '', reasoning: '', lastSeq: null,
  };
}

/// The `chat` frame has been handed to the connection.
export function sent(state) {
  return running(state) ? change(state, { sent: true }) : state;
}

/// The person wants no more. What was never sent ends at once; otherwise the hub's last word is awaited.
export function stop(state) {
  const answer = running(state);
  if (!answer || answer.stopping) return state;
  return change(state, answer.sent ? { stopping: true } : { phase: 'stopped', stopping: true });
}

/// The hub did not confirm a stop in time.
export function giveUp(state, id) {
  const answer = running(state);
  return answer?.id === id && answer.stopping ? change(state, { phase: 'stopped' }) : state;
}

/// Takes a frame of the hub. Frames of other chats, repeated deltas and unknown types change nothing.
export function onFrame(state, frame) {
  const answer = running(state);
  // An error without an id answers a frame that the hub could not read; only the running chat can have sent it.
  const ours = frame.id === answer?.id || (frame.type === 'error' && (frame.id ?? '') === '');
  if (!answer || !ours) return state;
  switch (frame.type) {
    case 'start': return onStart(state, answer, frame);
    case 'delta': return onDelta(state, answer, frame);
    case 'done': return onDone(state, answer, frame);
    case 'error': return onError(state, answer, frame);
    default: return state;
  }
}

function onStart(state, answer, frame) {
  const next = change(state, {
    model: frame.model ?? answer.model,
    providerId: frame.provider_id ?? answer.providerId,
  });
  return { ...next, conversationId: frame.conversation_id ?? state.conversationId };
}

function onDelta(state, answer, frame) {
  if (answer.lastSeq !== null && frame.seq <= answer.lastSeq) return state;
  return change(state, {
    phase: 'streaming',
    lastSeq: frame.seq,
    text: answer.text + (frame.content ?? ''),
    reasoning: answer.reasoning + (frame.reasoning ?? ''),
  });
}

function onDone(state, answer, frame) {
  return change(state, {
    phase: answer.stopping ? 'stopped' : 'done',
    finishReason: frame.finish_reason ?? '',
    usage: frame.usage ?? null,
    counted: frame.counted ?? null,
    ttftMs: frame.ttft_ms,
    durationMs: frame.duration_ms,
    requestId: frame.request_id ?? '',
  });
}

function onError(state, answer, frame) {
  const requestId = frame.request_id ?? '';
  if (answer.stopping) return change(state, { phase: 'stopped', requestId });
  const { message = '', type = '', code = '' } = frame.error ?? {};
  return change(state, { phase: 'failed', error: { message, type, code }, requestId });
}

function change(state, members) {
  const messages = state.messages.slice();
  messages.push({ ...messages.pop(), ...members });
  return { ...state, messages };
}

/// Returns the frames to send when a connection opens: the question if it never left, else the request for the rest.
export function onOpen(state) {
  const answer = running(state);
  if (!answer) return [];
  if (!answer.sent) return [chatFrame(state)];
  const resume = { type: 'resume', id: answer.id, last_seq: answer.lastSeq ?? 0 };
  return answer.stopping ? [resume, { type: 'stop', id: answer.id }] : [resume];
}

/// Returns the `chat` frame of the running answer, with everything said before it.
export function chatFrame(state) {
  const answer = running(state);
  const messages = state.messages
    .filter((message) => message !== answer && message.text !== '')
    .map(({ role, text }) => ({ role, content: text }));
  const frame = { type: 'chat', id: answer.id, model: answer.model, provider_id: answer.providerId, messages };
  if (state.conversationId) frame.conversation_id = state.conversationId;
  return frame;
}
