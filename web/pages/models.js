// Every model name that clients can ask for, and who serves it: lower priority first, among equals by weight.
import * as api from '../lib/api.js';
import { fill, h, icon } from '../lib/dom.js';
import { money, t } from '../lib/i18n.js';
import { navigate, query, setQuery } from '../lib/router.js';
import { pricesOf, publicModels } from '../logic/models.js';
import { button, copyButton, empty, fault, field, iconButton, load, openDialog, openMenu, segments, select } from '../components/parts.js';
import { table } from '../components/table.js';
import { complain, toast, undoable } from '../components/toasts.js';
import { languages, snippet } from '../logic/snippets.js';
import { stateKinds } from './providers.js';

export function mount(el, signal) {
  const page = h('div', { className: 'page' });
  el.append(page);
  return load(page, signal, api.catalogue, (catalogue) => list(page, signal, catalogue));
}

function list(el, signal, catalogue) {
  let rows = publicModels(catalogue);
  if (rows.length === 0) {
    fill(el, empty(icon('cube'), t('models.empty'), t('models.empty.text'), button(t('page.providers'), { kind: '-primary', onclick: () => navigate(catalogue.length === 1 ? `/app/providers/${catalogue[0].provider.id}` : '/app/providers') })));
    return;
  }
  const search = h('input', { type: 'search', className: 'input', placeholder: t('models.search'), 'aria-label': t('models.search'), value: query().get('q') ?? '', oninput: () => { setQuery({ q: search.value }); update(); } });
  const providers = [['', t('models.any-provider')], ...catalogue.map(({ provider }) => [String(provider.id), provider.name])];
  const place = h('div', { className: 'card -flush' });
  const nothing = h('div', { className: 'card', hidden: true }, empty(icon('filter'), t('filter.none'), '', button(t('filter.clear'), { onclick: () => navigate('/app/models', { replace: true }) })));
  fill(el, h('div', { className: 'toolbar' }, h('div', { className: 'search' }, icon('magnifying-glass'), search),
    select(providers, query().get('provider') ?? '', (id) => { setQuery({ provider: id }); update(); }, { 'aria-label': t('palette.providers'), className: 'select -small' }),
    h('span', { className: 'spring' }), button(t('models.add'), { picture: icon('plus'), kind: '-primary only-administrators', onclick: () => edit(null) })), place, nothing);
  const priced = rows.some((row) => row.offers.some(({ model }) => pricesOf(model, true)));
  const view = table(place, {
    label: t('page.models'), sort: { key: query().get('sort') ?? 'name', down: query().get('down') === '1' }, onSort: ({ key, down }) => setQuery({ sort: key, down: down ? '1' : null }),
    columns: [
      { key: 'name', title: t('models.name'), sort: (row) => row.name.toLowerCase(), cell: (row) => h('div', { className: 'name-cell' }, h('span', { className: 'row' }, h('strong', {}, row.name), copyButton(t('models.copy', { name: row.name }), () => row.name)), row.description && h('span', { className: 'quiet' }, row.description)) },
      { key: 'offers', title: t('models.served-by'), sort: (row) => row.offers.length, cell: (row) => h('ol', { className: 'offers', role: 'list' }, row.offers.map(({ provider }, i) => h('li', {}, h('a', { className: 'chip', href: `/app/providers/${provider.id}`, title: t('models.order', { n: i + 1, priority: provider.priority, weight: provider.weight }) }, h('span', { className: `dot ${stateKinds[provider.state] ?? ''}` }), provider.name, h('span', { className: 'hush' }, t(`state.${provider.state}`)))))) },
      ...(priced ? [{ key: 'price', title: t('models.price'), number: true, sort: (row) => pricesOf(row.offers[0].model)?.input ?? 0, cell: (row) => priceText(row.offers[0].model) }] : []),
      { key: 'more', title: t('more'), hushed: true, cell: more },
    ],
  });
  update();

  function priceText(model) {
    const prices = pricesOf(model);
    return prices ? `${money(prices.input ?? 0)} / ${money(prices.output ?? 0)}` : '—';
  }

  function update() {
    const text = search.value.trim().toLowerCase();
    const provider = query().get('provider');
    const found = rows.filter((row) => (!text || `${row.name} ${row.description}`.toLowerCase().includes(text)) && (!provider || row.offers.some((offer) => String(offer.provider.id) === provider)));
    place.hidden = found.length === 0;
    nothing.hidden = found.length > 0;
    view.update(found);
  }

  async function refresh() {
    const next = await api.catalogue(signal).catch((error) => { if (!signal.aborted) complain(error); });
    if (!next) return;
    rows = publicModels(next);
    if (rows.length === 0) mount(fill(el.parentElement), signal);
    else update();
  }

  function more(row) {
    const opener = iconButton(t('more-of', { name: row.name }), icon('ellipsis'), { kind: '-small -ghost', 'aria-haspopup': 'menu', 'aria-expanded': 'false' });
    const first = row.offers[0];
    opener.addEventListener('click', () => openMenu(opener, [
      { text: t('models.try'), picture: icon('message'), href: `/app/chat?new=1&provider=${first.provider.id}&model=${encodeURIComponent(row.name)}` },
      { text: t('models.snippet'), picture: icon('code'), run: () => showSnippet(row) },
      ...row.offers.map((offer) => ({ text: row.offers.length > 1 ? t('models.edit-at', { name: offer.provider.name }) : t('edit'), picture: icon('pen'), run: () => edit(offer) })),
      '-',
      ...row.offers.map((offer) => ({ text: row.offers.length > 1 ? t('models.delete-at', { name: offer.provider.name }) : t('delete'), picture: icon('trash-can'), kind: '-warning', run: () => remove(offer) })),
    ]));
    return opener;
  }

  function showSnippet(row) {
    openDialog(row.name, (content) => {
      const place_ = h('div', { className: 'stack' });
      const show = (language) => {
        const text = snippet(language, { origin: location.origin, key: '$NEXUS_KEY', body: { model: row.name, messages: [{ role: 'user', content: t('drawer.example') }] } });
        fill(place_, h('div', { className: 'row -between' }, segments(t('drawer.language'), languages.map((each) => [each, t(`snippet.${each}`)]), language, show), copyButton(t('code.copy'), () => text)), h('pre', { className: 'block', tabIndex: 0 }, text));
      };
      show('curl');
      content.append(place_);
    }, { className: 'dialog -wide' });
  }

  async function remove({ model, provider }) {
    try {
      await api.models.remove(model.id);
    } catch (error) {
      return complain(error);
    }
    await refresh();
    return undoable(t('models.removed', { n: 1 }), async () => {
      const { model_name, description } = model;
      await api.models.create({ provider_id: provider.id, model_name, description, ...editablePrices(model) }).catch(complain);
      await refresh();
    });
  }

  function edit(offer) {
    const model = offer?.model;
    const name = h('input', { className: 'input', value: model?.model_name ?? '', maxLength: 200, autocomplete: 'off' });
    const description = h('textarea', { className: 'area', rows: 2, value: model?.description ?? '' });
    const provider = select(catalogue.map((each) => [String(each.provider.id), each.provider.name]), String(offer?.provider.id ?? query().get('provider') ?? ''), () => {}, { disabled: Boolean(offer) });
    const prices = model && pricesOf(model, true);
    const price = (key) => h('input', { className: 'input number', type: 'number', min: '0', step: 'any', value: prices?.[key] ?? '', placeholder: '—' });
    const inputs = prices ? Object.fromEntries(['input', 'output', 'cached', 'reasoning'].map((key) => [key, price(key)])) : {};
    openDialog(t(offer ? 'models.edit' : 'models.add'), (content, close) => {
      content.append(field(t('palette.providers'), provider), field(t('models.name'), name, { hint: t('models.name.hint') }), field(t('description'), description),
        prices ? h('fieldset', { className: 'field' }, h('legend', { className: 'label' }, t('models.prices')), h('p', { className: 'hint' }, t('models.prices.hint')), h('div', { className: 'columns' }, Object.entries(inputs).map(([key, input]) => field(t(`models.price.${key}`), input)))) : '');
      return [button(t('cancel'), { onclick: close }), button(t(offer ? 'save' : 'create'), { kind: '-primary', onclick: () => save(close) })];
    });
    name.focus();

    async function save(close) {
      fault(name, name.value.trim() ? '' : t('required'));
      if (!name.value.trim()) return name.focus();
      const body = { model_name: name.value.trim(), description: description.value };
      if (prices) body.prices = Object.fromEntries(Object.entries(inputs).filter(([, input]) => input.value !== '').map(([key, input]) => [key, input.value]));
      try {
        if (offer) await api.models.save(model.id, body, (await api.models.show(model.id)).etag);
        else await api.models.create({ ...body, provider_id: Number(provider.value) });
        close();
        toast(t('saved'));
        await refresh();
      } catch (error) {
        if (error.param === 'model_name' || error.status === 409) { fault(name, error.message); name.focus(); } else complain(error);
      }
      return undefined;
    }
  }
}

const editablePrices = (model) => (model.prices ? { prices: model.prices } : {});
