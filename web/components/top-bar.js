// Name, totals of the hub, language, theme, sign out.
// Takes `signedIn` (detail: boolean) and `answered`; sends `signOut`.
import * as api from '../lib/api.js';
import { h, icon, name } from '../lib/dom.js';
import { language, t, toggleLanguage, whenLanguage } from '../lib/i18n.js';
import { theme, toggleTheme } from '../lib/preferences.js';
import { count, shortCount } from '../logic/format.js';

const figures = [
  ['conversations', 'total_conversations'],
  ['rounds', 'total_rounds'],
  ['tokens', 'total_tokens'],
];

export function topBar(el, signal) {
  let signedIn = false;
  let totals = null;

  const figuresList = h('ul', { className: 'totals', hidden: true });
  const languageButton = h('button', { type: 'button', className: 'button -ghost', onclick: toggleLanguage });
  const themeButton = h('button', { type: 'button', className: 'button -ghost -icon', onclick: changeTheme },
    icon('sun'), icon('moon'));
  const leaveButton = h('button', { type: 'button', className: 'button -ghost -icon', onclick: leave }, icon('leave'));
  el.append(
    h('h1', {}, h('img', { src: '/ui/icon.svg', alt: '', width: 24, height: 24 }), h('span', {}, 'NexusAI Hub')),
    figuresList, languageButton, themeButton, leaveButton,
  );

  el.addEventListener('signedIn', (event) => {
    signedIn = event.detail;
    totals = null;
    update();
    refresh();
  }, { signal });
  el.addEventListener('answered', refresh, { signal });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', update, { signal });
  whenLanguage(update, signal);

  async function refresh() {
    if (!signedIn) return;
    // The figures are a courtesy: if they cannot be had, the old ones stay.
    const fresh = await api.totals(signal).catch(() => null);
    if (fresh && signedIn) totals = fresh;
    update();
  }

  function changeTheme() {
    toggleTheme();
    update();
  }

  function leave() {
    el.dispatchEvent(new Event('signOut'));
  }

  function update() {
    languageButton.textContent = t('language.other');
    name(languageButton, `${t('language.other')} – ${t('language.label')}`);
    name(themeButton, t(theme() === 'dark' ? 'theme.light' : 'theme.dark'));
    themeButton.classList.toggle('-dark', theme() === 'dark');
    name(leaveButton, t('sign-out'));
    leaveButton.hidden = !signedIn;
    figuresList.hidden = !signedIn || !totals;
    figuresList.setAttribute('aria-label', t('totals.label'));
    figuresList.replaceChildren(...(totals ? figures.map(figure) : []));
  }

  function figure([key, member]) {
    const n = Number(totals[member] ?? 0);
    const text = (number) => t(`totals.${key}`, { n, count: number });
    return h('li', { className: `-${key}`, title: text(count(n, language())) }, text(shortCount(n, language())));
  }
}
