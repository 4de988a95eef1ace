// A client of /ws/chat that keeps every frame.
import WebSocket from 'ws';
import { eventually } from './harness.mjs';

export class ChatSocket {
  constructor(hub, { key = 'pk-team', headers = {}, ...options } = {}) {
    this.frames = [];
    this.pings = 0;
    this.closed = undefined;   // {code, reason}
    this.refusal = undefined;  // {status, body} in place of an upgrade
    this.socket = new WebSocket(`${hub.address.replace(/^http/, 'ws')}/ws/chat`, { headers: { ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...headers }, rejectUnauthorized: false, ...options });
    this.socket.on('message', (bytes, isBinary) => this.frames.push(isBinary ? { binary: bytes } : JSON.parse(bytes.toString())));
    this.socket.on('ping', () => { ++this.pings; });
    this.socket.on('close', (code, reason) => { this.closed = { code, reason: reason.toString() }; });
    this.socket.on('error', () => {});
    this.socket.on('unexpected-response', (request, response) => {
      let body = '';
      response.on('data', (bytes) => { body += bytes; });
      response.on('end', () => { this.refusal = { status: response.statusCode, headers: response.headers, body }; });
    });
  }

  async open() {
    await eventually(() => this.socket.readyState === WebSocket.OPEN || this.refusal || this.closed, 'the upgrade');
    if (this.socket.readyState !== WebSocket.OPEN) throw new Error(`no upgrade: ${JSON.stringify(this.refusal ?? this.closed)}`);
    return this;
  }

  send(frame) { this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)); return this; }
  chat(id, model, more = {}) { return this.send({ type: 'chat', id, model, messages: [{ role: 'user', content: 'Hello' }], ...more }); }
  of(id) { return this.frames.filter((frame) => frame.id === id); }
  text(id) { return this.of(id).filter((frame) => frame.type === 'delta').map((frame) => frame.content ?? '').join(''); }

  /** Waits for a frame that fits; `what` is a type of frame or a function. */
  frame(what, id) {
    const fits = typeof what === 'string' ? (frame) => frame.type === what : what;
    return eventually(() => {
      const found = this.frames.find((frame) => fits(frame) && (id === undefined || frame.id === id));
      if (!found && this.closed) throw new Error(`closed (${this.closed.code}) before ${what}: ${JSON.stringify(this.frames).slice(0, 1000)}`);
      return found;
    }, `frame ${what} of ${id} in ${JSON.stringify(this.frames).slice(0, 1000)}`, 30_000);
  }
  /** Waits until a chat's text is as long as this. */
  grown(id, length) { return eventually(() => this.text(id).length >= length, `${length} characters of ${id}`, 30_000); }
  end() { return eventually(() => this.closed, 'the end of the socket', 30_000); }
  /** As if the network broke: no goodbye. */
  drop() { this.socket.terminate(); }
}

/** An open socket that goes with the test. */
export async function chatSocket(t, hub, options) {
  const made = new ChatSocket(hub, options);
  t.after(() => made.drop());
  return made.open();
}

/** What the hub answers in place of an upgrade. */
export async function refusedSocket(t, hub, options) {
  const made = new ChatSocket(hub, options);
  t.after(() => made.drop());
  return eventually(() => made.refusal, 'a refusal');
}
