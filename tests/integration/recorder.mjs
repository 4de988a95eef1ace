// An upstream that keeps what it was sent, to the byte, and answers as the test says, else with a plain completion.
import http from 'node:http';
import { once } from 'node:events';

export const reply = 'Grüße — 你好 🙂\n\n```c\nint x;\n```';
export const replyUsage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };

const head = { id: 'chatcmpl-recorder', created: 1700000000, model: 'recorder' };

/** A whole answer whose message is `message`. */
export function completion(message = { role: 'assistant', content: reply }, finish_reason = 'stop') {
  return { ...head, object: 'chat.completion', choices: [{ index: 0, message, logprobs: null, finish_reason }], usage: replyUsage };
}

/** The chunks of a stream: `deltas`, the finish reason and, if it was asked for, the usage. */
export function chunks(deltas, finish_reason, usage) {
  const chunk = (choices, more) => ({ ...head, object: 'chat.completion.chunk', choices, ...more });
  const made = deltas.map((delta) => chunk([{ index: 0, delta, finish_reason: null }]));
  made.push(chunk([{ index: 0, delta: {}, finish_reason }]));
  if (usage) made.push(chunk([], { usage: replyUsage }));
  return made;
}

/** The event stream of such chunks. */
export const eventStream = (list) => `${list.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('')}data: [DONE]\n\n`;

/** `reply` in pieces of three characters. */
export const replyDeltas = [{ role: 'assistant', content: '' }, ...[...reply].reduce((pieces, character, i) => {
  if (i % 3 === 0) pieces.push({ content: '' });
  pieces.at(-1).content += character;
  return pieces;
}, [])];

function answerPlainly({ json }) {
  if (!json.stream) return { body: completion() };
  return { type: 'text/event-stream', body: eventStream(chunks(replyDeltas, 'stop', json.stream_options?.include_usage)) };
}

/**
 * `requests` holds what came: `{method, path, headers, body, json}`, headers by their lower-case names. `next` holds the
 * answers to come, each `{status, headers, type, body}` or a function of the request that returns one; without any, the
 * answer is a completion or its stream.
 */
export async function startRecorder(t) {
  const recorder = { requests: [], next: [] };
  const server = http.createServer((message, response) => {
    const pieces = [];
    message.on('data', (bytes) => pieces.push(bytes));
    message.on('end', () => {
      const body = Buffer.concat(pieces).toString();
      const request = { method: message.method, path: message.url, headers: message.headers, body, json: JSON.parse(body) };
      recorder.requests.push(request);
      const scripted = recorder.next.shift() ?? answerPlainly;
      const answer = typeof scripted === 'function' ? scripted(request) : scripted;
      response.writeHead(answer.status ?? 200, { 'content-type': answer.type ?? 'application/json', 'x-request-id': 'upstream-id', ...answer.headers });
      response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  recorder.address = `http://127.0.0.1:${server.address().port}`;
  return recorder;
}

/** An error answer in the manner of OpenAI. */
export function failure(status, { headers, ...fields } = {}) {
  return { status, headers, body: { error: { message: `the upstream says ${status}`, type: 'upstream_type', param: null, code: 'upstream_code', ...fields } } };
}
