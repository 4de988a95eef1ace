// Small drawings of our own: a curve without axes, bars, a map of hours.
import { h, s } from '../lib/dom.js';
import { t } from '../lib/i18n.js';
import { heatStep } from '../logic/stats.js';

/// Returns a curve for beside a number; decorative, for the number says it.
export function sparkline(values, { width = 120, height = 32 } = {}) {
  const most = Math.max(...values.map((value) => value ?? 0), 0) || 1;
  const step = width / Math.max(1, values.length - 1);
  const points = values.map((value, i) => `${(i * step).toFixed(1)},${(height - 2 - ((value ?? 0) / most) * (height - 4)).toFixed(1)}`);
  return s('svg', { class: 'sparkline', viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    s('path', { class: 'under', d: `M0,${height} L${points.join(' L')} L${width},${height} Z` }), s('path', { class: 'line', d: `M${points.join(' L')}` }));
}

/// Returns a list of bars: [{name, value, text, href}], the first the longest.
export function bars(rows, label) {
  const most = Math.max(...rows.map((row) => row.value), 0) || 1;
  return h('ul', { className: 'bars', role: 'list', 'aria-label': label }, rows.map((row, i) => h('li', {},
    h('span', { className: 'row -between' }, row.href ? h('a', { href: row.href, className: 'cut' }, row.name) : h('span', { className: 'cut' }, row.name), h('span', { className: 'number' }, row.text)),
    h('span', { className: 'bar' }, h('span', { style: { width: `${Math.max(1, (row.value / most) * 100)}%`, background: `var(--chart-${Math.min(i + 1, 6)})` } })))));
}

/// Returns the week's hours as a table of coloured cells; each says its number.
export function heatMap({ rows, most }, { label, days, format }) {
  return h('div', { className: 'heat-scroller', tabIndex: 0, role: 'group', 'aria-label': label }, h('table', { className: 'heat' },
    h('caption', { className: 'hush' }, label),
    h('thead', {}, h('tr', {}, h('td'), Array.from({ length: 24 }, (_, hour) => h('th', { scope: 'col' }, hour % 3 === 0 ? String(hour) : h('span', { className: 'hush' }, String(hour)))))),
    h('tbody', {}, rows.map((values, dayIndex) => h('tr', {}, h('th', { scope: 'row' }, days[dayIndex]), values.map((value, hour) => h('td', {
      className: `step-${heatStep(value, most)}`, title: t('heat.cell', { day: days[dayIndex], hour: `${hour}:00`, value: format(value) }),
    }, h('span', { className: 'hush' }, format(value)))))))));
}
