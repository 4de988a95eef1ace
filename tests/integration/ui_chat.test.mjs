// The chat in a real browser, against the real hub and upstreams that say what a test tells them.
import test from 'node:test';
import assert from 'node:assert/strict';
import { eventually } from './harness.mjs';
import { delta, done, fresh, finish, http, modelAt, rawUpstream, recorded, streamHead, usage } from './upstream.mjs';
import { assertQuiet, noBrowser, openPage, signedIn, signIn, startBrowser, startProxy } from './browser.mjs';

const box = (page) => page.getByRole('textbox', { name: 'Message' });
const lastAnswer = (page) => page.locator('.message.-assistant').last();
const button = (page, name) => page.getByRole('button', { name, exact: true });
const over = (page) => lastAnswer(page).locator('.facts').waitFor();

async function ask(page, text) {
  await box(page).fill(text);
  await box(page).press('Enter');
}

/** An upstream that streams what the test gives it: `write(bytes)` to the newest exchange; `gone()` once that is left. */
async function scriptedUpstream(t) {
  let open = null;
  const upstream = await rawUpstream(t, (socket) => {
    open = socket;
    socket.write(streamHead);
  });
  const newest = (n) => eventually(() => (upstream.requests.length >= n ? open : null), `request ${n}`);
  upstream.write = async (...events) => (await newest(1)).write(events.join(''));
  upstream.answer_ = async (n, text) => (await newest(n)).end(delta(text) + finish() + usage(11, 7) + done);
  upstream.end = (...events) => open.end(events.join(''));
  upstream.gone = () => eventually(() => open?.destroyed, 'the hub leaves the upstream');
  upstream.messages = (i) => JSON.parse(Buffer.from(upstream.requests[i].body, 'latin1').toString()).messages.map(({ role, content }) => `${role}: ${content}`);
  return upstream;
}

async function withUpstream(t, browser, more = {}) {
  const upstream = await scriptedUpstream(t);
  let model;
  const { hub, page } = await signedIn(t, browser, { ...more, prepare: async (made) => { model = await modelAt(made, upstream.address, more.fields); } });
  await page.locator('.opener', { hasText: model }).waitFor();
  return { hub, page, upstream, model };
}

async function demoChat(t, browser) {
  const { page } = await signedIn(t, browser, { env: { NEXUS_DEMO_DELTA_INTERVAL_MS: '5' } });
  await page.locator('.opener', { hasText: 'demo' }).waitFor();
  await page.evaluate(() => {
    globalThis.lengths = new Set();
    new MutationObserver(() => globalThis.lengths.add(document.querySelector('.message.-assistant .markdown')?.textContent.length ?? 0)).observe(document.querySelector('.log'), { childList: true, subtree: true, characterData: true });
  });
  await ask(page, 'Hello, show me some python');
  assert.equal(await page.locator('.message.-user .bubble').innerText(), 'Hello, show me some python');
  assert.equal(await box(page).inputValue(), '');
  await over(page);
  assert.ok(await page.evaluate(() => globalThis.lengths.size) > 3, 'the answer came in one piece');
  assert.equal(await lastAnswer(page).locator('table').count(), 1);
  await lastAnswer(page).locator('code .hl-keyword').first().waitFor();
  await lastAnswer(page).locator('.facts summary').click();
  for (const term of ['Upstream', 'Counted']) {
    const text = await lastAnswer(page).locator('.facts dl > div').filter({ hasText: term }).locator('dd').innerText();
    const [, prompt, completion, total] = /^([\d,]+) \+ ([\d,]+) = ([\d,]+) tokens/.exec(text).map((part) => Number(part.replaceAll(',', '')));
    assert.ok(prompt > 0 && completion > 10 && total === prompt + completion, text);
  }
  assert.equal(await page.evaluate(() => document.title), 'Hello, show me some python · NexusAI Hub');
  assertQuiet(page);
}

