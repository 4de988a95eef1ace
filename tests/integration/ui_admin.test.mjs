// Providers, models and keys in a real browser, against the real hub and a real upstream.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { readFile } from 'node:fs/promises';
import { eventually } from './harness.mjs';
import { closedPort, completion, http, modelAt, rawUpstream, upstreamKey } from './upstream.mjs';
import { assertQuiet, noBrowser, openPage, signedIn, signIn, startBrowser } from './browser.mjs';

const button = (page, name) => page.getByRole('button', { name, exact: true });
const told = (page, text) => page.locator('.toast', { hasText: text }).waitFor();
const row = (page, name) => page.locator('tbody tr').filter({ hasText: name });

/** An upstream that lists models and answers chats, but only to its key. */
async function goodUpstream(t, models = ['large', 'small']) {
  const upstream = await rawUpstream(t, (socket, { head }) => {
    const known = head.includes(upstreamKey);
    const body = !known ? JSON.stringify({ error: { message: 'Incorrect API key', type: 'invalid_request_error', code: 'invalid_api_key' } })
      : head.startsWith('GET') ? JSON.stringify({ object: 'list', data: models.map((id) => ({ id, object: 'model' })) }) : completion('Fine.', { usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } });
    socket.end(http(known ? 200 : 401, body, { connection: 'close' }));
  });
  upstream.models = models;
  return upstream;
}

async function createAndTest(t, browser) {
  const upstream = await goodUpstream(t);
  const { hub, page } = await signedIn(t, browser, { path: '/app/providers' });
  await button(page, 'Add a provider').click();
  await page.locator('.templates').getByRole('button', { name: 'OpenAI api.openai.com' }).click();
  assert.equal(await page.getByLabel('Server URL').inputValue(), 'https://api.openai.com');
  await page.getByText('Requests go to https://api.openai.com/v1/chat/completions').waitFor();
  await page.getByLabel('Name').fill('Mine');
  await page.getByLabel('Server URL').fill('nonsense');
  await button(page, 'Create').click();
  await page.getByText('This must begin with http://').waitFor();
  await page.getByLabel('Server URL').fill(upstream.address);
  await page.getByLabel('Key for the upstream').fill('wrong-key-of-the-test');
  await button(page, 'Create').click();
  await page.getByRole('heading', { level: 1, name: 'Mine' }).waitFor();
  await button(page, 'Test the connection').click();
  const steps = page.locator('.steps li');
  await page.locator('.steps .-bad', { hasText: 'Authentication' }).waitFor();
  assert.match(await page.locator('.steps').innerText(), /replace the key for the upstream/);
  await page.locator('.secret').first().getByRole('button', { name: 'Replace' }).click();
  await page.getByLabel('Key for the upstream').fill(upstreamKey);
  await page.getByText('One unsaved change').waitFor();
  await button(page, 'Save').click();
  await told(page, 'Mine is saved.');
  assert.ok(!(await page.content()).includes(upstreamKey), 'a secret never comes back');
  await button(page, 'Fetch from upstream').click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('2 new').waitFor();
  await dialog.getByRole('checkbox', { name: 'large' }).check();
  await dialog.getByRole('button', { name: 'Add 1, remove 0' }).click();
  await page.locator('.model-list li', { hasText: 'large' }).waitFor();
  await button(page, 'Test the connection').click();
  await page.getByText('Everything works.').waitFor();
  assert.ok(await steps.count() >= 4);
  upstream.models.splice(0, 1, 'newer');
  await button(page, 'Fetch from upstream').click();
  await dialog.locator('.badge', { hasText: 'not listed' }).waitFor();
  await dialog.getByRole('checkbox', { name: 'large' }).check();
  await dialog.getByRole('button', { name: 'Take all new ones' }).click();
  await dialog.getByRole('button', { name: 'Add 2, remove 1' }).click();
  const mine = async () => (await hub.admin('GET', '/providers')).body.providers.find(({ name }) => name === 'Mine');
  await eventually(async () => (await mine()).models.sort().join() === 'newer,small', 'the models are in step');
  assert.ok(!(await mine()).server_key.includes('secret'));
  assertQuiet(page);
}

