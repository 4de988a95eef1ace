// A table that sorts, selects and becomes cards on a narrow screen.
import { fill, h, icon } from '../lib/dom.js';
import { t } from '../lib/i18n.js';

/// Fills `el`. `columns` are {key, title, sort(row), cell(row), number, hushed}; `selection` (a Set of ids, or null) adds boxes.
/// Returns {update(rows)}.
/** @param {HTMLElement} el @param {any} options */
export function table(el, { label, columns, selection = null, onSelect = () => {}, sort = null, onSort = () => {}, name = (row) => row.name }) {
  let order = sort; // {key, down}
  let shown = [];
  const all = h('input', { type: 'checkbox', 'aria-label': t('table.all'), onchange: () => { for (const row of shown) if (all.checked) selection.add(row.id); else selection.delete(row.id); update(shown); onSelect(); } });
  const head = h('tr');
  const body = h('tbody');
  fill(el, h('div', { className: 'table-scroller', tabIndex: 0, role: 'group', 'aria-label': label }, h('table', { className: 'table' }, h('caption', { className: 'hush' }, label), h('thead', {}, head), body)));

  function header(column) {
    const direction = order?.key === column.key ? (order.down ? 'descending' : 'ascending') : null;
    const title = column.hushed ? h('span', { className: 'hush' }, column.title) : column.title;
    return h('th', { scope: 'col', className: `${column.number ? '-number' : ''} ${column.hushed ? '-narrow' : ''}`, ...(direction ? { 'aria-sort': direction } : {}) },
      column.sort ? h('button', { type: 'button', className: 'sorter', onclick: () => { order = { key: column.key, down: order?.key === column.key ? !order.down : Boolean(column.number) }; onSort(order); update(shown); } },
        title, direction && icon(direction === 'descending' ? 'arrow-down' : 'arrow-up')) : title);
  }

  function row(each) {
    const box = selection && h('td', { className: '-check' }, h('label', { className: 'check-cell' }, h('input', { type: 'checkbox', checked: selection.has(each.id), 'aria-label': t('table.select', { name: name(each) }), onchange: (event) => { if (event.currentTarget.checked) selection.add(each.id); else selection.delete(each.id); mark(); onSelect(); } })));
    return h('tr', { dataset: { id: each.id } }, box, columns.map((column, i) => h('td', { className: column.number ? '-number number' : column.hushed ? '-narrow' : i === 0 ? '-title' : '', dataset: column.hushed || i === 0 ? {} : { title: column.title } }, column.cell(each))));
  }

  function mark() {
    const n = shown.filter((each) => selection?.has(each.id)).length;
    all.checked = n > 0 && n === shown.length;
    all.indeterminate = n > 0 && n < shown.length;
    for (const tr of body.children) if (tr instanceof HTMLElement) tr.classList.toggle('-selected', Boolean(selection) && shown.some((each) => String(each.id) === tr.dataset.id && selection.has(each.id)));
  }

  function update(rows) {
    const column = columns.find((each) => each.key === order?.key);
    shown = column?.sort ? [...rows].sort((a, b) => compare(column.sort(a), column.sort(b)) * (order.down ? -1 : 1)) : rows;
    fill(head, selection && h('th', { scope: 'col', className: '-check' }, h('label', { className: 'check-cell' }, all)), columns.map(header));
    fill(body, shown.map(row));
    mark();
  }
  return { update };
}

function compare(a, b) {
  return typeof a === 'string' ? a.localeCompare(b) : a - b;
}
