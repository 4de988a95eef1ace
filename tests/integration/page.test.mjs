// The page in a real browser, against the real hub.
import test from 'node:test';
import assert from 'node:assert/strict';
import { adminToken, eventually, startHub } from './harness.mjs';
import { delta, done, finish, modelAt, rawUpstream, streamHead, usage } from './upstream.mjs';
import { noBrowser, openPage, signIn, startBrowser, startProxy } from './browser.mjs';

const quickDemo = { NEXUS_DEMO_DELTA_INTERVAL_MS: '5' };

const message = (page) => page.getByRole('textbox', { name: 'Message' });
const lastAnswer = (page) => page.locator('.message.-assistant').last();
const button = (page, name) => page.getByRole('button', { name, exact: true });

async function ask(page, text) {
  await message(page).fill(text);
  await message(page).press('Enter');
}

/** The numbers of "12 + 34 = 46 tokens" beside a term of the answer's last line. */
async function counted(page, term) {
  const text = await lastAnswer(page).locator('.details div').filter({ hasText: term }).locator('dd').innerText();
  const found = /^(\d+) \+ (\d+) = (\d+) tokens/.exec(text);
  assert.ok(found, text);
  return found.slice(1).map(Number);
}

/** An upstream that streams what the test gives it: `write(bytes)` to the newest exchange; `gone()` once that is left. */
async function scriptedUpstream(t) {
  let open = null;
  const upstream = await rawUpstream(t, (socket) => {
    open = socket;
    socket.write(streamHead);
  });
  upstream.write = async (...events) => (await eventually(() => open, 'a request')).write(events.join(''));
  upstream.end = (...events) => open.end(events.join(''));
  upstream.gone = () => eventually(() => open?.destroyed, 'the hub leaves the upstream');
  return upstream;
}

async function signedIn(t, browser, { env, options } = {}) {
  const hub = await startHub(t, { env });
  const page = await openPage(t, browser, hub.address, options);
  await signIn(page, adminToken);
  await page.getByLabel('Model', { exact: true }).waitFor();
  return { hub, page };
}

/** Signed in, with a model of a scripted upstream chosen. */
async function withUpstream(t, browser, fields) {
  const { hub, page } = await signedIn(t, browser);
  const upstream = await scriptedUpstream(t);
  const model = await modelAt(hub, upstream.address, fields);
  await page.reload();
  await page.getByLabel('Model', { exact: true }).selectOption({ label: model });
  return { hub, page, upstream, model };
}

/** Nothing went wrong in the browser; `refusals` is how often it was told that it is signed out. */
function assertQuiet(page, refusals = 1) {
  assert.deepEqual(page.complaints, []);
  assert.equal(page.refusals.length, refusals, page.refusals.join('\n'));
}

async function firstChat(t, browser) {
  const hub = await startHub(t, { env: quickDemo });
  const page = await openPage(t, browser, hub.address);
  await signIn(page, hub.stdout.match(/Set-up token +(\S+)/)[1]);
  assert.equal(await page.getByLabel('Model', { exact: true }).locator('option:checked').innerText(), 'demo');
  await page.evaluate(() => {
    window.lengths = new Set();
    new MutationObserver(() => window.lengths.add(document.querySelector('.message.-assistant .body')?.textContent.length ?? 0))
      .observe(document.querySelector('.log'), { childList: true, subtree: true, characterData: true });
  });
  await ask(page, 'Hello');
  assert.equal(await page.locator('.message.-user').innerText(), 'Hello');
  assert.equal(await message(page).inputValue(), '');
  await lastAnswer(page).locator('.details').waitFor();
  assert.ok(await page.evaluate(() => window.lengths.size) > 3, 'the answer came in one piece');
  assert.ok((await lastAnswer(page).locator('.code code').first().innerText()).length > 0);
  for (const term of ['Upstream', 'Counted']) {
    const [prompt, completion, total] = await counted(page, term);
    assert.ok(prompt > 0 && completion > 10, term);
    assert.equal(total, prompt + completion, term);
  }
  await page.locator('.totals', { hasText: '1 conversation' }).waitFor();
  assertQuiet(page);
}

async function reloadAndSignOut(t, browser) {
  const { page } = await signedIn(t, browser);
  assert.equal(await page.evaluate(() => document.cookie), '', 'scripts can read the session');
  await page.reload();
  await message(page).waitFor();
  await button(page, 'Sign out').click();
  await page.getByLabel('Token', { exact: true }).waitFor();
  assert.equal(await message(page).count(), 0);
  assertQuiet(page, 1);
  await page.reload();
  await page.getByLabel('Token', { exact: true }).waitFor();
  assertQuiet(page, 2);
}

