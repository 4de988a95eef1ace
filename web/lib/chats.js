// The conversations of this browser and their answers under way, carried out over one socket. Outlives the pages. Sends
// `list` (the heads changed), `conversation` (detail: its id), `connection`, `frame` (for the debug tab), `signed-out`.
import * as logic from '../logic/conversation.js';
import * as store from './conversation-store.js';
import { HubSocket } from './socket.js';

const saveMs = 1500; // how much of an answer a crash may cost
const stopWaitMs = 5000; // then the page goes on without the hub's confirmation
const claimMs = 250; // how long another tab has to say that an answer is its own
const framesMax = 400; // kept for the debug tab

export class Chats extends EventTarget {
  #socket;
  #signal;
  #open = new Map(); // conversations that were read
  #runs = new Map(); // runId -> [conversation id, node id]
  #counts = new Map(); // count id -> resolve
  #timers = new Map(); // of saves
  #tabs;
  #foreign = new Set(); // run ids that another tab owns
  /// What the list shows; null until it was read.
  heads = [];
  connected = false;
  /// When the next attempt to connect is made, or 0 while all is well.
  retryAt = 0;
  /// The newest frames in both directions: {at, out, frame}.
  frames = [];

  constructor(signal) {
    super();
    this.#signal = signal;
    this.#socket = new HubSocket(signal);
    this.#socket.addEventListener('open', () => this.#onOpen());
    this.#socket.addEventListener('lost', (event) => this.#onLost(event.detail));
    this.#socket.addEventListener('frame', (event) => this.#onFrame(event.detail));
    this.#socket.addEventListener('signed-out', () => this.dispatchEvent(new Event('signed-out')));
    this.#tabs = new BroadcastChannel('nexus-chats');
    this.#tabs.onmessage = (event) => this.#onTab(event.data);
    addEventListener('pagehide', () => this.#saveAll(), { signal });
    signal.addEventListener('abort', () => { this.#saveAll(); this.#tabs.close(); });
    this.ready = this.#load();
  }

  async #load() {
    this.heads = await store.heads();
    this.#emit('list');
    for (const conversation of await store.bodies())
      if (logic.running(conversation).length > 0) await this.#adopt(conversation);
  }

  // Answers that were under way when their page was closed are taken up, unless another tab still has them.
  async #adopt(conversation) {
    for (const node of logic.running(conversation)) this.#tabs.postMessage({ type: 'whose', runId: node.runId });
    await new Promise((resolve) => { setTimeout(resolve, claimMs); });
    if (this.#signal.aborted) return;
    const mine = logic.running(conversation).filter((node) => !this.#foreign.has(node.runId) && !this.#runs.has(node.runId));
    if (mine.length === 0) return;
    this.#open.set(conversation.id, conversation);
    for (const node of mine) this.#runs.set(node.runId, [conversation.id, node.id]);
    if (this.connected) for (const node of mine) this.#sendOpening(conversation, node);
    this.#emit('conversation', conversation.id);
  }

  #onTab(message) {
    if (message.type === 'whose' && this.#runs.has(message.runId)) this.#tabs.postMessage({ type: 'mine', runId: message.runId });
    else if (message.type === 'mine') this.#foreign.add(message.runId);
    else if (message.type === 'changed') this.#reread(message.id);
  }

  async #reread(id) {
    const conversation = await store.body(id);
    this.heads = await store.heads();
    if (conversation) this.#open.set(id, conversation);
    else this.#open.delete(id);
    this.#emit('list');
    this.#emit('conversation', id);
  }

  #emit(type, detail) {
    if (!this.#signal.aborted) this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /// Returns the conversation, or nothing if there is none.
  async open(id) {
    if (!this.#open.has(id)) {
      const found = await store.body(id);
      if (found) this.#open.set(id, found);
    }
    return this.#open.get(id) ?? null;
  }

  peek = (id) => this.#open.get(id) ?? null;

  create(members = {}) {
    const conversation = logic.create({ id: randomId(), now: Date.now(), ...members });
    this.#open.set(conversation.id, conversation);
    return conversation;
  }

  /// Changes a conversation that nobody has asked anything yet: it is not stored.
  hold(conversation) {
    this.#open.set(conversation.id, conversation);
  }

  /// Puts a changed conversation in the place of the former; `now`: into the store at once.
  put(conversation, { now = true } = {}) {
    if (this.#open.get(conversation.id) === conversation) return;
    this.#open.set(conversation.id, conversation);
    this.#emit('conversation', conversation.id);
    if (conversation.temporary) return;
    const head = logic.headOf(conversation);
    const known = this.heads.find((each) => each.id === head.id);
    if (!known || Object.keys(head).some((key) => known[key] !== head[key])) {
      this.heads = [...this.heads.filter((each) => each.id !== head.id), head];
      this.#emit('list');
    }
    if (now) this.#save(conversation.id);
    else if (!this.#timers.has(conversation.id)) this.#timers.set(conversation.id, setTimeout(() => this.#save(conversation.id), saveMs));
  }

  #save(id) {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    const conversation = this.#open.get(id);
    if (!conversation || conversation.temporary) return;
    store.save(conversation).then(() => { if (!this.#signal.aborted) this.#tabs.postMessage({ type: 'changed', id }); }, (error) => this.#emit('unsaved', error));
  }

  #saveAll() {
    for (const id of [...this.#timers.keys()]) this.#save(id);
  }

  /// Changes one member of a conversation that need not be open.
  async patch(id, members) {
    const conversation = await this.open(id);
    if (conversation) this.put({ ...conversation, ...members });
  }

  /// Takes conversations away. Returns what puts them back.
  async remove(ids) {
    const gone = (await Promise.all(ids.map((id) => this.open(id)))).filter(Boolean);
    for (const conversation of gone) {
      for (const node of logic.running(conversation)) this.stop(conversation.id, node.id);
      this.#open.delete(conversation.id);
      clearTimeout(this.#timers.get(conversation.id));
      this.#timers.delete(conversation.id);
      await store.remove(conversation.id);
      this.#tabs.postMessage({ type: 'changed', id: conversation.id });
    }
    this.heads = this.heads.filter((head) => !ids.includes(head.id));
    this.#emit('list');
    return () => gone.forEach((conversation) => this.put({ ...conversation }));
  }

  /// Returns the ids of the conversations whose title or text holds all words.
  async search(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const found = (conversation) => {
      const all = [conversation.title, ...Object.values(conversation.nodes).map((node) => node.text)].join('\n').toLowerCase();
      return words.every((word) => all.includes(word));
    };
    return new Set((await store.bodies()).filter(found).map(({ id }) => id));
  }

  /// Asks below `parent` and awaits the answer.
  ask(id, text, { parent, choice }) {
    const asked = randomId();
    this.put(logic.ask(this.peek(id), { id: asked, parent, text, now: Date.now() }), { now: false });
    this.answer(id, asked, choice);
  }

  /// Awaits one more answer to a question.
  answer(id, question, choice) {
    const [node, runId] = [randomId(), randomId()];
    const next = logic.await_(this.peek(id), { id: node, runId, parent: question, choice, now: Date.now() });
    this.#runs.set(runId, [id, node]);
    this.put({ ...next, choice });
    if (this.connected) this.#sendOpening(this.peek(id), this.peek(id).nodes[node]);
  }

  stop(id, nodeId) {
    const conversation = this.peek(id);
    const node = conversation?.nodes[nodeId];
    if (!logic.isRunning(node) || node.stopping) return;
    this.put(logic.stop(conversation, nodeId));
    if (!node.sent) return;
    if (this.connected) this.#send({ type: 'stop', id: node.runId });
    const timer = setTimeout(() => this.#end(node.runId, { type: 'error' }), stopWaitMs);
    this.#signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  }

  /// Asks the hub how many tokens a text is; null if it cannot tell now.
  count(model, text) {
    if (!this.connected) return Promise.resolve(null);
    const id = randomId();
    return new Promise((resolve) => {
      this.#counts.set(id, resolve);
      this.#socket.send({ type: 'count', id, model, text });
    });
  }

  reconnect() {
    this.#socket.now();
  }

  #send(frame) {
    this.#note(true, frame);
    this.#socket.send(frame);
  }

  #note(out, frame) {
    this.frames.push({ at: Date.now(), out, frame });
    if (this.frames.length > framesMax) this.frames.splice(0, this.frames.length - framesMax);
    this.#emit('frame');
  }

  #sendOpening(conversation, node) {
    for (const frame of logic.onOpen(conversation, node)) this.#send(frame);
    if (!node.sent) this.put(logic.change(conversation, node.id, { sent: true }), { now: true });
  }

  #onOpen() {
    this.connected = true;
    this.retryAt = 0;
    for (const [id, nodeId] of this.#runs.values()) {
      const conversation = this.peek(id);
      if (conversation && logic.isRunning(conversation.nodes[nodeId])) this.#sendOpening(conversation, conversation.nodes[nodeId]);
    }
    this.#emit('connection');
  }

  #onLost(retryAt) {
    this.connected = false;
    this.retryAt = retryAt;
    for (const resolve of this.#counts.values()) resolve(null);
    this.#counts.clear();
    this.#emit('connection');
  }

  #onFrame(frame) {
    if (this.#counts.has(frame.id)) {
      this.#counts.get(frame.id)(frame.type === 'count' ? frame : null);
      this.#counts.delete(frame.id);
      return;
    }
    this.#note(false, frame);
    // An error without an id answers a frame that the hub could not read; only a run that waits can have sent it.
    const runId = frame.id || (frame.type === 'error' ? [...this.#runs.keys()].at(-1) : '');
    if (this.#runs.has(runId)) this.#end(runId, frame);
  }

  #end(runId, frame) {
    const [id, nodeId] = this.#runs.get(runId) ?? [];
    const before = this.peek(id);
    if (!before) return;
    const after = logic.onFrame(before, nodeId, frame, Date.now());
    const over = !logic.isRunning(after.nodes[nodeId]);
    if (over) this.#runs.delete(runId);
    this.put(after, { now: over });
  }
}

// crypto.randomUUID exists on secure origins only; a hub in a local network is often plain http.
export function randomId() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
