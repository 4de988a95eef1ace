// Small parts that every page is made of: buttons, fields, badges, menus, dialogs, the states of a view.
import { ago, dateTime, t } from '../lib/i18n.js';
import { fill, h, icon, newId } from '../lib/dom.js';
import { reason } from './toasts.js';

/// Returns a button with an icon element (or null) and a text. `kind` are classes such as '-primary -small'.
/** @param {string} text @param {any} [options] */
export function button(text, { picture = null, kind = '', onclick, type = 'button', ...more } = {}) {
  return h('button', { type, className: `button ${kind}`, onclick, ...more }, picture, h('span', { className: 'text' }, text));
}

/// Returns a button that shows only an icon.
/** @param {string} name @param {any} picture @param {any} [options] */
export function iconButton(name, picture, { kind = '', onclick, ...more } = {}) {
  return h('button', { type: 'button', className: `button -icon ${kind}`, 'aria-label': name, title: name, onclick, ...more }, picture);
}

/// Keeps a button busy (and the same width) until `work` has ended; a second press does nothing.
export async function busy(el, work) {
  if (el.classList.contains('-busy')) return undefined;
  const spinner = h('span', { className: 'spinner' });
  el.classList.add('-busy');
  el.setAttribute('aria-disabled', 'true');
  el.prepend(spinner);
  try {
    return await work();
  } finally {
    el.classList.remove('-busy');
    el.removeAttribute('aria-disabled');
    spinner.remove();
  }
}

/// Returns a label, its control, a hint and a place for what is wrong with it.
export function field(label, control, { hint = '', className = '' } = {}) {
  control.id ||= newId('field');
  const hintId = hint ? newId('hint') : '';
  const faultId = newId('fault');
  const target = control.matches('input, select, textarea, button') ? control : control.querySelector('input, select, textarea');
  if (target !== control) target.id ||= newId('field');
  target.setAttribute('aria-describedby', [hintId, faultId].filter(Boolean).join(' '));
  return h('div', { className: `field ${className}` },
    h('label', { for: target.id }, label), control,
    hint && h('p', { className: 'hint', id: hintId }, hint),
    h('p', { className: 'fault', id: faultId, hidden: true }));
}

/// Shows or (with '') hides what is wrong with a field's control.
export function fault(control, text) {
  const place = control.closest('.field').querySelector('.fault');
  place.textContent = text;
  place.hidden = !text;
  if (text) control.setAttribute('aria-invalid', 'true');
  else control.removeAttribute('aria-invalid');
}

/// Returns a secret's input with a button that shows what is typed.
export function secretInput(properties) {
  const input = h('input', { type: 'password', className: 'input -mono', autocomplete: 'off', spellcheck: false, ...properties });
  const show = iconButton(t('secret.show'), icon('eye'), {
    'aria-pressed': 'false',
    onclick: () => {
      input.type = input.type === 'password' ? 'text' : 'password';
      show.setAttribute('aria-pressed', String(input.type === 'text'));
    },
  });
  return { input, el: h('div', { className: 'with-button' }, input, show) };
}

/// Returns a labelled on/off control.
export function switchControl(label, checked, onchange, { hushed = false } = {}) {
  const input = h('input', { type: 'checkbox', role: 'switch', checked, disabled: hushed && document.documentElement.dataset.role === 'viewer', onchange: () => onchange(input.checked) });
  return h('label', { className: 'switch' }, input, h('span', { className: hushed ? 'hush' : '' }, label));
}

/// Returns a row of choices of which one is pressed. `choices` are [value, text].
export function segments(label, choices, value, onchange) {
  const el = h('div', { className: 'segments', role: 'group', 'aria-label': label });
  for (const [each, text] of choices)
    el.append(h('button', {
      type: 'button', className: 'segment', 'aria-pressed': String(each === value),
      onclick(event) {
        for (const other of el.children) other.setAttribute('aria-pressed', String(other === event.currentTarget));
        onchange(each);
      },
    }, text));
  return el;
}

export function select(choices, value, onchange, properties = {}) {
  return h('select', { className: 'select', ...properties, onchange: (event) => onchange(event.currentTarget.value) },
    choices.map(([each, text]) => h('option', { value: each, selected: String(each) === String(value) }, text)));
}

export function badge(text, kind = '', picture = null) {
  return h('span', { className: `badge ${kind}` }, picture, text);
}

/// Returns a moment as "3 minutes ago", with the exact time on it.
export function moment(ms) {
  return h('time', { dateTime: new Date(ms).toISOString(), title: dateTime(ms) }, ago(ms));
}

/// Returns a button that copies `text()` and says so.
export function copyButton(name, text, { kind = '-small -ghost', label = '' } = {}) {
  const el = h('button', { type: 'button', className: `button ${label ? '' : '-icon'} ${kind}`, 'aria-label': name, title: name }, icon('copy'), label);
  el.addEventListener('click', async () => {
    const done = await copy(await text(), el);
    fill(el, done ? icon('check') : icon('copy'), label && (done ? t('copied') : label));
    el.setAttribute('aria-label', t(done ? 'copied' : 'copy.failed'));
    setTimeout(() => {
      fill(el, icon('copy'), label);
      el.setAttribute('aria-label', name);
    }, 1600);
  });
  return el;
}

// The clipboard interface exists on secure origins only; a hub in a local network is often plain http.
async function copy(text, near) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h('textarea', { value: text, className: 'hush', 'aria-hidden': 'true' });
    (near.closest('dialog') ?? document.body).append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    near.focus();
    return done;
  }
}

