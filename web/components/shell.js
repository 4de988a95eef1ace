// The frame around the pages: rail, top bar, bottom bar on a phone, banner when the hub is away.
import * as api from '../lib/api.js';
import { base, fill, h, icon } from '../lib/dom.js';
import { language, setLanguage, t } from '../lib/i18n.js';
import { remember, setTheme, themeChoice } from '../lib/preferences.js';
import { navigate } from '../lib/router.js';
import { iconButton, openMenu, button } from './parts.js';
import { togglePalette } from './palette.js';
import { controlKey, showShortcuts } from './shortcuts.js';

/// Fills `el` and returns {main, show(page, title), update()}. `chats` is the chat service.
export function shell(el, signal, pages, chats) {
  const main = h('main', { id: 'main', tabIndex: -1 });
  const crumbs = h('div', { className: 'crumbs' });
  const live = h('span', { className: 'live', role: 'status' });
  const banner = h('div', { className: 'banner', hidden: true });
  const content = h('div', { className: 'content' });
  const rail = h('nav', { className: 'rail', 'aria-label': t('nav.label') });
  const tabBar = h('nav', { className: 'tab-bar', 'aria-label': t('nav.phone') });
  const open = () => togglePalette(pages, chats);
  const toggleRail = iconButton(t('nav.toggle'), icon('bars'), { kind: '-ghost -small only-wide', onclick: narrow });
  content.append(banner, main);
  fill(el, h('a', { className: 'skip-link', href: '#main', onclick: skip }, t('skip')),
    h('div', { className: 'shell' }, rail,
      h('header', { className: 'top-bar' }, toggleRail, crumbs,
        h('button', { type: 'button', className: 'jump', 'aria-keyshortcuts': 'Control+K', onclick: open },
          icon('magnifying-glass'), h('span', { className: 'text' }, t('palette.open')), h('kbd', { 'aria-hidden': 'true' }, `${controlKey} K`)),
        live,
        iconButton(t('theme.label'), icon('circle-half-stroke'), { kind: '-ghost -small', id: 'theme-menu', 'aria-haspopup': 'menu', 'aria-expanded': 'false', onclick: themes }),
        iconButton(t('language.label'), icon('language'), { kind: '-ghost -small', id: 'language-menu', 'aria-haspopup': 'menu', 'aria-expanded': 'false', onclick: languages }),
        iconButton(t('user.label'), icon('circle-user'), { kind: '-ghost -small', id: 'user-menu', 'aria-haspopup': 'menu', 'aria-expanded': 'false', onclick: user })),
      content, tabBar));
  chats.addEventListener('connection', update, { signal });
  const clock = setInterval(update, 1000);
  signal.addEventListener('abort', () => clearInterval(clock));
  let shownState = '';
  places(null);
  update();

  function skip(event) {
    event.preventDefault();
    main.focus();
  }

  function narrow() {
    const root = document.documentElement;
    if (root.dataset.rail) delete root.dataset.rail;
    else root.dataset.rail = 'narrow';
    remember('rail', root.dataset.rail ?? null);
  }

  function place(page, current) {
    return h('a', { className: 'place', href: page.nav, title: t(`page.${page.name}`), ...(page.name === current ? { 'aria-current': 'page' } : {}) },
      page.picture(), h('span', { className: 'text' }, t(`page.${page.name}`)));
  }

  function places(current) {
    const shown = pages.filter((page) => page.group);
    const groups = [...new Set(shown.map((page) => page.group))];
    fill(rail, h('a', { className: 'brand', href: '/app/chat', 'aria-label': 'NexusAI Hub' }, h('img', { src: `${base}icon.svg`, alt: '', width: '24', height: '24' }), h('span', { className: 'text' }, 'NexusAI Hub')),
      groups.flatMap((group, i) => [h('p', { className: `group ${i ? '' : '-first'}` }, t(`nav.${group}`)), ...shown.filter((page) => page.group === group).map((page) => place(page, current))]));
    const first = shown.filter((page) => page.phone);
    const rest = shown.filter((page) => !page.phone);
    const more = h('button', { type: 'button', className: 'place', 'aria-haspopup': 'menu', 'aria-expanded': 'false', ...(rest.some((page) => page.name === current) ? { 'aria-current': 'page' } : {}) }, icon('ellipsis'), h('span', { className: 'text' }, t('nav.more')));
    more.addEventListener('click', () => openMenu(more, rest.map((page) => ({ text: t(`page.${page.name}`), picture: page.picture(), href: page.nav }))));
    fill(tabBar, first.map((page) => place(page, current)), more);
  }

  function themes(event) {
    openMenu(event.currentTarget, [['system', icon('desktop')], ['light', icon('sun')], ['dark', icon('moon')]].map(([theme, picture]) => ({
      text: t(`theme.${theme}`) + (theme === themeChoice() ? ' ✓' : ''), picture, run: () => setTheme(theme),
    })));
  }

  function languages(event) {
    openMenu(event.currentTarget, ['en', 'zh-CN'].map((each) => ({
      text: t(`language.${each}`) + (each === language() ? ' ✓' : ''), picture: icon('language'), run: () => { if (each !== language()) setLanguage(each); },
    })));
  }

  function user(event) {
    openMenu(event.currentTarget, [
      { text: t('shortcuts.title'), picture: icon('keyboard'), run: showShortcuts },
      { text: t('page.about'), picture: icon('circle-info'), href: '/app/about' },
      '-',
      { text: t('sign-out'), picture: icon('right-from-bracket'), run: leave },
    ]);
  }

  async function leave() {
    // Even if the hub cannot be asked, nothing stays on the screen.
    await api.signOut().catch(() => {});
    dispatchEvent(new Event('signed-out-by-hand'));
  }

  function update() {
    const away = !chats.connected && Boolean(chats.retryAt);
    const seconds = Math.ceil((chats.retryAt - Date.now()) / 1000);
    const state = away ? 'away' : chats.connected ? 'live' : 'joining';
    // Set only when it changes: a live region is read out whenever it is touched.
    if (state !== shownState) {
      fill(live, h('span', { className: `dot ${{ away: '-danger', live: '-success', joining: '-warn' }[state]}` }), h('span', { className: 'text' }, t(`live.${state}`)));
      live.title = t(`live.${state}`);
      banner.hidden = !away;
      if (away) fill(banner, icon('plug-circle-xmark'), h('span', { role: 'alert' }, t('connection.lost')), h('span', { className: 'wait number' }), button(t('connection.now'), { kind: '-small', onclick: () => chats.reconnect() }));
      if (shownState === 'away' && state === 'live') dispatchEvent(new Event('hub-back'));
      shownState = state;
    }
    const wait = banner.querySelector('.wait');
    if (wait) wait.textContent = seconds > 0 ? t('connection.retry', { n: seconds }) : t('connection.trying');
  }

  return {
    main,
    /// Shows where one is; `parent` is {text, href} of the page above.
    title(text, parent = null) {
      document.title = `${text} · NexusAI Hub`;
      fill(crumbs, parent && [h('a', { href: parent.href, className: 'only-wide' }, parent.text), h('span', { className: 'only-wide', 'aria-hidden': 'true' }, '/')],
        h('h1', { title: text }, text));
    },
    places,
    openPalette: open,
    goHome: () => navigate('/app/chat'),
  };
}
