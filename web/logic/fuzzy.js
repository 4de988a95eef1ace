// Finding by a few letters.

/// Returns how well `text` fits the words of `wanted`: 0 = not at all, more = better. Letters may be left out within a word.
export function score(text, wanted) {
  const there = text.toLowerCase();
  let sum = 1;
  for (const word of wanted.toLowerCase().split(/\s+/).filter(Boolean)) {
    const found = scoreWord(there, word);
    if (found === 0) return 0;
    sum += found;
  }
  return sum;
}

function scoreWord(text, word) {
  const at = text.indexOf(word);
  if (at === 0) return 100;
  if (at > 0) return /[\s/\-_.:]/.test(text[at - 1]) ? 80 : 60;
  let last = -1;
  let gaps = 0;
  for (const letter of word) {
    const next = text.indexOf(letter, last + 1);
    if (next < 0) return 0;
    if (last >= 0) gaps += next - last - 1;
    last = next;
  }
  return Math.max(1, 30 - gaps);
}

/// Returns the items that fit, the best first; with nothing wanted all of them, as they are. `text(item)` is what is searched.
export function filter(items, wanted, text) {
  if (!wanted.trim()) return items;
  return items
    .map((item, i) => ({ item, i, score: score(text(item), wanted) }))
    .filter((row) => row.score > 0)
    .sort((a, b) => b.score - a.score || a.i - b.i)
    .map((row) => row.item);
}
