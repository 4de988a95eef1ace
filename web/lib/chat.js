// The conversation of this page: the state of logic/chat-state.js, carried out over the socket.
// Sends `change` when the state or the connection changed, `answered` when an answer ended, `signed-out`.
import * as state from '../logic/chat-state.js';
import { HubSocket } from './socket.js';

const stopWaitMs = 5000; // then the page goes on without the hub's confirmation

export class Chat extends EventTarget {
  #socket;
  #state;
  #signal;
  /// When the next attempt to connect is made, or 0 while all is well.
  retryAt = 0;
  draft = '';

  /// `from` is the chat of an ended session, to be continued in this one.
  constructor(signal, from) {
    super();
    this.#signal = signal;
    this.#state = from?.state ?? state.empty;
    this.draft = from?.draft ?? '';
    this.#socket = new HubSocket(signal);
    this.#socket.addEventListener('open', () => this.#onOpen());
    this.#socket.addEventListener('lost', (event) => this.#onLost(event.detail));
    this.#socket.addEventListener('frame', (event) => this.#set(state.onFrame(this.#state, event.detail)));
    this.#socket.addEventListener('signed-out', () => this.dispatchEvent(new Event('signed-out')));
  }

  get state() {
    return this.#state;
  }

  get running() {
    return state.running(this.#state);
  }

  ask(text, choice) {
    this.#set(state.ask(this.#state, { id: newId(), text, choice, now: Date.now() }));
    this.#sendQuestion();
  }

  retry(choice) {
    this.#set(state.retry(this.#state, { id: newId(), choice, now: Date.now() }));
    this.#sendQuestion();
  }

  stop() {
    const answer = this.running;
    if (!answer || answer.stopping) return;
    this.#set(state.stop(this.#state));
    if (!answer.sent) return;
    if (this.#socket.isOpen) this.#socket.send({ type: 'stop', id: answer.id });
    const timer = setTimeout(() => this.#set(state.giveUp(this.#state, answer.id)), stopWaitMs);
    this.#signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  }

  /// Forgets the conversation; an answer that is under way is stopped.
  clear() {
    this.stop();
    this.#set(state.empty);
  }

  reconnect() {
    this.#socket.now();
  }

  #sendQuestion() {
    if (!this.running || this.running.sent || !this.#socket.isOpen) return;
    this.#socket.send(state.chatFrame(this.#state));
    this.#set(state.sent(this.#state));
  }

  #onOpen() {
    this.retryAt = 0;
    for (const frame of state.onOpen(this.#state)) this.#socket.send(frame);
    this.#state = state.sent(this.#state);
    this.#changed();
  }

  #onLost(retryAt) {
    this.retryAt = retryAt;
    this.#changed();
  }

  #set(next) {
    if (next === this.#state) return;
    const wasRunning = this.running;
    this.#state = next;
    this.#changed();
    if (wasRunning && !this.running) this.dispatchEvent(new Event('answered'));
  }

  #changed() {
    if (!this.#signal.aborted) this.dispatchEvent(new Event('change'));
  }
}

// crypto.randomUUID exists on secure origins only; a hub in a local network is often plain http.
function newId() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
