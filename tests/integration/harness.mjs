// Starts the real hub and the bench's mock upstream on free ports, in a folder of their own; everything ends with the test.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { once } from 'node:events';

export const hubBinary = process.env.NEXUS_HUB;
export const benchFolder = process.env.NEXUS_BENCH;
export const adminToken = 'admin-token-of-the-tests';

if (!hubBinary || !benchFolder) throw new Error('NEXUS_HUB and NEXUS_BENCH name the binary and the folder of the bench: run ./dev test');

const startDeadline = 60_000;  // sanitizers are slow
const stopDeadline = 90_000;

/** A folder that goes with the test. `t` is the test's context, or anything with `after`. */
export async function temporaryFolder(t) {
  const folder = await mkdtemp(path.join(tmpdir(), 'nexus-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Waits until `condition()` is truthy and returns it; the error says what was waited for. */
export async function eventually(condition, what, deadline = 15_000) {
  const end = Date.now() + deadline;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A child process whose output is collected. */
export class Program {
  constructor(command, args, options = {}) {
    this.stdout = '';
    this.stderr = '';
    this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    this.child.stdout.on('data', (bytes) => { this.stdout += bytes; });
    this.child.stderr.on('data', (bytes) => { this.stderr += bytes; });
    this.exited = once(this.child, 'exit').then(([code, signal]) => ({ code, signal }));
  }

  get pid() { return this.child.pid; }
  get running() { return this.child.exitCode === null && this.child.signalCode === null; }

  /** Waits for output that matches; returns the match. */
  output(pattern, stream = 'stdout') {
    return eventually(() => {
      const found = this[stream].match(pattern);
      if (!found && !this.running) throw new Error(`ended early:\n${this.stdout}\n${this.stderr}`);
      return found;
    }, `output ${pattern} in:\n${this.stdout}\n${this.stderr}`, startDeadline);
  }

  /** Sends a signal and waits for the end; SIGKILL after the deadline. */
  async stop(signal = 'SIGTERM') {
    if (this.running) this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), stopDeadline);
    const status = await this.exited;
    clearTimeout(timer);
    return status;
  }
}

// The hub takes every NEXUS_ variable for a setting: those of the build are not for it.
const plainEnvironment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NEXUS_')));

/** The hub as its users see it. */
export class Hub extends Program {
  constructor(folder, args, env) {
    super(hubBinary, ['serve', '--data-dir', path.join(folder, 'data'), ...args], {
      cwd: folder,
      env: { ...plainEnvironment, NEXUS_ADMIN_TOKEN: adminToken, NEXUS_SERVER_LISTEN: '127.0.0.1:0', NEXUS_SERVER_THREADS: '2', ...env },
    });
    this.folder = folder;
  }

  async ready() {
    const [, address] = await this.output(/Address +(https?:\S+)/);
    this.address = address;
    this.port = Number(new URL(address).port);
    return this;
  }

  /** A request of the control plane: `{status, headers, body}` with the body parsed if it is JSON. */
  async admin(method, route, body, headers = {}) {
    const response = await fetch(this.address + route, {
      method,
      headers: { authorization: `Bearer ${adminToken}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    let parsed = text;
    try { parsed = JSON.parse(text); } catch { /* not JSON: the text itself */ }
    return { status: response.status, headers: response.headers, body: parsed };
  }

  /** Makes a provider with models and returns it. `fields` overrides what it is made of. */
  async addProvider(fields, models = []) {
    const made = await this.admin('POST', '/providers', { name: `provider-${Math.random()}`, server_key: 'sk-upstream-secret-0001', personalized_key: 'pk-team', description: '', ...fields });
    if (made.status !== 201) throw new Error(`POST /providers: ${made.status} ${JSON.stringify(made.body)}`);
    for (const model of models) {
      const answer = await this.admin('POST', '/provider_models', { provider_id: made.body.id, model_name: model, description: '' });
      if (answer.status !== 201) throw new Error(`POST /provider_models: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return made.body;
  }

  /** POST /v1/chat/completions; returns the Response. */
  chat(body, { key = 'pk-team', headers = {}, ...options } = {}) {
    return fetch(`${this.address}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...options,
    });
  }
}

/** Starts a hub; `NEXUS_*` of `env` are its settings. It is stopped after the test and must end well. */
export async function startHub(t, { args = [], env = {}, folder } = {}) {
  const hub = new Hub(folder ?? await temporaryFolder(t), args, env);
  t.after(async () => {
    if (!hub.running) return;
    const { code, signal } = await hub.stop();
    if (code !== 0) throw new Error(`the hub ended with ${code ?? signal}:\n${hub.stderr}`);
  });
  return hub.ready();
}

/** The bench's scripted upstream; see tests/bench/README.md for its directives. */
export class Mock extends Program {
  /** The base URL that makes every request of a provider follow these directives. */
  url(directives) { return directives ? `${this.address}/m/${directives}` : this.address; }
  async stats() { return (await fetch(`${this.address}/mock/stats`)).json(); }
}

export async function startMock(t, args = []) {
  const mock = new Mock(path.join(benchFolder, 'mock_upstream'), ['--listen', '127.0.0.1:0', ...args]);
  t.after(() => mock.stop('SIGKILL'));
  const [, listening] = await mock.output(/listening on (\S+)/);
  mock.address = `${args.includes('--cert') ? 'https' : 'http'}://${listening}`;
  return mock;
}

/** An event stream's `data:` payloads as texts, comments left out. */
export async function readEvents(response) {
  const text = await response.text();
  return text.split('\n\n').flatMap((event) => event.split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim()));
}
