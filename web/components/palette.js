// The command palette (Ctrl+K): pages, conversations, models, providers, actions.
import * as api from '../lib/api.js';
import { h, icon } from '../lib/dom.js';
import { language, setLanguage, t } from '../lib/i18n.js';
import { remember, remembered, setTheme, themeChoice } from '../lib/preferences.js';
import { navigate } from '../lib/router.js';
import { picker } from './picker.js';
import { showShortcuts } from './shortcuts.js';

let open = null;

/// Opens the palette, or closes it. `pages` is the table of pages, `chats` the conversations or null.
export function togglePalette(pages, chats) {
  if (open) return open.close();
  const before = document.activeElement;
  const el = h('dialog', { className: 'dialog palette', 'aria-label': t('palette.title') });
  open = el;
  el.addEventListener('pointerdown', (event) => { if (event.target === el) el.close(); });
  el.addEventListener('close', () => {
    open = null;
    el.remove();
    if (before instanceof HTMLElement && before.isConnected && document.activeElement === document.body) before.focus();
  });
  document.body.append(el);
  let found = [];
  const list = picker(el, {
    label: t('palette.title'), placeholder: t('palette.placeholder'),
    items: () => recentFirst([...places(pages), ...actions(), ...conversations(chats), ...found]),
    done: () => el.close(),
  });
  el.showModal();
  list.focus();
  api.usableModels().then((rows) => {
    found = rows.flatMap(({ provider, models }) => [
      { group: t('palette.providers'), text: provider.name, more: provider.server_url, picture: icon('server'), run: () => navigate(`/app/providers/${provider.id}`) },
      ...models.map((model) => ({
        group: t('palette.models'), text: model.model_name, more: provider.name, picture: icon('cube'),
        run: () => navigate(`/app/chat?new=1&provider=${provider.id}&model=${encodeURIComponent(model.model_name)}`),
      })),
    ]);
    if (open === el) list.update();
  }, () => {});
  return undefined;
}

function places(pages) {
  return pages.filter((page) => page.nav).map((page) => ({
    group: t('palette.pages'), text: t(`page.${page.name}`), picture: page.picture(), run: () => navigate(page.nav),
  }));
}

function actions() {
  const group = t('palette.actions');
  const other = language() === 'en' ? 'zh-CN' : 'en';
  return [
    { group, text: t('action.new-chat'), picture: icon('pen-to-square'), run: () => navigate('/app/chat?new=1') },
    { group, text: t('action.new-provider'), picture: icon('plus'), run: () => navigate('/app/providers/new') },
    { group, text: t('action.new-key'), picture: icon('key'), run: () => navigate('/app/keys?new=1') },
    ...['system', 'light', 'dark'].filter((theme) => theme !== themeChoice())
      .map((theme) => ({ group, text: t(`theme.${theme}`), more: t('theme.label'), picture: icon('circle-half-stroke'), run: () => setTheme(theme) })),
    { group, text: t(`language.${other}`), more: t('language.label'), picture: icon('language'), run: () => setLanguage(other) },
    { group, text: t('shortcuts.title'), picture: icon('keyboard'), run: showShortcuts },
  ];
}

function conversations(chats) {
  return (chats?.heads ?? []).slice(0, 200).map((head) => ({
    group: t('palette.conversations'), text: head.title || t('chat.untitled'), picture: icon('message'),
    run: () => navigate(`/app/chat/${head.id}`),
  }));
}

// What was used last stands at the top of its group.
function recentFirst(items) {
  const recent = (remembered('palette') ?? '').split('\n').filter(Boolean);
  const place = (item) => { const at = recent.indexOf(item.text); return at < 0 ? recent.length : at; };
  return items.map((item) => ({
    ...item,
    run() {
      remember('palette', [item.text, ...recent.filter((text) => text !== item.text)].slice(0, 8).join('\n'));
      item.run();
    },
  })).sort((a, b) => (a.group === b.group ? place(a) - place(b) : 0));
}
