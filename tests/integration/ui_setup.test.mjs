// The first run and signing in, in a real browser.
import test from 'node:test';
import assert from 'node:assert/strict';
import { startHub } from './harness.mjs';
import { completion, http, rawUpstream, upstreamKey } from './upstream.mjs';
import { password, setupToken, setUp } from './team.mjs';
import { assertQuiet, noBrowser, openPage, startBrowser } from './browser.mjs';

const button = (page, name) => page.getByRole('button', { name, exact: true });

async function firstRun(t, browser) {
  const upstream = await rawUpstream(t, (socket, { head, body }) => {
    if (head.startsWith('GET')) return socket.end(http(200, JSON.stringify({ object: 'list', data: ['large', 'small'].map((id) => ({ id, object: 'model' })) }), { connection: 'close' }));
    if (JSON.parse(body).stream) {
      const chunk = (delta, finish) => `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'large', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
      return socket.end(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n${chunk({ content: 'Welcome!' }, null)}${chunk({}, 'stop')}data: [DONE]\n\n`);
    }
    return socket.end(http(200, completion('ok', { usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }), { connection: 'close' }));
  });
  const hub = await startHub(t);
  const page = await openPage(t, browser, hub.address);
  await page.waitForURL('**/app/setup');
  await page.getByLabel('Set-up token').fill('wrong');
  await page.getByLabel('Name').fill('anna');
  await page.getByLabel('Password').fill('short');
  await button(page, 'Create the account').click();
  await page.getByText('At least 8 characters, please.').waitFor();
  await page.getByLabel('Password').fill(password);
  await button(page, 'Create the account').click();
  await page.getByText('That token is not valid').waitFor();
  await page.getByLabel('Set-up token').fill(setupToken(hub));
  await button(page, 'Create the account').click();
  await page.getByRole('heading', { name: 'Connect a provider' }).waitFor();
  await page.getByLabel('Template').selectOption('OpenAI');
  await page.getByLabel('Name').fill('Test upstream');
  await page.getByLabel('Server URL').fill(upstream.address);
  await page.reload();
  await page.getByRole('heading', { name: 'Connect a provider' }).waitFor();
  assert.deepEqual([await page.getByLabel('Name').inputValue(), await page.getByLabel('Server URL').inputValue()], ['Test upstream', upstream.address], 'a reload keeps what was entered');
  await page.getByLabel('Key for the upstream').fill(upstreamKey);
  await button(page, 'Add and test').click();
  await button(page, 'Go on').or(button(page, 'Go on nevertheless')).click();
  await page.getByRole('checkbox', { name: 'large' }).check();
  await button(page, 'Add them').click();
  await page.getByRole('heading', { name: 'Make the first key' }).waitFor();
  await page.getByLabel('Name').fill('First program');
  await button(page, 'Make the key').click();
  const secret = page.getByRole('dialog', { name: 'The new key' });
  const text = await secret.locator('.secret-text').innerText();
  await secret.getByRole('checkbox').check();
  await secret.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('heading', { name: 'All set' }).waitFor();
  assert.ok(!(await page.content()).includes(text), 'the key is not shown again');
  assert.ok(!JSON.stringify(await page.evaluate(() => [{ ...localStorage }, { ...sessionStorage }])).includes(text), 'and kept nowhere');
  await button(page, 'Open the chat').click();
  await page.locator('.opener', { hasText: 'large' }).waitFor();
  await page.locator('.composer textarea').fill('Hello');
  await page.locator('.composer textarea').press('Enter');
  await page.locator('.message.-assistant .markdown', { hasText: 'Welcome!' }).waitFor();
  const stranger = await openPage(t, browser, `${hub.address}/app/setup`);
  await stranger.waitForURL('**/app/login');
  assertQuiet(page);
}

async function skipping(t, browser) {
  const hub = await startHub(t);
  const page = await openPage(t, browser, hub.address);
  await page.waitForURL('**/app/setup');
  await page.getByLabel('Set-up token').fill(setupToken(hub));
  await page.getByLabel('Password').fill(password);
  await button(page, 'Create the account').click();
  await page.getByRole('heading', { name: 'Connect a provider' }).waitFor();
  await button(page, 'Skip').click();
  await page.getByRole('heading', { name: 'Make the first key' }).waitFor();
  await button(page, 'Skip').click();
  await button(page, 'Open the chat').click();
  await page.locator('.opener', { hasText: 'demo' }).waitFor();
}

async function names(t, browser) {
  const hub = await startHub(t);
  await setUp(hub, 'anna');
  const page = await openPage(t, browser, `${hub.address}/app/models`);
  await page.waitForURL('**/app/login?to=*');
  assert.deepEqual([await page.getByLabel('Name').getAttribute('autocomplete'), await page.getByLabel('Password').getAttribute('autocomplete')], ['username', 'current-password']);
  for (const [name, word] of [['anna', 'not the password'], ['nobody', password]]) {
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Password').fill(word);
    await button(page, 'Sign in').click();
    await page.getByText('the name or the password is wrong').waitFor();
    assert.ok(await page.getByLabel('Password').evaluate((el) => el === document.activeElement && el.getAttribute('aria-invalid') === 'true'));
  }
  await page.getByLabel('Name').fill('anna');
  await page.getByLabel('Password').fill(password);
  await button(page, 'Sign in').click();
  await page.waitForURL('**/app/models');
  await page.getByRole('heading', { level: 1, name: 'Models' }).waitFor();
}

async function tooOften(t, browser) {
  const hub = await startHub(t);
  await setUp(hub, 'anna');
  const page = await openPage(t, browser, `${hub.address}/app/login`);
  await page.getByLabel('Name').fill('anna');
  for (let i = 0; i < 12 && (await page.getByText('Too many attempts').count()) === 0; i++) {
    await page.getByLabel('Password').fill(`wrong ${i}`);
    await page.getByLabel('Password').press('Enter');
    await page.locator('.note.-danger, .note.-warn').first().waitFor();
    await page.waitForFunction(() => !document.querySelector('.button.-busy'));
  }
  await page.getByText(/Too many attempts. Try again in \d+ s/).waitFor();
  assert.ok(await button(page, 'Sign in').isDisabled());
}

async function viewers(t, browser) {
  const hub = await startHub(t);
  await setUp(hub, 'anna');
  assert.equal((await hub.admin('POST', '/administrators', { name: 'victor', password, role: 'viewer' })).status, 201);
  const page = await openPage(t, browser, `${hub.address}/app/login?to=%2Fapp%2Fproviders`);
  await page.getByLabel('Name').fill('victor');
  await page.getByLabel('Password').fill(password);
  await button(page, 'Sign in').click();
  await page.locator('table').waitFor();
  assert.equal(await button(page, 'Add a provider').count(), 0);
  assert.ok(await page.getByRole('switch').first().isDisabled());
  await page.locator('.rail').getByRole('link', { name: 'About' }).click();
  await page.locator('.licence').first().waitFor();
}

test('first run and signing in', { skip: noBrowser }, async (t) => {
  const browser = await startBrowser(t);
  const claim = (name, body) => t.test(name, (t) => body(t, browser));
  await claim('five steps lead from the set-up token to an answer, and cannot be taken again', firstRun);
  await claim('every step after the account can be skipped', skipping);
  await claim('name and password let in; what was wrong is not told', names);
  await claim('who tries too often waits, and sees how long', tooOften);
  await claim('who may only look is not offered more', viewers);
});
