// Overview and usage in a real browser, against what the hub really counted.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { eventually } from './harness.mjs';
import { assertQuiet, noBrowser, openPage, signedIn, signIn, startBrowser } from './browser.mjs';
import { seed } from './seed.mjs';

const button = (page, name) => page.getByRole('button', { name, exact: true });
const number = (text) => Number(/[\d.,]+/.exec(text)[0].replaceAll(',', ''));

async function seeded(t, browser, path, requests = 6) {
  let made;
  const { hub, page } = await signedIn(t, browser, { path, prepare: async (started) => { made = await seed(t, started, { requests }); } });
  return { hub, page, made };
}

async function overview(t, browser) {
  const { hub, page, made } = await seeded(t, browser, '/app/overview');
  const card = (name) => page.locator('.kpi').filter({ hasText: name }).locator('strong');
  const now = Date.now();
  const answer = (await hub.admin('GET', `/stats/usage?from=${now - 864e5}&to=${now}&bucket=hour&group_by=none`)).body;
  const sum = (name) => answer.series.flatMap(({ points }) => points).reduce((all, point) => all + point[name], 0);
  assert.equal(sum('requests'), made.requests);
  assert.equal(number(await card('Requests').innerText()), made.requests);
  assert.equal(number(await card('Tokens').innerText()), sum('prompt_tokens') + sum('completion_tokens'));
  await page.locator('.bars li', { hasText: 'gpt-4o-mini' }).waitFor();
  await page.locator('.health li', { hasText: 'Workstation' }).getByText('Disabled').waitFor();
  await page.locator('[data-drawn]').waitFor();
  await (await hub.chat({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'one more' }] })).text();
  await eventually(async () => number(await card('Requests').innerText()) === made.requests + 1, 'the live page counts it', 20_000);
  await button(page, 'Pause').click();
  await button(page, 'Resume').waitFor();
  assert.match(await page.locator('.kpi').first().locator('.change').innerText(), /nothing to compare/);
  await page.getByText('First steps').waitFor({ state: 'detached' }).catch(() => {});
  assertQuiet(page);
}

async function quickStart(t, browser) {
  const { hub, page } = await signedIn(t, browser, { path: '/app/overview' });
  await page.getByText('First steps').waitFor();
  assert.equal(await page.locator('.checklist .-done').count(), 0);
  await hub.addProvider({ name: 'Real', server_url: 'http://127.0.0.1:9' }, ['m']);
  await eventually(async () => (await page.locator('.checklist .-done').count()) === 2, 'two steps tick themselves', 20_000);
}

async function usageTable(t, browser) {
  const { hub, page } = await seeded(t, browser, '/app/usage?range=1h&metric=requests&by=model');
  await page.locator('[data-drawn]').waitFor();
  const now = Date.now();
  for (const [by, metric, member] of [['model', 'requests', 'requests'], ['provider', 'prompt_tokens', 'prompt_tokens'], ['model', 'completion_tokens', 'completion_tokens']]) {
    await page.getByLabel('Grouped by').selectOption(by);
    await page.getByLabel('What is shown').selectOption(metric);
    const answer = (await hub.admin('GET', `/stats/usage?from=${now - 36e5}&to=${now + 6e4}&bucket=minute&group_by=${by}`)).body;
    const expected = Object.fromEntries(answer.series.map(({ group, points }) => [group.name, points.reduce((all, point) => all + point[member], 0)]).filter(([, value]) => value > 0));
    await eventually(async () => {
      const rows = await page.locator('.card.-flush tbody tr').evaluateAll((all) => all.map((tr) => [tr.children[0].textContent.trim(), Number(tr.children[1].textContent.replaceAll(',', ''))]));
      return JSON.stringify(Object.fromEntries(rows.filter(([, value]) => value > 0).sort())) === JSON.stringify(Object.fromEntries(Object.entries(expected).sort()));
    }, `${metric} by ${by}`);
  }
  const url = page.url();
  const other = await openPage(t, browser);
  await signIn(other, hub.address, new URL(url).pathname + new URL(url).search);
  await other.locator('[data-drawn]').waitFor();
  assert.equal(await other.getByLabel('What is shown').inputValue(), 'completion_tokens', 'the address is the view');
  assertQuiet(page);
}