async function bulk(t, browser) {
  const upstream = await goodUpstream(t);
  const { hub, page } = await signedIn(t, browser, { path: '/app/providers', prepare: async (made) => {
    for (const name of ['Alpha', 'Beta', 'Gamma']) await made.addProvider({ name, server_url: upstream.address, server_key: upstreamKey }, [`${name}-model`]);
    await made.addProvider({ name: 'Dead', server_url: `http://127.0.0.1:${await closedPort()}` });
  } });
  const enabled = async () => (await hub.admin('GET', '/providers')).body.providers.filter((each) => each.enabled).map((each) => each.name).sort().join();
  for (const name of ['Alpha', 'Beta', 'Dead']) await page.getByRole('checkbox', { name: `Select ${name}` }).check();
  await page.locator('.selection-bar', { hasText: '3 selected' }).getByRole('button', { name: 'Disable' }).click();
  await told(page, '3 providers are disabled.');
  assert.equal(await enabled(), 'Gamma,demo');
  await button(page, 'Undo').click();
  await eventually(async () => (await enabled()) === 'Alpha,Beta,Dead,Gamma,demo', 'all are enabled again');
  await page.locator('.selection-bar').getByRole('button', { name: 'Test the connection' }).click();
  await told(page, '3 tested, 1 with problems.');
  await row(page, 'Dead').getByRole('button', { name: 'Failed' }).click();
  await page.getByRole('dialog').getByText('Is the server running').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await eventually(() => page.evaluate(() => document.activeElement?.textContent?.includes('Failed')), 'the focus is back');
  const weight = page.getByRole('spinbutton', { name: 'Weight of Gamma' });
  await weight.fill('7');
  await weight.press('Escape');
  assert.equal(await weight.inputValue(), '1');
  await weight.fill('5');
  await weight.press('Enter');
  await told(page, 'Gamma is saved.');
  assert.equal((await hub.admin('GET', '/providers')).body.providers.find(({ name }) => name === 'Gamma').weight, 5);
  await page.getByRole('searchbox').fill('gam');
  assert.equal(await page.locator('tbody tr').count(), 1);
  await page.getByRole('searchbox').fill('zzz');
  await button(page, 'Clear filters').click();
  await row(page, 'Alpha').getByRole('button', { name: 'More for Alpha' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  assert.match(await page.getByRole('dialog').innerText(), /models that go with it: 1/);
  assert.ok(await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).isDisabled());
  await page.getByLabel('Type “Alpha” to confirm').fill('Alpha');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await row(page, 'Alpha').waitFor({ state: 'detached' });
  assertQuiet(page);
}

async function routingSkips(t, browser) {
  const upstream = await goodUpstream(t);
  const { hub, page } = await signedIn(t, browser, { path: '/app/providers', prepare: async (made) => made.addProvider({ name: 'Only', server_url: upstream.address, server_key: upstreamKey }, ['m']) });
  const status = async () => (await hub.chat({ model: 'm', messages: [{ role: 'user', content: 'x' }] })).status;
  assert.equal(await status(), 200);
  await page.getByRole('switch', { name: 'Only is enabled' }).uncheck();
  await told(page, 'Only is disabled.');
  assert.notEqual(await status(), 200);
  await button(page, 'Undo').click();
  await eventually(async () => (await status()) === 200, 'it serves again');
}

async function twoEditors(t, browser) {
  const { hub, page } = await signedIn(t, browser, { path: '/app/providers', prepare: async (made) => made.addProvider({ name: 'Shared', server_url: 'http://127.0.0.1:9', description: 'before' }) });
  await page.getByRole('link', { name: 'Shared' }).click();
  await page.getByLabel('Description').fill('mine');
  const [{ id }] = (await hub.admin('GET', '/providers')).body.providers.filter(({ name }) => name === 'Shared');
  await hub.admin('PUT', `/providers/${id}`, { description: 'theirs', weight: 4 });
  await button(page, 'Save').click();
  const dialog = page.getByRole('dialog', { name: 'Somebody else changed this' });
  await dialog.getByRole('cell', { name: 'theirs' }).waitFor();
  assert.equal(await dialog.getByRole('cell', { name: 'mine' }).count(), 1);
  await dialog.getByRole('button', { name: 'Save mine' }).click();
  await told(page, 'Shared is saved.');
  const now = (await hub.admin('GET', `/providers/${id}`)).body;
  assert.deepEqual([now.description, now.weight], ['mine', 4]);
  page.complaints.splice(0); // the 412
  await page.getByLabel('Description').fill('half-way');
  await page.locator('.rail').getByRole('link', { name: 'Models' }).click();
  await page.getByRole('dialog', { name: 'Unsaved changes' }).getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await page.getByLabel('Description').inputValue(), 'half-way');
  await page.locator('.rail').getByRole('link', { name: 'Models' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Leave without saving' }).click();
  await page.waitForURL('**/app/models');
}

async function hostileNames(t, browser) {
  const evil = '<img src=x onerror=globalThis.hacked=1>';
  const { page } = await signedIn(t, browser, { path: '/app/providers', prepare: async (made) => { await made.addProvider({ name: evil, server_url: 'http://127.0.0.1:9', description: evil }, [evil, '"><script>globalThis.hacked=1</script>']); } });
  await page.getByRole('link', { name: evil }).click();
  await page.getByRole('heading', { level: 1, name: evil }).waitFor();
  for (const path of ['models', 'chat', 'overview']) {
    await page.locator(`.rail a.place[href="/app/${path}"]`).click();
    await page.locator('.skeleton').waitFor({ state: 'detached' });
  }
  await page.keyboard.press('Control+k');
  await page.getByRole('option', { name: evil }).first().waitFor();
  assert.equal(await page.evaluate(() => globalThis.hacked), undefined);
  assertQuiet(page);
}

async function models(t, browser) {
  const upstream = await goodUpstream(t);
  const { hub, page } = await signedIn(t, browser, { path: '/app/models', prepare: async (made) => {
    await made.addProvider({ name: 'First', server_url: upstream.address, server_key: upstreamKey, priority: 5 }, ['shared', 'alone']);
    await made.addProvider({ name: 'Second', server_url: upstream.address, server_key: upstreamKey, priority: 1 }, ['shared']);
  } });
  await row(page, 'shared').waitFor();
  assert.deepEqual((await row(page, 'shared').locator('.offers a').allInnerTexts()).map((text) => text.split('\n')[0].trim()), ['Second', 'First']);
  await button(page, 'Add a model').click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Providers').selectOption({ label: 'First' });
  await dialog.getByLabel('Model name').fill('alone');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await dialog.locator('.fault:not([hidden])').first().waitFor();
  page.complaints.splice(0); // the 409
  await dialog.getByLabel('Model name').fill('brand-new');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await row(page, 'brand-new').waitFor();
  await row(page, 'brand-new').getByRole('button', { name: 'More for brand-new' }).click();
  await page.getByRole('menuitem', { name: 'Edit' }).click();
  await dialog.getByLabel('Description').fill('For tests');
  await dialog.getByLabel('Input', { exact: true }).fill('2.50');
  await dialog.getByLabel('Output', { exact: true }).fill('10');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await row(page, 'For tests').getByText('$2.50 / $10.00').waitFor();
  const served = async () => (await (await fetch(`${hub.address}/v1/models`, { headers: { authorization: 'Bearer pk-team' } })).json()).data.map(({ id }) => id).sort();
  assert.deepEqual(await served(), ['alone', 'brand-new', 'shared']);
  await row(page, 'brand-new').getByRole('button', { name: 'More for brand-new' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await row(page, 'brand-new').waitFor({ state: 'detached' });
  await button(page, 'Undo').click();
  await row(page, 'brand-new').waitFor();
  await page.getByRole('searchbox').fill('alone');
  await row(page, 'alone').getByRole('button', { name: 'More for alone' }).click();
  await page.getByRole('menuitem', { name: 'Try it in the chat' }).click();
  await page.locator('.opener', { hasText: 'alone' }).waitFor();
  await page.locator('.composer textarea').fill('Hi');
  await page.locator('.tally', { hasText: 'tokens' }).waitFor();
  assertQuiet(page);
}

async function keys(t, browser) {
  const upstream = await goodUpstream(t);
  const { hub, page } = await signedIn(t, browser, { path: '/app/keys', prepare: async (made) => modelAt(made, upstream.address, { model: 'served', server_key: upstreamKey, personalized_key: '' }) });
  await button(page, 'New key').first().click();
  const sheet = page.getByRole('dialog', { name: 'New key' });
  await sheet.getByRole('button', { name: 'Create' }).click();
  await sheet.getByText('Please fill this in.').waitFor();
  await sheet.getByLabel('Name').fill('Notebook');
  await sheet.getByRole('button', { name: '30 days' }).click();
  await sheet.getByLabel('Allowed addresses').fill('10.0.0.0/99');
  await sheet.getByRole('button', { name: 'Create' }).click();
  await sheet.getByText('no sound length').waitFor();
  await sheet.getByLabel('Allowed addresses').fill('127.0.0.0/8');
  await sheet.getByLabel('Models').fill('served');
  await sheet.getByRole('button', { name: 'Create' }).click();
  const secret = page.getByRole('dialog', { name: 'The new key' });
  const text = await secret.locator('.secret-text').innerText();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await page.mouse.click(5, 5);
  assert.ok(await secret.isVisible(), 'it does not close by accident');
  assert.ok(await secret.getByRole('button', { name: 'Done' }).isDisabled());
  const program = await secret.locator('.snippet').innerText();
  const { stdout } = await promisify(execFile)('bash', ['-c', program.replaceAll('"demo"', '"served"')]);
  assert.equal(JSON.parse(stdout).choices?.[0].message.content, 'Fine.', stdout);
  await secret.getByRole('checkbox', { name: 'I have kept it' }).check();
  await secret.getByRole('button', { name: 'Done' }).click();
  await row(page, 'Notebook').waitFor();
  assert.ok(!(await page.content()).includes(text), 'the key is not shown again');
  const use = async (key) => (await hub.chat({ model: 'served', messages: [{ role: 'user', content: 'x' }] }, { key })).status;
  assert.equal(await use(text), 200);
  const [made] = (await hub.admin('GET', '/keys')).body.keys.filter(({ name }) => name === 'Notebook');
  assert.ok(Math.abs(made.expires_at - Date.now() - 30 * 864e5) < 6e4);
  await page.getByRole('switch', { name: 'Notebook is enabled' }).uncheck();
  await told(page, 'Notebook is disabled');
  assert.equal(await use(text), 401);
  await button(page, 'Undo').click();
  await eventually(async () => (await use(text)) === 200, 'it holds again');
  await button(page, 'More for Notebook').click();
  await page.getByRole('menuitem', { name: 'Rotate' }).click();
  await page.getByLabel('The former one holds for').selectOption({ label: 'one hour' });
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click();
  const next = await secret.locator('.secret-text').innerText();
  assert.notEqual(next, text);
  await secret.getByRole('checkbox').check();
  await secret.getByRole('button', { name: 'Done' }).click();
  assert.deepEqual([await use(text), await use(next)], [200, 200]);
  await row(page, 'Notebook').getByText('former one until').waitFor();
  await button(page, 'More for Notebook').click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await row(page, 'Notebook').waitFor({ state: 'detached' });
  assert.equal(await use(next), 401);
}

async function manyKeys(t, browser) {
  const { hub, page } = await signedIn(t, browser, { path: '/app/keys?new=1' });
  const sheet = page.getByRole('dialog', { name: 'New key' });
  await sheet.getByLabel('Name').fill('Pupil');
  await sheet.getByLabel('How many').fill('5');
  await sheet.getByLabel('Amount').fill('1000');
  await sheet.getByLabel('For', { exact: true }).selectOption('day');
  const [download] = await Promise.all([page.waitForEvent('download'), sheet.getByRole('button', { name: 'Create' }).click()]);
  const lines = (await readFile(await download.path(), 'utf8')).trim().split('\r\n');
  assert.equal(lines.length, 6);
  assert.match(lines[1], /^"Pupil 1",\S{20,}$/);
  await row(page, 'Pupil 5').waitFor();
  assert.equal((await hub.admin('GET', '/keys')).body.keys.filter(({ limits }) => limits.budget?.amount === 1000).length, 5);
  await page.getByRole('button', { name: 'Expires' }).click();
  assert.equal(await page.locator('th[aria-sort="ascending"]').innerText(), 'Expires');
  await button(page, 'More for Pupil 1').click();
  await page.getByRole('menuitem', { name: 'Edit' }).click();
  await page.getByText('These limits bind this key: budget.').waitFor();
}

async function about(t, browser) {
  const { page } = await signedIn(t, browser, { path: '/app/about' });
  const lock = JSON.parse(await readFile(new URL('../../web/package.json', import.meta.url), 'utf8'));
  const vocabularies = JSON.parse(await readFile(new URL('../../tokenizer/package.json', import.meta.url), 'utf8'));
  for (const [name, version] of Object.entries({ ...lock.dependencies, ...vocabularies.dependencies })) {
    const entry = page.locator('.licence', { has: page.getByText(name, { exact: true }) });
    assert.match(await entry.locator('summary').innerText(), new RegExp(version.replaceAll('.', '\\.')));
    assert.ok((await entry.locator('pre').textContent()).length > 2, name);
  }
  assertQuiet(page);
}

async function emptyPages(t, browser) {
  const { page } = await signedIn(t, browser, { env: { NEXUS_DEMO_ENABLED: 'false' }, path: '/app/providers' });
  await page.getByText('No providers yet').waitFor();
  await button(page, 'Add a provider').click();
  await page.waitForURL('**/app/providers/new');
  await page.goto(page.url().replace('providers/new', 'models'));
  await page.getByRole('heading', { name: 'No models yet' }).waitFor();
  await page.goto(page.url().replace('models', 'chat'));
  await page.getByText('There are no models yet.').waitFor();
}

test('the team’s pages in a browser', { skip: noBrowser }, async (t) => {
  const browser = await startBrowser(t);
  const claim = (name, body) => t.test(name, (t) => body(t, browser));
  await claim('a provider is made from a template, tested step by step, mended, and its models fetched', createAndTest);
  await claim('several providers are switched, tested, weighted and deleted', bulk);
  await claim('a provider that is switched off gets no request', routingSkips);
  await claim('two people who change one provider see both versions; unsaved changes are guarded', twoEditors);
  await claim('hostile names stay names', hostileNames);
  await claim('models are made, priced, changed, tried and deleted', models);
  await claim('a key is shown once, works, is switched off, rotated and deleted', keys);
  await claim('many keys come as a file, with their limits', manyKeys);
  await claim('everything embedded is listed with its licence', about);
  await claim('a hub without anything says what to do', emptyPages);
});