/// Opens a menu below `anchor`. `items` are {text, picture, run, kind, href} or '-'.
export function openMenu(anchor, items, label = '') {
  const menu = h('div', { className: 'menu', popover: 'auto', role: 'menu', 'aria-label': label || anchor.getAttribute('aria-label') || anchor.textContent });
  for (const each of items) {
    if (each === '-') menu.append(h('hr'));
    else if (each) menu.append(h(each.href ? 'a' : 'button', {
      ...(each.href ? { href: each.href } : { type: 'button' }), className: `item ${each.kind ?? ''}`, role: 'menuitem', tabIndex: -1,
      onclick() { menu.hidePopover(); each.run?.(); },
    }, each.picture, h('span', {}, each.text)));
  }
  menu.addEventListener('keydown', (event) => {
    const all = [...menu.querySelectorAll('.item')];
    const at = all.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (next === undefined && event.key !== 'Tab') return;
    event.preventDefault();
    if (event.key === 'Tab') menu.hidePopover();
    else all.at(next % all.length)?.focus();
  });
  menu.addEventListener('toggle', (event) => {
    if (event.newState !== 'closed') return;
    anchor.setAttribute('aria-expanded', 'false');
    const inside = menu.contains(document.activeElement) || document.activeElement === document.body;
    menu.remove();
    if (inside) anchor.focus();
  });
  anchor.setAttribute('aria-expanded', 'true');
  (anchor.closest('dialog, main, header, nav') ?? document.body).append(menu);
  menu.showPopover();
  place(menu, anchor);
  menu.querySelector('.item')?.focus();
  return menu;
}

function place(layer, anchor) {
  const box = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = layer;
  const below = innerHeight - box.bottom;
  layer.style.left = `${Math.max(8, Math.min(box.left + box.width - width < 8 || box.left < innerWidth / 2 ? box.left : box.right - width, innerWidth - width - 8))}px`;
  layer.style.top = below < height + 12 && box.top > below ? `${Math.max(8, box.top - height - 6)}px` : `${box.bottom + 6}px`;
}

/// Opens a modal dialog; the focus goes back when it closes. `build(content, close)` fills it and may return footer elements.
export function openDialog(title, build, { className = 'dialog', closable = true, onclose = () => {} } = {}) {
  const before = document.activeElement;
  const id = newId('title');
  const content = h('div', { className: 'content' });
  const footer = h('footer', { hidden: true });
  const close = () => el.close();
  const el = h('dialog', { className, 'aria-labelledby': id },
    h('div', { className: 'frame' },
      h('header', {}, h('h2', { id }, title), closable && iconButton(t('close'), icon('xmark'), { kind: '-ghost -small', onclick: close })),
      content, footer));
  el.addEventListener('cancel', (event) => { if (!closable) event.preventDefault(); });
  // Chromium closes at the second Escape in a row even though the first was refused.
  el.addEventListener('keydown', (event) => { if (event.key === 'Escape' && !closable) event.preventDefault(); });
  if (closable) el.addEventListener('pointerdown', (event) => { if (event.target === el) close(); });
  el.addEventListener('close', () => {
    el.remove();
    onclose();
    if (before instanceof HTMLElement && before.isConnected) before.focus();
  });
  const buttons = build(content, close);
  if (buttons) {
    footer.hidden = false;
    footer.append(...buttons.filter(Boolean));
  }
  document.body.append(el);
  el.showModal();
  // A form begins with its first field; on a phone that would bring up the keyboard.
  const field_ = content.querySelector('input:not([type="checkbox"]), textarea, select');
  if (field_ instanceof HTMLElement && matchMedia('(pointer: fine)').matches) field_.focus();
  return { el, close };
}

/// Asks; answers a promise of true or false. With `typed`, this word must be typed first.
export function confirm(title, text, action, { danger = false, typed = '' } = {}) {
  return new Promise((resolve) => {
    let answer = false;
    openDialog(title, (content, close) => {
      const yes = button(action, { kind: danger ? '-danger' : '-primary', disabled: Boolean(typed), onclick: () => { answer = true; close(); } });
      content.append(h('p', {}, text));
      if (typed) content.append(field(t('confirm.type', { word: typed }), h('input', {
        className: 'input', autocomplete: 'off', oninput: (event) => { yes.disabled = event.currentTarget.value !== typed; },
      })));
      return [button(t('cancel'), { onclick: close }), yes];
    }, { onclose: () => resolve(answer) });
  });
}

export function skeleton(lines = 6) {
  return h('div', { className: 'skeleton', role: 'status', 'aria-label': t('loading') }, Array.from({ length: lines }, () => h('span')));
}

export function empty(picture, title, text, ...actions) {
  return h('div', { className: 'empty' }, picture, h('h2', {}, title), text && h('p', {}, text), actions.length > 0 && h('div', { className: 'row -wrap' }, actions));
}

/// Shows what `fetcher` brings: a skeleton first, then what `show` makes of it, or why it failed and a way to try again.
export async function load(el, signal, fetcher, show) {
  fill(el, skeleton());
  try {
    const data = await fetcher(signal);
    if (!signal.aborted) {
      fill(el);
      show(data);
    }
  } catch (error) {
    if (signal.aborted) return;
    if (error.status === undefined && error.name !== 'AbortError') console.error(error);
    fill(el, failure(error, () => load(el, signal, fetcher, show)));
  }
}

export function failure(error, retry) {
  const denied = error.status === 403;
  return h('div', { className: 'empty', role: 'alert' }, denied ? icon('lock') : icon('plug-circle-xmark'),
    h('h2', {}, t(denied ? 'state.denied' : 'state.failed')), h('p', {}, reason(error)),
    retry && h('div', { className: 'row' }, button(t('try-again'), { picture: icon('rotate-right'), onclick: retry })));
}

/// Saves bytes or a text as a file.
export function saveFile(name, content, type = 'text/plain;charset=utf-8') {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = h('a', { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
