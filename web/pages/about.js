// Which build this is, and the licences of everything inside it.
import * as api from '../lib/api.js';
import { base, fill, h, icon } from '../lib/dom.js';
import { t } from '../lib/i18n.js';
import { copyButton, load } from '../components/parts.js';

// What the program itself is built from; the interface's packages are in licences.json.
const native = [
  ['C++ Actor Framework', 'BSD-3-Clause OR BSL-1.0'], ['Boost (Asio, Beast)', 'BSL-1.0'], ['OpenSSL', 'Apache-2.0'], ['SQLite', 'blessing'],
  ['RapidJSON', 'MIT'], ['spdlog', 'MIT'], ['{fmt}', 'MIT'], ['toml++', 'MIT'], ['CLI11', 'BSD-3-Clause'], ['xxHash', 'BSD-2-Clause'],
  ['cctz', 'Apache-2.0'], ['Argon2', 'CC0-1.0 OR Apache-2.0'], ['Zstandard', 'BSD-3-Clause'],
];

export function mount(el, signal) {
  const page = h('div', { className: 'page narrow' });
  el.append(page);
  return load(page, signal, async (stop) => ({ version: await api.version(stop), packages: await api.embeddedPackages(`${base}licences.json`, stop) }), ({ version, packages }) => {
    const line = `NexusAI Hub ${version.version} (${version.commit})`;
    fill(page, h('section', { className: 'card about-head' }, h('img', { src: `${base}icon.svg`, alt: '', width: '56', height: '56' }),
      h('div', {}, h('h2', {}, 'NexusAI Hub'), h('p', { className: 'row' }, h('span', { className: 'number' }, t('about.version', { version: version.version })), h('code', {}, version.commit), copyButton(t('about.copy'), () => line)), h('p', { className: 'quiet' }, t('about.licence')))),
    h('section', { className: 'card stack' }, h('h2', {}, t('about.packages')), h('p', { className: 'quiet' }, t('about.packages.text')), list(packages, 'interface')),
    h('section', { className: 'card stack' }, h('h2', {}, t('about.native')), list(packages, 'program'), h('dl', { className: 'pairs' }, native.map(([name, licence]) => h('div', {}, h('dt', {}, name), h('dd', { className: 'quiet' }, licence))))));
  });
}

function list(packages, part) {
  return h('div', { className: 'stack', style: { gap: '4px' } }, packages.filter((each) => each.part === part).map(({ name, version, licence, text }) => h('details', { className: 'licence' },
    h('summary', {}, icon('cube'), h('strong', {}, name), h('span', { className: 'quiet number' }, version), h('span', { className: 'spring' }), licence && h('span', { className: 'badge' }, licence)),
    h('pre', { className: 'block', tabIndex: 0 }, text))));
}