async function usageChart(t, browser) {
  const { page } = await seeded(t, browser, '/app/usage?range=1h&metric=requests&by=model&type=line');
  const canvas = page.locator('.canvas');
  await page.locator('[data-drawn]').waitFor();
  assert.match(await canvas.getAttribute('aria-label'), /^Requests from .* in 2 series\.$/);
  const legend = page.locator('.legend button');
  assert.equal(await legend.count(), 2);
  await legend.first().focus();
  await page.keyboard.press('Enter');
  await eventually(async () => (await page.locator('.legend [aria-pressed="false"]').count()) === 1, 'only one is shown');
  await page.keyboard.press('Enter');
  await eventually(async () => (await page.locator('.legend [aria-pressed="false"]').count()) === 0, 'both again');
  await canvas.focus();
  await page.keyboard.press('End');
  await page.locator('.hush[role="status"]', { hasText: /gpt-4o-mini/ }).first().waitFor({ state: 'attached' });
  const frame = await canvas.boundingBox();
  await page.mouse.move(frame.x + frame.width * 0.5, frame.y + 60);
  await page.mouse.down();
  await page.mouse.move(frame.x + frame.width * 0.9, frame.y + 60, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL(/from=\d+&to=\d+|to=\d+.*from=\d+/);
  assert.equal(await page.getByLabel('Range').inputValue(), 'custom');
  await page.goBack();
  await eventually(async () => (await page.getByLabel('Range').inputValue()) === '1h', 'back undoes the zoom');
  await page.getByText('The chart as a table').click();
  await page.locator('details.card tbody tr').first().waitFor();
  for (const dash of ['dash-0', 'dash-1']) await page.locator(`.legend .${dash}`).waitFor();
  assertQuiet(page);
}

async function exported(t, browser) {
  const { page } = await seeded(t, browser, '/app/usage?range=1h&metric=requests&by=model');
  await page.locator('[data-drawn]').waitFor();
  const save = async (kind) => {
    await button(page, 'Export').click();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: kind }).click()]);
    return readFile(await download.path(), 'utf8');
  };
  const [head, ...lines] = (await save('CSV')).replace('\ufeff', '').trim().split('\r\n').map((line) => line.split(','));
  assert.deepEqual(head.slice(1).sort(), ['deepseek-chat', 'gpt-4o-mini']);
  assert.equal(lines.flatMap((line) => line.slice(1)).reduce((all, value) => all + Number(value), 0), 6);
  const json = JSON.parse(await save('JSON'));
  assert.equal(json.series.length, 2);
}

async function empty(t, browser) {
  const { page } = await signedIn(t, browser, { path: '/app/usage' });
  await page.getByText('Nothing happened in this time').waitFor();
  await page.getByLabel('Range').selectOption('last-month');
  await page.getByText('Nothing happened in this time').waitFor();
  assertQuiet(page);
}

async function manyPoints(t, browser) {
  const { page } = await signedIn(t, browser, { path: '/app/about' });
  // No hub has such a past in a test: the chart itself is asked.
  await page.route('**/stats/usage?*', (route) => {
    const to = Math.floor(Date.now() / 6e4) * 6e4;
    const point = (t, i) => ({ t, requests: 50 + (i % 97), prompt_tokens: 1, completion_tokens: 1, cached_tokens: 0, reasoning_tokens: 0, cost: '0', errors: 0, duration_ms_sum: 1, ttft_ms_sum: 1, ttft_count: 1 });
    const points = Array.from({ length: 100_000 }, (_, i) => point(to - (100_000 - i) * 6e4, i));
    route.fulfill({ json: { from: to - 6e9, to, bucket: 'minute', bucket_ms: 6e4, group_by: 'none', series: [{ group: { id: null, name: '' }, points }] } });
  });
  await page.locator('.rail').getByRole('link', { name: 'Usage' }).click();
  await page.locator('[data-drawn]').waitFor();
  await page.getByLabel('Grouped by').selectOption('none');
  const ms = await page.evaluate(async () => {
    const canvas = document.querySelector('.canvas');
    const before = canvas.dataset.drawn;
    const begun = performance.now();
    document.dispatchEvent(new Event('theme')); // draws anew
    while (canvas.dataset.drawn === before) await new Promise((resolve) => requestAnimationFrame(resolve));
    return performance.now() - begun;
  });
  t.diagnostic(`100,000 points are drawn in ${Math.round(ms)} ms`);
  assertQuiet(page);
}

test('statistics in a browser', { skip: noBrowser }, async (t) => {
  const browser = await startBrowser(t);
  const claim = (name, body) => t.test(name, (t) => body(t, browser));
  await claim('the overview shows what the hub counted, and counts on', overview);
  await claim('the first steps tick themselves', quickStart);
  await claim('the table equals the hub’s answer, by every group, and the address is the view', usageTable);
  await claim('the chart is read by keyboard, filtered by its legend and zoomed by dragging', usageChart);
  await claim('what is exported is what is shown', exported);
  await claim('a hub without a past says so', empty);
  await claim('a hundred thousand points are drawn', manyPoints);
});
