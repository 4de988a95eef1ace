// The chat: the list of conversations, the one that is open, and its parameters.
import { providers, usableModels } from '../lib/api.js';
import { randomId } from '../lib/chats.js';
import { fill, h, icon } from '../lib/dom.js';
import { t } from '../lib/i18n.js';
import { remember, remembered } from '../lib/preferences.js';
import { navigate } from '../lib/router.js';
import * as logic from '../logic/conversation.js';
import { choices, estimate, preselected, valueOf } from '../logic/catalogue.js';
import { tokens } from '../logic/format.js';
import { composerAction } from '../logic/keys.js';
import { composer } from '../components/composer.js';
import { conversationList } from '../components/conversation-list.js';
import { modelPicker, pickModel } from '../components/model-picker.js';
import { button, empty, iconButton, openDialog, openMenu, saveFile } from '../components/parts.js';
import { thread } from '../components/thread.js';
import { complain, toast, undoable } from '../components/toasts.js';

const wide = matchMedia('(min-width: 1024px)');

export async function mount(el, signal, { params, query, shell, chats }) {
  await chats.ready;
  let conversation = params.id ? await chats.open(params.id) : null;
  if (signal.aborted) return;
  if (params.id && !conversation) {
    fill(el, empty(icon('message'), t('chat.gone'), t('chat.gone.text'), button(t('chat.new'), { kind: '-primary', onclick: () => navigate('/app/chat', { replace: true }) })));
    return;
  }
  let stored = Boolean(conversation);
  conversation ??= chats.create({ temporary: query.get('temporary') === '1' });
  let all = [];
  let loaded = false;
  let choice = null;
  let shown = ''; // title
  let drawn = [];

  const list = h('aside', { className: 'conversation-list', 'aria-label': t('list.label') });
  const pickerBox = h('div', { className: 'model-picker' });
  const drawer = h('aside', { className: 'chat-drawer', 'aria-label': t('drawer.label'), hidden: true });
  const paramCount = h('span', { className: 'badge -accent', hidden: true });
  const drawerToggle = h('button', { type: 'button', className: 'button -ghost -small', 'aria-expanded': 'false', 'aria-label': t('drawer.label'), title: t('drawer.label'), onclick: () => showDrawer(drawer.hidden) }, icon('sliders'), paramCount);
  const more = iconButton(t('more'), icon('ellipsis'), { kind: '-ghost -small', 'aria-haspopup': 'menu', 'aria-expanded': 'false', onclick: openMore });
  const listToggle = iconButton(t('list.toggle'), icon('table-columns'), { kind: '-ghost -small', onclick: toggleList });
  const threadBox = h('div', { className: 'thread' });
  const composerBox = h('div', { className: 'composer' });
  const welcome = h('div', { className: 'welcome' });
  const temporary = h('span', { className: 'badge', hidden: true }, icon('ghost'), t('chat.temporary'));
  const page = h('div', { className: 'chat-page' }, list,
    h('section', { className: 'chat-main', 'aria-label': t('chat.log') },
      h('div', { className: 'chat-head' }, listToggle, pickerBox, temporary, h('span', { className: 'spring' }), drawerToggle, more),
      threadBox, composerBox), drawer);
  fill(el, page);
  if (remembered('list') === 'hidden') page.classList.add('-no-list');

  const known = {
    provider: (id) => all.find((each) => each.providerId === id)?.provider ?? '',
    cost(node) {
      const used = tokens(node.usage) ?? tokens(node.counted);
      return used && estimate(all.find((each) => each.value === valueOf(node.providerId, node.model)), used);
    },
  };
  const sideList = conversationList(list, signal, chats, { exportOne, importFile });
  const picker = modelPicker(pickerBox, () => all);
  const log = thread(threadBox, signal, { known, welcome });
  const box = composer(composerBox, signal, { counter: (model, text) => chats.count(model, text), lastQuestion: () => logic.thread(conversation).findLast((node) => node.role === 'user')?.text ?? '' });
  let side = null; // fetched when it is first opened
  box.start(stored ? conversation.id : 'new');

  pickerBox.addEventListener('modelChoice', (event) => choose(event.detail), { signal });
  composerBox.addEventListener('ask', (event) => ask(event.detail), { signal });
  composerBox.addEventListener('stop', stop, { signal });
  composerBox.addEventListener('needModel', () => (all.length ? picker.open() : navigate('/app/providers/new')), { signal });
  drawer.addEventListener('params', (event) => keep({ ...conversation, params: event.detail }), { signal });
  drawer.addEventListener('window', () => refresh(), { signal });
  drawer.addEventListener('closeDrawer', () => { showDrawer(false); drawerToggle.focus(); }, { signal });
  chats.addEventListener('conversation', (event) => { if (event.detail === conversation.id) refresh(); }, { signal });
  chats.addEventListener('unsaved', () => toast(t('chat.unsaved'), { kind: 'danger' }), { signal });
  document.addEventListener('keydown', onKey, { signal });
  document.addEventListener('pointerdown', (event) => {
    const over = page.classList.contains('-list-over') && event.target instanceof Element && !event.target.closest('.conversation-list, .menu, .toasts') && !listToggle.contains(event.target);
    if (over) page.classList.remove('-list-over');
  }, { signal });
  for (const [type, act] of Object.entries({ again, againWith, editText, drop, chooseBranch, copyText, showRaw })) threadBox.addEventListener(type, (event) => act(event.detail), { signal });
  drawWelcome();
  refresh(true);
  if (wide.matches) box.focus();
  if (remembered('drawer') === 'open' && wide.matches) showDrawer(true);
  await loadModels();

  async function loadModels() {
    try {
      all = choices(await usableModels(signal));
    } catch (error) {
      if (!signal.aborted) complain(error);
      return;
    } finally {
      loaded = !signal.aborted;
    }
    const wanted = query.get('model') ? { model: query.get('model'), providerId: Number(query.get('provider')) || 0 } : conversation.choice;
    choice = preselected(all, wanted, remembered('model'));
    learnPrices();
    drawWelcome();
    log.redraw();
    refresh();
  }

  // The list names models only; what the chosen one costs is asked for when it matters.
  async function learnPrices() {
    const one = choice;
    if (!one || one.facts.prices !== undefined) return;
    const rows = await providers.models(one.providerId, signal).catch(() => []);
    for (const each of all) if (each.providerId === one.providerId) each.facts = rows.find((row) => row.model_name === each.model) ?? { prices: null };
    if (!signal.aborted) { log.redraw(); refresh(true); }
  }

  function choose(next) {
    choice = next;
    learnPrices();
    remember('model', next.value);
    if (stored) chats.put({ ...conversation, choice: { providerId: next.providerId, model: next.model } });
    refresh();
    box.focus();
  }

  function ask(text) {
    if (!choice) return;
    if (!stored) begin();
    const nodes = logic.thread(conversation);
    chats.ask(conversation.id, text, { parent: nodes.at(-1)?.id ?? '', choice: { providerId: choice.providerId, model: choice.model } });
    log.toEnd();
  }

  // A conversation exists from its first question on; until then its address would lead nowhere.
  function begin() {
    stored = true;
    remember('draft-new', null);
    chats.put({ ...conversation });
    if (!conversation.temporary) history.replaceState(history.state, '', `/app/chat/${conversation.id}`);
  }

  function keep(next) {
    if (stored) chats.put(next);
    else chats.hold(next);
    conversation = next;
    refresh();
  }

  function stop() {
    for (const node of logic.thread(conversation).filter(logic.isRunning)) chats.stop(conversation.id, node.id);
  }

  function onKey(event) {
    if (event.defaultPrevented || document.querySelector('dialog[open], :popover-open:not(.toasts)')) return;
    if (event.key === 'Escape' && page.classList.contains('-list-over')) { event.preventDefault(); toggleList(); listToggle.focus(); return; }
    if (event.key === 'Escape' && !drawer.hidden && drawer.contains(document.activeElement)) { event.preventDefault(); showDrawer(false); drawerToggle.focus(); return; }
    if (composerAction(event, { running: isBusy(), touch: false }) === 'stop') stop();
    if ((event.ctrlKey || event.metaKey) && event.shiftKey && event.key.toLowerCase() === 's') { event.preventDefault(); toggleList(); }
  }

  const isBusy = () => logic.thread(conversation).some(logic.isRunning);
  const questionOf = (id) => conversation.nodes[id]?.parent;

  function again(id, other = choice) {
    if (isBusy() || !other) return;
    const node = conversation.nodes[id];
    const known = all.find((each) => each.value === valueOf(node.providerId, node.model));
    const next = other === choice ? known ?? choice : other;
    chats.answer(conversation.id, questionOf(id), { providerId: next.providerId, model: next.model });
    log.toEnd();
  }

  function againWith({ id, anchor }) {
    pickModel(anchor, () => all, choice, (next) => { choice = next; again(id, { ...next }); });
  }

  function editText({ id, text }) {
    const node = conversation.nodes[id];
    if (node.role === 'assistant') chats.put(logic.change(conversation, id, { text, edited: true }));
    else if (!isBusy() && choice) chats.ask(conversation.id, text, { parent: node.parent, choice: { providerId: choice.providerId, model: choice.model } });
  }

  function drop(id) {
    const before = conversation;
    chats.put(logic.remove(conversation, id));
    undoable(t('message.deleted'), () => chats.put({ ...before }));
  }

  function chooseBranch(id) {
    chats.put(logic.choose(conversation, conversation.nodes[id]));
  }

  async function copyText(text) {
    try {
      await navigator.clipboard.writeText(text);
      toast(t('copied'));
    } catch {
      toast(t('copy.failed'), { kind: 'danger' });
    }
  }

  function showRaw(id) {
    const node = conversation.nodes[id];
    openDialog(t('message.raw'), (content) => { content.append(h('pre', { className: 'block', tabIndex: 0 }, node.text), h('pre', { className: 'block', tabIndex: 0 }, JSON.stringify({ ...node, text: undefined }, null, 2))); }, { className: 'dialog -wide' });
  }

  async function showDrawer(on) {
    if (on && !side) side = (await import('../components/chat-drawer.js')).chatDrawer(drawer, signal, chats);
    drawer.hidden = !on;
    drawerToggle.setAttribute('aria-expanded', String(on));
    page.classList.toggle('-drawer', on);
    if (wide.matches) remember('drawer', on ? 'open' : null);
    if (on) { side.show(conversation, choice); if (!wide.matches) drawer.querySelector('button')?.focus(); }
  }

  function toggleList() {
    if (!wide.matches) { page.classList.toggle('-list-over'); list.querySelector('button')?.focus(); return; }
    page.classList.toggle('-no-list');
    remember('list', page.classList.contains('-no-list') ? 'hidden' : null);
  }

  function openMore(event) {
    const anything = logic.thread(conversation).length > 0;
    openMenu(event.currentTarget, [
      { text: t('chat.new'), picture: icon('pen-to-square'), run: () => navigate('/app/chat?new=1') },
      { text: t('chat.new-temporary'), picture: icon('ghost'), run: () => navigate('/app/chat?new=1&temporary=1') },
      anything && '-',
      anything && { text: t('export.markdown'), picture: icon('file-lines'), run: () => exportMarkdown() },
      anything && { text: t('export.json'), picture: icon('file-code'), run: () => exportOne(conversation.id) },
      anything && { text: t('export.print'), picture: icon('print'), run: () => print() },
      { text: t('list.import'), picture: icon('file-import'), run: importFile },
    ]);
  }

  const fileName = (one) => (one.title || 'chat').replace(/[^\p{L}\p{N}]+/gu, '-').slice(0, 60);

  function exportMarkdown() {
    saveFile(`${fileName(conversation)}.md`, logic.toMarkdown(conversation, { user: t('you') }), 'text/markdown;charset=utf-8');
  }

  async function exportOne(id) {
    const one = await chats.open(id);
    saveFile(`${fileName(one)}.json`, JSON.stringify({ format: 'nexus-conversation', version: 1, conversation: one }, null, 2), 'application/json');
  }

  function importFile() {
    const input = h('input', { type: 'file', accept: '.json,application/json', onchange: async () => {
      const read = await input.files[0].text().then(JSON.parse).catch(() => null);
      const made = logic.fromExport(read, { id: randomId(), now: Date.now() });
      if (!made) return toast(t('import.failed'), { kind: 'danger' });
      chats.put(made);
      return navigate(`/app/chat/${made.id}`);
    } });
    input.click();
  }

  function drawWelcome() {
    const starters = [['lightbulb', 1], ['feather', 2], ['code', 3], ['table', 4]];
    const pictures = { lightbulb: () => icon('lightbulb'), feather: () => icon('feather'), code: () => icon('code'), table: () => icon('table') };
    fill(welcome, h('h2', {}, t('chat.empty.title')), h('p', {}, t('chat.empty.text')),
      loaded && all.length === 0
        ? h('div', { className: 'note' }, icon('circle-info'), h('div', {}, t('models.none'), ' ', h('a', { href: '/app/providers/new' }, t('action.new-provider'))))
        : h('ul', { className: 'starters', role: 'list' }, starters.map(([picture, n]) => h('li', {}, h('button', { type: 'button', onclick: () => (choice ? ask(t(`chat.starter.${n}`)) : picker.open()) }, pictures[picture](), h('span', {}, t(`chat.starter.${n}`)))))));
  }

  // A delta changes nothing but the thread: the rest is drawn only when something else did.
  function refresh(first = false) {
    conversation = chats.peek(conversation.id) ?? conversation;
    log.show(conversation);
    const running = logic.thread(conversation).findLast(logic.isRunning);
    const now = [running?.id, running?.stopping, conversation.title, conversation.params, choice, stored, logic.usedTokens(conversation), remembered(`window-${choice?.model}`)];
    if (!first && now.every((each, i) => each === drawn[i])) return;
    drawn = now;
    const title = conversation.title || t('chat.untitled');
    if (first || shown !== title) shell.title(title);
    shown = title;
    temporary.hidden = !conversation.temporary || (!stored && query.get('temporary') !== '1');
    picker.show(choice);
    box.update({ running: Boolean(running), stopping: Boolean(running?.stopping), choice, used: logic.usedTokens(conversation), window: Number(choice && remembered(`window-${choice.model}`)) || 0, maxTokens: conversation.params.max_tokens, draftName: stored ? conversation.id : 'new' });
    const set = Object.keys(conversation.params).length;
    paramCount.hidden = set === 0;
    paramCount.textContent = String(set);
    sideList.show(stored ? conversation.id : '');
    if (!drawer.hidden) side?.show(conversation, choice);
  }
}
