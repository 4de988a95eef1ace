// Time series by uPlot, which is fetched with the first chart.
import { base, h } from './dom.js';

let loading = null;

/// Returns uPlot.
export function plotter() {
  loading ??= (async () => {
    const link = h('link', { rel: 'stylesheet', href: `${base}vendor/uplot.css` });
    const styled = new Promise((resolve) => { link.onload = resolve; link.onerror = resolve; });
    document.head.append(link);
    const [{ default: uPlot }] = await Promise.all([import('../vendor/uplot.js'), styled]);
    return uPlot;
  })();
  return loading;
}

/// Returns what a CSS colour such as `var(--chart-1)` is now, in the theme that is shown.
export function colour(el, css) {
  const probe = h('span', { style: { color: css }, hidden: true });
  el.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/// Returns a lighter shade of a colour that is not see-through: stacked areas cover each other.
export const shade = (el, css) => colour(el, `color-mix(in srgb, ${css} 32%, var(--surface))`);
