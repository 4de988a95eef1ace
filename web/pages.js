// Every page: its address, how it is reached (nav, key after "g", group of the rail, place in a phone's bar), what loads it.
// A page exports mount(el, signal, context); context is {params, query, shell, chats}.
import { icon } from './lib/dom.js';

export const pages = [
  { name: 'chat', path: '/app/chat/:id?', nav: '/app/chat', key: 'c', group: 'workspace', phone: true, picture: () => icon('message'), load: () => import('./pages/chat.js') },
  { name: 'overview', path: '/app/overview', nav: '/app/overview', key: 'o', group: 'observe', phone: true, picture: () => icon('gauge-high'), load: () => import('./pages/overview.js') },
  { name: 'usage', path: '/app/usage', nav: '/app/usage', key: 'u', group: 'observe', phone: true, picture: () => icon('chart-line'), load: () => import('./pages/usage.js') },
  { name: 'providers', path: '/app/providers', nav: '/app/providers', key: 'p', group: 'gateway', phone: true, picture: () => icon('server'), load: () => import('./pages/providers.js') },
  { name: 'provider', path: '/app/providers/:id', picture: () => icon('server'), load: () => import('./pages/provider.js') },
  { name: 'models', path: '/app/models', nav: '/app/models', key: 'm', group: 'gateway', picture: () => icon('cube'), load: () => import('./pages/models.js') },
  { name: 'keys', path: '/app/keys', nav: '/app/keys', key: 'k', group: 'gateway', picture: () => icon('key'), load: () => import('./pages/keys.js') },
  { name: 'about', path: '/app/about', nav: '/app/about', group: 'system', picture: () => icon('circle-info'), load: () => import('./pages/about.js') },
  { name: 'login', path: '/app/login', outside: true, picture: () => icon('lock'), load: () => import('./pages/login.js') },
  { name: 'setup', path: '/app/setup', outside: true, picture: () => icon('wand-magic-sparkles'), load: () => import('./pages/setup.js') },
];