async function numbersAgree(t, browser) {
  const { hub, page, upstream } = await withUpstream(t, browser);
  await ask(page, 'Hi');
  await upstream.answer_(1, 'Hello there');
  await over(page);
  await lastAnswer(page).locator('.facts summary').click();
  const shown = await lastAnswer(page).locator('.facts').innerText();
  assert.match(shown, /11 \+ 7 = 18 tokens/);
  const conversation = await page.evaluate(async () => {
    const database = await new Promise((resolve) => { const request = indexedDB.open('nexus-hub'); request.onsuccess = () => resolve(request.result); });
    const all = await new Promise((resolve) => { const request = database.transaction('bodies').objectStore('bodies').getAll(); request.onsuccess = () => resolve(request.result); });
    return all[0].hubId;
  });
  const [exchange] = await recorded(hub, conversation);
  assert.deepEqual([exchange.prompt.tokens_count, exchange.completion.tokens_count], [11, 7]);
  assert.ok(shown.includes(exchange.prompt.request_id), 'the request id is that of the record');
}

async function stopButton(t, browser) {
  const { page, upstream } = await withUpstream(t, browser);
  await ask(page, 'Count to infinity');
  await upstream.write(delta('One, two'));
  await lastAnswer(page).getByText('One, two').waitFor();
  assert.equal(await page.locator('.log').getAttribute('aria-busy'), 'true');
  await button(page, 'Stop').click();
  await lastAnswer(page).getByText('Stopped.').waitFor();
  await upstream.gone();
  assert.equal(await lastAnswer(page).locator('.markdown').innerText(), 'One, two');
  assert.equal(await page.locator('.log').getAttribute('aria-busy'), 'false');
  await ask(page, 'And now?');
  await upstream.answer_(2, 'Three');
  await lastAnswer(page).getByText('Three').waitFor();
  assertQuiet(page);
}

async function escapeKey(t, browser) {
  const { page, upstream } = await withUpstream(t, browser);
  await ask(page, 'Count to infinity');
  await upstream.write(delta('One'));
  await lastAnswer(page).locator('.markdown', { hasText: 'One' }).waitFor();
  await page.keyboard.press('Escape');
  await lastAnswer(page).getByText('Stopped.').waitFor();
  await upstream.gone();
}

async function composition(t, browser) {
  const { page } = await signedIn(t, browser, { env: { NEXUS_DEMO_DELTA_INTERVAL_MS: '1' } });
  await page.locator('.opener', { hasText: 'demo' }).waitFor();
  await box(page).focus();
  await page.evaluate(() => {
    globalThis.enters = [];
    document.addEventListener('keydown', (event) => event.key === 'Enter' && globalThis.enters.push(event.isComposing), true);
  });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Input.imeSetComposition', { text: '你好', selectionStart: 2, selectionEnd: 2 });
  // An input method keeps the character of the key to itself.
  await devtools.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13 });
  await devtools.send('Input.dispatchKeyEvent', { type: 'keyUp', key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13 });
  assert.deepEqual(await page.evaluate(() => globalThis.enters), [true]);
  await devtools.send('Input.insertText', { text: '你好' });
  assert.equal(await box(page).inputValue(), '你好');
  assert.equal(await page.locator('.message').count(), 0);
  await box(page).press('Shift+Enter');
  assert.equal(await box(page).inputValue(), '你好\n');
  await box(page).press('Enter');
  assert.equal(await page.locator('.message.-user .bubble').innerText(), '你好');
  await over(page);
  await box(page).press('ArrowUp');
  assert.equal(await box(page).inputValue(), '你好');
}

