// The team's side as its people see it: administrators made and signed in, requests by cookie, and the search for
// secrets that came out.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

export const setupToken = (hub) => hub.stdout.match(/Set-up token +(\S+)/)[1];
export const cookieOf = (response) => response.headers.get('set-cookie')?.split(';')[0];
export const password = 'correct horse battery';

export function post(hub, route, body, headers = {}) {
  return fetch(hub.address + route, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
}

/** Makes the first administrator and returns the cookie of its session. */
export async function setUp(hub, name = 'anna', word = password) {
  const response = await post(hub, '/setup', { setup_token: setupToken(hub), name, password: word });
  assert.equal(response.status, 201, await response.clone().text());
  await response.text();
  return cookieOf(response);
}

export async function signIn(hub, name, word = password) {
  const response = await post(hub, '/session', { name, password: word });
  assert.equal(response.status, 204, await response.text());
  return cookieOf(response);
}

/** A request as the page makes it: `{status, headers, body}`. */
export async function asBrowser(hub, cookie, method, route, body, headers = {}) {
  const response = await fetch(hub.address + route, {
    method,
    headers: { cookie, origin: hub.address, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  let parsed = text;
  try { parsed = JSON.parse(text); } catch { /* not JSON: the text itself */ }
  return { status: response.status, headers: response.headers, body: parsed };
}

/** Every form in which a secret might lie about: as it is, in hex, in base64 at each alignment. */
export function formsOf(text) {
  const hex = Buffer.from(text).toString('hex');
  // Without the ends, which depend on the neighbours.
  const base64 = [0, 1, 2].map((shift) => Buffer.from(' '.repeat(shift) + text).toString('base64').slice(4, -4));
  return [text, hex, hex.toUpperCase(), ...base64];
}

/** The bytes of every file in the hub's data folder but those named. */
export async function dataFiles(hub, except = []) {
  const folder = path.join(hub.folder, 'data');
  const names = (await readdir(folder)).filter((name) => !except.includes(name));
  return Promise.all(names.map((name) => readFile(path.join(folder, name))));
}

export function assertAbsent(secrets, haystacks) {
  for (const text of secrets) {
    for (const form of formsOf(text)) {
      for (const bytes of haystacks) assert.ok(!Buffer.from(bytes).includes(form), `${text.slice(0, 6)}… came out: ${Buffer.from(bytes).toString('latin1').slice(0, 200)}`);
    }
  }
}
