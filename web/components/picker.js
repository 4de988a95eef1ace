// A search box over a list, operated by keys: the command palette and the model picker.
import { fill, h, icon, newId } from '../lib/dom.js';
import { filter } from '../logic/fuzzy.js';
import { t } from '../lib/i18n.js';

/// Fills `el`. `items()` returns [{group, text, more, picture, ticked, find, run}]; `done()` is called before `run`.
export function picker(el, { label, placeholder, items, done, none = t('picker.none'), most = 60 }) {
  const id = newId('picker');
  let shown = [];
  let at = 0;
  const list = h('div', { className: 'picker-list', role: 'listbox', id, 'aria-label': label });
  const nothing = h('p', { className: 'none', role: 'status', hidden: true }, none);
  const input = h('input', {
    type: 'text', role: 'combobox', placeholder, autocomplete: 'off', spellcheck: false,
    'aria-label': label, 'aria-expanded': 'true', 'aria-controls': id, 'aria-autocomplete': 'list',
    oninput: () => { at = 0; update(); },
    onkeydown: onKey,
  });
  fill(el, h('div', { className: 'picker-search' }, icon('magnifying-glass'), input), list, nothing);

  function onKey(event) {
    if (event.isComposing || event.keyCode === 229) return;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step) move(at + step);
    else if (event.key === 'Enter' && shown[at]) run(shown[at]);
    else return;
    event.preventDefault();
  }

  function run(item) {
    done();
    item.run();
  }

  function move(next) {
    if (shown.length === 0) return;
    at = (next + shown.length) % shown.length;
    mark();
  }

  function mark() {
    const options = list.querySelectorAll('.option');
    options.forEach((option, i) => option.setAttribute('aria-selected', String(i === at)));
    if (options[at]) {
      input.setAttribute('aria-activedescendant', options[at].id);
      options[at].scrollIntoView({ block: 'nearest' });
    } else input.removeAttribute('aria-activedescendant');
  }

  function option(item, i) {
    return h('div', {
      className: 'option', role: 'option', id: `${id}-${i}`, 'aria-selected': 'false',
      onclick: () => run(item), onpointermove: () => { if (at !== i) { at = i; mark(); } },
    }, item.picture, h('span', { className: 'text' }, item.text), item.more && h('span', { className: 'more' }, item.more),
    item.ticked && h('span', { className: 'tick' }, icon('check'), h('span', { className: 'hush' }, t('picker.chosen'))));
  }

  function update() {
    shown = filter(items(), input.value, (item) => item.find ?? `${item.text} ${item.more ?? ''}`).slice(0, most);
    // Grouped as given; within a search the best group first.
    const groups = [...new Set(shown.map((item) => item.group ?? ''))];
    shown = groups.flatMap((group) => shown.filter((item) => (item.group ?? '') === group));
    let i = 0;
    fill(list, groups.map((group) => {
      const captionId = `${id}-g${groups.indexOf(group)}`;
      return h('div', { role: 'group', ...(group ? { 'aria-labelledby': captionId } : { 'aria-label': label }) },
        group && h('div', { className: 'caption', id: captionId }, group),
        shown.filter((item) => (item.group ?? '') === group).map((item) => option(item, i++)));
    }));
    list.hidden = shown.length === 0;
    nothing.hidden = shown.length > 0;
    mark();
  }

  update();
  return { focus: () => input.focus(), update };
}
