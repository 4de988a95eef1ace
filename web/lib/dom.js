// Builds elements. Text only ever becomes a text node: there is no way from a string to markup here.

/// Returns an element. Properties that begin with "on" are listeners, those with a dash or `role` are attributes.
export function h(tag, properties = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith('on')) el.addEventListener(name.slice(2), value);
    else if (name === 'role' || name.includes('-')) el.setAttribute(name, value);
    else el[name] = value;
  }
  el.append(...children);
  return el;
}

const icons = {
  send: 'M12 19V5M5 12l7-7 7 7',
  stop: 'M7 7h10v10H7z',
  plus: 'M12 5v14M5 12h14',
  down: 'M12 5v14M5 12l7 7 7-7',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2' +
    'M5 5l1.4 1.4M17.6 17.6 19 19M5 19l1.4-1.4M17.6 6.4 19 5',
  moon: 'M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5z',
  leave: 'M10 4H5v16h5M15 8l4 4-4 4M19 12H9',
};

/// Returns a decorative icon; its button carries the name.
export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', `icon -${name}`);
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', icons[name]);
  svg.append(path);
  return svg;
}

/// Gives an icon button its accessible name and its tooltip.
export function name(button, text) {
  button.setAttribute('aria-label', text);
  button.title = text;
}
