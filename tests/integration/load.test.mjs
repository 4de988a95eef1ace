// Many requests of every kind at once: no honest answer is wrong, every exchange is recorded, nothing is left behind.
import test from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { once } from 'node:events';
import { benchFolder, eventually, hubBinary, Program, startHub, startMock } from './harness.mjs';
import { modelAt, openDescriptors, residentKib, rowsOf, sanitized } from './upstream.mjs';

const requests = Number(process.env.NEXUS_TEST_LOAD ?? (sanitized || !hubBinary.includes('release') ? 10_000 : 100_000));
const waveSeconds = requests > 20_000 ? 4 : 1;
const deadline = 300_000;  // against a hang; no measure of speed
const growthKibMax = 12 * 1024;  // the memory of conversations to be recognised and the pages of the store are still filling

/** Runs one load client; returns its report. */
async function load(hub, model, connections, args) {
  const client = new Program(path.join(benchFolder, 'load_client'), [
    '--url', `${hub.address}/v1/chat/completions`, '--header', 'Authorization: Bearer pk-team', '--model', model,
    '--connections', String(connections), '--warmup', '0', '--duration', String(waveSeconds), '--drain', '60', ...args]);
  await once(client.child, 'close');  // not 'exit': its output may come later
  assert.notEqual(client.stdout, '', client.stderr);
  return JSON.parse(client.stdout);
}

const stream = ['--stream'];
const withUsage = ['--stream', '--include-usage'];

// `outcomes` and `statuses` are all that may occur; `rows` says what of it must stand in the statistics, exactly.
const delivered = ({ outcomes }) => outcomes.ok ?? 0;
const honest = { outcomes: ['ok'], statuses: ['200'], rows: delivered };
const leaving = { outcomes: ['ok', 'aborted'], statuses: ['200'], rows: ({ outcomes }) => (outcomes.ok ?? 0) + (outcomes.aborted ?? 0) };
const refusing = (status) => ({ outcomes: ['ok', 'wrong_status'], statuses: ['200', String(status)], rows: delivered });
const breaking = { outcomes: ['ok', 'error_event'], statuses: ['200'], rows: ({ outcomes }) => (outcomes.ok ?? 0) + (outcomes.error_event ?? 0) };

const always = [
  { name: 'JSON', directives: 'body_bytes=500', connections: 10, args: [], ...honest },
  { name: 'streams', directives: 'chunks=8', connections: 10, args: withUsage, ...honest },
  { name: 'streams, a new connection for each', directives: 'chunks=4', connections: 3, args: [...stream, '--requests-per-connection', '1'], ...honest },
  { name: 'clients that leave', directives: 'chunks=12,chunk_delay_ms=1', connections: 6, args: [...stream, '--abort-after-chunks', '5'], ...leaving },
];
const faults = [
  { name: 'status 503', directives: 'status=503,every=3', args: [], ...refusing(503) },
  { name: 'status 429', directives: 'status=429,every=5,chunks=3', args: stream, ...refusing(429) },
  { name: 'dropped', directives: 'fault=drop,every=4,chunks=3', args: stream, ...refusing(502) },
  { name: 'reset', directives: 'fault=reset,every=4', args: [], ...refusing(502) },
  { name: 'cut', directives: 'fault=cut,every=3,at=3', args: stream, ...breaking },
  { name: 'cut, JSON', directives: 'fault=cut,every=3', args: [], ...refusing(502) },
  { name: 'garbage', directives: 'fault=garbage,every=5,at=2', args: stream, ...breaking },
  { name: 'error event', directives: 'fault=error_event,every=2,at=4', args: withUsage, ...breaking },
];

test(`${requests} requests, honest, leaving and failing ones mixed`, async (t) => {
  const hub = await startHub(t, { env: { NEXUS_UPSTREAM_FAILURES_BEFORE_OPEN: '1000000', NEXUS_UPSTREAM_POOL_IDLE_TIMEOUT_MS: '500', NEXUS_SECURITY_CORE_DUMPS: 'true' } });
  const descriptors = await openDescriptors(hub.pid);
  const mock = await startMock(t);
  for (const kind of [...always, ...faults]) kind.model = await modelAt(hub, mock.url(kind.directives));

  const end = Date.now() + deadline;
  let started = 0;
  let expectedRounds = 0;
  let wave = 0;
  const seen = {};

  const runWave = async () => {
    const kinds = [...always, ...[0, 1].map((i) => ({ connections: 3, ...faults[(2 * wave + i) % faults.length] }))];
    ++wave;
    const reports = await Promise.all(kinds.map((kind) => load(hub, kind.model, kind.connections, kind.args)));
    assert.ok(hub.running, `the hub ended: ${JSON.stringify(await Promise.race([hub.exited, 0]))}\n${hub.stderr.slice(-4000)}`);
    for (const [i, report] of reports.entries()) {
      const kind = kinds[i];
      const what = `${kind.name}: ${JSON.stringify(report.outcomes)} ${JSON.stringify(report.statuses)}`;
      assert.ok(report.started > 0, what);
      for (const outcome of Object.keys(report.outcomes)) assert.ok(kind.outcomes.includes(outcome), what);
      for (const status of Object.keys(report.statuses)) assert.ok(kind.statuses.includes(status), what);
      assert.equal(Object.values(report.outcomes).reduce((sum, count) => sum + count), report.started, what);
      for (const [outcome, count] of Object.entries(report.outcomes)) (seen[kind.name] ??= {})[outcome] = (seen[kind.name][outcome] ?? 0) + count;
      started += report.started;
      expectedRounds += kind.rows(report);
    }
  };

  /** Runs waves up to this many requests in all, waits until the hub rests, and returns its memory. */
  const round = async (target) => {
    while (started < target || (target >= requests && wave < faults.length / 2)) {  // every fault has its turn
      assert.ok(Date.now() < end, `only ${started} of ${target} requests`);
      await runWave();
    }
    const totals = async () => (await hub.admin('GET', '/stats/total')).body.total_rounds;
    let rounds;
    await eventually(async () => (rounds = await totals()) >= expectedRounds, `${expectedRounds} rounds recorded`);
    assert.equal(rounds, expectedRounds);
    await eventually(async () => (await openDescriptors(hub.pid)) === descriptors, `${descriptors} descriptors, as at the start`, 30_000);
    return residentKib(hub.pid);
  };

  const first = await round(requests / 2);
  const second = await round(Math.max(requests, started + 1));

  const stats = await mock.stats();
  assert.equal(stats.corrupt, 0);
  assert.ok(stats.aborted > 0, 'the upstream heard of clients that left');
  for (const kind of [...always, ...faults]) {
    for (const outcome of kind.outcomes) {
      if (kind === always[3] && outcome === 'ok') continue;  // a client that leaves is never served to the end
      assert.ok(seen[kind.name]?.[outcome] > 0, `${kind.name}: ${outcome} never occurred`);
    }
  }
  const [counted] = await rowsOf(hub, 'SELECT count(*) AS "rows", count(DISTINCT id / 2) AS exchanges FROM chat_stats');
  assert.deepEqual(counted, { rows: 2 * expectedRounds, exchanges: expectedRounds });
  t.diagnostic(`${started} requests, ${expectedRounds} recorded, resident KiB after each round: ${first} ${second}`);
  if (!sanitized) assert.ok(second - first <= growthKibMax, `${first} KiB, then ${second} KiB`);
});
