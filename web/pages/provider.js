// One provider: made from a template or changed. Secrets can be written, never read.
import * as api from '../lib/api.js';
import { fill, h, icon } from '../lib/dom.js';
import { count, t } from '../lib/i18n.js';
import { guardLeaving, navigate } from '../lib/router.js';
import { changes, compareModels, conflicts, endpoint, templates, timeoutNames } from '../logic/providers.js';
import { badge, busy, button, confirm, empty, fault, field, iconButton, load, openDialog, secretInput, switchControl } from '../components/parts.js';
import { testSteps } from '../components/test-steps.js';
import { complain, reason, toast, undoable } from '../components/toasts.js';
import { stateBadge } from './providers.js';

const blank = { name: '', kind: 'openai', server_url: '', description: '', enabled: true, priority: 0, weight: 1, headers: {}, timeouts: {} };
const shownFields = Object.keys(blank);
const pick = (row) => Object.fromEntries(shownFields.map((name) => [name, row[name] ?? blank[name]]));

export function mount(el, signal, { params, query, shell }) {
  const page = h('div', { className: 'page' });
  el.append(page);
  const parent = { text: t('page.providers'), href: '/app/providers' };
  if (params.id !== 'new') {
    return load(page, signal, async (stop) => ({ ...(await api.providers.show(params.id, stop)), models: await api.providers.models(params.id, stop) }), ({ data, etag, models }) => {
      shell.title(data.name, parent);
      form(page, signal, { row: data, etag, models, shell, parent });
    });
  }
  shell.title(t('providers.add'), parent);
  const from = query.get('from');
  if (!from) return chooseTemplate(page, signal, { shell, parent });
  return load(page, signal, (stop) => api.providers.show(from, stop), ({ data }) => {
    form(page, signal, { row: { ...pick(data), name: t('providers.copy-of', { name: data.name }), headers: {} }, etag: '', models: [], shell, parent, isNew: true });
  });
}

function chooseTemplate(el, signal, context) {
  const start = (template) => {
    fill(el);
    form(el, signal, { ...context, row: { ...blank, name: template?.name ?? '', server_url: template?.url ?? '' }, etag: '', models: [], isNew: true });
    el.querySelector('input')?.focus();
  };
  fill(el, h('div', { className: 'stack narrow' }, h('h2', {}, t('providers.template')), h('p', { className: 'quiet' }, t('providers.template.text')),
    h('ul', { className: 'templates', role: 'list' },
      h('li', {}, h('button', { type: 'button', onclick: () => start(null) }, icon('plus'), h('span', {}, h('strong', {}, t('providers.custom')), h('small', {}, t('providers.custom.text'))))),
      templates.map((template) => h('li', {}, h('button', { type: 'button', onclick: () => start(template) }, template.local ? icon('house-laptop') : icon('cloud'), h('span', {}, h('strong', {}, template.name), h('small', { className: 'cut' }, new URL(template.url).host))))))));
}

