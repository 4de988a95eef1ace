// A conversation as a tree: an edit or a new answer makes a branch, and nothing is ever overwritten. Pure: every function
// returns a new conversation, or the same one if nothing changed. Frames: /ws/chat.
//
// {id, hubId, title, named, pinned, archived, temporary, createdAt, updatedAt, choice, params, nodes, kids, chosen}
// kids[parent] are the ids of its children in order, chosen[parent] the one that is shown; the parent of the first is ''.
// A node is {id, parent, role: 'user', text, at} or
// {…, role: 'assistant', phase, runId, sent, stopping, model, providerId, text, reasoning, toolCalls, lastSeq, …}.
// phase: waiting -> streaming -> done | failed | stopped.

export function create({ id, now, choice = null, params = {}, temporary = false }) {
  return {
    id, hubId: null, title: '', named: false, pinned: false, archived: false, temporary,
    createdAt: now, updatedAt: now, choice, params, nodes: {}, kids: {}, chosen: {},
  };
}

/// What the list of conversations needs.
export function headOf({ id, title, pinned, archived, createdAt, updatedAt }) {
  return { id, title, pinned, archived, createdAt, updatedAt };
}

/// Returns the nodes that are shown, the first one first.
export function thread(conversation) {
  const nodes = [];
  for (let at = shownChild(conversation, ''); at; at = shownChild(conversation, at.id)) nodes.push(at);
  return nodes;
}

function shownChild({ nodes, kids, chosen }, parent) {
  const ids = kids[parent] ?? [];
  return nodes[ids.includes(chosen[parent]) ? chosen[parent] : ids.at(-1)] ?? null;
}

export const isRunning = (node) => node?.phase === 'waiting' || node?.phase === 'streaming';

/// Returns the answers that are under way, also those of branches that are not shown.
export const running = (conversation) => Object.values(conversation.nodes).filter(isRunning);

/// Returns {at, count, ids}: which of its siblings a node is.
export function siblings({ kids }, node) {
  const ids = kids[node.parent] ?? [];
  return { at: ids.indexOf(node.id), count: ids.length, ids };
}

/// Shows the branch that begins with this node.
export function choose(conversation, node) {
  return { ...conversation, chosen: { ...conversation.chosen, [node.parent]: node.id } };
}

function add(conversation, node, now) {
  const { nodes, kids, chosen } = conversation;
  return {
    ...conversation,
    updatedAt: now,
    nodes: { ...nodes, [node.id]: node },
    kids: { ...kids, [node.parent]: [...(kids[node.parent] ?? []), node.id] },
    chosen: { ...chosen, [node.parent]: node.id },
  };
}

/// Adds a question below `parent` ('' = the beginning). The first one names the conversation.
export function ask(conversation, { id, parent, text, now }) {
  const next = add(conversation, { id, parent, role: 'user', text, at: now }, now);
  return next.title || next.named ? next : { ...next, title: titleFrom(text) };
}

/// Adds a waiting answer below a question. `choice` is {providerId, model}.
export function await_(conversation, { id, runId, parent, choice, now }) {
  return add(conversation, {
    id, parent, runId, role: 'assistant', phase: 'waiting', sent: false, stopping: false,
    providerId: choice.providerId, model: choice.model, at: now,
    text: '', reasoning: '', toolCalls: [], lastSeq: 0,
  }, now);
}

