// From the hub's roll-ups to what charts and tables show.

const hour = 36e5;
const day = 864e5;
export const presets = ['15m', '1h', '6h', '24h', '7d', '30d', 'this-month', 'last-month'];
const spans = { '15m': 9e5, '1h': hour, '6h': 6 * hour, '24h': day, '7d': 7 * day, '30d': 30 * day };

/// Returns {from, to} of a preset in this browser's time zone; months begin at its midnight.
export function rangeOf(preset, now) {
  if (spans[preset]) return { from: now - spans[preset], to: now };
  const date = new Date(now);
  const month = (offset) => new Date(date.getFullYear(), date.getMonth() + offset, 1).getTime();
  if (preset === 'last-month') return { from: month(-1), to: month(0) };
  return { from: month(0), to: now };
}

/// Returns the range of the same length that ends where this one begins.
export const before = ({ from, to }) => ({ from: from - (to - from), to: from });

/// Each metric is {name, of(point), over(point), kind}: a sum, or with `over` a ratio of sums. kind chooses how it is written.
export const metrics = [
  { name: 'requests', kind: 'count', of: (point) => point.requests },
  { name: 'tokens', kind: 'count', of: (point) => point.prompt_tokens + point.completion_tokens },
  { name: 'prompt_tokens', kind: 'count', of: (point) => point.prompt_tokens },
  { name: 'completion_tokens', kind: 'count', of: (point) => point.completion_tokens },
  { name: 'cached_tokens', kind: 'count', of: (point) => point.cached_tokens },
  { name: 'reasoning_tokens', kind: 'count', of: (point) => point.reasoning_tokens },
  { name: 'cost', kind: 'money', of: (point) => Number(point.cost ?? 0) },
  { name: 'errors', kind: 'count', of: (point) => point.errors },
  { name: 'error_rate', kind: 'percent', of: (point) => point.errors, over: (point) => point.requests },
  { name: 'duration', kind: 'duration', of: (point) => point.duration_ms_sum, over: (point) => point.requests },
  { name: 'ttft', kind: 'duration', of: (point) => point.ttft_ms_sum, over: (point) => point.ttft_count ?? point.requests },
];

export const metricOf = (name) => metrics.find((metric) => metric.name === name) ?? metrics[0];

const bucketMs = { minute: 6e4, hour, day };

/// Returns the starts of all buckets of an answer, those without a point included.
export function ticks(answer) {
  const step = answer.bucket_ms ?? bucketMs[answer.bucket];
  const first = Math.floor(answer.from / step) * step;
  const found = [];
  for (let t = first; t < answer.to; t += step) found.push(t);
  return found;
}

/// Returns {times, step, series: [{id, name, other, values, total}]}, the largest first; all beyond `top` are one "other".
/// Ratios have null where there was nothing; sums have 0.
export function align(answer, metric, { top = 5, cumulative = false } = {}) {
  const times = ticks(answer);
  const at = new Map(times.map((t, i) => [t, i]));
  const rows = answer.series.map(({ group, points }) => {
    const sums = new Float64Array(times.length);
    const overs = metric.over ? new Float64Array(times.length) : null;
    for (const point of points) {
      const i = at.get(point.t);
      if (i === undefined) continue;
      sums[i] += metric.of(point) || 0;
      if (overs) overs[i] += metric.over(point) || 0;
    }
    return { id: group.id, name: group.name, sums, overs, weight: sum(overs ?? sums) };
  }).sort((a, b) => b.weight - a.weight);
  const kept = rows.length > top + 1 ? rows.slice(0, top) : rows;
  const rest = rows.slice(kept.length);
  if (rest.length) kept.push(merge(rest));
  return { times, step: answer.bucket_ms ?? bucketMs[answer.bucket], series: kept.map((row) => finish(row, cumulative)) };
}

const sum = (values) => values.reduce((all, value) => all + value, 0);

function merge(rows) {
  const add = (name) => rows.reduce((all, row) => { row[name]?.forEach((value, i) => { all[i] += value; }); return all; }, new Float64Array(rows[0].sums.length));
  return { id: null, name: '', other: rows.length, sums: add('sums'), overs: rows[0].overs ? add('overs') : null };
}

function finish({ id, name, other = 0, sums, overs }, cumulative) {
  const all = sum(sums);
  const total = overs ? (sum(overs) ? all / sum(overs) : null) : all;
  let values = Array.from(sums, (value, i) => (overs ? (overs[i] ? value / overs[i] : null) : value));
  if (cumulative && !overs) {
    let so = 0;
    values = values.map((value) => (so += value));
  }
  return { id, name, other, values, total };
}

/// Returns {name: value} of every metric over all points of an answer.
export function totals(answer) {
  const points = answer.series.flatMap((series) => series.points);
  return Object.fromEntries(metrics.map((metric) => {
    const all = points.reduce((so, point) => so + (metric.of(point) || 0), 0);
    if (!metric.over) return [metric.name, all];
    const over = points.reduce((so, point) => so + (metric.over(point) || 0), 0);
    return [metric.name, over ? all / over : null];
  }));
}

/// Returns one series' values, summed over all groups: for a small curve.
export function curve(answer, metric) {
  const merged = { ...answer, series: [{ group: { id: null, name: '' }, points: answer.series.flatMap((series) => series.points) }] };
  return align(merged, metric).series[0].values;
}

/// Returns the change as a share of what was before, or null if there was nothing.
export function delta(now, was) {
  if (!was || now === null || was === null) return null;
  return (now - was) / was;
}

/// Returns {rows: 7 × 24, most}: sums by weekday (0 = Monday) and hour of this browser's time zone.
export function heat(answer, metric) {
  const rows = Array.from({ length: 7 }, () => new Array(24).fill(0));
  for (const { points } of answer.series)
    for (const point of points) {
      const date = new Date(point.t);
      rows[(date.getDay() + 6) % 7][date.getHours()] += metric.of(point) || 0;
    }
  return { rows, most: Math.max(0, ...rows.flat()) };
}

/// Returns a step of 0 to 5 for a value among values up to `most`.
export const heatStep = (value, most) => (value <= 0 || most <= 0 ? 0 : Math.min(5, 1 + Math.floor((value / most) * 4.999)));

/// Returns the text of a cell for CSV. What a spreadsheet would take for a formula gets an apostrophe before it.
export function csvCell(value) {
  let text = value === null || value === undefined ? '' : String(value);
  if (typeof value === 'string' && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/// Returns a CSV document of rows of values, with a byte order mark: spreadsheets need it for anything but ASCII.
export const csv = (rows) => `\ufeff${rows.map((row) => row.map(csvCell).join(',')).join('\r\n')}\r\n`;

/// Returns stacked copies of series (the first one at the bottom); null counts as 0.
export function stack(series) {
  const sums = new Array(series[0]?.values.length ?? 0).fill(0);
  return series.map(({ values }) => values.map((value, i) => (sums[i] += value ?? 0)));
}
