import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lexer, Marked } from '../../web/node_modules/marked/lib/marked.esm.js';
import { decode } from '../../web/logic/entities.js';
import { MarkdownStream, nesting, tailMax } from '../../web/logic/markdown-stream.js';
import { extensions, isOwnImage, safeLink, scriptOf } from '../../web/logic/markdown-rules.js';

const marked = new Marked({ gfm: true });
marked.use({ extensions });

function lex(text, links = {}) {
  const lexer = new Lexer(marked.defaults);
  lexer.tokens.links = Object.assign(Object.create(null), links);
  return lexer.lex(text);
}

const snippets = [
  '# Title\n\nText with **bold**, *emphasis*, ~~strike~~ and `code`.\n\n## Next\n\nMore.',
  '1. one\n2. two\n3. three\n\nAfter the list comes text.',
  '- a\n  - b\n    - c\n\n- d\n\nend of it all, at last',
  '- [x] done\n- [ ] open\n\nA paragraph that is long enough.',
  '```js\nconst a = 1;\n\nconst b = 2;\n```\n\nAnd text again, which is long.',
  '~~~\nunclosed fence\nwith lines',
  '| a | b |\n|---|:-:|\n| 1 | 2 |\n| 3 | 4 |\n\nAfter the table.',
  '> quote\n> more\n>\n> > deeper\n\nText that follows the quote.',
  'Title\n=====\n\nOther\n-----\n\ntext',
  'Line one  \nline two\\\nline three\n\n***\n\nend here',
  '这是**粗体**文字，后面是「引用」。\n\n1. 第一\n2. 第二\n\n结束的段落在这里，足够长。',
  '**「粗体」**文字和**“引号”**之后。\n\n下一段落也在这里。',
  'Inline $a^2 + b^2$ and\n\n$$\n\\int_0^1 x dx\n$$\n\nafter the formula comes text',
  '\\[\nx = 1\n\\]\n\nafter that comes another text',
  'https://example.org and <https://example.com> and [a](https://a.b/c_(d)).\n\nNext.',
  '<div>html</div>\n\ntext after the html block\n\n<b>inline</b> html too',
  '    indented code\n    more\n\nnot code any more, this one',
  '* a\n\n\n* b\n\n\ntext after two blank lines',
  'A line\n1. not a list until it is\n2. but now\n\nend, finally, of this text',
  '- item\n\n  ```py\n  x = 1\n  ```\n\n- next item in the list\n\nend of the whole text',
];

const raws = (tokens) => tokens.map((token) => `${token.type}:${token.raw}`);

for (const size of [1, 2, 3, 7, 64])
  test(`a text in pieces of ${size} becomes the same blocks as in one`, () => {
    for (const text of snippets) {
      const stream = new MarkdownStream(lex, () => 0);
      const closed = [];
      let open = [];
      for (let end = size; end < text.length + size; end += size) {
        const found = stream.update(text.slice(0, end));
        closed.push(...found.closed);
        open = found.open;
      }
      assert.deepEqual(raws([...closed, ...open]), raws(lex(text)), JSON.stringify(text));
    }
  });

test('blocks that are over are handed out once, and only the rest is lexed again', () => {
  const sizes = [];
  const stream = new MarkdownStream((text, links) => { sizes.push(text.length); return lex(text, links); }, () => 0);
  let text = '';
  for (let i = 0; i < 200; i++) stream.update((text += `Paragraph number ${i} with some words.\n\n`));
  assert.ok(Math.max(...sizes.slice(1)) < 160, String(Math.max(...sizes)));
});

test('a definition far behind its use is known at the end', () => {
  const text = 'See [that].\n\nMuch text stands between the two of them.\n\n[that]: https://example.org\n';
  const links = new MarkdownStream(lex, () => 0).finish(text).flatMap((token) => token.tokens ?? []).filter((token) => token.type === 'link');
  assert.equal(links[0].href, 'https://example.org');
});

test('a definition is not taken before it is complete', () => {
  const stream = new MarkdownStream(lex, () => 0);
  const text = '[a]: https://example.org/path\n\nThis is [a] link in a paragraph.';
  let open = [];
  for (let end = 1; end <= text.length; end++) ({ open } = stream.update(text.slice(0, end)));
  assert.equal(open[0].tokens.find((token) => token.type === 'link').href, 'https://example.org/path');
});

test('what would cost too much is shown as it is', () => {
  for (const text of [`${'> '.repeat(200)}x`, '['.repeat(5000), '**a '.repeat(5000), `${' '.repeat(300)}- x`, `${'x'.repeat(tailMax)}y`]) {
    const { open } = new MarkdownStream(lex, () => 0).update(text);
    assert.deepEqual(open.map((token) => token.type), ['plain'], text.slice(0, 20));
    assert.equal(open[0].text, text);
  }
  let now = 0;
  const slow = new MarkdownStream((text, links) => { now += 100; return lex(text, links); }, () => now);
  slow.update('some');
  assert.equal(slow.update('some text').open[0].type, 'plain');
});

test('ordinary nesting is no reason for suspicion', () => {
  for (const text of snippets) assert.ok(nesting(text) < 8, text);
});

test('links lead to the web, to mail and to phones only', () => {
  for (const [href, found] of [['https://a.b/c', 'https://a.b/c'], ['HTTP://A.b', 'http://a.b/'], ['mailto:a@b.c', 'mailto:a@b.c'], ['tel:+1', 'tel:+1']]) assert.equal(safeLink(href), found);
  for (const href of ['javascript:alert(1)', ' JaVaScRiPt:alert(1)', 'java\nscript:alert(1)', 'data:text/html,x', 'vbscript:x', 'file:///etc/passwd', '/providers', '//evil.example', 'blob:x', 'https://', null, undefined, 'https://a b'])
    assert.equal(safeLink(href), '', String(href));
});

test('only images that hold their own bytes are shown', () => {
  assert.ok(isOwnImage('data:image/png;base64,AAAA'));
  for (const href of ['https://a.b/c.png', 'data:image/svg+xml;base64,AAAA', 'data:text/html,x', 'data:image/png,<svg>', '']) assert.equal(isOwnImage(href), false, href);
});

test('formulas are found, prices are not', () => {
  const types = (text) => lex(text)[0].tokens.map((token) => token.type);
  assert.ok(types('a $x^2$ b').includes('inlineMath'));
  assert.ok(types('a \\(x\\) b').includes('inlineMath'));
  assert.ok(!types('costs $5 and $6 more').includes('inlineMath'));
  assert.ok(!types('between $10 and $20').includes('inlineMath'));
});

test('bold beside full-width signs is bold', () => {
  for (const text of ['这是**「粗体」**文字', '注意**（重要）**：是的', '**粗体。**后面']) assert.ok(lex(text)[0].tokens.some((token) => token.type === 'strong'), text);
  assert.equal(lex('a ** b ** c')[0].tokens.some((token) => token.type === 'strong'), false);
});

test('character references are the characters they name', () => {
  assert.equal(decode('a &amp; b &lt;c&gt; &#65;&#x42; &nbsp;&unknown; &copy'), 'a & b <c> AB \u00a0&unknown; &copy');
  assert.equal(decode('&#0;&#xd800;&#9999999;'), '\ufffd\ufffd\ufffd');
  assert.equal(decode('&amp;lt;'), '&lt;');
});

test('a text’s script chooses the shapes of its characters', () => {
  assert.deepEqual(['hello', '你好', 'これは', '안녕'].map(scriptOf), ['en', 'zh-CN', 'ja', 'ko']);
});
