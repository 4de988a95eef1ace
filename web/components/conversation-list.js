// The conversations of this browser: by age, with a search in their texts, and what one does with them.
import { fill, h, icon } from '../lib/dom.js';
import { t } from '../lib/i18n.js';
import { groupByAge } from '../logic/conversation.js';
import { randomId } from '../lib/chats.js';
import { navigate } from '../lib/router.js';
import { button, iconButton, openMenu } from './parts.js';
import { undoable } from './toasts.js';

/// Fills `el`; returns {show(id)}. `actions` are {exportOne(id), importFile()}.
export function conversationList(el, signal, chats, actions) {
  let current = '';
  let found = null; // ids, while one searches
  let selecting = null; // ids, while one selects
  let archived = false;
  let timer = 0;
  const search = h('input', { type: 'search', className: 'input -small', placeholder: t('list.search'), 'aria-label': t('list.search'), oninput: onSearch });
  search.style.width = '100%';
  const rows = h('div', { className: 'rows' });
  const bar = h('div', { className: 'selection', hidden: true });
  const more = iconButton(t('list.more'), icon('ellipsis'), { kind: '-small -ghost', 'aria-haspopup': 'menu', 'aria-expanded': 'false' });
  more.addEventListener('click', () => openMenu(more, [
    { text: t('list.select'), picture: icon('list-check'), run: () => { selecting = new Set(); update(); } },
    { text: t(archived ? 'list.unarchived' : 'list.archived'), picture: icon('box-archive'), run: () => { archived = !archived; update(); } },
    { text: t('list.import'), picture: icon('file-import'), run: actions.importFile },
  ]));
  fill(el, h('div', { className: 'head' }, button(t('chat.new'), { picture: icon('pen-to-square'), kind: '-small', onclick: () => navigate('/app/chat?new=1') }), more),
    h('div', { className: 'search' }, icon('magnifying-glass'), search), bar, rows,
    h('p', { className: 'foot' }, icon('circle-info'), t('list.kept-here')));
  chats.addEventListener('list', update, { signal });
  update();

  function onSearch() {
    clearTimeout(timer);
    timer = window.setTimeout(async () => {
      found = search.value.trim() ? await chats.search(search.value) : null;
      if (!signal.aborted) update();
    }, 120);
  }

  function update() {
    const heads = chats.heads.filter((head) => head.archived === archived && (!found || found.has(head.id)));
    const groups = groupByAge(heads, Date.now());
    fill(rows, groups.map(([age, list]) => {
      const id = `age-${age}`;
      return h('section', { 'aria-labelledby': id }, h('h2', { id }, t(`age.${age}`)), h('ul', { role: 'list' }, list.map(row)));
    }), groups.length === 0 && h('p', { className: 'none' }, t(found ? 'list.not-found' : archived ? 'list.no-archived' : 'list.empty')));
    showSelection();
  }

  function row(head) {
    const title = head.title || t('chat.untitled');
    if (selecting) {
      const box = h('input', { type: 'checkbox', checked: selecting.has(head.id), onchange: () => { if (box.checked) selecting.add(head.id); else selecting.delete(head.id); showSelection(); } });
      return h('li', { className: 'entry' }, h('label', { className: 'check place' }, box, h('span', { className: 'cut' }, title)));
    }
    const menu = iconButton(t('list.entry-more', { title }), icon('ellipsis'), { kind: '-small -ghost', 'aria-haspopup': 'menu', 'aria-expanded': 'false' });
    menu.addEventListener('click', () => openMenu(menu, [
      { text: t('list.rename'), picture: icon('pen'), run: () => rename(head) },
      { text: t(head.pinned ? 'list.unpin' : 'list.pin'), picture: icon('thumbtack'), run: () => chats.patch(head.id, { pinned: !head.pinned }) },
      { text: t('list.duplicate'), picture: icon('clone'), run: () => duplicate(head.id) },
      { text: t(head.archived ? 'list.restore' : 'list.archive'), picture: icon('box-archive'), run: () => archive(head) },
      { text: t('list.export'), picture: icon('file-export'), run: () => actions.exportOne(head.id) },
      '-',
      { text: t('list.delete'), picture: icon('trash-can'), kind: '-warning', run: () => remove([head.id]) },
    ]));
    return h('li', { className: 'entry', dataset: { id: head.id } },
      h('a', { className: 'place', href: `/app/chat/${head.id}`, title, ...(head.id === current ? { 'aria-current': 'page' } : {}) }, head.pinned && icon('thumbtack'), h('span', { className: 'cut' }, title)), menu);
  }

  function showSelection() {
    bar.hidden = !selecting;
    if (!selecting) return;
    const end = () => { selecting = null; update(); };
    fill(bar, h('span', { role: 'status' }, t('list.selected', { n: selecting.size })), h('span', { className: 'spring' }),
      iconButton(t('list.delete'), icon('trash-can'), { kind: '-small -ghost -warning', disabled: selecting.size === 0, onclick: () => { const ids = [...selecting]; end(); remove(ids); } }),
      iconButton(t('cancel'), icon('xmark'), { kind: '-small -ghost', onclick: end }));
  }

  function rename(head) {
    const entry = rows.querySelector(`[data-id="${CSS.escape(head.id)}"]`);
    const input = h('input', { className: 'input -small', value: head.title, 'aria-label': t('list.rename'), maxLength: 200 });
    let done = false;
    const end = (save) => {
      if (done) return;
      done = true;
      if (save && input.value.trim()) chats.patch(head.id, { title: input.value.trim(), named: true });
      update();
      rows.querySelector(`[data-id="${CSS.escape(head.id)}"] a`)?.focus();
    };
    input.addEventListener('keydown', (event) => {
      if (event.isComposing || event.keyCode === 229) return;
      if (event.key === 'Enter') end(true);
      if (event.key === 'Escape') { event.stopPropagation(); end(false); }
    });
    input.addEventListener('blur', () => end(true));
    fill(entry, input);
    input.select();
  }

  async function duplicate(id) {
    const one = await chats.open(id);
    if (!one) return;
    const copy = { ...one, id: randomId(), hubId: null, pinned: false, named: true, title: t('list.copy-of', { title: one.title }), createdAt: Date.now(), updatedAt: Date.now() };
    chats.put(copy);
    navigate(`/app/chat/${copy.id}`);
  }

  async function archive(head) {
    await chats.patch(head.id, { archived: !head.archived });
    undoable(t(head.archived ? 'list.restored' : 'list.was-archived'), () => chats.patch(head.id, { archived: head.archived }));
  }

  async function remove(ids) {
    const restore = await chats.remove(ids);
    undoable(t('list.deleted', { n: ids.length }), restore);
    if (ids.includes(current)) navigate('/app/chat?new=1', { replace: true });
  }

  return {
    show(id) {
      if (id === current) return;
      current = id;
      update();
    },
  };
}