async function branches(t, browser) {
  const { page, upstream } = await withUpstream(t, browser);
  await ask(page, 'First');
  await upstream.answer_(1, 'Answer one');
  await over(page);
  await page.locator('.message.-user').hover();
  await page.locator('.message.-user').getByRole('button', { name: 'Edit' }).click();
  const editor = page.locator('.message.-user textarea');
  await editor.fill('Second');
  await editor.press('Control+Enter');
  await upstream.answer_(2, 'Answer two');
  await lastAnswer(page).getByText('Answer two').waitFor();
  assert.deepEqual(upstream.messages(1), ['user: Second']);
  assert.equal(await page.locator('.message.-user .branches').innerText().then((text) => text.trim()), '2/2');
  await page.locator('.message.-user').getByRole('button', { name: 'Previous version' }).click();
  await lastAnswer(page).getByText('Answer one').waitFor();
  await lastAnswer(page).getByRole('button', { name: 'Answer again' }).click();
  await upstream.answer_(3, 'Answer three');
  await lastAnswer(page).getByText('Answer three').waitFor();
  await over(page);
  assert.equal(await lastAnswer(page).locator('.branches').innerText().then((text) => text.trim()), '2/2');
  await ask(page, 'Go on');
  await upstream.answer_(4, 'Gladly');
  await lastAnswer(page).getByText('Gladly').waitFor();
  assert.deepEqual(upstream.messages(3), ['user: First', 'assistant: Answer three', 'user: Go on']);
  await page.reload();
  await lastAnswer(page).getByText('Gladly').waitFor();
  assert.equal(await page.locator('.message').count(), 4);
  assertQuiet(page);
}

async function deleteAndUndo(t, browser) {
  const { page, upstream } = await withUpstream(t, browser);
  await ask(page, 'Keep me');
  await upstream.answer_(1, 'Yes');
  await over(page);
  await page.locator('.message.-user').hover();
  await page.locator('.message.-user').getByRole('button', { name: 'Delete' }).click();
  await page.locator('.welcome').waitFor();
  await button(page, 'Undo').click();
  await lastAnswer(page).getByText('Yes').waitFor();
}

async function failures(t, browser) {
  const { page, upstream } = await withUpstream(t, browser);
  upstream.answer = (socket) => socket.end(http(429, JSON.stringify({ error: { message: 'Slow down, please', type: 'rate_limit_error', code: 'rate_limit' } }), { 'retry-after': '1' }));
  await ask(page, 'Hi');
  await lastAnswer(page).locator('.failure').waitFor();
  assert.match(await lastAnswer(page).locator('.failure').innerText(), /Slow down, please/);
  upstream.answer = (socket) => { socket.write(streamHead + delta('partly')); setTimeout(() => socket.destroy(), 50); };
  await lastAnswer(page).getByRole('button', { name: 'Try again' }).click();
  await lastAnswer(page).getByText('The answer broke off').waitFor();
  assert.equal(await lastAnswer(page).locator('.markdown').innerText(), 'partly');
  upstream.answer = (socket) => socket.end(streamHead + delta('whole') + finish() + usage(1, 1) + done);
  await lastAnswer(page).locator('.failure').getByRole('button', { name: 'Try again' }).click();
  await lastAnswer(page).locator('.markdown', { hasText: 'whole' }).waitFor();
  assert.equal(await lastAnswer(page).locator('.branches').innerText().then((text) => text.trim()), '3/3');
}

async function lostConnection(t, browser) {
  const { hub, upstream, model } = await withUpstream(t, browser);
  const proxy = await startProxy(t, hub.port);
  const page = await openPage(t, browser);
  await signIn(page, proxy.address);
  await page.locator('.opener', { hasText: model }).waitFor();
  await ask(page, 'Go on');
  await upstream.write(delta('before '));
  await lastAnswer(page).locator('.markdown', { hasText: 'before' }).waitFor();
  proxy.cut();
  await page.getByText('The connection to the hub was lost.').waitFor();
  await upstream.write(delta('meanwhile '));
  proxy.mend();
  await page.locator('.banner').waitFor({ state: 'hidden' });
  await lastAnswer(page).locator('.markdown', { hasText: 'before meanwhile' }).waitFor();
  upstream.end(delta('after'), finish(), usage(11, 7), done);
  await over(page);
  assert.equal(await lastAnswer(page).locator('.markdown').innerText(), 'before meanwhile after');
  assert.equal(upstream.requests.length, 1);
}

