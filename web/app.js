// The page: a top bar, and below it either the sign-in form or the chat.
import { chatPage } from './components/chat-page.js';
import { signIn } from './components/sign-in.js';
import { topBar } from './components/top-bar.js';
import * as api from './lib/api.js';
import { Chat } from './lib/chat.js';
import { h } from './lib/dom.js';
import { t, whenLanguage } from './lib/i18n.js';

const forever = new AbortController().signal;
const skip = h('a', { className: 'skip-link', href: '#main' });
const bar = h('header', { className: 'top-bar' });
const main = h('main', { id: 'main', tabIndex: -1 });

let leave = new AbortController(); // aborted when the page below the bar changes
let chat = null;

function show(mount, className) {
  leave.abort();
  leave = new AbortController();
  main.replaceChildren();
  main.className = className;
  mount(leave.signal);
}

function showSignIn(message) {
  bar.dispatchEvent(new CustomEvent('signedIn', { detail: false }));
  show((signal) => signIn(main, signal, message), 'sign-in');
}

function showChat() {
  bar.dispatchEvent(new CustomEvent('signedIn', { detail: true }));
  show((signal) => {
    chat = new Chat(signal, chat);
    chat.addEventListener('answered', () => bar.dispatchEvent(new Event('answered')), { signal });
    chat.addEventListener('signed-out', () => showSignIn('sign-in.expired'), { signal });
    chatPage(main, signal, chat);
  }, 'chat-page');
}

async function signOut() {
  // Even if the hub cannot be asked, nothing of the conversation stays on the screen.
  await api.signOut().catch(() => {});
  chat = null;
  showSignIn();
}

async function start() {
  try {
    await api.session();
    showChat();
  } catch (error) {
    showSignIn(error.status === 401 ? undefined : 'fault.network');
  }
}

document.getElementById('app').append(skip, bar, main);
whenLanguage(() => (skip.textContent = t('skip')), forever);
topBar(bar, forever);
main.addEventListener('signIn', showChat);
main.addEventListener('expire', () => showSignIn('sign-in.expired'));
bar.addEventListener('signOut', signOut);
start();