function form(el, signal, { row, etag, models, shell, parent, isNew = false }) {
  const base = row;
  let tag = etag;
  const saved = () => pick(base);
  const now = pick(base);
  const secrets = {}; // only what was typed
  let leaving = false;

  const name = h('input', { className: 'input', value: now.name, required: true, maxLength: 200, autocomplete: 'off', oninput: () => set('name', name.value) });
  const url = h('input', { className: 'input -mono', type: 'url', value: now.server_url, required: true, placeholder: 'https://api.example.com', autocomplete: 'off', spellcheck: false, oninput: () => { set('server_url', url.value.trim()); showEndpoint(); } });
  const goes = h('p', { className: 'hint', role: 'status' });
  const description = h('textarea', { className: 'area', rows: 2, value: now.description, oninput: () => set('description', description.value) });
  const priority = number('priority', 0);
  const weight = number('weight', 1);
  const isDemo = now.kind === 'demo';
  const urlField = field(t('providers.url'), url);
  urlField.append(goes);
  const testBox = h('div', { className: 'stack' });
  const modelBox = h('div', { className: 'stack' });
  const saveBar = h('div', { className: 'save-bar only-administrators', hidden: true });
  const main = h('form', { className: 'stack', noValidate: true, onsubmit: (event) => { event.preventDefault(); save(); } },
    section('providers.connection', field(t('providers.name'), name), !isDemo && urlField, !isDemo && secret('server_key', 'providers.server-key')),
    section('providers.access', secret('personalized_key', 'providers.personalized-key')),
    section('providers.routing', h('div', { className: 'columns' }, field(t('providers.priority'), priority, { hint: t('providers.priority.hint') }), field(t('providers.weight'), weight, { hint: t('providers.weight.hint') })),
      switchControl(t('providers.enabled-long'), now.enabled, (on) => set('enabled', on))),
    !isDemo && h('details', { className: 'card more-options' }, h('summary', {}, t('providers.advanced')), h('div', { className: 'stack' }, headers(), timeouts())),
    section('providers.notes', field(t('description'), description)), saveBar);
  fill(el, h('div', { className: 'with-side' }, main, h('div', { className: 'stack side' },
    !isNew && h('section', { className: 'card stack' }, h('div', { className: 'row -between' }, h('h2', {}, t('providers.status')), stateBadge(base.state)), button(t('providers.test'), { picture: icon('stethoscope'), kind: 'only-administrators', onclick: (event) => test(event.currentTarget) }), testBox),
    !isNew && h('section', { className: 'card stack' }, modelBox),
    isNew && h('div', { className: 'note' }, icon('circle-info'), t('providers.after-save')))));
  guardLeaving(async () => !dirty() || confirm(t('unsaved.title'), t('unsaved.text'), t('unsaved.leave'), { danger: true }), signal);
  addEventListener('beforeunload', (event) => { if (dirty()) event.preventDefault(); }, { signal });
  showEndpoint();
  showBar();
  if (!isNew) drawModels();

  function section(key, ...children) {
    return h('section', { className: 'card stack' }, h('h2', {}, t(key)), children);
  }

  function number(key, least) {
    const input = h('input', { className: 'input number', type: 'number', min: String(least), max: '1000000', value: String(now[key]), oninput: () => set(key, Number(input.value)) });
    return input;
  }

  function set(key, value) {
    now[key] = value;
    showBar();
  }

  function secret(key, textKey) {
    const place = h('div', { className: 'secret' });
    const masked = base[key];
    const write = () => {
      const { input, el: box } = secretInput({ placeholder: key === 'server_key' ? 'sk-…' : '', oninput: () => { secrets[key] = input.value; showBar(); } });
      fill(place, field(t(textKey), box, { hint: t(`${textKey}.hint`) }));
      if (masked) place.querySelector('.field').append(button(t('secret.keep'), { kind: '-small -ghost', onclick: () => { delete secrets[key]; showMasked(); showBar(); } }));
      return input;
    };
    const showMasked = () => fill(place, h('div', { className: 'field' }, h('span', { className: 'label' }, t(textKey)), h('div', { className: 'row' }, h('code', { className: 'masked' }, masked), button(t('secret.replace'), { kind: '-small', picture: icon('rotate'), onclick: () => write().focus() }))));
    if (masked) showMasked();
    else write();
    return place;
  }

  function headers() {
    const list = h('div', { className: 'stack', style: { gap: '8px' } });
    const entries = Object.entries(now.headers);
    const draw = () => fill(list, entries.map((entry, i) => h('div', { className: 'with-button' },
      h('input', { className: 'input -mono', value: entry[0], placeholder: 'x-header', 'aria-label': t('providers.header-name', { n: i + 1 }), oninput: (event) => { entry[0] = event.currentTarget.value.trim().toLowerCase(); keep(); } }),
      h('input', { className: 'input -mono', value: entry[1], 'aria-label': t('providers.header-value', { n: i + 1 }), oninput: (event) => { entry[1] = event.currentTarget.value; keep(); } }),
      iconButton(t('delete'), icon('trash-can'), { kind: '-ghost', onclick: () => { entries.splice(i, 1); draw(); keep(); } }))),
    h('div', {}, button(t('providers.add-header'), { kind: '-small', picture: icon('plus'), onclick: () => { entries.push(['', '']); draw(); list.querySelectorAll('.with-button').item(entries.length - 1).querySelector('input').focus(); } })));
    const keep = () => set('headers', Object.fromEntries(entries.filter(([key]) => key)));
    draw();
    return h('fieldset', { className: 'field' }, h('legend', { className: 'label' }, t('providers.headers')), h('p', { className: 'hint' }, t('providers.headers.hint')), list);
  }

  function timeouts() {
    return h('fieldset', { className: 'field' }, h('legend', { className: 'label' }, t('providers.timeouts')), h('p', { className: 'hint' }, t('providers.timeouts.hint')),
      h('div', { className: 'columns' }, timeoutNames.map((key) => {
        const input = h('input', { className: 'input number', type: 'number', min: '0.001', step: 'any', max: '86400', placeholder: t('param.default'), value: now.timeouts[key] ? String(now.timeouts[key] / 1000) : '', oninput: () => {
          const next = { ...now.timeouts };
          if (input.value === '') delete next[key];
          else next[key] = Math.round(Number(input.value) * 1000);
          set('timeouts', next);
        } });
        return field(t(`timeout.${key}`), input);
      })));
  }

  function showEndpoint() {
    const found = endpoint(url.value);
    goes.textContent = found ? t('providers.goes-to', { url: found }) : t('providers.url.hint');
  }

  function changed() {
    return { ...(isNew ? now : changes(saved(), now)), ...Object.fromEntries(Object.entries(secrets).filter(([, value]) => value !== '')) };
  }

  function dirty() {
    if (leaving) return false;
    return isNew ? JSON.stringify(now) !== JSON.stringify(pick(row)) || Object.keys(secrets).length > 0 : Object.keys(changed()).length > 0;
  }

  function showBar() {
    const n = isNew ? 0 : Object.keys(changed()).length;
    saveBar.hidden = !isNew && n === 0;
    if (saveBar.hidden) return;
    const submit = saveBar.querySelector('[type="submit"]') ?? button(t(isNew ? 'create' : 'save'), { kind: '-primary', type: 'submit' });
    const back = saveBar.querySelector('.discard') ?? button(t(isNew ? 'cancel' : 'discard'), { kind: 'discard', onclick: discard });
    if (!saveBar.firstChild) fill(saveBar, h('span', { role: 'status' }), h('span', { className: 'spring' }), back, submit);
    saveBar.firstChild.textContent = isNew ? '' : t('unsaved.count', { n });
  }

  function discard() {
    leaving = true;
    navigate(isNew ? '/app/providers' : location.pathname, { replace: true });
  }

  function check() {
    fault(name, now.name.trim() ? '' : t('required'));
    if (!isDemo) fault(url, endpoint(now.server_url) ? '' : t('providers.url.wrong'));
    return main.querySelector('[aria-invalid="true"]');
  }

  async function save() {
    const wrong = check();
    if (wrong) return wrong.focus();
    return busy(saveBar.querySelector('[type="submit"]'), () => (isNew ? create() : update(tag, changed())));
  }

  async function create() {
    try {
      const { data } = await api.providers.create({ personalized_key: '', server_key: '', ...changed() });
      leaving = true;
      toast(t('providers.created', { name: data.name }));
      await navigate(`/app/providers/${data.id}`, { replace: true });
    } catch (error) {
      refused(error);
    }
  }

  async function update(etag_, mine) {
    try {
      const { data, etag: next } = await api.providers.save(base.id, mine, etag_);
      toast(t('providers.saved', { name: data.name }));
      leaving = true;
      fill(el);
      shell.title(data.name, parent);
      form(el, signal, { row: data, etag: next, models, shell, parent });
    } catch (error) {
      if (error.status === 412) await conflict(mine);
      else refused(error);
    }
  }

  function refused(error) {
    const control = { name, server_url: url, priority, weight }[error.param];
    if (control) { fault(control, error.message); control.focus(); } else complain(error);
  }

  // Somebody else saved in between: both versions side by side, and one chooses.
  async function conflict(mine) {
    const { data: theirs, etag: next } = await api.providers.show(base.id, signal);
    const rows = conflicts(base, mine, theirs);
    const words = (value) => (typeof value === 'object' ? JSON.stringify(value) : String(value));
    openDialog(t('conflict.title'), (content, close) => {
      content.append(h('p', {}, t('conflict.text', { name: theirs.name })), h('table', { className: 'table' }, h('thead', {}, h('tr', {}, ['conflict.field', 'conflict.theirs', 'conflict.mine'].map((key) => h('th', { scope: 'col' }, t(key))))),
        h('tbody', {}, rows.map(({ name: key, mine: ours, theirs: other }) => h('tr', {}, h('th', { scope: 'row' }, key), h('td', {}, key.endsWith('_key') ? '•••' : words(other)), h('td', {}, key.endsWith('_key') ? '•••' : words(ours)))))));
      return [button(t('conflict.take'), { onclick: () => { close(); leaving = true; navigate(location.pathname, { replace: true }); } }),
        button(t('conflict.overwrite'), { kind: '-primary', onclick: () => { close(); tag = next; update(next, mine); } })];
    });
  }

  async function test(opener) {
    testSteps(testBox, null);
    await busy(opener, async () => {
      try {
        testSteps(testBox, await api.providers.test(base.id, signal));
      } catch (error) {
        if (!signal.aborted) { fill(testBox); complain(error); }
      }
    });
  }

  // --- models

  function drawModels() {
    const input = h('input', { className: 'input', placeholder: t('models.name'), 'aria-label': t('models.name'), maxLength: 200, autocomplete: 'off' });
    const add = h('form', { className: 'with-button', onsubmit: (event) => { event.preventDefault(); if (input.value.trim()) addModels([input.value.trim()]); } }, input, button(t('add'), { type: 'submit' }));
    fill(modelBox, h('div', { className: 'row -between' }, h('h2', {}, t('page.models'), ' ', h('span', { className: 'quiet number' }, count(models.length))), button(t('models.fetch'), { kind: '-small', picture: icon('cloud-arrow-down'), onclick: (event) => fetchModels(event.currentTarget) })), add,
      models.length === 0 ? h('p', { className: 'quiet' }, t('models.none-here'))
        : h('ul', { className: 'model-list', role: 'list' }, models.map((model) => h('li', {}, h('span', { className: 'cut', title: model.model_name }, model.model_name),
          h('a', { className: 'button -icon -small -ghost', href: `/app/chat?new=1&provider=${base.id}&model=${encodeURIComponent(model.model_name)}`, 'aria-label': t('models.try-named', { name: model.model_name }), title: t('models.try') }, icon('message')),
          iconButton(t('delete-named', { name: model.model_name }), icon('trash-can'), { kind: '-small -ghost', onclick: () => dropModels([model]) })))));
  }

  async function addModels(names) {
    const failed = [];
    for (const each of names) {
      try {
        models.push((await api.models.create({ provider_id: base.id, model_name: each, description: '' })).data);
      } catch (error) {
        failed.push(`${each}: ${reason(error)}`);
      }
    }
    drawModels();
    if (failed.length) toast(failed.slice(0, 3).join('\n'), { kind: 'danger' });
    else toast(t('models.added', { n: names.length }));
  }

  async function dropModels(some) {
    for (const model of some) {
      try {
        await api.models.remove(model.id);
        models.splice(models.indexOf(model), 1);
      } catch (error) {
        complain(error);
      }
    }
    drawModels();
    undoable(t('models.removed', { n: some.length }), () => addModels(some.map((model) => model.model_name)));
  }

  async function fetchModels(opener) {
    let found;
    try {
      found = await busy(opener, () => api.providers.upstreamModels(base.id, signal));
    } catch (error) {
      return complain(error);
    }
    const { fresh, known, gone } = compareModels(found?.models ?? [], models);
    const chosen = new Set();
    const leave = new Set();
    openDialog(t('models.upstream', { name: base.name }), (content, close) => {
      const search = h('input', { type: 'search', className: 'input', placeholder: t('models.search'), 'aria-label': t('models.search'), oninput: draw });
      const list = h('div', { className: 'stack', style: { gap: '12px' } });
      const go = button(t('apply'), { kind: '-primary', disabled: true, onclick: async () => { close(); if (chosen.size) await addModels([...chosen]); if (leave.size) await dropModels(models.filter((model) => leave.has(model.model_name))); } });
      content.append(h('div', { className: 'row -wrap' }, badge(t('models.fresh', { n: fresh.length }), '-success'), badge(t('models.known', { n: known.length })), badge(t('models.gone', { n: gone.length }), gone.length ? '-warn' : '')), search, list);
      draw();
      return [button(t('models.all-fresh'), { onclick: () => { for (const id of fresh) chosen.add(id); draw(); } }), button(t('cancel'), { onclick: close }), go];

      function draw() {
        const fits = (id) => id.toLowerCase().includes(search.value.trim().toLowerCase());
        const box = (id, set, mark) => h('label', { className: 'check' }, h('input', { type: 'checkbox', checked: set.has(id), onchange: (event) => { if (event.currentTarget.checked) set.add(id); else set.delete(id); ready(); } }), h('span', { className: 'cut' }, id), mark);
        fill(list, fresh.length + gone.length === 0 && empty(icon('circle-check'), t('models.in-step'), ''),
          fresh.some(fits) && h('fieldset', { className: 'checks' }, h('legend', {}, t('models.fresh-title')), fresh.filter(fits).map((id) => box(id, chosen, null))),
          gone.some((model) => fits(model.model_name)) && h('fieldset', { className: 'checks' }, h('legend', {}, t('models.gone-title')), gone.filter((model) => fits(model.model_name)).map((model) => box(model.model_name, leave, badge(t('models.not-upstream'), '-warn')))));
        ready();
      }

      function ready() {
        go.disabled = chosen.size + leave.size === 0;
        go.querySelector('.text').textContent = chosen.size + leave.size ? t('models.apply', { add: chosen.size, remove: leave.size }) : t('apply');
      }
    }, { className: 'dialog -wide' });
    return undefined;
  }
}
