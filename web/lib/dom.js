// Builds elements. Text only ever becomes a text node: there is no way from a string to markup here.

/// Where this build's files stand: "/ui/<build>/".
export const base = new URL('..', import.meta.url).pathname;

const attributes = new Set(['role', 'for', 'list', 'colspan', 'scope', 'popovertarget', 'form', 'width', 'height']);

/// Returns an element. Properties that begin with "on" are listeners, those with a dash and a few more are attributes,
/// `dataset` and `style` are objects; null and false children are left out.
export function h(tag, properties = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith('on')) el.addEventListener(name.slice(2), value);
    else if (name === 'dataset') Object.assign(el.dataset, value);
    else if (name === 'style') for (const [key, entry] of Object.entries(value)) el.style.setProperty(key, entry);
    else if (name.includes('-') || attributes.has(name)) el.setAttribute(name, String(value));
    else el[name] = value;
  }
  el.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return el;
}

const svgSpace = 'http://www.w3.org/2000/svg';

/// Returns an SVG element.
export function s(tag, properties = {}, ...children) {
  const el = document.createElementNS(svgSpace, tag);
  for (const [name, value] of Object.entries(properties)) el.setAttribute(name, String(value));
  el.append(...children.filter(Boolean));
  return el;
}

/// Returns a decorative icon of the sprite; what it stands in carries the name.
export function icon(name) {
  return s('svg', { class: 'icon', 'aria-hidden': 'true' }, s('use', { href: `${base}icons.svg#${name}` }));
}

/// Puts `children` in the place of what stood in `el`.
export function fill(el, ...children) {
  el.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return el;
}

let last = 0;
/// Returns an id that no other element of this page has.
export const newId = (what) => `${what}-${(last += 1)}`;
