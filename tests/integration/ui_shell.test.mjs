// The frame around the pages, and how the interface is served.
import test from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { readFile } from 'node:fs/promises';
import { adminToken, eventually, startHub } from './harness.mjs';
import { assertQuiet, noBrowser, openPage, signedIn, signIn, startBrowser } from './browser.mjs';

const button = (page, name) => page.getByRole('button', { name, exact: true });
const background = (page) => page.evaluate(() => getComputedStyle(document.body.parentElement).backgroundColor);
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types nexus";

/** A request without any help of fetch: exactly these headers, the bytes as they come. */
function bare(hub, path, headers = {}) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(hub.port, '127.0.0.1');
    const parts = [];
    socket.on('data', (bytes) => parts.push(bytes)).on('error', reject).on('end', () => {
      const all = Buffer.concat(parts);
      const at = all.indexOf('\r\n\r\n');
      const [status, ...lines] = all.subarray(0, at).toString().split('\r\n');
      resolve({ status: Number(status.split(' ')[1]), headers: Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()])), body: all.subarray(at + 4) });
    });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost:${hub.port}\r\nConnection: close\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
  });
}

test('the interface is served compressed, immutable and under its policy', async (t) => {
  const hub = await startHub(t);
  const index = await bare(hub, '/');
  assert.equal(index.status, 200);
  const html = index.body.toString();
  assert.equal(index.headers['content-security-policy'], policy);
  for (const [name, value] of Object.entries({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cross-origin-opener-policy': 'same-origin', 'cross-origin-resource-policy': 'same-origin', 'cache-control': 'no-cache', vary: 'accept-encoding' })) assert.equal(index.headers[name], value, name);
  assert.equal((await bare(hub, '/', { 'if-none-match': index.headers.etag })).status, 304);
  for (const path of ['/app', '/app/chat', '/app/chat/x', '/app/no/such/page']) assert.equal((await bare(hub, path)).body.toString(), html, path);

  const files = [...new Set([...html.matchAll(/(?:src|href)="(\/ui\/[^"]+)"/g)].map(([, path]) => path))];
  assert.ok(files.length > 20);
  const sizes = { page: (await bare(hub, '/', { 'accept-encoding': 'br' })).body.length, files: 0, count: 1 };
  for (const path of files) {
    const [plain, br, gzip] = [await bare(hub, path), await bare(hub, path, { 'accept-encoding': 'gzip, br' }), await bare(hub, path, { 'accept-encoding': 'gzip;q=1, br;q=0' })];
    assert.equal(plain.status, 200, path);
    assert.equal(plain.headers['cache-control'], 'public, max-age=31536000, immutable', path);
    assert.equal(br.headers['content-encoding'], 'br', path);
    assert.equal(gzip.headers['content-encoding'], 'gzip', path);
    assert.ok(brotliDecompressSync(br.body).equals(plain.body) && gunzipSync(gzip.body).equals(plain.body), path);
    sizes.files += br.body.length;
    sizes.count += 1;
  }
  t.diagnostic(`shell before the first paint: ${sizes.page + sizes.files} bytes in ${sizes.count} requests`);
  assert.ok(sizes.page + sizes.files <= 120 * 1024, `${sizes.page + sizes.files} bytes`);

  const [, prefix] = /href="(\/ui\/[0-9a-f]{12}\/)/.exec(html);
  for (const path of [`${prefix}nothing.js`, `${prefix}index.html`, `${prefix}..%2f..%2fetc%2fpasswd`, `${prefix}package.json`, '/ui/', '/ui', '/ui/x']) assert.ok([400, 404].includes((await bare(hub, path)).status), path);
  assert.equal((await bare(hub, `/ui/0123456789ab/app.js`)).headers['cache-control'], 'no-cache');
  const unknown = await bare(hub, '/api/nothing');
  assert.equal(unknown.status, 404);
  assert.equal(JSON.parse(unknown.body).error.code, 'route_not_found');
});

test('without the interface the API still answers', async (t) => {
  const hub = await startHub(t, { args: ['--no-web'] });
  for (const path of ['/', '/app/chat', '/ui/x/app.js']) assert.equal((await fetch(hub.address + path)).status, 404, path);
  assert.equal((await fetch(`${hub.address}/healthz`)).status, 200);
});

test('a folder is served in the place of the embedded files', async (t) => {
  const folder = new URL('../../web/', import.meta.url).pathname;
  const hub = await startHub(t, { args: ['--web-dir', folder] });
  assert.equal(await (await fetch(hub.address)).text(), await readFile(`${folder}index.html`, 'utf8'));
  assert.equal(await (await fetch(`${hub.address}/ui/dev/app.js`)).text(), await readFile(`${folder}app.js`, 'utf8'));
  for (const name of ['icons.svg', 'vendor/marked.js']) assert.equal((await fetch(`${hub.address}/ui/dev/${name}`)).status, 200, name);
});

async function firstLoad(t, browser) {
  const { hub, page } = await signedIn(t, browser);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Network.enable');
  await devtools.send('Network.setCacheDisabled', { cacheDisabled: true });
  let bytes = 0;
  let count = 0;
  const foreign = [];
  devtools.on('Network.requestWillBeSent', ({ request }) => { if (!request.url.startsWith(hub.address) && !/^(data|blob):/.test(request.url)) foreign.push(request.url); });
  devtools.on('Network.loadingFinished', ({ encodedDataLength }) => { bytes += encodedDataLength; count += 1; });
  await page.goto(`${hub.address}/app/chat`);
  await page.locator('.opener .provider:not(:empty)').waitFor({ state: 'attached' });
  await page.waitForLoadState('networkidle');
  t.diagnostic(`first load of the chat: ${bytes} bytes in ${count} requests`);
  assert.ok(bytes <= 200 * 1024, `${bytes} bytes`);
  assert.ok(count <= 60, `${count} requests`);
  assert.deepEqual(foreign, []);
  assertQuiet(page);
}

async function policyHolds(t, browser) {
  const { page } = await signedIn(t, browser);
  await page.locator('.starters').waitFor();
  const thrown = await page.evaluate(() => {
    const script = document.createElement('script');
    script.append('globalThis.hacked = 1');
    document.head.append(script);
    const errors = [];
    for (const act of [() => { document.body.innerHTML = '<b>'; }, () => new Worker('/ui/x/evil.js'), () => globalThis.trustedTypes.createPolicy('other', {}), () => globalThis.trustedTypes.createPolicy('nexus', {})]) {
      try { act(); errors.push('nothing'); } catch (error) { errors.push(error.name); }
    }
    return errors;
  });
  assert.deepEqual(thrown, ['TypeError', 'TypeError', 'TypeError', 'TypeError']);
  assert.equal(await page.evaluate(() => globalThis.hacked), undefined);
  await eventually(() => page.complaints.filter((line) => line.startsWith('policy violation')).length >= 2, 'two violations');
}

async function palette(t, browser) {
  const { page } = await signedIn(t, browser, { path: '/app/about' });
  await page.locator('#language-menu').focus();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').waitFor();
  await page.keyboard.press('Escape');
  await eventually(() => page.evaluate(() => document.activeElement?.id === 'language-menu'), 'the focus is back');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('provid');
  assert.equal(await page.getByRole('option', { selected: true }).locator('.text').innerText(), 'Providers');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/app/providers');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('demo');
  await page.getByRole('option', { name: /demo/ }).first().waitFor();
  await page.keyboard.type('no such thing');
  await page.getByText('Nothing fits.').waitFor();
  assertQuiet(page);
}

async function shortcuts(t, browser) {
  const { page } = await signedIn(t, browser, { path: '/app/about' });
  await page.locator('main').focus();
  for (const [key, path] of [['p', 'providers'], ['m', 'models'], ['k', 'keys'], ['u', 'usage'], ['o', 'overview']]) {
    await page.keyboard.press('g');
    await page.keyboard.press(key);
    await page.waitForURL(`**/app/${path}`);
  }
  await page.keyboard.press('g');
  await page.keyboard.press('p');
  await page.waitForURL('**/app/providers');
  await page.getByRole('searchbox').waitFor();
  await page.keyboard.press('/');
  assert.ok(await page.getByRole('searchbox').evaluate((el) => el === document.activeElement));
  await page.keyboard.type('?g');
  assert.equal(await page.getByRole('searchbox').inputValue(), '?g', 'keys are text where one types');
  await page.locator('main').focus();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await page.getByRole('switch', { name: /Single keys/ }).uncheck();
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  assert.equal(await page.locator('dialog[open]').count(), 0);
  await page.keyboard.press('Control+/');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
}

async function themes(t, browser) {
  const { page } = await signedIn(t, browser, { path: '/app/about' });
  const bright = await background(page);
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await background(page);
  assert.notEqual(dark, bright, 'the system’s theme is followed at once');
  const choose = async (name) => {
    await button(page, 'Theme').click();
    await page.getByRole('menuitem', { name }).click();
  };
  await choose('Light theme');
  assert.equal(await background(page), bright);
  await page.reload();
  await page.locator('h1').waitFor();
  assert.equal(await background(page), bright);
  await choose('System theme');
  assert.equal(await background(page), dark);
  await choose('Dark theme');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.addInitScript(() => {
    globalThis.firstPaint = null;
    new MutationObserver((_, observer) => { if (document.body) { globalThis.firstPaint = getComputedStyle(document.documentElement).backgroundColor; observer.disconnect(); } }).observe(document, { childList: true, subtree: true });
  });
  await page.reload();
  await page.locator('h1').waitFor();
  assert.equal(await page.evaluate(() => globalThis.firstPaint), dark, 'no flash of the other theme');
}

async function languages(t, browser) {
  const { page } = await signedIn(t, browser, { path: '/app/providers' });
  await button(page, 'Language').click();
  await page.getByRole('menuitem', { name: '中文' }).click();
  await page.getByRole('heading', { name: '服务商', level: 1 }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh-CN');
  assert.equal(await page.title(), '服务商 · NexusAI Hub');
  await page.reload();
  await page.getByRole('heading', { name: '服务商', level: 1 }).waitFor();
  for (const path of ['chat', 'overview', 'usage', 'providers', 'providers/new', 'models', 'keys', 'about']) {
    await page.goto(`${new URL(page.url()).origin}/app/${path}`);
    await page.locator('h1').waitFor();
    await page.waitForLoadState('networkidle');
    const words = await page.evaluate(() => {
      const known = /^(NexusAI Hub|Ctrl K|⌘ K|English|UTC|Token|token|SQLite|PostgreSQL|Python|demo|DeepSeek|OpenAI|Enter|Shift|Hub|API|JSON|CSV|URL|TLS|MIT|GET|[\d.,$%:/ ]+)$/i;
      const found = [];
      const walk = document.createTreeWalker(document.querySelector('.shell'), NodeFilter.SHOW_TEXT);
      while (walk.nextNode()) {
        const text = walk.currentNode.data.trim();
        if (/[A-Za-z]{3}/.test(text) && !/[\u4e00-\u9fff]/.test(text) && !known.test(text) && !walk.currentNode.parentElement.closest('code, pre, .templates, .licence, .pairs, .about-head, option, .name-cell, .offers, .bars, .opener')) found.push(text);
      }
      return found;
    });
    assert.deepEqual(words, [], `English on ${path}`);
  }
}

async function browserDefaults(t, browser) {
  const { address } = await startHub(t);
  const chinese = await openPage(t, browser, `${address}/app/login?with=token`, { locale: 'zh-CN', colorScheme: 'dark' });
  await button(chinese, '登录').waitFor();
  const english = await openPage(t, browser, `${address}/app/login?with=token`);
  await button(english, 'Sign in').waitFor();
  assert.notEqual(await background(chinese), await background(english));
}

async function history(t, browser) {
  const { hub, page } = await signedIn(t, browser, { path: '/app/providers', prepare: async (made) => { for (let i = 0; i < 30; i++) await made.addProvider({ name: `Provider ${String(i).padStart(2, '0')}`, server_url: 'http://127.0.0.1:9' }); } });
  await page.getByRole('searchbox').fill('Provider');
  await page.getByRole('button', { name: 'Name' }).click();
  await page.locator('#main').evaluate((el) => { el.scrollTop = 500; });
  await page.getByRole('link', { name: 'Provider 20' }).click();
  await page.getByRole('heading', { level: 1, name: 'Provider 20' }).waitFor();
  await page.goBack();
  await page.getByRole('link', { name: 'Provider 20' }).waitFor();
  assert.equal(await page.getByRole('searchbox').inputValue(), 'Provider');
  assert.equal(new URL(page.url()).searchParams.get('sort'), 'name');
  await eventually(() => page.locator('#main').evaluate((el) => Math.abs(el.scrollTop - 500) < 4), 'where one was');
  await page.goForward();
  await page.getByRole('heading', { level: 1, name: 'Provider 20' }).waitFor();
  await page.goto(`${hub.address}/app/nowhere`);
  await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
  await page.getByRole('button', { name: 'Go to the chat' }).click();
  await page.waitForURL('**/app/chat');
}

async function skipAndRail(t, browser) {
  const { page } = await signedIn(t, browser, { path: '/app/about' });
  await page.locator('.licence').first().waitFor();
  await page.evaluate(() => { document.activeElement?.blur(); });
  await page.keyboard.press('Tab');
  const focus = () => page.evaluate(() => document.activeElement?.textContent);
  for (let i = 0; i < 60 && await focus() !== 'Skip to the content'; i++) await page.keyboard.press('Tab');
  await page.locator('.skip-link').focus();
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'main');
  assert.equal(await page.evaluate(() => [...document.querySelectorAll('a[href], button')][0].className), 'skip-link', 'the skip link comes first');
  const width = () => page.locator('.rail').evaluate((el) => el.clientWidth);
  const before = await width();
  await button(page, 'Collapse the sidebar').click();
  assert.ok(await width() < before / 2);
  assert.equal(await page.locator('.rail .place').first().getAttribute('title'), 'Chat');
  await page.reload();
  await page.locator('h1').waitFor();
  assert.ok(await width() < before / 2);
}

async function toasts(t, browser) {
  const { hub, page } = await signedIn(t, browser, { path: '/app/providers' });
  await page.clock.install();
  await page.reload();
  const onOff = page.getByRole('switch', { name: 'demo is enabled' });
  await onOff.uncheck();
  const toast = page.locator('.toast');
  await toast.waitFor();
  assert.match(await page.locator('.toasts [role="status"]').innerText(), /demo is disabled/);
  await toast.hover();
  await page.clock.runFor(20_000);
  assert.equal(await toast.count(), 1, 'it waits while one looks at it');
  await page.getByRole('button', { name: 'Undo' }).click();
  await eventually(async () => (await hub.admin('GET', '/providers')).body.providers[0].enabled, 'enabled again');
  await eventually(() => onOff.isChecked(), 'the switch follows');
  await onOff.uncheck();
  await toast.waitFor();
  await page.mouse.move(0, 0);
  await page.clock.runFor(9_000);
  assert.equal(await toast.count(), 0, 'it goes by itself');
  assert.equal((await hub.admin('GET', '/providers')).body.providers[0].enabled, false);
}

async function awayAndBack(t, browser) {
  const folder = await (await import('./harness.mjs')).temporaryFolder(t);
  const first = await startHub(t, { folder });
  const page = await openPage(t, browser);
  await signIn(page, first.address, '/app/about');
  await page.locator('.live', { hasText: 'Connected' }).waitFor();
  await first.stop();
  await page.getByText('The connection to the hub was lost.').waitFor({ timeout: 5000 });
  await startHub(t, { folder, env: { NEXUS_SERVER_LISTEN: `127.0.0.1:${first.port}` } });
  // The sessions of a hub end with it, or are kept: either way the page finds its way by itself.
  await page.locator('.banner').waitFor({ state: 'hidden' });
  await eventually(async () => page.url().includes('/app/login') || (await page.locator('.live', { hasText: 'Connected' }).count()) > 0, 'the hub is found again', 30_000);
}

async function login(t, browser) {
  const hub = await startHub(t);
  const page = await openPage(t, browser);
  await page.goto(`${hub.address}/app/login?to=${encodeURIComponent('/app/models?q=x')}&with=token`);
  const token = page.getByLabel('Token', { exact: true });
  assert.equal(await token.getAttribute('type'), 'password');
  await button(page, 'Sign in').click();
  assert.equal(await token.getAttribute('aria-invalid'), 'true');
  await token.fill('wrong');
  await token.press('Enter');
  await page.getByText('That did not work: the token is not valid').waitFor();
  assert.ok(await token.evaluate((el) => el === document.activeElement));
  await token.fill(adminToken);
  await button(page, 'Sign in').click();
  await page.waitForURL('**/app/models?q=x');
  assert.equal(await page.evaluate(() => document.cookie), '', 'scripts cannot read the session');
  const [cookie] = await page.context().cookies();
  assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, 'Strict']);
  await button(page, 'Account').click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByRole('main').getByRole('button').first().waitFor();
  await page.goBack();
  await page.waitForTimeout(300);
  assert.equal(await page.locator('.shell').count(), 0, 'nothing private after the end');
  for (const to of ['https://evil.example/', '//evil.example', '/app//evil.example']) {
    await page.goto(`${hub.address}/app/login?with=token&to=${encodeURIComponent(to)}`);
    await token.fill(adminToken);
    await token.press('Enter');
    await page.waitForURL(`${hub.address}/app/chat`);
    await page.context().clearCookies();
  }
}

test('the frame in a browser', { skip: noBrowser }, async (t) => {
  const browser = await startBrowser(t);
  const claim = (name, body) => t.test(name, (t) => body(t, browser));
  await claim('the first load is small, and nothing leaves the origin', firstLoad);
  await claim('the policy refuses inline scripts, markup from text, foreign workers and further policies', policyHolds);
  await claim('the palette finds pages and models, and gives the focus back', palette);
  await claim('single keys lead to pages, unless one types or switched them off', shortcuts);
  await claim('three themes, followed and remembered without a flash', themes);
  await claim('the language changes everything, and is remembered', languages);
  await claim('language and theme are the browser’s at first', browserDefaults);
  await claim('back and forward restore filters and place', history);
  await claim('the skip link comes first; the rail stays narrow', skipAndRail);
  await claim('a toast is told, waits for the eye, and can be undone', toasts);
  await claim('a hub that goes is told, and found again', awayAndBack);
  await claim('signing in leads to where one wanted, never elsewhere', login);
});
