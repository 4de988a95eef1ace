// Usage over time by provider, model or key: a chart, the same as a table, a week of hours. The address holds all of it.
import * as api from '../lib/api.js';
import { fill, h, icon } from '../lib/dom.js';
import { dateTime, language, percent, t } from '../lib/i18n.js';
import { query, setQuery } from '../lib/router.js';
import { align, before, csv, curve, delta, heat, metricOf, metrics, presets, rangeOf, totals } from '../logic/stats.js';
import { heatMap, sparkline } from '../components/graphics.js';
import { button, empty, failure, openMenu, saveFile, segments, select, skeleton, switchControl } from '../components/parts.js';
import { table } from '../components/table.js';
import { timeChart } from '../components/time-chart.js';
import { write } from './overview.js';

const groups = ['none', 'provider', 'model', 'key'];
const defaults = { range: '24h', metric: 'tokens', by: 'model', top: '5', rollup: 'auto', type: 'area' };

export function mount(el, signal) {
  const page = h('div', { className: 'page' });
  const tools = h('div', { className: 'stack', style: { gap: '10px' } });
  const main = h('div', { className: 'stack' });
  el.append(page);
  fill(page, tools, main);
  let data = null;
  let asked = 0;
  let view = null;
  addEventListener('popstate', () => { if (!signal.aborted && location.pathname === '/app/usage') { draw(); refresh(); } }, { signal });
  draw();
  return refresh();

  function state() {
    const now = query();
    const get = (name) => now.get(name) ?? defaults[name];
    const custom = Number(now.get('from')) && Number(now.get('to'));
    const range = custom ? { from: Number(now.get('from')), to: Number(now.get('to')) } : rangeOf(get('range'), Date.now());
    return { preset: custom ? 'custom' : get('range'), range, metric: metricOf(get('metric')), by: groups.includes(get('by')) ? get('by') : 'none', top: Number(get('top')) || 5, rollup: get('rollup'), type: get('type'), compare: now.get('compare') === '1', cumulative: now.get('cumulative') === '1' };
  }

  function set(changes, fetchAnew = false) {
    const tidy = Object.fromEntries(Object.entries(changes).map(([name, value]) => [name, String(value) === defaults[name] ? null : value]));
    setQuery(tidy, { push: fetchAnew });
    draw();
    if (fetchAnew) refresh();
    else if (data) show();
  }

  function draw() {
    const now = state();
    const focused = document.activeElement?.getAttribute('data-control');
    const named = (name) => ({ 'aria-label': t(`usage.${name}`), className: 'select -small', 'data-control': name });
    const local = (ms) => { const date = new Date(ms - new Date(ms).getTimezoneOffset() * 6e4); return date.toISOString().slice(0, 16); };
    const edge = (name) => h('input', { type: 'datetime-local', className: 'input -small', value: local(now.range[name]), 'aria-label': t(`usage.${name}`), 'data-control': name, onchange: (event) => {
      const time = new Date(event.currentTarget.value).getTime();
      const next = { ...now.range, [name]: time };
      if (next.from < next.to) set(next, true);
    } });
    fill(tools, h('div', { className: 'toolbar' },
      select([...presets.map((each) => [each, t(`range.${each}`)]), ['custom', t('range.custom')]], now.preset, (next) => set(next === 'custom' ? { from: Math.floor(now.range.from), to: Math.floor(now.range.to) } : { range: next, from: null, to: null }, true), named('range')),
      now.preset === 'custom' && [edge('from'), edge('to')],
      switchControl(t('usage.compare'), now.compare, (on) => set({ compare: on ? 1 : null }, true)), h('span', { className: 'spring' }), h('span', { className: 'quiet zone' }, Intl.DateTimeFormat().resolvedOptions().timeZone), exporter()),
    h('div', { className: 'toolbar' },
      select(metrics.map(({ name }) => [name, t(`metric.${name}`)]), now.metric.name, (metric) => set({ metric }), named('metric')),
      select(groups.map((each) => [each, t(`by.${each}`)]), now.by, (by) => set({ by }, true), named('by')),
      now.by !== 'none' && select([3, 5, 10].map((n) => [n, t('usage.top-n', { n })]), now.top, (top) => set({ top }), named('top')),
      select(['auto', 'minute', 'hour', 'day'].map((each) => [each, t(`rollup.${each}`)]), now.rollup, (rollup) => set({ rollup }, true), named('rollup')),
      segments(t('usage.type'), ['area', 'line', 'bars'].map((each) => [each, t(`chart.${each}`)]), now.metric.over && now.type === 'area' ? 'line' : now.type, (type) => set({ type })),
      !now.metric.over && switchControl(t('usage.cumulative'), now.cumulative, (on) => set({ cumulative: on ? 1 : null }))));
    if (focused) { const again = tools.querySelector(`[data-control="${focused}"]`); if (again instanceof HTMLElement) again.focus(); }
  }

  async function refresh() {
    asked += 1;
    const mine = asked;
    const now = state();
    if (!data) fill(main, skeleton(8));
    main.setAttribute('aria-busy', 'true');
    try {
      const ask = { ...now.range, bucket: now.rollup, group: now.by };
      const [answer, was, names] = await Promise.all([api.stats.usage(ask, signal), now.compare ? api.stats.usage({ ...ask, ...before(now.range), group: 'none' }, signal) : null, now.by === 'key' ? keyNames() : null]);
      if (mine !== asked || signal.aborted) return;
      if (names) for (const series of answer.series) series.group.name ||= names.get(String(series.group.id)) ?? '';
      data = { answer, was };
      show();
    } catch (error) {
      if (signal.aborted || mine !== asked) return;
      data = null;
      fill(main, failure(error, refresh));
    } finally {
      main.removeAttribute('aria-busy');
    }
  }

  async function keyNames() {
    const rows = await api.keys.list(signal).catch(() => []);
    return new Map(rows.map((row) => [String(row.id), row.name]));
  }

  function nameOf(series) {
    if (series.other) return t('usage.other', { n: series.other });
    return series.name || (series.id === null ? t('by.none') : t('usage.unnamed', { id: String(series.id) }));
  }

  function show() {
    const now = state();
    const { answer, was } = data;
    const found = align(answer, now.metric, { top: now.top, cumulative: now.cumulative });
    if (answer.series.every((series) => series.points.length === 0)) {
      view = null;
      fill(main, h('div', { className: 'card' }, empty(icon('chart-line'), t('usage.empty'), t('usage.empty.text'))));
      return;
    }
    if (!view) view = frame();
    const format = (value) => write(now.metric, value);
    const series = found.series.map((each) => ({ ...each, name: nameOf(each) }));
    const type = now.metric.over && now.type === 'area' ? 'line' : now.type;
    const sum = totals(answer)[now.metric.name];
    const then = was && totals(was)[now.metric.name];
    const change = was ? delta(sum, then) : null;
    fill(view.head, h('div', {}, h('h2', {}, t(`metric.${now.metric.name}`)), h('p', { className: 'big number' }, format(sum))),
      was && h('p', { className: 'quiet' }, t('usage.was', { value: format(then) }), change !== null && ` (${change > 0 ? '+' : ''}${percent(change)})`));
    const shown = was && !now.cumulative && type === 'line' ? [...series, { name: t('usage.previous'), faint: true, values: fit(curve(was, now.metric), found.times.length) }] : series;
    view.chart.show({ times: found.times, step: found.step, kind: type, format, series: shown, summary: t('usage.summary', { metric: t(`metric.${now.metric.name}`), value: format(sum), n: series.length, from: dateTime(answer.from), to: dateTime(answer.to) }) });
    showTable(series, now, format, sum);
    const hours = heat(answer, now.metric);
    view.heat.hidden = Boolean(now.metric.over) || found.step > 36e5;
    if (!view.heat.hidden) fill(view.heat, h('h2', {}, t('heat.title')), heatMap(hours, { label: t('heat.title'), days: Array.from({ length: 7 }, (_, i) => new Intl.DateTimeFormat(language(), { weekday: 'short', timeZone: 'UTC' }).format(Date.UTC(2024, 0, 1 + i))), format }));
    view.times.querySelector('.rows')?.remove();
    if (view.times.open) showTimes(series, found, format);
  }

  function fit(values, n) {
    return Array.from({ length: n }, (_, i) => values[i] ?? null);
  }

  function frame() {
    const head = h('div', { className: 'row -between -wrap' });
    const chartBox = h('div');
    const totalsBox = h('div', { className: 'card -flush' });
    const heatBox = h('section', { className: 'card stack', 'aria-label': t('heat.title') });
    const times = h('details', { className: 'card' }, h('summary', {}, t('usage.as-table')));
    times.addEventListener('toggle', () => { if (times.open) show(); });
    fill(main, h('section', { className: 'card stack', 'aria-label': t('usage.chart') }, head, chartBox), totalsBox, heatBox, times);
    return { head, totals: totalsBox, heat: heatBox, times, chart: timeChart(chartBox, signal, { height: 340, onZoom: (from, to) => set({ from: Math.floor(from), to: Math.ceil(to) }, true) }) };
  }

  function showTable(series, now, format, sum) {
    const rows = series.map((each, i) => ({ ...each, id: `${each.name}-${i}`, at: i }));
    const share = (row) => (now.metric.over || !sum ? null : row.total / sum);
    table(view.totals, {
      label: t('usage.totals'), sort: { key: 'total', down: true },
      columns: [
        { key: 'name', title: t(`by.${now.by}`), sort: (row) => row.name.toLowerCase(), cell: (row) => h('span', { className: 'row' }, h('span', { className: 'swatch', style: { color: `var(--chart-${row.other ? 'other' : Math.min(row.at, 5) + 1})` } }), h('span', {}, row.name)) },
        { key: 'total', title: t(`metric.${now.metric.name}`), number: true, sort: (row) => row.total ?? -1, cell: (row) => format(row.total) },
        ...(now.metric.over ? [] : [{ key: 'share', title: t('usage.share'), number: true, sort: (row) => share(row) ?? 0, cell: (row) => (share(row) === null ? '—' : percent(share(row))) }]),
        { key: 'curve', title: t('usage.curve'), cell: (row) => sparkline(row.values.length > 200 ? row.values.filter((_, i) => i % Math.ceil(row.values.length / 200) === 0) : row.values) },
      ],
    }).update(rows);
  }

  function showTimes(series, found, format) {
    const most = 500;
    const rows = found.times.map((time, i) => ({ time, i })).filter(({ i }) => series.some((each) => each.values[i])).slice(-most);
    const box = h('div', { className: 'rows table-scroller', tabIndex: 0, role: 'group', 'aria-label': t('usage.as-table') }, h('table', { className: 'table' }, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, t('usage.time')), series.map((each) => h('th', { scope: 'col', className: '-number' }, each.name)))),
      h('tbody', {}, rows.map(({ time, i }) => h('tr', {}, h('th', { scope: 'row' }, dateTime(time)), series.map((each) => h('td', { className: '-number number' }, format(each.values[i]))))))));
    view.times.append(box);
  }

  function exporter() {
    const opener = button(t('usage.export'), { kind: '-small', picture: icon('download'), 'aria-haspopup': 'menu', 'aria-expanded': 'false' });
    const rows = () => {
      const now = state();
      const found = align(data.answer, now.metric, { top: 1e9, cumulative: now.cumulative });
      return [['time', ...found.series.map(nameOf)], ...found.times.map((time, i) => [new Date(time).toISOString(), ...found.series.map((each) => each.values[i])])];
    };
    const name = () => `usage-${state().metric.name}-${new Date(state().range.from).toISOString().slice(0, 10)}`;
    opener.addEventListener('click', () => openMenu(opener, [
      { text: 'CSV', picture: icon('file-csv'), run: () => data && saveFile(`${name()}.csv`, csv(rows()), 'text/csv;charset=utf-8') },
      { text: 'JSON', picture: icon('file-code'), run: () => data && saveFile(`${name()}.json`, JSON.stringify(data.answer, null, 2), 'application/json') },
    ]));
    return opener;
  }
}
