// Personalized keys: who may reach which models, for how long and for how much. A key's text is shown once.
import * as api from '../lib/api.js';
import { fill, h, icon } from '../lib/dom.js';
import { ago, count, dateTime, money, shortCount, t } from '../lib/i18n.js';
import { navigate, query, setQuery } from '../lib/router.js';
import { bodyOf, expiries, expiryOf, faults, formOf, limitsOf, spentOf } from '../logic/keys-form.js';
import { languages, snippet } from '../logic/snippets.js';
import { badge, busy, button, confirm, copyButton, empty, fault, field, iconButton, load, moment, openDialog, openMenu, saveFile, segments, select, switchControl } from '../components/parts.js';
import { table } from '../components/table.js';
import { complain, reason, toast, undoable } from '../components/toasts.js';

const kinds = { active: '-success', disabled: '', expired: '-warn' };
const pictures = { active: () => icon('circle-check'), disabled: () => icon('circle-pause'), expired: () => icon('clock') };
const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

export function mount(el, signal, { query: asked }) {
  const page = h('div', { className: 'page' });
  el.append(page);
  return load(page, signal, async (stop) => ({ keys: await api.keys.list(stop), catalogue: await api.catalogue(stop) }), ({ keys, catalogue }) => list(page, signal, keys, catalogue, asked));
}

/// Shows a key's text, once: the dialog closes only when it was copied or the person says that it is kept.
export function showSecret(key, model) {
  return new Promise((resolve) => {
    openDialog(t('keys.made'), (content, close) => {
      const finish = button(t('keys.done'), { kind: '-primary', disabled: true, onclick: close });
      const kept = h('input', { type: 'checkbox', onchange: () => { finish.disabled = !kept.checked; } });
      const copy = copyButton(t('keys.copy'), () => { finish.disabled = false; return key.key; }, { kind: '', label: t('keys.copy') });
      const programs = h('div', { className: 'stack', style: { gap: '8px' } });
      const show = (language) => {
        const text = snippet(language, { origin: location.origin, key: key.key, body: { model, messages: [{ role: 'user', content: t('drawer.example') }] } });
        fill(programs, h('div', { className: 'row -between' }, segments(t('drawer.language'), languages.map((each) => [each, t(`snippet.${each}`)]), language, show), copyButton(t('code.copy'), () => text)), h('pre', { className: 'block snippet', tabIndex: 0 }, text));
      };
      show('curl');
      content.append(h('div', { className: 'note -warn' }, icon('triangle-exclamation'), t('keys.once')), h('div', { className: 'with-button' }, h('output', { className: 'masked mono secret-text' }, key.key), copy), programs,
        h('label', { className: 'check' }, kept, t('keys.kept')));
      return [finish];
    }, { className: 'dialog -wide', closable: false, onclose: () => resolve(undefined) });
  });
}

