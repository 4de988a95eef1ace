// Upstreams that say exactly what a test tells them, requests to the hub about them, and what the hub recorded.
import net from 'node:net';
import path from 'node:path';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { readFile, readdir } from 'node:fs/promises';
import { hubBinary } from './harness.mjs';

export const upstreamKey = 'sk-upstream-secret-0001';

/** Sanitizers keep freed memory and shadow the rest: bounds on memory do not hold there. */
export const sanitized = /asan|tsan|sanit/.test(hubBinary);

let counter = 0;
export const fresh = (what) => `${what}-${process.pid}-${++counter}`;

/**
 * A TCP server that reads whole HTTP requests and calls `answer(socket, request)` for each; what it does with the socket
 * is its own affair. `requests` holds what came.
 */
export async function rawUpstream(t, answer) {
  const upstream = { requests: [], sockets: new Set(), answer };
  const server = net.createServer((socket) => {
    upstream.sockets.add(socket);
    socket.on('close', () => upstream.sockets.delete(socket));
    socket.on('error', () => {});
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      for (;;) {
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = text.slice(0, end);
        const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
        if (text.length < end + 4 + length) return;
        const request = { head, body: text.slice(end + 4, end + 4 + length) };
        text = text.slice(end + 4 + length);
        upstream.requests.push(request);
        upstream.answer(socket, request);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of upstream.sockets) socket.destroy();
  });
  upstream.server = server;
  upstream.address = `http://127.0.0.1:${server.address().port}`;
  return upstream;
}

/** A port of this machine where nobody listens. */
export async function closedPort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** A whole HTTP answer. */
export function http(status, body, headers = {}) {
  const all = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers };
  return `HTTP/1.1 ${status} Status\r\n${Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
}

/** The head of an event stream that ends with its connection. */
export const streamHead = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n';

export const completion = (content, more = {}) => JSON.stringify({
  id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }], ...more,
});

const chunk = (choices, more) => `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm', choices, ...more })}\n\n`;
export const delta = (content) => chunk([{ index: 0, delta: { content }, finish_reason: null }]);
export const finish = (reason = 'stop') => chunk([{ index: 0, delta: {}, finish_reason: reason }]);
export const usage = (prompt_tokens, completion_tokens) =>
  chunk([], { usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens } });
export const done = 'data: [DONE]\n\n';

/** Makes a provider of its own with one model, and returns the model's name. */
export async function modelAt(hub, server_url, fields = {}) {
  const model = fields.model ?? fresh('model');
  const { model: _, ...others } = fields;
  await hub.addProvider({ name: fresh('provider'), server_url, server_key: upstreamKey, ...others }, [model]);
  return model;
}

/** Sends one chat and reads its answer to the end. */
export async function ask(hub, model, { stream = false, body = {}, ...options } = {}) {
  const conversation = fresh('conversation');
  const response = await hub.chat(
    { model, messages: [{ role: 'user', content: 'Hello' }], ...(stream ? { stream: true } : {}), ...body },
    { ...options, headers: { 'x-conversation-id': conversation } });
  const text = await response.text();
  const answer = { status: response.status, headers: response.headers, text, conversation, events: [], comments: 0 };
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
    const lines = text.split('\n');
    answer.events = lines.filter((line) => line.startsWith('data: ')).map((line) => line.slice(6));
    answer.comments = lines.filter((line) => line.startsWith(':')).length;
    answer.content = answer.events.filter((event) => event !== '[DONE]')
      .map((event) => JSON.parse(event).choices?.[0]?.delta?.content ?? '').join('');
    const last = answer.events.at(-1);
    answer.error = last && last !== '[DONE]' ? JSON.parse(last).error : undefined;
  } else {
    answer.body = JSON.parse(text);
    answer.content = answer.body.choices?.[0]?.message?.content;
    answer.error = answer.body.error;
  }
  return answer;
}

const readRows = `
import json, sqlite3, sys
store = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True)
store.row_factory = sqlite3.Row
print(json.dumps([dict(row) for row in store.execute(sys.argv[2], json.loads(sys.argv[3]))]))`;

/** Rows of the hub's database, after everything that was answered before is committed. */
export async function rowsOf(hub, sql, parameters = []) {
  await hub.admin('GET', '/stats/total');
  const { stdout } = await promisify(execFile)(
    'python3', ['-c', readRows, path.join(hub.folder, 'data', 'nexus-hub.db'), sql, JSON.stringify(parameters)]);
  return JSON.parse(stdout);
}

const roundRows = `SELECT s.*, r.request_id, r.outcome, r.stream, r.ttft_ms, r.duration_ms,
  iif(s.is_prompt, r.prompt_source, r.completion_source) AS source
FROM chat_stats s JOIN requests r ON r.id = s.id / 2 WHERE s.conversation_id = ? ORDER BY s.id`;

/** What stands in the store about a conversation: `{prompt, completion}` rows of each exchange, oldest first. */
export async function recorded(hub, conversation) {
  const exchanges = new Map();
  for (const row of await rowsOf(hub, roundRows, [conversation])) {
    const exchange = exchanges.get(row.request_id) ?? {};
    exchange[row.is_prompt ? 'prompt' : 'completion'] = row;
    exchanges.set(row.request_id, exchange);
  }
  return [...exchanges.values()];
}

/** Resident memory of a process in KiB. */
export async function residentKib(pid) {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))[1]);
}

export const openDescriptors = async (pid) => (await readdir(`/proc/${pid}/fd`)).length;
