// A real browser for the page's tests: Debian's Chromium, a fresh profile for each page, everything it complains about.
import { existsSync } from 'node:fs';
import net from 'node:net';
import { once } from 'node:events';
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { adminToken, startHub } from './harness.mjs';

const executablePath = process.env.NEXUS_TEST_CHROMIUM || '/usr/bin/chromium';

/** Why there can be no browser, or false. One that was asked for by name must be there. */
export const noBrowser = !process.env.NEXUS_TEST_CHROMIUM && !existsSync(executablePath)
  && `there is no ${executablePath} (NEXUS_TEST_CHROMIUM names another)`;

export async function startBrowser(t) {
  const browser = await chromium.launch({
    executablePath,
    timeout: 120_000,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
  t.after(() => browser.close());
  return browser;
}

/**
 * Opens the page (or, without an address, none yet) in a profile of its own. `page.complaints` holds console errors, exceptions and violations of the content
 * security policy, but for the 401 by which a signed-out browser learns that it is one: those are `page.refusals`.
 */
export async function openPage(t, browser, address, options = {}) {
  const context = await browser.newContext({ locale: 'en-US', colorScheme: 'light', ...options });
  t.after(() => context.close());
  context.setDefaultTimeout(60_000); // sanitizers are slow
  const page = await context.newPage();
  page.complaints = [];
  page.refusals = [];
  page.on('pageerror', (error) => page.complaints.push(`exception: ${error.stack}`));
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    const { url } = message.location();
    const refused = /\/(session|setup)$/.test(url) && message.text().includes('status of 4');
    (refused ? page.refusals : page.complaints).push(`${message.text()} ${url}`);
  });
  await page.addInitScript(() => addEventListener('securitypolicyviolation',
    (event) => console.error(`policy violation: ${event.effectiveDirective} ${event.blockedURI}`)));
  if (address) await page.goto(address);
  return page;
}

/** Signs the page's profile in without the form, and shows an address of the interface. */
export async function signIn(page, address, path = '/app/chat') {
  const answer = await page.request.post(`${address}/session`, { data: { token: adminToken } });
  if (answer.status() !== 204) throw new Error(`POST /session: ${answer.status()}`);
  await page.goto(address + path);
  await page.locator('h1').first().waitFor();
}

/** A hub, and a page that is signed in; `path` is what it shows. */
export async function signedIn(t, browser, { env, options, path = '/app/chat', prepare = async () => {} } = {}) {
  const hub = await startHub(t, { env });
  await prepare(hub);
  const page = await openPage(t, browser, null, options);
  await signIn(page, hub.address, path);
  return { hub, page };
}

/** Nothing went wrong in the browser. */
export function assertQuiet(page) {
  assert.deepEqual(page.complaints, []);
}

/** Stands between browser and hub; `cut()` drops every connection and takes no more until `mend()`. */
export async function startProxy(t, port) {
  const sockets = new Set();
  let whole = true;
  const server = net.createServer((near) => {
    if (!whole) return near.destroy();
    const far = net.connect(port, '127.0.0.1');
    for (const [socket, other] of [[near, far], [far, near]]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  const drop = () => sockets.forEach((socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    drop();
  });
  return {
    address: `http://127.0.0.1:${server.address().port}`,
    cut() { whole = false; drop(); },
    mend() { whole = true; },
  };
}