function list(el, signal, keys, catalogue, asked) {
  let rows = keys;
  const selection = new Set();
  const providers = catalogue.map(({ provider }) => provider);
  const firstModel = (key) => catalogue.find(({ provider, models }) => models.length && (!key?.grants?.providers?.length || key.grants.providers.includes(provider.id)))?.models[0].model_name ?? 'demo';
  const search = h('input', { type: 'search', className: 'input', placeholder: t('keys.search'), 'aria-label': t('keys.search'), value: query().get('q') ?? '', oninput: () => { setQuery({ q: search.value }); update(); } });
  const bar = h('div', { className: 'selection-bar only-administrators', hidden: true, role: 'group', 'aria-label': t('providers.bulk') });
  const place = h('div', { className: 'card -flush' });
  const nothing = h('div', { className: 'card', hidden: true });
  if (asked.get('new') === '1') {
    setQuery({ new: null });
    queueMicrotask(() => edit(null));
  }
  if (rows.length === 0) {
    fill(el, empty(icon('key'), t('keys.empty'), t('keys.empty.text'), add()));
    return;
  }
  fill(el, h('div', { className: 'toolbar' }, h('div', { className: 'search' }, icon('magnifying-glass'), search),
    segments(t('providers.state'), [['', t('all')], ['active', t('key.active')], ['expired', t('key.expired')], ['disabled', t('key.disabled')]], query().get('state') ?? '', (state) => { setQuery({ state }); update(); }), h('span', { className: 'spring' }), add()), bar, place, nothing);
  const far = 8.64e15;
  const view = table(place, {
    label: t('page.keys'), selection, onSelect: showBar, sort: { key: query().get('sort') ?? 'name', down: query().get('down') === '1' }, onSort: ({ key, down }) => setQuery({ sort: key, down: down ? '1' : null }),
    columns: [
      { key: 'name', title: t('providers.name'), sort: (row) => row.name.toLowerCase(), cell: (row) => h('div', { className: 'name-cell' }, row.origin === 'provider' ? h('span', {}, row.name) : h('a', { href: `/app/keys?edit=${row.id}`, onclick: (event) => { event.preventDefault(); edit(row); } }, row.name), h('code', { className: 'quiet' }, row.key)) },
      { key: 'state', title: t('providers.state'), sort: (row) => row.state, cell: (row) => h('span', { className: 'row -wrap' }, badge(t(`key.${row.state}`), kinds[row.state], pictures[row.state]?.()), row.origin === 'provider' && badge(t('keys.brought')), row.former_key_until && badge(t('keys.grace', { when: ago(row.former_key_until) }), '-info')) },
      { key: 'grants', title: t('keys.reaches'), cell: (row) => grants(row) },
      { key: 'used', title: t('keys.budget'), sort: (row) => row.spending?.tokens ?? -1, cell: (row) => budget(row) },
      { key: 'limits', title: t('keys.limits'), cell: (row) => limitChips(row) },
      { key: 'expires', title: t('keys.expires'), sort: (row) => row.expires_at ?? far, cell: (row) => (row.expires_at ? moment(row.expires_at) : h('span', { className: 'quiet' }, t('keys.never'))) },
      { key: 'last', title: t('keys.last-used'), sort: (row) => row.last_used_at ?? 0, cell: (row) => (row.last_used_at ? moment(row.last_used_at) : h('span', { className: 'quiet' }, '—')) },
      { key: 'enabled', title: t('providers.enabled'), cell: (row) => switchControl(t('providers.enable', { name: row.name }), row.enabled, (on) => enable([row], on), { hushed: true }) },
      { key: 'more', title: t('more'), hushed: true, cell: more },
    ],
  });
  update();

  function add() {
    return button(t('action.new-key'), { picture: icon('plus'), kind: '-primary only-administrators', onclick: () => edit(null) });
  }

  function grants(row) {
    const names = (row.grants?.providers ?? []).map((id) => providers.find((provider) => provider.id === id)?.name ?? `#${id}`);
    const models = row.grants?.models ?? [];
    if (names.length + models.length === 0) return h('span', { className: 'quiet' }, t('keys.everything'));
    return h('span', { className: 'row -wrap' }, [...names, ...models].slice(0, 3).map((name) => h('span', { className: 'chip' }, name)), names.length + models.length > 3 && h('span', { className: 'quiet', title: [...names, ...models].join(', ') }, `+${names.length + models.length - 3}`));
  }

  function budget(row) {
    const spent = spentOf(row);
    if (!spent) return h('span', { className: 'quiet number' }, row.spending ? t('keys.spent', { n: shortCount(row.spending.tokens), cost: money(Number(row.spending.cost)) }) : t('keys.no-budget'));
    const write = spent.unit === 'money' ? money : shortCount;
    return h('div', { className: 'quota' }, h('span', { className: 'number' }, `${write(spent.used)} / ${write(spent.limit)}`, ' ', h('span', { className: 'quiet' }, t(`period.${spent.period}`))),
      h('progress', { className: `progress ${spent.share >= 1 ? '-danger' : spent.share >= 0.8 ? '-warn' : ''}`, value: spent.share, max: 1, 'aria-label': t('keys.budget') }), spent.share >= 1 && badge(t('keys.exhausted'), '-danger'));
  }

  function limitChips({ limits = {} }) {
    const found = [['requests_per_minute', 'keys.rpm-short'], ['tokens_per_minute', 'keys.tpm-short'], ['concurrent_requests', 'keys.concurrent-short']].filter(([name]) => limits[name]);
    return found.length ? h('span', { className: 'row -wrap' }, found.map(([name, key]) => h('span', { className: 'chip number' }, t(key, { n: shortCount(limits[name]) })))) : h('span', { className: 'quiet' }, '—');
  }

  function update() {
    const text = search.value.trim().toLowerCase();
    const state = query().get('state');
    const found = rows.filter((row) => (!text || `${row.name} ${row.key}`.toLowerCase().includes(text)) && (!state || row.state === state));
    place.hidden = found.length === 0;
    nothing.hidden = found.length > 0;
    if (found.length === 0) fill(nothing, empty(icon('filter'), t('filter.none'), '', button(t('filter.clear'), { onclick: () => navigate('/app/keys', { replace: true }) })));
    view.update(found);
    showBar();
  }

  async function refresh() {
    const next = await api.keys.list(signal).catch((error) => { if (!signal.aborted) complain(error); });
    if (!next || signal.aborted) return;
    const was = rows.length;
    rows = next;
    if (rows.length === 0 || was === 0) mount(fill(el.parentElement), signal, { query: new URLSearchParams() });
    else update();
  }

  function showBar() {
    bar.hidden = selection.size === 0;
    if (bar.hidden) return;
    const some = rows.filter((row) => selection.has(row.id));
    fill(bar, h('strong', { role: 'status' }, t('selected', { n: some.length })), h('span', { className: 'spring' }),
      button(t('enable'), { kind: '-small', onclick: () => enable(some, true) }), button(t('disable'), { kind: '-small', onclick: () => enable(some, false) }), button(t('delete'), { kind: '-small -ghost -warning', onclick: () => remove(some) }),
      iconButton(t('filter.clear-selection'), icon('xmark'), { kind: '-small -ghost', onclick: () => { selection.clear(); update(); } }));
  }

  async function enable(some, on) {
    try {
      for (const row of some) Object.assign(row, (await api.keys.save(row.id, { enabled: on })).data);
    } catch (error) {
      complain(error);
      return refresh();
    }
    update();
    return undoable(t(on ? 'keys.enabled-n' : 'keys.disabled-n', { n: some.length, name: some[0].name }), async () => {
      for (const row of some) Object.assign(row, (await api.keys.save(row.id, { enabled: !on })).data);
      update();
    });
  }

  async function remove(some) {
    const sure = await confirm(t('keys.delete-title', { n: some.length }), t('keys.delete-text', { names: some.map((row) => row.name).join(', ') }), t('delete'), { danger: true });
    if (!sure) return;
    const wrong = [];
    for (const row of some) await api.keys.remove(row.id).catch((error) => wrong.push(`${row.name}: ${reason(error)}`));
    selection.clear();
    await refresh();
    if (wrong.length) toast(wrong.slice(0, 3).join('\n'), { kind: 'danger' });
    else toast(t('keys.deleted', { n: some.length }));
  }

  function more(row) {
    const opener = iconButton(t('more-of', { name: row.name }), icon('ellipsis'), { kind: '-small -ghost', 'aria-haspopup': 'menu', 'aria-expanded': 'false' });
    const own = row.origin !== 'provider';
    opener.addEventListener('click', () => openMenu(opener, [
      { text: t('edit'), picture: icon('pen'), run: () => edit(row) },
      own && { text: t('keys.rotate'), picture: icon('rotate'), run: () => rotate(row) },
      { text: t('keys.usage'), picture: icon('chart-line'), href: '/app/usage?by=key&range=7d' },
      own && '-',
      own && { text: t('delete'), picture: icon('trash-can'), kind: '-warning', run: () => remove([row]) },
    ]));
    return opener;
  }

  function rotate(row) {
    const grace = select([['0', t('grace.none')], ['3600', t('grace.hour')], ['86400', t('grace.day')], ['604800', t('grace.week')]], '86400', () => {});
    openDialog(t('keys.rotate-title', { name: row.name }), (content, close) => {
      content.append(h('p', {}, t('keys.rotate-text')), field(t('keys.grace-period'), grace));
      const go = button(t('keys.rotate'), { kind: '-primary', onclick: () => busy(go, async () => {
        try {
          const { data } = await api.keys.rotate(row.id, { grace_seconds: Number(grace.value) });
          close();
          await showSecret(data, firstModel(row));
          await refresh();
        } catch (error) {
          complain(error);
        }
      }) });
      return [button(t('cancel'), { onclick: close }), go];
    });
  }

  // --- making and changing

  function edit(row) {
    const form = formOf(row, zone());
    const brought = row?.origin === 'provider';
    const controls = {};
    const text = (name, properties = {}) => (controls[name] = h('input', { className: 'input', value: form[name], autocomplete: 'off', oninput: (event) => { form[name] = event.currentTarget.value; }, ...properties }));
    const number = (name, placeholder = t('keys.unlimited')) => text(name, { type: 'number', min: '1', className: 'input number', placeholder });
    const area = (name, placeholder) => (controls[name] = h('textarea', { className: 'area -mono', rows: 2, value: form[name], placeholder, spellcheck: false, oninput: (event) => { form[name] = event.currentTarget.value; } }));
    const amount = row ? null : h('input', { className: 'input number', type: 'number', min: '1', max: '100', value: '1' });
    openDialog(row ? t('keys.edit') : t('action.new-key'), (content, close) => {
      const save = button(t(row ? 'save' : 'create'), { kind: '-primary', type: 'submit' });
      save.setAttribute('form', 'key-form');
      content.append(h('form', { id: 'key-form', className: 'stack', noValidate: true, onsubmit: (event) => { event.preventDefault(); submit(save, close); } },
        field(t('providers.name'), text('name', { maxLength: 200, placeholder: t('keys.name-example') })), expiry(),
        !brought && h('fieldset', { className: 'field' }, h('legend', { className: 'label' }, t('keys.reaches')), h('p', { className: 'hint' }, t('keys.grants-hint')),
          h('div', { className: 'row -wrap checks-row' }, providers.map((provider) => h('label', { className: 'check' }, h('input', { type: 'checkbox', checked: form.providers.includes(provider.id), onchange: (event) => { form.providers = event.currentTarget.checked ? [...form.providers, provider.id] : form.providers.filter((id) => id !== provider.id); } }), provider.name))),
          field(t('keys.models'), area('models', 'gpt-*'), { hint: t('keys.models-hint') })),
        h('fieldset', { className: 'field' }, h('legend', { className: 'label' }, t('keys.limits')), h('div', { className: 'columns' }, field(t('keys.rpm'), number('rpm')), field(t('keys.tpm'), number('tpm')), field(t('keys.concurrent'), number('concurrent')))),
        h('fieldset', { className: 'field' }, h('legend', { className: 'label' }, t('keys.budget')), h('div', { className: 'columns' }, field(t('keys.amount'), text('budgetAmount', { inputMode: 'decimal', className: 'input number', placeholder: t('keys.unlimited') })),
          field(t('keys.unit'), select(['tokens', 'money'].map((unit) => [unit, t(`unit.${unit}`)]), form.budgetUnit, (unit) => { form.budgetUnit = unit; })),
          field(t('keys.period'), select(['total', 'day', 'week', 'month'].map((period) => [period, t(`period.${period}`)]), form.budgetPeriod, (period) => { form.budgetPeriod = period; }))), h('p', { className: 'hint' }, t('keys.zone', { zone: form.timeZone }))),
        field(t('keys.addresses'), area('addresses', '10.0.0.0/8'), { hint: t('keys.addresses-hint') }),
        amount && field(t('keys.how-many'), amount, { hint: t('keys.how-many-hint') }),
        row && limitsOf(row).length > 0 && h('p', { className: 'note' }, icon('circle-info'), t('keys.binds', { limits: limitsOf(row).map((name) => t(`limit.${name}`)).join(', ') }))));
      return [button(t('cancel'), { onclick: close }), save];
    }, { className: 'sheet' });

    function expiry() {
      const shown = h('p', { className: 'hint', role: 'status' });
      const exact = h('input', { type: 'datetime-local', className: 'input -small', 'aria-label': t('keys.expires-exactly'), onchange: () => set(exact.value ? new Date(exact.value).getTime() : null) });
      const set = (at) => {
        form.expiresAt = at;
        exact.value = at ? new Date(at - new Date(at).getTimezoneOffset() * 6e4).toISOString().slice(0, 16) : '';
        shown.textContent = at ? t('keys.expires-at', { when: dateTime(at), zone: zone() }) : t('keys.never-expires');
      };
      set(form.expiresAt);
      return h('fieldset', { className: 'field' }, h('legend', { className: 'label' }, t('keys.expires')), h('div', { className: 'row -wrap' }, segments(t('keys.expires'), expiries.map((each) => [each, t(`expiry.${each}`)]), form.expiresAt ? '' : 'never', (each) => set(expiryOf(each, Date.now()))), exact), shown);
    }

    async function submit(opener, close) {
      const wrong = faults(form);
      for (const [name, control] of Object.entries(controls)) fault(control, wrong[name] ? t(`keys.fault.${wrong[name]}`) : '');
      const first = Object.keys(wrong)[0];
      if (first) return controls[first].focus();
      return busy(opener, () => (row ? change(close) : make(close, Math.min(100, Math.max(1, Number(amount.value) || 1)))));
    }

    async function change(close) {
      const body = bodyOf(form);
      if (brought) delete body.grants;
      try {
        const { etag } = await api.keys.show(row.id);
        await api.keys.save(row.id, body, etag);
        close();
        toast(t('saved'));
        await refresh();
      } catch (error) {
        complain(error);
      }
    }

    async function make(close, n) {
      const made = [];
      try {
        for (let i = 0; i < n; i++) made.push((await api.keys.create({ ...bodyOf(form), name: n > 1 ? `${form.name.trim()} ${i + 1}` : form.name.trim() })).data);
      } catch (error) {
        complain(error);
        if (made.length === 0) return;
      }
      close();
      if (made.length === 1) await showSecret(made[0], firstModel(made[0]));
      else {
        saveFile('keys.csv', `name,key\r\n${made.map(({ name, key }) => `"${name.replaceAll('"', '""')}",${key}`).join('\r\n')}\r\n`, 'text/csv;charset=utf-8');
        toast(t('keys.made-n', { n: count(made.length) }));
      }
      await refresh();
    }
  }
}
