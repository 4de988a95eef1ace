// The button that tells which model answers, and the list that it opens. Sends `modelChoice` (detail: the choice).
import { fill, h, icon } from '../lib/dom.js';
import { money, t } from '../lib/i18n.js';
import { pricesOf } from '../logic/models.js';
import { picker } from './picker.js';

const dots = { ready: '-success', failing: '-warn', misconfigured: '-danger', disabled: '' };

/// Fills `el`; returns {show(choice)}. `all()` returns the choices.
export function modelPicker(el, all) {
  let chosen = null;
  const label = h('span', { className: 'cut' });
  const chip = h('span', { className: 'provider cut' });
  const dot = h('span', { className: 'dot' });
  const opener = h('button', { type: 'button', className: 'button -ghost opener', 'aria-haspopup': 'dialog', 'aria-expanded': 'false', onclick: () => pickModel(opener, all, chosen, choose) }, h('span', { className: 'hush' }, t('models.label')), dot, label, chip, icon('chevron-down'));
  fill(el, opener);

  function choose(choice) {
    el.dispatchEvent(new CustomEvent('modelChoice', { detail: choice }));
  }

  return {
    show(choice) {
      chosen = choice;
      label.textContent = choice ? choice.model : t('models.choose');
      chip.textContent = choice ? choice.provider : '';
      dot.className = `dot ${choice ? dots[choice.state] ?? '' : ''}`;
    },
    open: () => opener.click(),
  };
}

/// Opens the list below `anchor` and calls `choose` with what is taken.
export function pickModel(anchor, all, chosen, choose) {
  const layer = h('div', { className: 'menu model-menu', popover: 'auto', role: 'dialog', 'aria-label': t('models.label') });
  const list = picker(layer, {
    label: t('models.label'), placeholder: t('models.search'), none: t('models.none'), most: 200,
    items: () => all().map((choice) => ({
      group: choice.provider, text: choice.model, more: facts(choice), find: `${choice.model} ${choice.provider} ${choice.description}`,
      picture: h('span', { className: `dot ${dots[choice.state] ?? ''}`, title: t(`state.${choice.state}`) }), ticked: choice.value === chosen?.value, run: () => choose(choice),
    })),
    done: () => layer.hidePopover(),
  });
  layer.addEventListener('toggle', (event) => {
    if (event.newState !== 'closed') return;
    anchor.setAttribute('aria-expanded', 'false');
    const inside = layer.contains(document.activeElement) || document.activeElement === document.body;
    layer.remove();
    if (inside && anchor.isConnected) anchor.focus();
  });
  document.body.append(layer);
  anchor.setAttribute('aria-expanded', 'true');
  layer.showPopover();
  const box = anchor.getBoundingClientRect();
  layer.style.left = `${Math.max(8, Math.min(box.left, innerWidth - layer.offsetWidth - 8))}px`;
  layer.style.top = `${Math.max(8, Math.min(box.bottom + 6, innerHeight - layer.offsetHeight - 8))}px`;
  list.focus();
}

function facts({ facts: model, description }) {
  const prices = pricesOf(model);
  return [prices && `${money(prices.input ?? 0)} / ${money(prices.output ?? 0)}`, description].filter(Boolean).join(' · ');
}