async function reloadWhileStreaming(t, browser) {
  const { page, upstream } = await withUpstream(t, browser);
  await ask(page, 'Go on');
  await upstream.write(delta('before '));
  await lastAnswer(page).locator('.markdown', { hasText: 'before' }).waitFor();
  await page.reload();
  await upstream.write(delta('after the reload'));
  await lastAnswer(page).locator('.markdown', { hasText: 'before after the reload' }).waitFor();
  upstream.end(finish(), usage(11, 7), done);
  await over(page);
  assert.equal(await lastAnswer(page).locator('.markdown').innerText(), 'before after the reload');
  assert.equal(upstream.requests.length, 1);
}

async function reasoning(t, browser) {
  const { page, upstream, model } = await withUpstream(t, browser);
  const thought = (text) => `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model, choices: [{ index: 0, delta: { reasoning_content: text }, finish_reason: null }] })}\n\n`;
  const call = `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model, choices: [{ index: 0, delta: { tool_calls: [{ index: 0, id: 'x', type: 'function', function: { name: 'look_up', arguments: '{"q":1}' } }] }, finish_reason: null }] })}\n\n`;
  await ask(page, 'Think');
  await upstream.write(thought('Let me see. '));
  const fold = lastAnswer(page).locator('.reasoning');
  await fold.locator('.thought', { hasText: 'Let me see.' }).waitFor();
  assert.equal(await fold.evaluate((el) => el.open), true);
  await upstream.write(delta('So.'));
  await lastAnswer(page).locator('.markdown', { hasText: 'So.' }).waitFor();
  assert.equal(await fold.evaluate((el) => el.open), false);
  upstream.end(call, finish('tool_calls'), usage(1, 2), done);
  await over(page);
  assert.match(await fold.locator('summary').innerText(), /^(Thought for|Reasoning)/);
  await lastAnswer(page).locator('.tool summary').click();
  assert.match(await lastAnswer(page).locator('.tool').innerText(), /look_up[\s\S]*"q": 1/);
}

async function scrolling(t, browser) {
  const { page, upstream } = await withUpstream(t, browser);
  await ask(page, 'Much');
  const lines = (from, n) => Array.from({ length: n }, (_, i) => `Line ${from + i}\n\n`).join('');
  await upstream.write(delta(lines(0, 80)));
  await lastAnswer(page).getByText('Line 79').waitFor();
  const scroller = page.locator('.scroller');
  await eventually(() => scroller.evaluate((el) => el.scrollHeight - el.scrollTop - el.clientHeight < 4), 'the view follows the end');
  await scroller.evaluate((el) => el.scrollBy(0, -400));
  await button(page, 'Jump to the latest').waitFor();
  const before = await scroller.evaluate((el) => el.scrollTop);
  await upstream.write(delta(lines(80, 40)));
  await lastAnswer(page).getByText('Line 119').waitFor({ state: 'attached' });
  assert.ok(Math.abs(await scroller.evaluate((el) => el.scrollTop) - before) <= 2);
  await button(page, 'Jump to the latest').click();
  await upstream.write(delta(lines(120, 20)));
  await lastAnswer(page).getByText('Line 139').waitFor();
  await eventually(() => scroller.evaluate((el) => el.scrollHeight - el.scrollTop - el.clientHeight < 4), 'the view follows again');
  upstream.end(finish(), done);
}

