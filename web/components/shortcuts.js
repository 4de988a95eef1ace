// The keys that act everywhere, and the list of them.
import { h } from '../lib/dom.js';
import { t } from '../lib/i18n.js';
import { remember, singleKeys } from '../lib/preferences.js';
import { navigate } from '../lib/router.js';
import { openDialog, switchControl } from './parts.js';

const waitMs = 1200; // for the second key of "g c"
const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
export const controlKey = isMac ? '⌘' : 'Ctrl';

/// Listens. `pages` is the table of pages; `palette` opens the command palette.
export function listenForShortcuts(pages, palette) {
  let prefixAt = 0;
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    const control = event.ctrlKey || event.metaKey;
    if (control && event.key.toLowerCase() === 'k') return act(event, palette);
    if (control && event.key === '/') return act(event, showShortcuts);
    if (control && event.shiftKey && event.key.toLowerCase() === 'o') return act(event, () => navigate('/app/chat?new=1'));
    if (control || isTyping(event.target) || !singleKeys() || document.querySelector('dialog[open]')) return;
    if (Date.now() - prefixAt < waitMs) {
      prefixAt = 0;
      const page = pages.find((each) => each.key === event.key);
      if (page) act(event, () => navigate(page.nav));
    } else if (event.key === 'g') prefixAt = Date.now();
    else if (event.key === '?') act(event, showShortcuts);
    else if (event.key === '/') {
      const search = document.querySelector('main input[type="search"]');
      if (search instanceof HTMLInputElement) act(event, () => search.focus());
    }
  });
  listed = pages.filter((page) => page.key).map((page) => [['g', page.key], `page.${page.name}`]);
}

let listed = [];

function act(event, run) {
  event.preventDefault();
  run();
}

function isTyping(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('input:not([type="checkbox"], [type="radio"]), textarea, select'));
}

export function showShortcuts() {
  if (document.querySelector('dialog[open]')) return;
  const rows = [
    [[controlKey, 'K'], 'palette.title'],
    [[controlKey, 'Shift', 'O'], 'action.new-chat'],
    [['/'], 'shortcuts.search'],
    [['?'], 'shortcuts.title'],
    [['Esc'], 'shortcuts.close'],
    [['Enter'], 'shortcuts.send'],
    [['Shift', 'Enter'], 'shortcuts.newline'],
    [['↑'], 'shortcuts.recall'],
    ...listed,
  ];
  openDialog(t('shortcuts.title'), (content) => {
    content.append(
      h('dl', { className: 'shortcut-list' }, rows.flatMap(([keys, key]) => [
        h('dt', {}, t(key)), h('dd', {}, keys.map((each) => h('kbd', {}, each)))])),
      h('hr'),
      switchControl(t('shortcuts.single'), singleKeys(), (on) => remember('single-keys', on ? null : 'off')));
  });
}
