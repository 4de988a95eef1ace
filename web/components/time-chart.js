// A chart over time with a legend whose entries switch series on and off, a cursor for mouse and keyboard, and zooming by
// dragging. Everything it draws stands in a table, too; that is the page's part.
import { fill, h, newId } from '../lib/dom.js';
import { language, t } from '../lib/i18n.js';
import { colour, plotter, shade } from '../lib/chart.js';
import { stack } from '../logic/stats.js';

const dashes = [[], [6, 4], [2, 3], [8, 3, 2, 3]];

/// Fills `el`; returns {show({times, step, series, kind, format, summary})}. kind: area, line, bars. A series is {name, values,
/// faint}. `onZoom(from, to)` gets milliseconds.
/** @param {HTMLElement} el @param {AbortSignal} signal @param {any} [options] */
export function timeChart(el, signal, { onZoom = () => {}, height = 300 } = {}) {
  const hintId = newId('hint');
  const legend = h('div', { className: 'legend', role: 'group', 'aria-label': t('chart.legend') });
  const tip = h('div', { className: 'chart-tip', hidden: true });
  const said = h('div', { className: 'hush', role: 'status' });
  const canvas = h('div', { className: 'canvas', tabIndex: 0, role: 'img', 'aria-describedby': hintId, onkeydown: onKey, onblur: () => { tip.hidden = true; said.textContent = ''; } });
  fill(el, legend, h('div', { className: 'chart-box' }, canvas, tip), said, h('p', { className: 'hush', id: hintId }, t('chart.keys')));
  canvas.style.height = `${height}px`;
  const off = new Set();
  let plot = null;
  let shown = null;
  let cursor = -1;
  const sizes = new ResizeObserver(() => { if (plot && canvas.clientWidth) plot.setSize({ width: canvas.clientWidth, height }); });
  sizes.observe(canvas);
  signal.addEventListener('abort', () => { sizes.disconnect(); plot?.destroy(); });
  document.addEventListener('theme', () => shown && draw(), { signal });

  function show(next) {
    shown = next;
    canvas.setAttribute('aria-label', next.summary);
    return draw();
  }

  const visible = () => shown.series.filter((series) => !off.has(series.name));
  const nameOf = (i, series) => (series.faint || series.other ? 'var(--chart-other)' : `var(--chart-${Math.min(i, 5) + 1})`);
  const colourOf = (i, series) => colour(el, nameOf(i, series));

  async function draw() {
    const uPlot = await plotter();
    if (signal.aborted || !el.isConnected) return;
    const { times, kind } = shown;
    const series = visible();
    const stacked = kind !== 'line';
    // Drawn from the top of the stack down, so that each covers what is above it.
    const values = stacked ? stack(series) : series.map((each) => each.values);
    const order = stacked ? series.map((_, i) => series.length - 1 - i) : series.map((_, i) => i);
    plot?.destroy();
    const [ink, grid] = [colour(el, 'var(--text-3)'), colour(el, 'var(--border)')];
    plot = new uPlot({
      width: canvas.clientWidth || 600, height, legend: { show: false }, padding: [8, 20, 0, 0],
      cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
      scales: { x: { time: true }, y: { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] } },
      axes: [
        { stroke: ink, grid: { show: false }, ticks: { stroke: grid, size: 4 }, font: font(), size: 32, values: (_, found, __, ___, step) => found.map((time) => clock(time * 1000, step)) },
        { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { show: false }, font: font(), size: 64, values: (_, found) => found.map((value) => shown.format(value)) },
      ],
      series: [{}, ...order.map((i) => seriesOf(uPlot, series[i], shown.series.indexOf(series[i]), kind))],
      hooks: { setCursor: [onCursor], setSelect: [onSelect], draw: [() => { canvas.dataset.drawn = String(Number(canvas.dataset.drawn ?? 0) + 1); }] },
    }, [times.map((time) => time / 1000), ...order.map((i) => values[i])], canvas);
    drawLegend();
  }

  function seriesOf(uPlot, series, i, kind) {
    const stroke = colourOf(i, series);
    const dash = series.faint ? [3, 4] : kind === 'line' ? dashes[i % dashes.length] : [];
    const filled = series.faint ? undefined : kind === 'area' ? shade(el, nameOf(i, series)) : kind === 'bars' ? stroke : undefined;
    return { label: series.name, stroke, width: kind === 'bars' && !series.faint ? 0 : 1.75, dash, fill: filled, points: { show: false }, spanGaps: false, ...(kind === 'bars' && !series.faint ? { paths: uPlot.paths.bars({ size: [0.72, 48], radius: 0.15 }) } : {}) };
  }

  const font = () => `11px ${getComputedStyle(document.body).fontFamily}`;

  function drawLegend() {
    legend.hidden = shown.series.length < 2;
    fill(legend, shown.series.map((series, i) => h('button', {
      type: 'button', className: 'entry', 'aria-pressed': String(!off.has(series.name)), title: t('chart.legend-hint'),
      onclick: (event) => toggle(series.name, event.ctrlKey || event.metaKey),
    }, h('span', { className: `swatch dash-${shown.kind === 'line' ? i % dashes.length : 0}`, style: { color: colourOf(i, series) } }), h('span', { className: 'cut' }, series.name))));
  }

  // A click shows only this one, and all again; with Ctrl it is switched on or off.
  function toggle(name, single) {
    const names = shown.series.map((series) => series.name);
    const only = names.every((each) => off.has(each) !== (each === name));
    if (single) { if (off.has(name)) off.delete(name); else if (off.size < names.length - 1) off.add(name); } else {
      off.clear();
      if (!only) for (const each of names) if (each !== name) off.add(each);
    }
    const at = document.activeElement instanceof HTMLElement ? [...legend.children].indexOf(document.activeElement) : -1;
    draw().then(() => { const entry = legend.children[at]; if (entry instanceof HTMLElement) entry.focus(); });
  }

  const clock = (time, step) => new Intl.DateTimeFormat(language(), step >= 86_400 ? { month: 'short', day: 'numeric' } : { hour: '2-digit', minute: '2-digit', hour12: false }).format(time);
  const moment = (time) => new Intl.DateTimeFormat(language(), shown.step >= 864e5 ? { dateStyle: 'medium' } : { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hour12: false }).format(time);

  function onCursor(u) {
    const { idx, left } = u.cursor;
    if (idx === null || idx === undefined || left < 0) { tip.hidden = true; return; }
    cursor = idx;
    tip.hidden = false;
    fill(tip, h('strong', {}, moment(shown.times[idx])), visible().map((series) => h('span', { className: 'row -between' },
      h('span', { className: 'row' }, h('span', { className: 'swatch', style: { color: colourOf(shown.series.indexOf(series), series) } }), h('span', { className: 'cut' }, series.name)), h('span', { className: 'number' }, text(series.values[idx])))));
    const space = canvas.clientWidth;
    const x = left + 64;
    tip.style.left = x + 16 + tip.offsetWidth > space ? `${Math.max(0, x - tip.offsetWidth - 16)}px` : `${x + 16}px`;
  }

  const text = (value) => (value === null || value === undefined ? '—' : shown.format(value));

  function onSelect(u) {
    const { left, width } = u.select;
    if (width < 4) return;
    const from = u.posToVal(left, 'x') * 1000;
    const to = u.posToVal(left + width, 'x') * 1000;
    u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    onZoom(from, to);
  }

  function onKey(event) {
    const all = shown?.times.length ?? 0;
    const next = { ArrowRight: cursor + 1, ArrowLeft: cursor - 1, Home: 0, End: all - 1 }[event.key];
    if (next === undefined || !plot || all === 0) return;
    event.preventDefault();
    cursor = Math.max(0, Math.min(all - 1, next));
    plot.setCursor({ left: plot.valToPos(shown.times[cursor] / 1000, 'x'), top: 10 });
    said.textContent = `${moment(shown.times[cursor])}: ${visible().map((series) => `${series.name} ${text(series.values[cursor])}`).join(', ')}`;
  }

  return { show };
}