async function counting(t, browser) {
  const { hub, page, model } = await withUpstream(t, browser);
  await box(page).fill('How many tokens may this be?');
  await page.locator('.tally', { hasText: 'tokens' }).waitFor();
  const shown = Number(/([\d,]+) tokens/.exec(await page.locator('.tally').innerText())[1].replaceAll(',', ''));
  const answer = await fetch(`${hub.address}/v1/tokenize`, { method: 'POST', headers: { authorization: 'Bearer pk-team', 'content-type': 'application/json' }, body: JSON.stringify({ model, input: 'How many tokens may this be?' }) });
  if (answer.status === 200) assert.equal(shown, (await answer.json()).tokens);
  else assert.ok(shown > 3 && shown < 20, String(shown));
  await page.reload();
  await page.locator('.tally', { hasText: 'tokens' }).waitFor();
  assert.equal(await box(page).inputValue(), 'How many tokens may this be?', 'the draft survives a reload');
  await button(page, 'Parameters and details').click();
  await page.getByLabel(`Context window of ${model}`).fill('8');
  await page.getByLabel(`Context window of ${model}`).press('Tab');
  if (shown > 8) assert.ok(await button(page, 'Send').isDisabled());
  else await page.locator('.meter', { hasText: '/ 8' }).waitFor();
  await box(page).fill('x '.repeat(200));
  await page.getByText('Full (8 tokens)').waitFor();
  assert.ok(await button(page, 'Send').isDisabled());
}

async function parameters(t, browser) {
  const { page, upstream, model } = await withUpstream(t, browser);
  await button(page, 'Parameters and details').click();
  await page.getByLabel('System prompt').fill('Be brief');
  await page.getByLabel('System prompt').press('Tab');
  await page.getByRole('spinbutton', { name: 'Temperature' }).fill('9');
  await page.getByRole('spinbutton', { name: 'Temperature' }).press('Tab');
  await page.getByText('This must be between 0 and 2.').waitFor();
  await page.getByRole('spinbutton', { name: 'Temperature' }).fill('0.3');
  await page.getByRole('spinbutton', { name: 'Temperature' }).press('Tab');
  await ask(page, 'Hi');
  await upstream.answer_(1, 'Ho');
  await over(page);
  assert.deepEqual(upstream.messages(0), ['system: Be brief', 'user: Hi']);
  assert.equal(JSON.parse(upstream.requests[0].body).temperature, 0.3);
  await page.getByRole('tab', { name: 'Code' }).click();
  assert.match(await page.locator('.chat-drawer pre').innerText(), new RegExp(model));
  await page.getByRole('tab', { name: 'Debug' }).click();
  await page.locator('.frames li', { hasText: 'done' }).first().waitFor();
  await page.locator('.frames li', { hasText: 'chat' }).last().locator('summary').click();
  assert.match(await page.locator('.frames').innerText(), /"content": "Be brief"/);
}