async function wrongToken(t, browser) {
  const hub = await startHub(t);
  const page = await openPage(t, browser, hub.address);
  await button(page, 'Sign in').click();
  assert.equal(await page.getByRole('alert').innerText(), 'Enter the token first.');
  await signIn(page, 'no-such-token');
  await page.locator('.fault', { hasNotText: 'Enter the token first.' }).waitFor();
  assert.match(await page.getByRole('alert').innerText(), /not valid/);
  await page.getByRole('button', { name: 'Switch to Chinese' }).click();
  assert.match(await page.getByRole('alert').innerText(), /令牌无效/);
  await page.getByRole('button', { name: '切换到英文' }).click();
  assert.equal(await page.getByLabel('Token', { exact: true }).getAttribute('aria-invalid'), 'true');
  assert.equal(await message(page).count(), 0);
  assertQuiet(page, 2); // GET and POST
  await signIn(page, adminToken);
  await message(page).waitFor();
}

async function stopButton(t, browser) {
  const { page, upstream } = await withUpstream(t, browser);
  await ask(page, 'Count to infinity');
  await upstream.write(delta('One, two'));
  await lastAnswer(page).locator('.text', { hasText: 'One, two' }).waitFor();
  await button(page, 'Stop').click();
  await lastAnswer(page).getByText('Stopped.').waitFor();
  await upstream.gone();
  await message(page).fill('And now?');
  assert.ok(await button(page, 'Send').isEnabled());
  assertQuiet(page);
}

async function escapeKey(t, browser) {
  const { page, upstream } = await withUpstream(t, browser);
  await ask(page, 'Count to infinity');
  await upstream.write(delta('One'));
  await lastAnswer(page).locator('.text', { hasText: 'One' }).waitFor();
  await page.keyboard.press('Escape');
  await lastAnswer(page).getByText('Stopped.').waitFor();
  await upstream.gone();
  assertQuiet(page);
}

async function hostileText(t, browser) {
  const evil = '</p><img src=x onerror="window.hacked=1"><script>window.hacked=2</script><iframe srcdoc="<script>top.hacked=3</script>"></iframe>';
  const model = '<img/src=x/onerror=window.hacked=4>';
  const { page, upstream } = await withUpstream(t, browser, { model });
  await ask(page, evil);
  const thought = { id: 'c', object: 'chat.completion.chunk', created: 1, model, choices: [{ index: 0, delta: { reasoning_content: evil }, finish_reason: null }] };
  await upstream.write(`data: ${JSON.stringify(thought)}\n\n`, delta(`${evil}\n[link](javascript:window.hacked=5)\n\`\`\`<b>${evil}\n${evil}\n\`\`\`\n`), finish(), usage(11, 7));
  upstream.end(done);
  await lastAnswer(page).locator('.details').waitFor();
  assert.equal(await page.locator('.message.-user').innerText(), evil);
  assert.equal(await lastAnswer(page).locator('.thought').textContent(), evil);
  assert.equal(await lastAnswer(page).locator('code').textContent(), evil);
  assert.ok((await lastAnswer(page).locator('.text').first().textContent()).startsWith(evil));
  assert.deepEqual(await counted(page, 'Upstream'), [11, 7, 18]);
  const tags = await page.locator('.log').evaluate((log) => [...new Set([...log.querySelectorAll('*')].map((el) => el.localName))].sort());
  const ours = ['article', 'code', 'dd', 'details', 'div', 'dl', 'dt', 'figcaption', 'figure', 'p', 'pre', 'summary'];
  assert.deepEqual(tags.filter((tag) => !ours.includes(tag)), []);
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assertQuiet(page);
}

async function policy(t, browser) {
  const { page } = await signedIn(t, browser);
  const thrown = await page.evaluate(() => {
    const script = document.createElement('script');
    script.append('window.hacked = 1');
    document.head.append(script);
    try { document.body.innerHTML = '<b>'; } catch (error) { return error.name; }
  });
  assert.equal(thrown, 'TypeError');
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  await eventually(() => page.complaints.filter((line) => line.startsWith('policy violation')).length >= 2, 'two violations');
}

