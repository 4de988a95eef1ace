// What the suites of the edge share: HTTP over a bare socket, byte by byte if need be, an upstream that keeps what it was
// sent, and the shape of an error.
import net from 'node:net';
import tls from 'node:tls';
import http from 'node:http';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { eventually } from './harness.mjs';

/** A client's connection whose bytes the test writes and reads itself. */
export class Wire {
  constructor(port, { secure = false } = {}) {
    this.received = Buffer.alloc(0);
    this.ended = false;   // the hub sent its FIN
    this.closed = false;
    this.failure = undefined;
    const options = { port, host: '127.0.0.1', allowHalfOpen: true };
    this.socket = secure ? tls.connect({ ...options, rejectUnauthorized: false }) : net.connect(options);
    this.socket.on('data', (bytes) => { this.received = Buffer.concat([this.received, bytes]); });
    this.socket.on('end', () => { this.ended = true; });
    this.socket.on('close', () => { this.closed = true; });
    this.socket.on('error', (error) => { this.failure = error; });
    this.connected = once(this.socket, secure ? 'secureConnect' : 'connect');
    this.connected.catch(() => {});
  }

  send(bytes) { this.socket.write(bytes, typeof bytes === 'string' ? 'latin1' : undefined); return this; }
  /** Says that nothing more will come, and goes on listening. */
  finish() { this.socket.end(); return this; }
  close() { this.socket.destroy(); }

  /** Reads the next answer, `{status, headers, body, raw}`; interim ones (100) count as answers. */
  async answer({ method = 'GET' } = {}) {
    const wait = (condition, what) => eventually(() => {
      const found = condition();
      if (!found && (this.ended || this.closed)) throw new Error(`the connection ended before ${what}: ${this.received.toString('latin1').slice(0, 2000)} ${this.failure ?? ''}`);
      return found;
    }, `${what} in ${this.received.toString('latin1').slice(0, 500)}`, 30_000);
    const headEnd = await wait(() => this.received.indexOf('\r\n\r\n') + 1, 'the end of a head') + 3;
    const [line, ...fields] = this.received.subarray(0, headEnd - 4).toString('latin1').split('\r\n');
    const [, status] = line.match(/^HTTP\/1\.1 (\d{3}) /) ?? assert.fail(`no status line: ${line}`);
    const headers = {};
    for (const field of fields) {
      const colon = field.indexOf(':');
      const name = field.slice(0, colon).toLowerCase();
      assert.ok(!(name in headers) || name === 'set-cookie', `header ${name} twice`);
      headers[name] = field.slice(colon + 1).trim();
    }
    let body = Buffer.alloc(0);
    let end = headEnd;
    if (Number(status) < 200 || status === '204' || status === '304' || method === 'HEAD') {
      // no body
    } else if (headers['transfer-encoding'] === 'chunked') {
      for (;;) {
        const lineEnd = await wait(() => { const at = this.received.indexOf('\r\n', end); return at < 0 ? 0 : at; }, 'a chunk');
        const size = parseInt(this.received.subarray(end, lineEnd).toString('latin1'), 16);
        await wait(() => this.received.length >= lineEnd + 2 + size + 2, 'the rest of a chunk');
        body = Buffer.concat([body, this.received.subarray(lineEnd + 2, lineEnd + 2 + size)]);
        end = lineEnd + 2 + size + 2;
        if (size === 0) break;
      }
    } else if (headers['content-length'] !== undefined) {
      end = headEnd + Number(headers['content-length']);
      await wait(() => this.received.length >= end, 'the rest of the body');
      body = this.received.subarray(headEnd, end);
    } else {
      await eventually(() => this.ended || this.closed, 'the end of a body that ends with the connection', 30_000);
      end = this.received.length;
      body = this.received.subarray(headEnd);
    }
    this.received = this.received.subarray(end);
    return { status: Number(status), headers, body: body.toString('utf8') };
  }

  /** Waits until the hub has said that it sends no more; there must be nothing left that was not read. */
  async end() {
    await eventually(() => this.ended || this.closed, 'the end of the connection', 30_000);
    assert.equal(this.received.toString('latin1'), '', 'bytes behind the last answer');
    this.close();
  }
}

/** A bare connection to the hub that goes with the test. */
export function wire(t, hub, options) {
  const made = new Wire(hub.port, { secure: hub.address.startsWith('https:'), ...options });
  t.after(() => made.close());
  return made;
}

/** Checks that `body` (text or parsed) is an error as OpenAI's clients know it, and returns its `error`. */
export function errorOf(body) {
  const parsed = typeof body === 'string' ? JSON.parse(body) : body;
  assert.deepEqual(Object.keys(parsed), ['error']);
  const { error } = parsed;
  assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
  assert.equal(typeof error.message, 'string');
  assert.ok(error.message.length > 0);
  assert.equal(typeof error.type, 'string');
  assert.ok(error.param === null || typeof error.param === 'string');
  assert.ok(error.code === null || typeof error.code === 'string');
  return error;
}

/** An upstream of the test's own: `requests` keeps `{method, url, headers, body}`; `handler` may answer differently. */
export async function startUpstream(t, handler) {
  const upstream = { requests: [] };
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    const kept = { method: request.method, url: request.url, headers: request.headers, body };
    upstream.requests.push(kept);
    if (handler) return handler(kept, response);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({
      id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'recorded',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Recorded.' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
    }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  upstream.address = `http://127.0.0.1:${server.address().port}`;
  return upstream;
}

/**
 * An upstream that streams what the test says when the test says it. `streams` are the answers under way, in the order of
 * their requests: `{request, left, delta(text), finish({finish_reason, usage}), response}`.
 */
export async function startSteps(t) {
  const streams = [];
  const upstream = await startUpstream(t, (request, response) => {
    const event = (choices, more) => response.write(`data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm', choices, ...more })}\n\n`);
    const stream = {
      request, response, left: false,
      delta: (content) => event([{ index: 0, delta: { content }, finish_reason: null }]),
      event,
      finish({ finish_reason: reason = 'stop', usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 } } = {}) {
        event([{ index: 0, delta: {}, finish_reason: reason }]);
        if (usage) event([], { usage });
        response.end('data: [DONE]\n\n');
      },
    };
    response.on('close', () => { stream.left = !response.writableFinished; });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    streams.push(stream);
  });
  /** Waits for the stream of the request with this number. */
  return { ...upstream, streams, stream: (index) => eventually(() => streams[index], `upstream request ${index}`) };
}
