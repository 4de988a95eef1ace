// Chooses provider and model. Sends `modelChoice` (detail: {providerId, model} or null), and `expire`.
import * as api from '../lib/api.js';
import { h } from '../lib/dom.js';
import { t, whenLanguage } from '../lib/i18n.js';
import { remember, remembered } from '../lib/preferences.js';
import { groups, preselected } from '../logic/models.js';

export function modelPicker(el, signal) {
  let phase = 'loading'; // -> ready | none | failed
  let choices = [];

  const label = h('label', { htmlFor: 'model', className: 'visually-hidden' });
  const select = h('select', { id: 'model', onchange: choose });
  const note = h('span', { className: 'note', role: 'status' });
  const again = h('button', { type: 'button', className: 'button -small', onclick: load });
  el.append(label, select, note, again);
  whenLanguage(update, signal);
  load();

  async function load() {
    phase = 'loading';
    update();
    try {
      fillIn(groups(await api.catalogue(signal)));
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 401) return el.dispatchEvent(new Event('expire'));
      phase = 'failed';
    }
    update();
  }

  function fillIn(found) {
    choices = found.flatMap((group) => group.choices);
    select.replaceChildren(...found.map((group) => h('optgroup', { label: group.provider },
      ...group.choices.map(({ value, model, description }) => h('option', { value, title: description }, model)))));
    phase = choices.length ? 'ready' : 'none';
    select.value = preselected(found, remembered('model'))?.value ?? '';
    tell();
  }

  function choose() {
    remember('model', select.value);
    tell();
  }

  function tell() {
    const detail = choices.find((choice) => choice.value === select.value) ?? null;
    el.dispatchEvent(new CustomEvent('modelChoice', { detail }));
  }

  function update() {
    label.textContent = t('models.label');
    select.hidden = phase !== 'ready';
    again.textContent = t('try-again');
    again.hidden = phase !== 'failed';
    note.hidden = phase === 'ready';
    note.textContent = { loading: t('loading'), none: t('models.none'), failed: t('models.failed') }[phase] ?? '';
  }
}
