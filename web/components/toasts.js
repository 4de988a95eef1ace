// Short words in the corner. What was done is read out politely and goes by itself, unless one looks at it; an error is
// read out at once and stays.
import { h, icon } from '../lib/dom.js';
import { t } from '../lib/i18n.js';

const stayMs = 8000;
let region = null;

/// Makes the corner; call it once.
export function toastRegion() {
  region = h('div', { className: 'toasts', popover: 'manual' },
    h('div', { className: 'hush', role: 'status' }), h('div', { className: 'hush', role: 'alert' }));
  return region;
}

const pictures = { success: () => icon('circle-check'), info: () => icon('circle-info'), danger: () => icon('triangle-exclamation') };

/// Shows a text; `action` is {label, run}. Returns a function that takes it away.
export function toast(text, { kind = 'success', action = null, onGone = () => {} } = {}) {
  const [polite, assertive] = region.querySelectorAll('.hush');
  (kind === 'danger' ? assertive : polite).textContent = text;
  let timer = 0;
  let gone = false;
  const leave = () => {
    if (gone) return;
    gone = true;
    clearTimeout(timer);
    el.remove();
    if (!region.querySelector('.toast')) region.hidePopover();
    onGone();
  };
  const act = () => {
    onGone = () => {};
    leave();
    action.run();
  };
  const el = h('div', { className: `toast -${kind}`, role: 'group', 'aria-label': t('toast.label') },
    pictures[kind](),
    h('p', {}, text),
    action && h('button', { type: 'button', className: 'button -small', onclick: act }, action.label),
    h('button', { type: 'button', className: 'button -icon -small -ghost', 'aria-label': t('close'), onclick: leave }, icon('xmark')));
  const wait = () => { if (kind !== 'danger') timer = window.setTimeout(leave, stayMs); };
  const pause = () => clearTimeout(timer);
  for (const event of ['pointerenter', 'focusin']) el.addEventListener(event, pause);
  for (const event of ['pointerleave', 'focusout']) el.addEventListener(event, () => { pause(); wait(); });
  region.append(el);
  // On top of dialogs, which also live in the top layer.
  if (region.matches(':popover-open')) region.hidePopover();
  region.showPopover();
  wait();
  return leave;
}

/// Shows what was done, with a way back; `finish` runs when that has passed.
export function undoable(text, undo, finish = () => {}) {
  return toast(text, { action: { label: t('undo'), run: undo }, onGone: finish });
}

/// Shows why something failed.
export function complain(error) {
  toast(reason(error), { kind: 'danger' });
}

/// Returns what went wrong in words.
export function reason(error) {
  if (error.status === 0) return t('fault.network');
  const text = error.message || (error.status ? t('fault.other', { status: String(error.status) }) : t('fault.unknown'));
  return error.requestId ? `${text} (${t('fault.request', { id: error.requestId })})` : text;
}
