// What a stream costs in memory, in bytes of the hub's own (anonymous) pages: open ones that flow slowly, and ones whose
// reader takes nothing.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import test from 'node:test';

import { eventually, hubBinary, startHub, startMock } from './harness.mjs';

const model = 'gpt-4o';  // counted exactly: its counters are part of a stream's price
const slowStreams = 400;
const stuckStreams = 60;
const slowKibMax = 24;
const stuckKibMax = 64;
const sharedKibMax = 16 * 1024;  // the allocator's and the store's growth meanwhile, whatever the streams
const sanitized = /asan|tsan/.test(hubBinary);

async function ownKib(pid) {
  const [, kib] = /^Anonymous:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8'));
  return Number(kib);
}

/** Waits until the hub has nothing more to do: its processor time stands still. */
async function standstill(hub) {
  let last = -1;
  await eventually(async () => {
    const stat = await readFile(`/proc/${hub.pid}/stat`, 'utf8');
    const [user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13).map(Number);
    const still = user + system === last;
    last = user + system;
    await new Promise((resolve) => setTimeout(resolve, 300));
    return still;
  }, 'everything stands still', 45_000);
}

/** Opens a stream; `reads` false: nothing is ever taken from its socket. Resolves once its first byte is there. */
function openStream(hub, sockets, reads) {
  const { hostname, port } = new URL(hub.address);
  const body = JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'Hello' }] });
  const socket = net.connect({ host: hostname, port: Number(port) });
  sockets.push(socket);
  socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer pk-team\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('readable', () => {
      if (reads) socket.resume();
      resolve();
    });
  });
}

/** Runs one stream to its end, so that what is loaded once is loaded. */
async function warmUp(hub) {
  const answer = await hub.chat({ model, stream: true, messages: [{ role: 'user', content: 'Hello' }] });
  assert.equal(answer.status, 200);
  await answer.text();
}

async function measure(t, directives, count, reads, settled) {
  const mock = await startMock(t);
  const hub = await startHub(t);
  const sockets = [];
  const provider = await hub.addProvider({ server_url: mock.url('chunks=3') }, [model]);
  for (let i = 0; i < 50; ++i) await warmUp(hub);
  const moved = await hub.admin('PUT', `/providers/${provider.id}`, { server_url: mock.url(directives), server_key: 'sk-upstream-secret-0001' });
  assert.equal(moved.status, 200, JSON.stringify(moved.body));
  const before = await ownKib(hub.pid);
  await Promise.all(Array.from({ length: count }, () => openStream(hub, sockets, reads)));
  await settled(hub);
  const grown = await ownKib(hub.pid) - before;
  sockets.forEach((socket) => socket.destroy());
  t.diagnostic(`${count} streams, ${(grown / count).toFixed(1)} KiB each`);
  return grown;
}

test('an open stream costs little', async (t) => {
  const grown = await measure(t, 'chunks=100000,chunk_delay_ms=400', slowStreams, true, async () => {});
  if (!sanitized) assert.ok(grown <= slowStreams * slowKibMax + sharedKibMax, `${grown} KiB`);
});

test('a reader that takes nothing costs a bounded amount', async (t) => {
  const grown = await measure(t, 'chunks=100000000', stuckStreams, false, standstill);
  if (!sanitized) assert.ok(grown <= stuckStreams * stuckKibMax + sharedKibMax, `${grown} KiB`);
});