async function composition(t, browser) {
  const { page } = await signedIn(t, browser, { env: quickDemo });
  await message(page).focus();
  await page.evaluate(() => {
    window.enters = [];
    document.addEventListener('keydown', (event) => event.key === 'Enter' && window.enters.push(event.isComposing), true);
  });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Input.imeSetComposition', { text: '你好', selectionStart: 2, selectionEnd: 2 });
  // An input method keeps the character of the key to itself.
  await devtools.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13 });
  await devtools.send('Input.dispatchKeyEvent', { type: 'keyUp', key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13 });
  assert.deepEqual(await page.evaluate(() => window.enters), [true]);
  await devtools.send('Input.insertText', { text: '你好' });
  assert.equal(await message(page).inputValue(), '你好');
  assert.equal(await page.locator('.message').count(), 0);
  await message(page).press('Shift+Enter');
  assert.equal(await message(page).inputValue(), '你好\n');
  await message(page).press('Enter');
  assert.equal(await page.locator('.message.-user').innerText(), '你好');
  await lastAnswer(page).locator('.details').waitFor();
  assertQuiet(page);
}

async function languageAndTheme(t, browser) {
  const { page } = await signedIn(t, browser);
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const bright = await background();
  await page.getByRole('button', { name: 'Switch to Chinese' }).click();
  await button(page, '发送').waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh-CN');
  await button(page, '切换到深色主题').click();
  const dark = await background();
  assert.notEqual(dark, bright);
  await page.reload();
  await button(page, '发送').waitFor();
  assert.equal(await background(), dark);
  await button(page, '切换到浅色主题').click();
  assert.equal(await background(), bright);
  assertQuiet(page);
}

async function browserDefaults(t, browser) {
  const { address } = await startHub(t);
  const chinese = await openPage(t, browser, address, { locale: 'zh-CN', colorScheme: 'dark' });
  await button(chinese, '登录').waitFor();
  const english = await openPage(t, browser, address);
  await button(english, 'Sign in').waitFor();
  const scheme = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.notEqual(await scheme(chinese), await scheme(english));
}

async function lostConnection(t, browser) {
  const hub = await startHub(t);
  const upstream = await scriptedUpstream(t);
  const model = await modelAt(hub, upstream.address);
  const proxy = await startProxy(t, hub.port);
  const page = await openPage(t, browser, proxy.address);
  await signIn(page, adminToken);
  await page.getByLabel('Model', { exact: true }).selectOption({ label: model });
  await ask(page, 'Go on');
  await upstream.write(delta('before '));
  await lastAnswer(page).locator('.text', { hasText: 'before' }).waitFor();
  proxy.cut();
  await page.getByText('The connection was lost.').waitFor();
  await upstream.write(delta('meanwhile '));
  proxy.mend();
  await page.locator('.banner').waitFor({ state: 'hidden' });
  await lastAnswer(page).locator('.text', { hasText: 'before meanwhile' }).waitFor();
  upstream.end(delta('after'), finish(), usage(11, 7), done);
  await lastAnswer(page).locator('.details').waitFor();
  assert.equal(await lastAnswer(page).locator('.body').innerText(), 'before meanwhile after');
  assert.equal(upstream.requests.length, 1);
}

async function narrow(t, browser) {
  const { page } = await signedIn(t, browser, { env: quickDemo, options: { viewport: { width: 360, height: 640 } } });
  await ask(page, 'W'.repeat(400));
  await lastAnswer(page).locator('.details').waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
  assert.ok(await page.locator('.scroller').evaluate((el) => el.scrollWidth <= el.clientWidth), 'the conversation scrolls sideways');
  assert.ok(await page.locator('.scroller').evaluate((el) => el.scrollHeight - el.scrollTop - el.clientHeight < 80), 'the end is out of view');
  assertQuiet(page);
}

test('the page in a browser', { skip: noBrowser }, async (t) => {
  const browser = await startBrowser(t);
  const claim = (name, body) => t.test(name, (t) => body(t, browser));
  await claim('a newcomer signs in with the set-up token, asks with Enter, and sees the answer stream and both counts', firstChat);
  await claim('a reload keeps the session, and signing out ends it', reloadAndSignOut);
  await claim('a wrong token is refused with a reason, and the form can be used again', wrongToken);
  await claim('Stop ends a running answer and leaves the upstream', stopButton);
  await claim('Escape ends a running answer', escapeKey);
  await claim('hostile text stays text', hostileText);
  await claim('the policy refuses an inline script and text as markup', policy);
  await claim('Enter that chooses a candidate of an input method does not send', composition);
  await claim('language and theme switch, and are remembered', languageAndTheme);
  await claim('language and theme are the browser’s at first', browserDefaults);
  await claim('a lost connection is told, and the answer goes on where it was', lostConnection);
  await claim('nothing is wider than a narrow window', narrow);
});
