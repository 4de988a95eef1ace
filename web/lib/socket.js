// One WebSocket to the hub that comes back by itself. Sends to its owner:
// `open` — connected; `frame` (detail: the object) — the hub spoke; `lost` (detail: the time of the next attempt);
// `signed-out` — the session has ended, and the socket with it.
import { backOff, nextAttempt } from '../logic/back-off.js';
import * as api from './api.js';

export class HubSocket extends EventTarget {
  #signal;
  #socket = null;
  #attempt = 0;
  #timer = 0;

  constructor(signal) {
    super();
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#leave());
    addEventListener('online', () => this.now(), { signal });
    this.#connect();
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  send(frame) {
    this.#socket.send(JSON.stringify(frame));
  }

  /// Connects without waiting any longer.
  now() {
    if (!this.#timer) return;
    clearTimeout(this.#timer);
    this.#again();
  }

  #connect() {
    const url = new URL('/ws/chat', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url);
    let openedAt = 0;
    this.#socket = socket;
    socket.onopen = () => {
      openedAt = performance.now();
      this.#emit('open');
    };
    socket.onmessage = (event) => this.#onText(event.data);
    socket.onclose = () => this.#lost(openedAt ? performance.now() - openedAt : 0);
  }

  #onText(text) {
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return; // not ours to repair; the chat's own deadline is the hub's
    }
    if (frame && typeof frame === 'object') this.#emit('frame', frame);
  }

  #lost(openMs) {
    this.#socket = null;
    if (this.#signal.aborted) return;
    this.#attempt = nextAttempt(this.#attempt, openMs);
    const wait = backOff(this.#attempt, Math.random());
    this.#timer = setTimeout(() => this.#again(), wait);
    this.#emit('lost', Date.now() + wait);
  }

  // The browser does not tell why a WebSocket was refused, so the session is asked for first.
  async #again() {
    this.#timer = 0;
    try {
      await api.session(this.#signal);
    } catch (error) {
      if (this.#signal.aborted) return;
      if (error.status === 401) this.#emit('signed-out');
      else this.#lost(0);
      return;
    }
    if (!this.#signal.aborted) this.#connect();
  }

  #leave() {
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  #emit(type, detail) {
    if (!this.#signal.aborted) this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
