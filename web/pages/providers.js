// The providers: who is configured, whether they work, and what one does with several at once.
import * as api from '../lib/api.js';
import { fill, h, icon } from '../lib/dom.js';
import { count, duration, t } from '../lib/i18n.js';
import { navigate, query, setQuery } from '../lib/router.js';
import { badge, button, confirm, empty, iconButton, load, openDialog, openMenu, segments, switchControl } from '../components/parts.js';
import { table } from '../components/table.js';
import { testSteps } from '../components/test-steps.js';
import { complain, reason, toast, undoable } from '../components/toasts.js';

export const stateKinds = { ready: '-success', failing: '-warn', misconfigured: '-danger', disabled: '' };
const statePictures = { ready: () => icon('circle-check'), failing: () => icon('triangle-exclamation'), misconfigured: () => icon('circle-xmark'), disabled: () => icon('circle-pause') };

export const stateBadge = (state) => badge(t(`state.${state}`), stateKinds[state] ?? '', (statePictures[state] ?? statePictures.disabled)());

export function mount(el, signal) {
  const page = h('div', { className: 'page' });
  el.append(page);
  return load(page, signal, api.providers.list, (rows) => list(page, signal, rows));
}

function list(el, signal, providers) {
  let rows = providers;
  const selection = new Set();
  const tested = new Map(); // id -> report
  const search = h('input', { type: 'search', className: 'input', placeholder: t('providers.search'), 'aria-label': t('providers.search'), value: query().get('q') ?? '', oninput: () => { setQuery({ q: search.value }); update(); } });
  const bar = h('div', { className: 'selection-bar only-administrators', hidden: true, role: 'group', 'aria-label': t('providers.bulk') });
  const progress = h('div', { className: 'job', hidden: true });
  const place = h('div', { className: 'card -flush' });
  const nothing = h('div', { className: 'card', hidden: true });
  if (rows.length === 0) {
    fill(el, empty(icon('server'), t('providers.empty'), t('providers.empty.text'), add()));
    return;
  }
  fill(el, h('div', { className: 'toolbar' }, h('div', { className: 'search' }, icon('magnifying-glass'), search),
    segments(t('providers.state'), [['', t('all')], ['ready', t('state.ready')], ['failing', t('state.failing')], ['disabled', t('state.disabled')]], query().get('state') ?? '', (state) => { setQuery({ state }); update(); }),
    h('span', { className: 'spring' }), button(t('providers.test-all'), { picture: icon('stethoscope'), kind: 'only-administrators', onclick: () => testAll(shown()) }), add()),
  bar, progress, place, nothing);

  const view = table(place, {
    label: t('page.providers'), selection, onSelect: showBar, sort: { key: query().get('sort') ?? 'priority', down: query().get('down') === '1' },
    onSort: ({ key, down }) => setQuery({ sort: key, down: down ? '1' : null }),
    columns: [
      { key: 'name', title: t('providers.name'), sort: (row) => row.name.toLowerCase(), cell: (row) => h('div', { className: 'name-cell' }, h('a', { href: `/app/providers/${row.id}` }, row.name), h('span', { className: 'quiet cut', title: row.server_url }, row.kind === 'demo' ? t('providers.built-in') : row.server_url)) },
      { key: 'state', title: t('providers.state'), sort: (row) => row.state, cell: (row) => h('div', { className: 'row -wrap' }, stateBadge(row.state), lastTest(row)) },
      { key: 'models', title: t('page.models'), number: true, sort: (row) => row.models.length, cell: (row) => h('span', { title: row.models.join(', ') }, count(row.models.length)) },
      { key: 'key', title: t('providers.key'), cell: (row) => h('code', { className: 'quiet' }, row.personalized_key || '—') },
      { key: 'priority', title: t('providers.priority'), number: true, sort: (row) => row.priority, cell: (row) => inlineNumber(row, 'priority', 0) },
      { key: 'weight', title: t('providers.weight'), number: true, sort: (row) => row.weight, cell: (row) => inlineNumber(row, 'weight', 1) },
      { key: 'enabled', title: t('providers.enabled'), sort: (row) => Number(row.enabled), cell: (row) => switchControl(t('providers.enable', { name: row.name }), row.enabled, (on) => enable([row], on), { hushed: true }) },
      { key: 'more', title: t('more'), hushed: true, cell: (row) => more(row) },
    ],
  });
  update();

  function add() {
    return button(t('providers.add'), { picture: icon('plus'), kind: '-primary only-administrators', onclick: () => navigate('/app/providers/new') });
  }

  function shown() {
    const text = search.value.trim().toLowerCase();
    const state = query().get('state');
    return rows.filter((row) => (!text || `${row.name} ${row.server_url} ${row.models.join(' ')}`.toLowerCase().includes(text)) && (!state || row.state === state));
  }

  function update() {
    const found = shown();
    place.hidden = found.length === 0;
    nothing.hidden = found.length > 0;
    if (found.length === 0) fill(nothing, empty(icon('filter'), t('filter.none'), '', button(t('filter.clear'), { onclick: () => { search.value = ''; setQuery({ q: null, state: null }); navigate('/app/providers', { replace: true }); } })));
    for (const id of [...selection]) if (!rows.some((row) => row.id === id)) selection.delete(id);
    view.update(found);
    showBar();
  }

  async function refresh() {
    const next = await api.providers.list(signal).catch((error) => { if (!signal.aborted) complain(error); });
    if (!next) return;
    rows = next;
    if (rows.length === 0) mount(fill(el.parentElement), signal);
    else update();
  }

  function lastTest(row) {
    const report = tested.get(row.id);
    if (!report) return null;
    if (report === 'running') return h('span', { className: 'spinner', role: 'img', 'aria-label': t('test.running') });
    const sum = report.steps.reduce((all, step) => all + step.duration_ms, 0);
    return button(report.ok ? duration(sum) : t('test.failed'), { kind: `-small -ghost ${report.ok ? '' : '-warning'}`, picture: icon(report.ok ? 'check' : 'xmark'), onclick: () => showReport(row, report) });
  }

  function showReport(row, report) {
    openDialog(t('test.title', { name: row.name }), (content) => { testSteps(content, report); });
  }

  // Saves with Enter or when one leaves it; Escape takes it back.
  function inlineNumber(row, name, least) {
    const input = h('input', { className: 'input -small -inline number', type: 'number', min: String(least), max: '1000000', value: String(row[name]), 'aria-label': t('providers.inline', { what: t(`providers.${name}`), name: row.name }) });
    const save = async () => {
      const value = Number(input.value);
      if (value === row[name]) return;
      if (!Number.isInteger(value) || value < least) { input.value = String(row[name]); return; }
      try {
        const { data } = await api.providers.save(row.id, { [name]: value });
        const was = row[name];
        Object.assign(row, data);
        undoable(t('providers.saved', { name: row.name }), async () => { Object.assign(row, (await api.providers.save(row.id, { [name]: was })).data); update(); });
      } catch (error) {
        input.value = String(row[name]);
        complain(error);
      }
    };
    input.addEventListener('change', save);
    input.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') { input.value = String(row[name]); input.blur(); }
      if (event.key === 'Enter') input.blur();
    });
    return input;
  }

  // At once on the screen; put back if the hub refuses.
  async function enable(some, on) {
    const before = some.map((row) => ({ row, enabled: row.enabled }));
    const failed = await each(some, async (row) => { Object.assign(row, (await api.providers.save(row.id, { enabled: on })).data); });
    update();
    if (failed.length) return complainOf(failed);
    return undoable(t(on ? 'providers.enabled-n' : 'providers.disabled-n', { n: some.length, name: some[0].name }), async () => {
      await each(before, async ({ row, enabled }) => { Object.assign(row, (await api.providers.save(row.id, { enabled })).data); });
      update();
    });
  }

  /// Runs `act` for each row and returns [{row, error}] of what failed.
  async function each(some, act) {
    const failed = [];
    for (const row of some) await act(row).catch((error) => failed.push({ row, error }));
    return failed;
  }

  function complainOf(failed) {
    if (failed.length === 1) return toast(`${failed[0].row.name}: ${reason(failed[0].error)}`, { kind: 'danger' });
    return openDialog(t('bulk.failed', { n: failed.length }), (content) => { content.append(h('ul', { className: 'stack', role: 'list' }, failed.map(({ row, error }) => h('li', {}, h('strong', {}, row.name), h('p', { className: 'wrong' }, reason(error)))))); });
  }

  async function testAll(some) {
    const stop = new AbortController();
    signal.addEventListener('abort', () => stop.abort());
    let done = 0;
    const show = () => fill(progress, h('span', { role: 'status' }, t('test.progress', { done, n: some.length })), h('progress', { className: 'progress', value: done, max: some.length, 'aria-label': t('test.running') }),
      button(t('cancel'), { kind: '-small', onclick: () => stop.abort() }));
    progress.hidden = false;
    for (const row of some) {
      show();
      if (stop.signal.aborted) break;
      tested.set(row.id, 'running');
      update();
      const report = await api.providers.test(row.id, stop.signal).catch((error) => error);
      if (signal.aborted) return;
      if (report instanceof Error) { tested.delete(row.id); if (report.name !== 'AbortError') complain(report); } else tested.set(row.id, report);
      done += 1;
    }
    progress.hidden = true;
    const bad = some.filter((row) => tested.get(row.id)?.ok === false).length;
    update();
    toast(t('test.summary', { n: done, bad }), { kind: bad ? 'info' : 'success' });
  }

  async function remove(some) {
    const names = some.map((row) => row.name).join(', ');
    const sum = some.reduce((all, row) => all + row.models.length, 0);
    const sure = await confirm(t('providers.delete-title', { n: some.length }), t('providers.delete-text', { names, n: sum }), t('delete'), { danger: true, typed: some.length === 1 ? some[0].name : '' });
    if (!sure) return;
    const failed = await each(some, (row) => api.providers.remove(row.id));
    selection.clear();
    await refresh();
    if (failed.length) complainOf(failed);
    else toast(t('providers.deleted', { n: some.length }));
  }

  function more(row) {
    const opener = iconButton(t('more-of', { name: row.name }), icon('ellipsis'), { kind: '-small -ghost', 'aria-haspopup': 'menu', 'aria-expanded': 'false' });
    opener.addEventListener('click', () => openMenu(opener, [
      { text: t('edit'), picture: icon('pen'), href: `/app/providers/${row.id}` },
      { text: t('providers.test'), picture: icon('stethoscope'), run: () => testAll([row]) },
      { text: t('providers.duplicate'), picture: icon('clone'), href: `/app/providers/new?from=${row.id}` },
      { text: t('models.try'), picture: icon('message'), href: `/app/chat?new=1&provider=${row.id}&model=${encodeURIComponent(row.models[0] ?? '')}` },
      '-',
      { text: t('delete'), picture: icon('trash-can'), kind: '-warning', run: () => remove([row]) },
    ]));
    return opener;
  }

  function showBar() {
    bar.hidden = selection.size === 0;
    if (bar.hidden) return;
    const some = rows.filter((row) => selection.has(row.id));
    fill(bar, h('strong', { role: 'status' }, t('selected', { n: some.length })), h('span', { className: 'spring' }),
      button(t('enable'), { kind: '-small', onclick: () => enable(some, true) }), button(t('disable'), { kind: '-small', onclick: () => enable(some, false) }),
      button(t('providers.test'), { kind: '-small', onclick: () => testAll(some) }), button(t('delete'), { kind: '-small -ghost -warning', onclick: () => remove(some) }),
      iconButton(t('filter.clear-selection'), icon('xmark'), { kind: '-small -ghost', onclick: () => { selection.clear(); update(); } }));
  }
}
