// The interface: finds out who is there, then shows the page of the address inside the frame.
import { pages } from './pages.js';
import { shell } from './components/shell.js';
import { togglePalette } from './components/palette.js';
import { empty, button, failure, skeleton } from './components/parts.js';
import { listenForShortcuts } from './components/shortcuts.js';
import { toastRegion } from './components/toasts.js';
import * as api from './lib/api.js';
import { Chats } from './lib/chats.js';
import { fill, h, icon } from './lib/dom.js';
import { t } from './lib/i18n.js';
import { watchSystemTheme } from './lib/preferences.js';
import * as router from './lib/router.js';

const app = document.getElementById('app');
let leavePage = new AbortController(); // aborted when another page is shown
let leaveShell = new AbortController(); // aborted when the person is signed out, or the language changes
let leaveSession = new AbortController();
let chats = null;
let frame = null;

/// Shows the page of the address.
async function show({ restored = false } = {}) {
  const asked = document.activeElement;
  const { page, params, query } = router.where(pages);
  if (!page && /^\/(app\/?)?$/.test(location.pathname)) return router.navigate('/app/chat', { replace: true });
  if (!chats && !page?.outside) return toLogin();
  leavePage.abort();
  leavePage = new AbortController();
  const { signal } = leavePage;
  if (page?.outside) return mountOutside(page, { query, signal });
  if (!frame) {
    leaveShell = new AbortController();
    frame = shell(app, leaveShell.signal, pages, chats);
  }
  frame.places(groupOf(page));
  frame.title(t(page ? `page.${page.name}` : 'page.none'));
  frame.main.className = page?.name ?? '';
  frame.main.scrollTop = 0;
  if (!page) return fill(frame.main, empty(icon('compass'), t('none.title'), t('none.text', { path: location.pathname }), button(t('none.home'), { onclick: frame.goHome })));
  fill(frame.main, skeleton());
  await mount(page, frame.main, signal, { params, query, shell: frame, chats });
  if (!signal.aborted && restored) requestAnimationFrame(router.restoreScroll);
  // The focus goes to the page, unless the person has put it elsewhere in the meantime.
  const same = document.activeElement === asked || document.activeElement === document.body;
  if (!signal.aborted && !restored && same && !document.querySelector('dialog[open]')) frame.main.focus({ preventScroll: true });
  return undefined;
}

async function mount(page, el, signal, context) {
  try {
    const module = await page.load();
    if (signal.aborted) return;
    fill(el);
    await module.mount(el, signal, context);
  } catch (error) {
    if (signal.aborted) return;
    console.error(error);
    fill(el, failure(error, () => show()));
  }
}

function groupOf(page) {
  return page?.name === 'provider' ? 'providers' : page?.name;
}

async function mountOutside(page, { query, signal }) {
  leaveShell.abort();
  frame = null;
  document.title = `${t(`page.${page.name}`)} · NexusAI Hub`;
  const main = h('main', { id: 'main', className: `outside ${page.name}`, tabIndex: -1 });
  fill(app, main);
  await mount(page, main, signal, { query, signedIn: Boolean(chats), onSignedIn: enter });
}

/// The person is signed in: the chat's socket opens, and the address they wanted is shown (null: this one; false: the page
/// goes on by itself).
async function enter(to, known = null) {
  const { role } = known ?? await api.session().catch(() => ({ role: 'administrator' }));
  document.documentElement.dataset.role = role;
  leaveSession = new AbortController();
  chats = new Chats(leaveSession.signal);
  chats.addEventListener('signed-out', () => dispatchEvent(new Event('signed-out')), { signal: leaveSession.signal });
  if (to === false) return;
  if (to) await router.navigate(to, { replace: true });
  else await show();
}

function leave() {
  leaveSession.abort();
  leaveShell.abort();
  leavePage.abort();
  frame = null;
  chats = null;
  document.querySelectorAll('dialog[open]').forEach((el) => el instanceof HTMLDialogElement && el.close());
}

function toLogin(why = '') {
  const here = location.pathname + location.search;
  const to = /^\/app\/(?!login|setup)/.test(here) ? `to=${encodeURIComponent(here)}` : '';
  const text = [to, why && `why=${why}`].filter(Boolean).join('&');
  return router.navigate(`/app/login${text ? `?${text}` : ''}`, { replace: true });
}

async function start() {
  const { page } = router.where(pages);
  try {
    const known = await api.session();
    return await enter(page?.name === 'login' ? '/app/chat' : null, known);
  } catch (error) {
    if (error.status === 401) {
      if (page?.name === 'setup' || router.query().has('with')) return show();
      if (await api.needsSetup().catch(() => false)) return router.navigate('/app/setup', { replace: true });
      return page?.outside ? show() : toLogin();
    }
    console.error(error);
    return fill(app, h('main', { id: 'main', className: 'outside' }, h('h1', { className: 'hush' }, 'NexusAI Hub'), failure(error, start)));
  }
}

router.startRouter();
watchSystemTheme();
listenForShortcuts(pages, () => chats && togglePalette(pages, chats));
document.body.append(toastRegion());
addEventListener('navigate', (event) => show(event instanceof CustomEvent ? event.detail : {}));
addEventListener('signed-out', () => {
  if (!chats) return;
  leave();
  toLogin('expired');
});
addEventListener('signed-out-by-hand', () => {
  leave();
  router.navigate('/app/login', { replace: true });
});
addEventListener('hub-back', () => {
  const { page } = router.where(pages);
  if (page?.group && page.name !== 'chat' && !document.querySelector('dialog[open]')) show({ restored: true });
});
document.addEventListener('language', () => {
  const focused = document.activeElement?.id;
  leaveShell.abort();
  frame = null;
  show({ restored: true }).then(() => focused && document.getElementById(focused)?.focus());
});
start();
