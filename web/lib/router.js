// Which page is shown, from the URL. The URL holds everything that makes a view: filters, tabs, what is open.
// Sends `navigate` to the window when the path changed; a changed query alone is the page's own affair.
import { match } from '../logic/routes.js';

const positions = new Map(); // scroll offsets by history entry
let guard = null;
let key = 0;

const main = () => document.getElementById('main');

function remember() {
  if (main()) positions.set(key, main().scrollTop);
}

function enter(state) {
  key = state?.key ?? 0;
}

/// Returns {page, params, query} of the address.
export function where(pages) {
  const found = match(pages, location.pathname);
  return { ...found, query: new URLSearchParams(location.search) };
}

export const query = () => new URLSearchParams(location.search);

/// Sets and removes (null, '') members of the query without leaving the page.
export function setQuery(changes, { push = false } = {}) {
  const next = query();
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '' || value === undefined) next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  const url = location.pathname + (text ? `?${text}` : '');
  if (url === location.pathname + location.search) return;
  if (push) {
    remember();
    key = Date.now() + Math.random();
    history.pushState({ key }, '', url);
  } else {
    history.replaceState({ key }, '', url);
  }
}

/// Asks `leave()` before the page changes, until the signal aborts. It answers a promise of true to go.
export function guardLeaving(leave, signal) {
  guard = leave;
  signal.addEventListener('abort', () => { if (guard === leave) guard = null; });
}

export async function navigate(url, { replace = false } = {}) {
  if (guard && !(await guard())) return false;
  guard = null;
  remember();
  const next = replace ? key : Date.now() + Math.random();
  if (replace) history.replaceState({ key: next }, '', url);
  else history.pushState({ key: next }, '', url);
  key = next;
  dispatchEvent(new CustomEvent('navigate', { detail: { restored: false } }));
  return true;
}

/// Puts the page where it was when its entry of the history was left.
export function restoreScroll() {
  if (main() && positions.has(key)) main().scrollTop = positions.get(key);
}

export function startRouter() {
  history.scrollRestoration = 'manual';
  enter(history.state);
  addEventListener('popstate', async (event) => {
    const asked = event.state;
    remember();
    if (guard && !(await guard())) {
      history.pushState({ key }, '', location.href);
      return;
    }
    guard = null;
    enter(asked);
    dispatchEvent(new CustomEvent('navigate', { detail: { restored: true } }));
  });
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a[href]') : null;
    if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented || event.button !== 0) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || link.target || link.download) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || !/^\/app(\/|$)/.test(url.pathname) || url.hash) return;
    event.preventDefault();
    navigate(url.pathname + url.search);
  });
}
