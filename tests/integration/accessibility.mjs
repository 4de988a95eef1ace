// Every page in both themes and both languages at one width: axe-core finds nothing, nothing is wider than the window, and
// nothing jumps while it loads. The suites accessibility_*.test.mjs name the widths, a process each.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { assertQuiet, noBrowser, openPage, signIn, startBrowser } from './browser.mjs';
import { startHub } from './harness.mjs';
import { seed } from './seed.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What is looked at: [name, address, what to do there]. `first` is the id of the first provider of the seed. */
const views = (made) => [
  ['chat', '/app/chat', async (page) => page.locator('.starters').waitFor()],
  ['conversation', '/app/chat', converse],
  ['parameters', '/app/chat', async (page) => page.locator('.chat-head .button').nth(-2).click()],
  ['models menu', '/app/chat', async (page) => { await page.locator('.opener .provider:not(:empty)').waitFor({ state: 'attached' }); await page.locator('.opener').click(); }],
  ['overview', '/app/overview', async (page) => page.locator('.kpi').first().waitFor()],
  ['usage', '/app/usage', async (page) => page.locator('[data-drawn]').waitFor()],
  ['providers', '/app/providers', async (page) => page.locator('td input[type="checkbox"]').first().check()],
  ['provider', `/app/providers/${made.providers[0].id}`, async (page) => page.locator('.model-list').waitFor()],
  ['template', '/app/providers/new', async (page) => page.locator('.templates').waitFor()],
  ['new provider', '/app/providers/new', async (page) => page.locator('.templates button').nth(1).click()],
  ['models', '/app/models', async (page) => page.locator('table').waitFor()],
  ['keys', '/app/keys', async (page) => page.locator('table').waitFor()],
  ['new key', '/app/keys?new=1', async (page) => page.locator('dialog[open]').waitFor()],
  ['about', '/app/about', async (page) => page.locator('.licence').first().waitFor()],
  ['palette', '/app/about', async (page) => page.keyboard.press('Control+k')],
  ['shortcuts', '/app/about', async (page) => page.keyboard.press('Control+/')],
  ['menu', '/app/about', async (page) => page.locator('#user-menu').click()],
  ['nowhere', '/app/nowhere', async (page) => page.locator('.empty').waitFor()],
];

async function converse(page) {
  await page.locator('.opener .provider:not(:empty)').waitFor({ state: 'attached' });
  await page.locator('.composer textarea').fill('python, please');
  await page.locator('.composer textarea').press('Control+Enter');
  await page.locator('.facts').waitFor();
  await page.locator('.facts summary').click();
}

async function inspect(page) {
  await page.evaluate(axe);
  return page.evaluate(async (values) => {
    const { violations } = await globalThis.axe.run({ runOnly: { type: 'tag', values } });
    const root = document.documentElement;
    const hit = (el) => { const box = el.getBoundingClientRect(); return box.width > 0 && box.height > 0 && getComputedStyle(el).visibility === 'visible' ? box : null; };
    const small = [...document.querySelectorAll('button, a.button, input:not([type="checkbox"], [type="radio"], [type="range"]), select, summary')]
      .filter((el) => { const box = hit(el); return box && (box.width < 24 || box.height < 24); }).map((el) => el.outerHTML.slice(0, 120));
    return {
      violations: violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 2).map((node) => node.html.slice(0, 160)).join(' | ')}`),
      overflow: root.scrollWidth > root.clientWidth ? root.scrollWidth : 0,
      small,
    };
  }, tags);
}

const settle = (page) => page.evaluate(async () => {
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  await Promise.all(document.getAnimations().filter((each) => each.effect?.getTiming().iterations !== Infinity).map((each) => each.finished.catch(() => {})));
});

/** Declares the suite for a width. */
export function suite(width, height, options = {}) {
  test(`every page at ${width}`, { skip: noBrowser }, async (t) => {
    const browser = await startBrowser(t);
    const hub = await startHub(t, { env: { NEXUS_DEMO_DELTA_INTERVAL_MS: '1' } });
    const made = await seed(t, hub);
    const page = await openPage(t, browser, null, { viewport: { width, height }, ...options });
    await page.addInitScript(() => {
      globalThis.shift = 0;
      new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.shift += entry.value; }).observe({ type: 'layout-shift', buffered: true });
    });
    for (const [name, address] of [['set-up', '/app/setup'], ['sign-in', '/app/login?with=token']])
      await t.test(name, async () => {
        await page.goto(hub.address + address);
        await page.locator('form').waitFor();
        await everyLook(page, hub.address + address, () => page.locator('form').waitFor());
      });
    await signIn(page, hub.address);
    for (const [name, address, act] of views(made))
      await t.test(name, async () => {
        await page.emulateMedia({ colorScheme: 'light' });
        await page.goto(hub.address + address);
        await page.locator('main').first().waitFor();
        await act(page);
        await settle(page);
        const shift = await page.evaluate(() => globalThis.shift);
        assert.ok(shift < 0.02 || !['chat', 'about', 'models', 'providers', 'keys'].includes(name), `layout shift ${shift}`);
        await everyLook(page, hub.address + address, act);
      });
    assertQuiet(page);
  });
}

async function everyLook(page, address, act) {
  for (const language of ['en', 'zh-CN']) {
    if (await page.evaluate(() => document.documentElement.lang) !== language) {
      await page.evaluate((next) => { localStorage.setItem('nexus-language', next); }, language);
      await page.goto(address);
      await page.locator('main').first().waitFor();
      if (act) await act(page);
    }
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await settle(page);
      const found = await inspect(page);
      assert.deepEqual(found, { violations: [], overflow: 0, small: [] }, `${language} ${colorScheme}`);
    }
  }
  await page.evaluate(() => localStorage.setItem('nexus-language', 'en'));
}