async function conversationList(t, browser) {
  const { page, upstream } = await withUpstream(t, browser);
  const rows = page.locator('.conversation-list .entry');
  for (const [i, text] of ['Apples', 'Pears', 'Plums'].entries()) {
    await ask(page, text);
    await upstream.answer_(i + 1, `About ${text}`);
    await over(page);
    await page.locator('.conversation-list').getByRole('button', { name: 'New chat' }).click();
    await page.locator('.welcome').waitFor();
  }
  assert.deepEqual(await rows.locator('a').allInnerTexts(), ['Plums', 'Pears', 'Apples']);
  await page.getByRole('searchbox', { name: 'Search conversations' }).fill('about pears');
  await eventually(async () => (await rows.count()) === 1, 'one is found by its text');
  await page.getByRole('searchbox', { name: 'Search conversations' }).fill('');
  await eventually(async () => (await rows.count()) === 3, 'all again');
  const menu = async (title, item) => {
    await rows.filter({ hasText: title }).hover();
    await page.getByRole('button', { name: `More for “${title}”` }).click();
    await page.getByRole('menuitem', { name: item, exact: true }).click();
  };
  await menu('Apples', 'Pin');
  await page.getByRole('heading', { name: 'Pinned' }).waitFor();
  await menu('Pears', 'Rename');
  await page.getByRole('textbox', { name: 'Rename' }).fill('Fruit');
  await page.getByRole('textbox', { name: 'Rename' }).press('Enter');
  await rows.filter({ hasText: 'Fruit' }).waitFor();
  await menu('Fruit', 'Archive');
  await eventually(async () => (await rows.count()) === 2, 'the archived one is gone');
  await button(page, 'Undo').click();
  await rows.filter({ hasText: 'Fruit' }).waitFor();
  await button(page, 'More for the list').click();
  await page.getByRole('menuitem', { name: 'Select several' }).click();
  for (const title of ['Plums', 'Fruit']) await page.getByRole('checkbox', { name: title }).check();
  await page.locator('.selection').getByRole('button', { name: 'Delete' }).click();
  await eventually(async () => (await rows.count()) === 1, 'two are deleted');
  await button(page, 'Undo').first().click();
  await eventually(async () => (await rows.count()) === 3, 'both are back');
  await eventually(() => page.evaluate(async () => {
    const database = await new Promise((resolve) => { const request = indexedDB.open('nexus-hub'); request.onsuccess = () => resolve(request.result); });
    return new Promise((resolve) => { const request = database.transaction('heads').objectStore('heads').count(); request.onsuccess = () => resolve(request.result === 3); });
  }), 'all are stored');
  await page.reload();
  await eventually(async () => (await rows.count()) === 3, 'all are kept');
  assertQuiet(page);
}

async function twoTabs(t, browser) {
  const { hub, page, upstream } = await withUpstream(t, browser);
  const other = await page.context().newPage();
  await other.goto(`${hub.address}/app/chat`);
  await ask(page, 'Shared');
  await upstream.answer_(1, 'Seen by both');
  await over(page);
  await other.locator('.conversation-list .entry', { hasText: 'Shared' }).locator('a').click();
  await lastAnswer(other).getByText('Seen by both').waitFor();
  await ask(other, 'More');
  await upstream.answer_(2, 'From the other tab');
  await lastAnswer(page).getByText('From the other tab').waitFor();
}

async function exportImport(t, browser) {
  const { page, upstream } = await withUpstream(t, browser);
  await ask(page, 'Export me');
  await upstream.answer_(1, '**Bold** words');
  await over(page);
  const save = async (item) => {
    await page.locator('.chat-head').getByRole('button', { name: 'More' }).click();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: item }).click()]);
    return download;
  };
  const { readFile } = await import('node:fs/promises');
  const markdown = await readFile(await (await save('Export as Markdown')).path(), 'utf8');
  assert.match(markdown, /# Export me\n\n## You\n\nExport me\n\n## \S+\n\n\*\*Bold\*\* words\n/);
  const file = await (await save('Export as JSON')).path();
  await page.locator('.chat-head').getByRole('button', { name: 'More' }).click();
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('menuitem', { name: 'Import a conversation' }).click()]);
  await chooser.setFiles({ name: 'a.json', mimeType: 'application/json', buffer: await readFile(file) });
  await eventually(async () => (await page.locator('.conversation-list .entry').count()) === 2, 'the imported one');
  assert.equal(await lastAnswer(page).locator('strong', { hasText: 'Bold' }).count(), 1);
}

async function temporary(t, browser) {
  const { hub, page, upstream } = await withUpstream(t, browser);
  await page.goto(`${hub.address}/app/chat?new=1&temporary=1`);
  await page.getByText('Temporary: not stored').waitFor();
  await page.locator('.opener .provider:not(:empty)').waitFor();
  await ask(page, 'Secret');
  await upstream.answer_(1, 'Forgotten');
  await over(page);
  assert.equal(await page.locator('.conversation-list .entry').count(), 0);
  await page.goto(`${hub.address}/app/chat`);
  await page.locator('.welcome').waitFor();
  assert.equal(await page.locator('.conversation-list .entry').count(), 0);
}

