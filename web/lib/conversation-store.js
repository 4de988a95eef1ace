// Conversations in this browser's IndexedDB: the hub itself keeps numbers, not texts. Where storage is forbidden they live
// as long as the page. Heads stand apart from bodies, so that the list needs no texts.
import { headOf } from '../logic/conversation.js';

const name = 'nexus-hub';
let opening = null;
const memory = { heads: new Map(), bodies: new Map() };

function open() {
  opening ??= new Promise((resolve) => {
    let request;
    try {
      request = indexedDB.open(name, 1);
    } catch {
      return resolve(null);
    }
    request.onupgradeneeded = () => {
      request.result.createObjectStore('heads', { keyPath: 'id' });
      request.result.createObjectStore('bodies', { keyPath: 'id' });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => resolve(null);
    return undefined;
  });
  return opening;
}

const wait = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

async function change(mode, run, instead) {
  const database = await open();
  if (!database) return instead();
  const transaction = database.transaction(['heads', 'bodies'], mode);
  const [heads, bodies] = ['heads', 'bodies'].map((each) => transaction.objectStore(each));
  return run(heads, bodies);
}

export const heads = () => change('readonly', (store) => wait(store.getAll()), () => [...memory.heads.values()]);

export const bodies = () => change('readonly', (_, store) => wait(store.getAll()), () => [...memory.bodies.values()]);

export const body = (id) => change('readonly', (_, store) => wait(store.get(id)), () => memory.bodies.get(id));

export const save = (conversation) => change('readwrite', async (heads_, bodies_) => {
  heads_.put(headOf(conversation));
  const done = wait(bodies_.put(conversation));
  bodies_.transaction.commit(); // at once: the page may be about to go
  await done;
}, () => {
  memory.heads.set(conversation.id, headOf(conversation));
  memory.bodies.set(conversation.id, conversation);
});

export const remove = (id) => change('readwrite', async (heads_, bodies_) => {
  heads_.delete(id);
  const done = wait(bodies_.delete(id));
  bodies_.transaction.commit();
  await done;
}, () => {
  memory.heads.delete(id);
  memory.bodies.delete(id);
});