/// Returns a title of a question's first line.
export function titleFrom(text) {
  const line = text.trim().split('\n')[0].replace(/^[#>\-*\s`]+/, '').trim();
  return line.length > 60 ? `${line.slice(0, 58).trimEnd()}…` : line;
}

export function change(conversation, id, members) {
  const node = conversation.nodes[id];
  if (!node) return conversation;
  return { ...conversation, nodes: { ...conversation.nodes, [id]: { ...node, ...members } } };
}

/// Takes a node and everything below it away.
export function remove(conversation, id) {
  const node = conversation.nodes[id];
  if (!node) return conversation;
  const nodes = { ...conversation.nodes };
  const kids = { ...conversation.kids };
  const gone = [id];
  while (gone.length > 0) {
    const each = gone.pop();
    gone.push(...(kids[each] ?? []));
    delete nodes[each];
    delete kids[each];
  }
  kids[node.parent] = kids[node.parent].filter((each) => each !== id);
  return { ...conversation, nodes, kids };
}

/// The person wants no more of an answer. What was never sent ends at once; otherwise the hub's last word is awaited.
export function stop(conversation, id) {
  const node = conversation.nodes[id];
  if (!isRunning(node) || node.stopping) return conversation;
  return change(conversation, id, node.sent ? { stopping: true } : { phase: 'stopped', stopping: true });
}

/// Takes a frame of the hub for the answer `id`. Repeated deltas and unknown types change nothing.
export function onFrame(conversation, id, frame, now) {
  const node = conversation.nodes[id];
  if (!isRunning(node)) return conversation;
  switch (frame.type) {
    case 'start': return onStart(conversation, node, frame);
    case 'delta': return onDelta(conversation, node, frame, now);
    case 'done': return onDone(conversation, node, frame, now);
    case 'error': return onError(conversation, node, frame, now);
    default: return conversation;
  }
}

function onStart(conversation, node, frame) {
  const next = change(conversation, node.id, {
    model: frame.model ?? node.model,
    providerId: frame.provider_id ?? node.providerId,
    promptTokens: frame.prompt_tokens,
  });
  return { ...next, hubId: frame.conversation_id ?? conversation.hubId };
}

function onDelta(conversation, node, frame, now) {
  if (frame.seq <= node.lastSeq) return conversation;
  const members = { phase: 'streaming', lastSeq: frame.seq, text: node.text + (frame.content ?? '') };
  if (!node.firstAt) members.firstAt = now;
  if (frame.reasoning) members.reasoning = node.reasoning + frame.reasoning;
  if (frame.tool_calls) members.toolCalls = mergeToolCalls(node.toolCalls, frame.tool_calls);
  if (frame.content && node.reasoning && !node.thoughtMs) members.thoughtMs = now - (node.firstAt ?? now);
  return change(conversation, node.id, members);
}

/// Puts pieces of tool calls (as OpenAI streams them) together.
export function mergeToolCalls(known, pieces) {
  const calls = known.slice();
  for (const piece of pieces) {
    const at = Number.isInteger(piece.index) ? piece.index : calls.length;
    const call = calls[at] ?? { id: '', name: '', arguments: '' };
    calls[at] = {
      id: call.id || piece.id || '',
      name: call.name + (piece.function?.name ?? ''),
      arguments: call.arguments + (piece.function?.arguments ?? ''),
    };
  }
  return calls.filter(Boolean);
}

function onDone(conversation, node, frame, now) {
  return {
    ...change(conversation, node.id, {
      phase: node.stopping || frame.finish_reason === 'cancelled' ? 'stopped' : 'done',
      stopping: false,
      finishReason: frame.finish_reason ?? '',
      usage: frame.usage ?? null,
      counted: frame.counted ?? null,
      cost: frame.cost ?? null,
      attempts: frame.attempts ?? null,
      providerId: frame.provider_id ?? node.providerId,
      ttftMs: frame.ttft_ms,
      durationMs: frame.duration_ms,
      requestId: frame.request_id ?? '',
    }),
    updatedAt: now,
  };
}

function onError(conversation, node, frame, now) {
  const requestId = frame.request_id ?? '';
  const { message = '', type = '', code = '' } = frame.error ?? {};
  const members = node.stopping ? { phase: 'stopped' } : { phase: 'failed', error: { message, type, code } };
  return { ...change(conversation, node.id, { ...members, stopping: false, requestId }), updatedAt: now };
}

/// Returns the `chat` frame of a waiting answer: everything said before it on its branch, the system prompt first.
export function chatFrame(conversation, id) {
  const node = conversation.nodes[id];
  const messages = [];
  for (let at = conversation.nodes[node.parent]; at; at = conversation.nodes[at.parent])
    if (at.text !== '') messages.unshift({ role: at.role, content: at.text });
  const { system, ...params } = conversation.params;
  if (system) messages.unshift({ role: 'system', content: system });
  const frame = { type: 'chat', id: node.runId, model: node.model, messages };
  if (node.providerId) frame.provider_id = node.providerId;
  if (conversation.hubId) frame.conversation_id = conversation.hubId;
  if (Object.keys(params).length > 0) frame.params = params;
  return frame;
}

/// Returns the frames that an answer needs when a connection opens: the question if it never left, else for the rest.
export function onOpen(conversation, node) {
  if (!node.sent) return [chatFrame(conversation, node.id)];
  const resume = { type: 'resume', id: node.runId, last_seq: node.lastSeq };
  return node.stopping ? [resume, { type: 'stop', id: node.runId }] : [resume];
}

/// Returns the tokens that the shown conversation takes so far, by the last answer's own account.
export function usedTokens(conversation) {
  const last = thread(conversation).findLast((node) => node.usage?.total_tokens || node.counted?.total_tokens);
  return last ? last.usage?.total_tokens ?? last.counted.total_tokens : 0;
}

/// Returns the groups of the list: pinned first, then by age. Each is [key, heads].
export function groupByAge(heads, now) {
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  const groups = new Map([['pinned', []], ['today', []], ['yesterday', []], ['week', []], ['older', []]]);
  for (const head of [...heads].sort((a, b) => b.updatedAt - a.updatedAt)) {
    const age = head.pinned ? 'pinned'
      : head.updatedAt >= midnight ? 'today'
        : head.updatedAt >= midnight - 864e5 ? 'yesterday'
          : head.updatedAt >= midnight - 6 * 864e5 ? 'week' : 'older';
    groups.get(age).push(head);
  }
  return [...groups].filter(([, rows]) => rows.length > 0);
}

/// Returns the conversation that is shown as a Markdown document.
export function toMarkdown(conversation, names) {
  const parts = thread(conversation).map((node) =>
    `## ${node.role === 'user' ? names.user : node.model}\n\n${node.text.trim()}\n`);
  return `# ${conversation.title}\n\n${parts.join('\n')}`;
}

/// Returns a conversation from what was exported before, with an id of its own; nothing if it is no such thing.
export function fromExport(data, { id, now }) {
  const conversation = data?.conversation;
  if (data?.format !== 'nexus-conversation' || typeof conversation?.nodes !== 'object' || typeof conversation.kids !== 'object') return null;
  const sound = Object.values(conversation.nodes).every((node) => typeof node?.text === 'string' && ['user', 'assistant'].includes(node.role));
  if (!sound) return null;
  return { ...create({ id, now }), ...conversation, id, hubId: null, temporary: false, updatedAt: now };
}