async function keyboardOnly(t, browser) {
  const { page, upstream } = await withUpstream(t, browser);
  await page.keyboard.press('Control+k');
  await page.keyboard.type('new chat');
  await page.keyboard.press('Enter');
  await page.locator('.opener').focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Model' }).waitFor();
  await page.keyboard.press('Escape');
  await box(page).focus();
  await page.keyboard.type('Hello');
  await page.keyboard.press('Enter');
  await upstream.answer_(1, '```js\nlet a = 1;\n```\n');
  await over(page);
  await lastAnswer(page).getByRole('button', { name: 'Copy the code' }).focus();
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'let a = 1;');
}

async function touchEnter(t, browser) {
  const { page } = await signedIn(t, browser, { options: { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true } });
  await box(page).fill('a');
  await box(page).press('Enter');
  assert.equal(await box(page).inputValue(), 'a\n');
  assert.equal(await page.locator('.message').count(), 0);
}

async function vanishedServer(t, browser) {
  const { hub, page, upstream } = await withUpstream(t, browser);
  await ask(page, 'Hold on');
  await upstream.write(delta('some'));
  await lastAnswer(page).locator('.markdown', { hasText: 'some' }).waitFor();
  hub.child.kill('SIGKILL');
  await hub.exited;
  await page.getByText('The connection to the hub was lost.').waitFor();
  assert.equal(await lastAnswer(page).locator('.markdown').innerText(), 'some');
  await box(page).fill('a draft');
  assert.equal(await box(page).inputValue(), 'a draft');
}

async function expiredSession(t, browser) {
  const { hub, page } = await withUpstream(t, browser);
  await box(page).fill('An unfinished thought');
  await page.context().clearCookies();
  await page.locator('.rail').getByRole('link', { name: 'Providers' }).click();
  await page.getByText('The session has expired').waitFor();
  assert.equal(new URL(page.url()).searchParams.get('to'), '/app/providers');
  await signIn(page, hub.address);
  assert.equal(await box(page).inputValue(), 'An unfinished thought');
}

test('the chat in a browser', { skip: noBrowser }, async (t) => {
  const browser = await startBrowser(t);
  const claim = (name, body) => t.test(name, (t) => body(t, browser));
  await claim('a question is answered piece by piece by the demo, with code, a table and both counts', demoChat);
  await claim('the numbers below an answer are those that the hub recorded', numbersAgree);
  await claim('Stop ends a running answer and leaves the upstream; what came stays', stopButton);
  await claim('Escape ends a running answer', escapeKey);
  await claim('Enter that chooses a candidate of an input method does not send', composition);
  await claim('an edit and a second answer make branches, which a reload keeps', branches);
  await claim('a deleted message comes back', deleteAndUndo);
  await claim('an upstream’s error and a broken stream are told, and can be tried again', failures);
  await claim('a lost connection is told, and the answer goes on where it was', lostConnection);
  await claim('a reload in the middle of an answer takes it up again', reloadWhileStreaming);
  await claim('reasoning is open while it thinks and closed when it answers; tool calls are shown', reasoning);
  await claim('the view follows the end until one scrolls away', scrolling);
  await claim('tokens are counted as one types, the draft is kept, and a full context stops', counting);
  await claim('parameters reach the upstream, and the drawer shows program and frames', parameters);
  await claim('conversations are found, pinned, renamed, archived and deleted, with a way back', conversationList);
  await claim('two tabs show the same conversation', twoTabs);
  await claim('an exported conversation comes back by import', exportImport);
  await claim('a temporary chat leaves nothing in the browser', temporary);
  await claim('a chat needs no mouse', keyboardOnly);
  await claim('on a touch keyboard Enter is a new line', touchEnter);
  await claim('a server that vanishes leaves the text and the draft', vanishedServer);
  await claim('an expired session asks for signing in, and keeps address and draft', expiredSession);
});
