import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitFences } from '../../web/logic/fences.js';

const text = (words) => ({ kind: 'text', text: words });
const code = (language, words) => ({ kind: 'code', language, text: words });

test('text without a fence is one segment, unchanged inside', () => {
  assert.deepEqual(splitFences(''), []);
  assert.deepEqual(splitFences('a\n\n  b `c`'), [text('a\n\n  b `c`')]);
});

test('a fenced block stands between its texts, with its language', () => {
  assert.deepEqual(splitFences('a\n\n```py\nx = 1\n\n```\n\nb'), [text('a'), code('py', 'x = 1\n'), text('b')]);
  assert.deepEqual(splitFences('~~~\nx\n~~~'), [code('', 'x')]);
  assert.deepEqual(splitFences('```c++ title="a b"\nx\n```'), [code('c++', 'x')]);
});

test('blocks may follow each other', () => {
  assert.deepEqual(splitFences('```\na\n```\n```\nb\n```'), [code('', 'a'), code('', 'b')]);
});

test('a block that is still open reaches to the end', () => {
  assert.deepEqual(splitFences('a\n```js\nlet b'), [text('a'), code('js', 'let b')]);
  assert.deepEqual(splitFences('```js'), [code('js', '')]);
});

test('only a fence of the same kind and at least the same length closes', () => {
  assert.deepEqual(splitFences('````\n```\n~~~~\n`````\nb'), [code('', '```\n~~~~'), text('b')]);
  assert.deepEqual(splitFences('```\n``` no\n    ```\n```'), [code('', '``` no\n    ```')]);
});

test('inline code of three ticks is not a fence', () => {
  assert.deepEqual(splitFences('``` a ``` b'), [text('``` a ``` b')]);
});

test('markup stays text', () => {
  const words = '<script>alert(1)</script>';
  assert.deepEqual(splitFences(words), [text(words)]);
  assert.deepEqual(splitFences('```' + '\n' + words), [code('', words)]);
});

test('cut at every place, finished segments stay as they are', () => {
  const answer = 'One\n\n```py\ndef a():\n    pass\n```\n\nTwo\n\n~~~\nb\n~~~\nThree 中文';
  const whole = splitFences(answer);
  assert.equal(whole.length, 5);
  for (let cut = 0; cut <= answer.length; cut++) {
    const part = splitFences(answer.slice(0, cut));
    assert.ok(part.length <= whole.length);
    part.slice(0, -1).forEach((segment, i) => assert.deepEqual(segment, whole[i], `cut at ${cut}`));
  }
});
