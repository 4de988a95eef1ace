// What the hub does now and did in the last day: numbers beside those of the day before, requests over time, who is busy, who
// is well.
import * as api from '../lib/api.js';
import { fill, h, icon } from '../lib/dom.js';
import { count, duration, money, percent, shortCount, t } from '../lib/i18n.js';
import { remember, remembered } from '../lib/preferences.js';
import { align, before, curve, delta, metricOf, rangeOf, totals } from '../logic/stats.js';
import { bars, sparkline } from '../components/graphics.js';
import { button, empty, load, segments } from '../components/parts.js';
import { timeChart } from '../components/time-chart.js';
import { stateBadge } from './providers.js';

const liveMs = 5000;
// `good`: which way is better.
const cards = [
  { metric: 'requests', picture: () => icon('paper-plane') },
  { metric: 'tokens', picture: () => icon('coins') },
  { metric: 'cost', picture: () => icon('dollar-sign'), good: 'down' },
  { metric: 'duration', picture: () => icon('stopwatch'), good: 'down' },
  { metric: 'ttft', picture: () => icon('bolt'), good: 'down' },
  { metric: 'error_rate', picture: () => icon('triangle-exclamation'), good: 'down' },
];

/// Writes a value of a metric.
export function write(metric, value) {
  if (value === null || value === undefined) return '—';
  return { count: shortCount, money, percent, duration }[metric.kind](value);
}

const ranges = ['1h', '24h', '7d'];

export function mount(el, signal) {
  const page = h('div', { className: 'page' });
  el.append(page);
  let range = ranges.includes(remembered('overview')) ? remembered('overview') : '24h';

  async function fetchAll(stop) {
    const now = rangeOf(range, Date.now());
    const [all, was, byModel, providers, sum] = await Promise.all([
      api.stats.usage(now, stop), api.stats.usage(before(now), stop), api.stats.usage({ ...now, group: 'model' }, stop), api.providers.list(stop), api.stats.total(stop)]);
    return { all, was, byModel, providers, sum };
  }

  return load(page, signal, fetchAll, (data) => {
    let live = remembered('live') !== 'off';
    let stale = false;
    const head = h('div', { className: 'toolbar' });
    const kpis = h('ul', { className: 'kpis', role: 'list' });
    const chartBox = h('div');
    const models = h('div');
    const health = h('ul', { className: 'health', role: 'list' });
    const start = h('section', { className: 'card stack', hidden: true });
    fill(page, head, start, kpis, h('div', { className: 'split' },
      h('section', { className: 'card stack', 'aria-labelledby': 'over-time' }, h('h2', { id: 'over-time' }, t('overview.over-time')), chartBox),
      h('section', { className: 'card stack', 'aria-labelledby': 'top-models' }, h('h2', { id: 'top-models' }, t('overview.top-models')), models)),
    h('section', { className: 'card stack', 'aria-labelledby': 'health' }, h('div', { className: 'row -between' }, h('h2', { id: 'health' }, t('overview.health')), h('a', { href: '/app/providers' }, t('overview.all-providers'))), health));
    const chart = timeChart(chartBox, signal, { height: 240 });
    show(data);
    const timer = setInterval(tick, liveMs);
    signal.addEventListener('abort', () => clearInterval(timer));

    async function tick() {
      if (live && !document.hidden) await refresh();
    }

    async function refresh() {
      try {
        const next = await fetchAll(signal);
        stale = false;
        if (!signal.aborted) show(next);
      } catch {
        stale = true;
        if (!signal.aborted) drawHead();
      }
    }

    function drawHead() {
      fill(head, segments(t('usage.range'), ranges.map((each) => [each, t(`range.${each}`)]), range, (next) => { range = next; remember('overview', next); refresh(); }),
        stale && h('span', { className: 'badge -warn', role: 'status' }, icon('clock'), t('overview.stale')), h('span', { className: 'spring' }),
        button(t(live ? 'overview.pause' : 'overview.resume'), { picture: live ? icon('pause') : icon('play'), kind: '-small', 'aria-pressed': String(live), onclick: () => { live = !live; remember('live', live ? null : 'off'); drawHead(); if (live) refresh(); } }));
    }

    function show({ all, was, byModel, providers, sum }) {
      if (!head.contains(document.activeElement)) drawHead();
      const [now, then] = [totals(all), totals(was)];
      fill(kpis, cards.map((card) => kpi(card, all, now, then)));
      const requests = metricOf('requests');
      const errors = metricOf('errors');
      const { times, step } = align(all, requests);
      const good = curve(all, requests).map((value, i) => value - curve(all, errors)[i]);
      chart.show({ times, step, kind: 'bars', format: shortCount, summary: t('overview.summary', { n: now.requests, errors: now.errors }),
        series: [{ name: t('overview.good'), values: good }, { name: t('metric.errors'), values: curve(all, errors) }] });
      const found = align(byModel, metricOf('tokens'), { top: 6 }).series.filter((series) => series.total > 0);
      fill(models, found.length ? bars(found.map((series) => ({ name: series.other ? t('usage.other', { n: series.other }) : series.name, value: series.total, text: t('overview.tokens', { n: shortCount(series.total) }) })), t('overview.top-models')) : empty(icon('cube'), t('overview.quiet'), ''));
      fill(health, providers.map((provider) => h('li', {}, h('a', { href: `/app/providers/${provider.id}` }, h('span', { className: 'cut' }, provider.name), stateBadge(provider.state), h('span', { className: 'quiet' }, t('overview.models', { n: provider.models.length }))))));
      drawStart(providers, sum);
    }

    function drawStart(providers, sum) {
      const steps = [['provider', providers.some((provider) => provider.kind !== 'demo'), '/app/providers/new'], ['model', providers.some((provider) => provider.kind !== 'demo' && provider.models.length), '/app/providers'], ['chat', sum.total_rounds > 0, '/app/chat?new=1'], ['key', false, '/app/keys?new=1']];
      start.hidden = steps[0][1] && steps[1][1] && steps[2][1];
      if (start.hidden) return;
      fill(start, h('h2', {}, t('overview.start')), h('ol', { className: 'checklist', role: 'list' }, steps.map(([name, done, href]) => h('li', { className: done ? '-done' : '' }, done ? icon('circle-check') : icon('circle'), h('span', { className: 'hush' }, t(done ? 'markdown.done' : 'markdown.open')), h('a', { href }, t(`overview.start.${name}`))))));
    }
  });
}

function kpi({ metric: name, picture, good = '' }, all, now, then) {
  const metric = metricOf(name);
  const change = delta(now[name], then[name]);
  const better = change === null || !good || change === 0 ? '' : (change < 0) === (good === 'down') ? 'better' : 'worse';
  const exact = metric.kind === 'count' ? count(now[name] ?? 0) : '';
  return h('li', { className: 'kpi' }, h('span', { className: 'name' }, picture(), t(`metric.${name}`)), h('strong', { className: 'number', title: exact }, write(metric, now[name])),
    h('span', { className: `change ${better ? `-${better}` : ''}` }, change === null ? t('overview.no-change')
      : [icon(change > 0 ? 'arrow-trend-up' : change < 0 ? 'arrow-trend-down' : 'minus'), h('span', { className: 'number', 'aria-hidden': 'true' }, percent(Math.abs(change))), h('span', { className: 'hush' }, t(`overview.change-${change > 0 ? 'up' : change < 0 ? 'down' : 'same'}`, { share: percent(Math.abs(change)) }) + (better ? ` ${t(`overview.${better}`)}` : ''))]),
    sparkline(curve(all, metric)));
}
