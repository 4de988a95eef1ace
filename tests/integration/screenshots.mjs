// Pictures of every page, in both themes, both languages and three widths: tests/web/screenshots, which git ignores.
// `node screenshots.mjs [NAME…]` takes only these pages.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openPage, signIn, startBrowser } from './browser.mjs';
import { startHub } from './harness.mjs';
import { seed } from './seed.mjs';

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), '../web/screenshots');
const ends = [];
const t = { after: (end) => ends.unshift(end) };

async function converse(page) {
  await page.locator('.opener .provider:not(:empty)').waitFor({ state: 'attached' });
  await page.locator('.opener').click();
  await page.getByRole('option', { name: 'demo' }).click();
  await page.locator('.composer textarea').fill(await page.evaluate(() => (document.documentElement.lang === 'en' ? 'Show me how to call the hub from Python.' : '请给一个 Python 调用示例。')));
  await page.locator('.composer textarea').press('Control+Enter');
  await page.locator('.facts').waitFor();
  await page.locator('.facts summary').click();
}

const pages = (made) => [
  ['chat', '/app/chat'], ['conversation', '/app/chat', converse], ['parameters', '/app/chat', (page) => page.locator('.chat-head .button').nth(-2).click()],
  ['overview', '/app/overview'], ['usage', '/app/usage?range=1h'], ['providers', '/app/providers'], ['provider', `/app/providers/${made.providers[0].id}`], ['templates', '/app/providers/new'],
  ['models', '/app/models'], ['keys', '/app/keys'], ['new-key', '/app/keys?new=1'], ['about', '/app/about'], ['palette', '/app/providers', (page) => page.keyboard.press('Control+k')],
];

async function shoot(browser, hub, made, width, height) {
  const wanted = process.argv.slice(2);
  for (const locale of ['en-US', 'zh-CN'])
    for (const colorScheme of ['light', 'dark']) {
      const page = await openPage(t, browser, null, { viewport: { width, height }, locale, colorScheme, reducedMotion: 'reduce' });
      const save = async (name) => {
        await page.waitForLoadState('networkidle').catch(() => {});
        await page.waitForTimeout(200);
        await page.screenshot({ path: path.join(folder, `${name}-${colorScheme}-${locale.slice(0, 2)}-${width}.png`) });
      };
      for (const [name, address] of [['setup', '/app/setup'], ['login', '/app/login?with=token']]) {
        if (wanted.length && !wanted.includes(name)) continue;
        await page.goto(hub.address + address);
        await page.locator('form').waitFor();
        await save(name);
      }
      await signIn(page, hub.address);
      for (const [name, address, act] of pages(made)) {
        if (wanted.length && !wanted.includes(name)) continue;
        await page.goto(hub.address + address);
        await page.locator('.skeleton').waitFor({ state: 'detached' });
        if (act) await act(page);
        await save(name);
      }
      if (page.complaints.length) console.error(page.complaints.join('\n'));
      await page.context().close();
    }
}

mkdirSync(folder, { recursive: true });
try {
  const browser = await startBrowser(t);
  const hub = await startHub(t, { env: { NEXUS_DEMO_DELTA_INTERVAL_MS: '1' } });
  const made = await seed(t, hub, { requests: 24 });
  for (const [width, height] of [[1440, 900], [768, 1024], [360, 740]]) await shoot(browser, hub, made, width, height);
  console.log(folder);
} finally {
  for (const end of ends) await end();
}
