// Walking through every page: by Tab, in small windows, and again and again.
import test from 'node:test';
import assert from 'node:assert/strict';
import { noBrowser, signedIn, startBrowser } from './browser.mjs';

async function reflow(t, browser) {
  const { hub, page } = await signedIn(t, browser, { options: { reducedMotion: 'reduce' } });
  await page.addInitScript(() => addEventListener('DOMContentLoaded', () => {
    // What WCAG 1.4.12 asks to bear.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }');
    document.adoptedStyleSheets = [sheet];
  }));
  for (const [width, height] of [[320, 640], [720, 450], [740, 360]]) {
    await page.setViewportSize({ width, height });
    for (const path of ['chat', 'overview', 'usage', 'providers', 'providers/1', 'providers/new', 'models', 'keys', 'about']) {
      await page.goto(`${hub.address}/app/${path}`);
      await page.locator('.skeleton').waitFor({ state: 'detached' });
      await page.waitForLoadState('networkidle');
      const found = await page.evaluate(() => ({
        wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        main: document.getElementById('main').scrollWidth - document.getElementById('main').clientWidth,
        moving: document.getAnimations().filter((each) => each.playState === 'running').length,
        heads: document.querySelectorAll('h1').length,
      }));
      assert.deepEqual(found, { wide: 0, main: 0, moving: 0, heads: 1 }, `${path} at ${width}`);
    }
  }
}

async function tabWalk(t, browser) {
  const { page } = await signedIn(t, browser, { path: '/app/providers' });
  await page.locator('table').waitFor();
  const all = await page.evaluate(() => [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')].filter((el) => el.checkVisibility() && !el.matches(':disabled')).length);
  const seen = new Set();
  await page.evaluate(() => { document.activeElement?.blur(); });
  for (let i = 0; i < all + 10; i++) {
    await page.keyboard.press('Tab');
    const found = await page.evaluate(() => {
      const el = document.activeElement;
      if (!el || el === document.body) return null;
      globalThis.walked ??= new Map();
      if (!globalThis.walked.has(el)) globalThis.walked.set(el, globalThis.walked.size);
      const box = el.getBoundingClientRect();
      const style = getComputedStyle(el);
      const top = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height / 2, 8));
      return { id: globalThis.walked.get(el), ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2, covered: !(top && (el.contains(top) || top.contains(el))), html: el.outerHTML.slice(0, 100) };
    });
    if (!found) continue;
    assert.ok(found.ring, `no ring: ${found.html}`);
    assert.ok(!found.covered, `covered: ${found.html}`);
    seen.add(found.id);
  }
  assert.ok(seen.size >= all, `${seen.size} of ${all} can be reached`);
}

async function memory(t, browser) {
  const { page } = await signedIn(t, browser, { path: '/app/providers' });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('HeapProfiler.enable');
  const heap = async () => {
    await devtools.send('HeapProfiler.collectGarbage');
    return (await devtools.send('Runtime.getHeapUsage')).usedSize;
  };
  const names = ['Chat', 'Providers', 'Models', 'About', 'Keys'];
  const round = async () => {
    for (const name of names) {
      await page.locator('.rail').getByRole('link', { name, exact: true }).click();
      await page.locator('.skeleton').waitFor({ state: 'detached' });
    }
  };
  await round();
  const before = await heap();
  for (let i = 0; i < 10; i++) await round();
  const grown = await heap() - before;
  t.diagnostic(`heap after 50 page changes: ${(grown / 2 ** 20).toFixed(1)} MiB more`);
  assert.ok(grown < 10 * 2 ** 20, `${grown} bytes`);
}

test('walking through the pages', { skip: noBrowser }, async (t) => {
  const browser = await startBrowser(t);
  const claim = (name, body) => t.test(name, (t) => body(t, browser));
  await claim('nothing is cut off at 320 pixels, at twice the size and on its side, with wide letters and without motion', reflow);
  await claim('every control is reached by Tab, with a ring, and nothing covers it', tabWalk);
  await claim('fifty page changes leave no memory behind', memory);
});
