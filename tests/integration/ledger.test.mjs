// Numbers that can be proved: no call without its row, whatever ends the hub; no budget oversold; nothing twice.
import test from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { adminToken, eventually, Hub, readEvents, startHub, startMock, temporaryFolder } from './harness.mjs';
import { rawUpstream, sanitized, upstreamKey } from './upstream.mjs';

const run = promisify(execFile);
const rounds = Number(process.env.NEXUS_TEST_KILLS ?? (sanitized ? 5 : 25));

const say = (model, more = {}) => ({ model, messages: [{ role: 'user', content: 'Hello' }], ...more });
const usage = (prompt, completion) => ({ prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion });
const json = (socket, body, status = '200 OK') => {
  const text = JSON.stringify(body);
  socket.write(`HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
};
const answerOf = (content, used) => ({ id: 'x', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }], usage: used });
const streamHead = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n';
const chunk = (content) => `data: ${JSON.stringify({ id: 'chunk-id', object: 'chat.completion.chunk', created: 7, model: 'm', choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;

async function audit(hub) {
  const answer = await hub.admin('GET', '/stats/audit');
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

async function makeKey(hub, fields) {
  const made = await hub.admin('POST', '/keys', { name: `key-${Math.random()}`, ...fields });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return made.body;
}

/** What the ledger says of every request, oldest first. */
async function ledgerRows(hub, columns = 'outcome, attempts, prompt_tokens, completion_tokens, prompt_source, completion_source, flags, cost') {
  await audit(hub);  // everything is committed then
  const script = `import json,sqlite3,sys
c=sqlite3.connect('file:'+sys.argv[1]+'?mode=ro',uri=True); c.row_factory=sqlite3.Row
print(json.dumps([dict(r) for r in c.execute('SELECT ${columns} FROM requests ORDER BY id')]))`;
  const { stdout } = await run('python3', ['-c', script, path.join(hub.folder, 'data', 'nexus-hub.db')]);
  return JSON.parse(stdout);
}

/** A hub before a scripted upstream that serves the model "m". */
async function hubBefore(t, answer, { env, model = {} } = {}) {
  const upstream = await rawUpstream(t, answer);
  const hub = await startHub(t, { env });
  const provider = await hub.addProvider({ server_url: upstream.address, server_key: upstreamKey });
  const made = await hub.admin('POST', '/provider_models', { provider_id: provider.id, model_name: 'm', description: '', ...model });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return { hub, upstream, provider };
}

test(`kill -9 at any moment loses no call and counts none twice, ${rounds} times`, async (t) => {
  const folder = await temporaryFolder(t);
  let received = 0;
  const upstream = await rawUpstream(t, (socket, request) => {
    ++received;  // the oracle: what reached an upstream
    if (!request.body.includes('"stream":true')) return json(socket, answerOf('ok', usage(3, 1)));
    socket.write(streamHead);
    let pieces = 0;
    const timer = setInterval(() => {
      if (socket.destroyed) return clearInterval(timer);
      socket.write(chunk(' word'));
      if (++pieces < 40) return;
      clearInterval(timer);
      socket.end('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n');
    }, 2);
  });
  let hub = new Hub(folder, [], {});
  t.after(() => hub.stop('SIGKILL'));
  await hub.ready();
  await hub.addProvider({ server_url: upstream.address }, ['m']);
  let slowest = 0;
  let rows = 0;
  for (let round = 0; round < rounds; ++round) {
    let stop = false;
    const clients = Array.from({ length: 12 }, async (_, i) => {
      while (!stop) {
        try {
          await (await hub.chat(say('m', i % 2 ? { stream: true } : {}))).text();
        } catch {
          return;  // it was killed
        }
      }
    });
    await new Promise((resolve) => setTimeout(resolve, 30 + Math.random() * 150));
    await hub.stop('SIGKILL');
    stop = true;
    await Promise.all(clients);
    const began = performance.now();
    hub = new Hub(folder, [], {});
    await hub.ready();
    slowest = Math.max(slowest, performance.now() - began);
    const report = await audit(hub);
    rows = report.requests;
    assert.deepEqual(report.differences, []);
    // The hub notes a call before its first byte leaves: it may have noted a few that were killed on their way.
    assert.ok(report.requests >= received, `round ${round}: ${report.requests} rows for ${received} calls`);
    assert.ok(report.requests <= received + 12 * (round + 1), `round ${round}: ${report.requests} rows for ${received} calls`);
  }
  const verified = await run('python3', ['-c', `import sqlite3,sys
c=sqlite3.connect('file:'+sys.argv[1]+'?mode=ro',uri=True)
print(c.execute('PRAGMA integrity_check').fetchone()[0], c.execute('SELECT count(*) - count(DISTINCT request_id) FROM requests').fetchone()[0])`,
    path.join(folder, 'data', 'nexus-hub.db')]);
  assert.equal(verified.stdout.trim(), 'ok 0');
  t.diagnostic(`${rounds} kills, ${received} calls received, ${rows} rows; slowest start ${Math.round(slowest)} ms`);
});

test('a killed stream is recorded with exactly the pieces that passed', async (t) => {
  const { hub } = await hubBefore(t, (socket) => socket.write(streamHead + chunk('four') + chunk(' more')));
  const response = await hub.chat(say('m', { stream: true }));
  const reader = response.body.getReader();
  let text = '';
  while (!text.includes('more')) text += Buffer.from((await reader.read()).value).toString();
  await hub.stop('SIGKILL');
  const again = await startHub(t, { folder: hub.folder });
  const rows = await ledgerRows(again);
  assert.equal(rows.length, 1);
  assert.equal(rows[0].outcome, 'interrupted');
  assert.equal(rows[0].completion_source, 'partial');
  assert.ok(rows[0].completion_tokens > 0 && rows[0].prompt_tokens > 0);
  assert.equal((await audit(again)).requests, 1);
});

test('of 100 parallel requests a budget for 10 admits 10, in every round', async (t) => {
  let working = 0;
  let most = 0;
  const { hub } = await hubBefore(t, (socket) => {
    most = Math.max(most, ++working);
    setTimeout(() => { --working; json(socket, answerOf('ok', usage(10, 10))); }, 20);
  });
  for (let round = 0; round < (sanitized ? 5 : 50); ++round) {
    // Each reserves its prompt (a handful of tokens) and 1,000; and uses 20 in the end.
    const key = await makeKey(hub, { limits: { budget: { unit: 'tokens', amount: 10_990, period: 'total' } } });
    most = 0;
    const answers = await Promise.all(Array.from({ length: 100 }, () => hub.chat(say('m', { max_tokens: 1000 }), { key: key.key })));
    const statuses = answers.map((answer) => answer.status);
    await Promise.all(answers.map((answer) => answer.text()));
    assert.ok(most <= 10, `round ${round}: ${most} at once`);
    assert.ok(statuses.filter((status) => status === 200).length >= 10);
    const shown = await hub.admin('GET', `/keys/${key.id}`);
    assert.ok(shown.body.spending.tokens <= 10_990);
    assert.equal(shown.body.spending.reserved_tokens, 0);
  }
  assert.deepEqual((await audit(hub)).differences, []);
});

test('what the budget does not cover is 429 insufficient_quota and not to be repeated', async (t) => {
  const { hub, upstream } = await hubBefore(t, (socket) => json(socket, answerOf('ok', usage(40, 60))));
  const key = await makeKey(hub, { limits: { budget: { unit: 'tokens', amount: 150, period: 'day', time_zone: 'Asia/Shanghai' } } });
  assert.equal((await hub.chat(say('m', { max_tokens: 100 }), { key: key.key })).status, 200);
  const refused = await hub.chat(say('m', { max_tokens: 100 }), { key: key.key });
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get('x-should-retry'), 'false');
  assert.equal((await refused.json()).error.code, 'insufficient_quota');
  assert.equal(upstream.requests.length, 1);
  assert.equal((await hub.admin('GET', `/keys/${key.id}`)).body.spending.period.tokens, 100);
  // It holds after a restart, too.
  await hub.stop();
  const again = await startHub(t, { folder: hub.folder });
  assert.equal((await again.chat(say('m', { max_tokens: 100 }), { key: key.key })).status, 429);
});

test('a stream whose budget is spent ends properly', async (t) => {
  let open = 0;
  const { hub } = await hubBefore(t, (socket) => {
    ++open;
    socket.on('close', () => { --open; });
    socket.write(streamHead);
    const timer = setInterval(() => { if (socket.destroyed) clearInterval(timer); else socket.write(chunk(' word word word word')); }, 1);
  }, { model: { output_tokens_max: 20 } });
  const key = await makeKey(hub, { limits: { budget: { unit: 'tokens', amount: 200, period: 'total' } } });
  const response = await hub.chat(say('m', { stream: true, stream_options: { include_usage: true } }), { key: key.key });
  assert.equal(response.status, 200);
  const events = await readEvents(response);
  assert.equal(events.at(-1), '[DONE]');
  const used = JSON.parse(events.at(-2));
  assert.deepEqual(used.choices, []);
  const last = JSON.parse(events.at(-3));
  assert.equal(last.choices[0].finish_reason, 'length');
  assert.equal(last.id, 'chunk-id');
  await eventually(() => open === 0, 'the upstream is left');
  const [row] = await ledgerRows(hub);
  assert.equal(row.outcome, 'delivered');
  assert.equal(row.completion_tokens, used.usage.completion_tokens);
  const spent = row.prompt_tokens + row.completion_tokens;
  assert.ok(spent >= 200 && spent <= 200 + 8, `${spent} of 200: at most one event more`);
  assert.equal((await hub.chat(say('m', { stream: true }), { key: key.key })).status, 429);
});

test('money: prices of the admission, exact to the last place', async (t) => {
  const { hub, provider } = await hubBefore(t, (socket) => json(socket, answerOf('ok', { ...usage(1000, 100), prompt_tokens_details: { cached_tokens: 400 }, completion_tokens_details: { reasoning_tokens: 30 } })),
    { model: { prices: { input: '2.5', output: '10', cached: '1.25' } } });
  await (await hub.chat(say('m'))).text();
  // (600 x 2.5 + 400 x 1.25 + 100 x 10) / 10^6
  assert.equal((await ledgerRows(hub))[0].cost, 3_000_000);
  const models = await hub.admin('GET', `/providers/${provider.id}/models`);
  const [model] = models.body.models;
  assert.deepEqual(model.prices, { input: '2.5', output: '10', cached: '1.25', reasoning: null });
  assert.equal((await hub.admin('PUT', `/provider_models/${model.id}`, { prices: { input: '5', output: '10' } })).status, 200);
  await (await hub.chat(say('m'))).text();
  assert.deepEqual((await ledgerRows(hub)).map((row) => row.cost), [3_000_000, 6_000_000]);
  const refused = await hub.admin('PUT', `/provider_models/${model.id}`, { prices: { input: '-1' } });
  assert.equal(refused.status, 400);
  assert.equal(refused.body.error.param, 'prices.input');
  const key = await makeKey(hub, { limits: { budget: { unit: 'money', amount: '0.0061', period: 'month' } } });
  assert.equal((await hub.chat(say('m', { max_tokens: 100 }), { key: key.key })).status, 200);
  assert.equal((await hub.chat(say('m', { max_tokens: 100 }), { key: key.key })).status, 429);
  assert.deepEqual((await audit(hub)).differences, []);
});

test('rate limits are exact and say how they stand', async (t) => {
  const { hub } = await hubBefore(t, (socket) => json(socket, answerOf('ok', usage(1, 1))));
  const key = await makeKey(hub, { limits: { requests_per_minute: 7 } });
  const answers = await Promise.all(Array.from({ length: 30 }, () => hub.chat(say('m'), { key: key.key })));
  const passed = answers.filter((answer) => answer.status === 200);
  const refused = answers.filter((answer) => answer.status === 429);
  assert.equal(passed.length, 7);
  assert.equal(refused.length, 23);
  assert.deepEqual(passed.map((answer) => Number(answer.headers.get('x-ratelimit-remaining-requests'))).sort(), [0, 1, 2, 3, 4, 5, 6]);
  assert.equal(refused[0].headers.get('x-ratelimit-limit-requests'), '7');
  assert.equal(refused[0].headers.get('x-ratelimit-remaining-requests'), '0');
  assert.match(refused[0].headers.get('x-ratelimit-reset-requests'), /^(\d+m)?\d+s$/);
  const wait = Number(refused[0].headers.get('retry-after'));
  assert.ok(wait >= 1 && wait <= 61, `${wait}`);
  assert.equal((await refused[0].json()).error.code, 'rate_limit_exceeded');
});

test('tokens per minute and requests at once', async (t) => {
  let release;
  const gate = new Promise((resolve) => { release = resolve; });
  const { hub } = await hubBefore(t, async (socket) => { await gate; json(socket, answerOf('ok', usage(1, 1))); });
  const tokens = await makeKey(hub, { limits: { tokens_per_minute: 500 } });
  const huge = await hub.chat(say('m', { max_tokens: 500 }), { key: tokens.key });
  assert.equal(huge.status, 429);
  assert.equal(huge.headers.get('x-should-retry'), 'false');
  const single = await makeKey(hub, { limits: { concurrent_requests: 1 } });
  const first = hub.chat(say('m'), { key: single.key });
  await eventually(async () => (await hub.admin('GET', `/keys/${single.id}`)).body.spending.running_requests === 1, 'the first runs');
  assert.equal((await hub.chat(say('m'), { key: single.key })).status, 429);
  release();
  assert.equal((await first).status, 200);
  assert.equal((await hub.chat(say('m'), { key: single.key })).status, 200);
});

test('every try is recorded and the caller is charged once', async (t) => {
  const failing = await rawUpstream(t, (socket) => json(socket, { error: { message: 'no', type: 'server_error' } }, '503 Service Unavailable'));
  const { hub, provider } = await hubBefore(t, (socket) => json(socket, answerOf('ok', usage(5, 2))));
  assert.equal((await hub.admin('PUT', `/providers/${provider.id}`, { priority: 5 })).status, 200);
  await hub.addProvider({ server_url: failing.address }, ['m']);
  assert.equal((await hub.chat(say('m'))).status, 200);
  const [row] = await ledgerRows(hub, 'request_id, outcome, attempts, provider_id, prompt_tokens, completion_tokens');
  assert.equal(row.outcome, 'delivered');
  assert.equal(row.attempts, 2);
  assert.equal(row.provider_id, provider.id);
  assert.equal(row.prompt_tokens + row.completion_tokens, 7);
  const report = await audit(hub);
  assert.deepEqual([report.requests, report.attempts], [1, 2]);
});

test('a request that no upstream answers has a row and costs nothing', async (t) => {
  const { hub } = await hubBefore(t, (socket) => json(socket, { error: { message: 'bad', type: 'server_error' } }, '500 Internal Server Error'));
  assert.equal((await hub.chat(say('m'))).status, 500);
  const [row] = await ledgerRows(hub);
  assert.equal(row.outcome, 'upstream_error');
  assert.equal(row.prompt_tokens + row.completion_tokens, 0);
  assert.equal((await hub.admin('GET', '/stats/total')).body.total_rounds, 0);
});

test('when the client leaves, its key decides: cancel, drain or finish', async (t) => {
  const seen = [];
  const { hub } = await hubBefore(t, (socket, request) => {
    const mine = { closed: false, ended: false };
    seen.push(mine);
    socket.on('close', () => { mine.closed = !mine.ended; });
    socket.write(streamHead + chunk('first'));
    const timer = setTimeout(() => {
      if (socket.destroyed) return;
      mine.ended = true;
      socket.end(chunk(' last') + `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: usage(50, 60) })}\n\ndata: [DONE]\n\n`);
    }, request.body.includes('endless') ? 60_000 : 700);
    socket.on('close', () => clearTimeout(timer));
  });
  const leave = async (policy, content = 'Hello') => {
    const key = await makeKey(hub, { on_client_leave: policy });
    const stopper = new AbortController();
    const response = await hub.chat({ model: 'm', stream: true, messages: [{ role: 'user', content }] }, { key: key.key, signal: stopper.signal });
    await response.body.getReader().read();
    const mine = seen.at(-1);
    stopper.abort();
    return mine;
  };
  const cancelled = await leave({ policy: 'cancel' });
  await eventually(() => cancelled.closed, 'the upstream is left at once', 1_500);
  const drained = await leave({ policy: 'drain', seconds: 30 });
  await eventually(() => drained.ended, 'the upstream is read to its end');
  const finished = await leave({ policy: 'finish' });
  await eventually(() => finished.ended, 'the upstream is read to its end');
  const bounded = await leave({ policy: 'drain', seconds: 1 }, 'endless');
  await eventually(() => bounded.closed, 'a bounded drain ends');
  await eventually(async () => (await audit(hub)).running === 0, 'all are settled');
  const rows = await ledgerRows(hub);
  assert.deepEqual(rows.map((row) => [row.outcome, row.completion_source]), [
    ['client_cancelled', 'partial'], ['client_cancelled', 'reported'], ['client_cancelled', 'reported'], ['client_cancelled', 'partial']]);
  assert.deepEqual(rows.slice(1, 3).map((row) => [row.prompt_tokens, row.completion_tokens]), [[50, 60], [50, 60]]);
});

test('impossible reports are clamped or left out, and flagged', async (t) => {
  const reports = [{ prompt_tokens: -5, completion_tokens: 2 }, { prompt_tokens: 1e12, completion_tokens: 2 }, { ...usage(10, 2), prompt_tokens_details: { cached_tokens: 11 } }, usage(10, 2)];
  let next = 0;
  const { hub } = await hubBefore(t, (socket) => json(socket, answerOf('four words of text', reports[next++])));
  for (const _ of reports) assert.equal((await hub.chat(say('m'))).status, 200);
  const rows = await ledgerRows(hub, 'flags & 31 AS flags, prompt_source, prompt_tokens, cached_tokens');
  assert.deepEqual(rows.map((row) => row.flags), [1 | 16, 2 | 16, 4, 0]);
  assert.deepEqual(rows.map((row) => row.prompt_source === 'reported'), [false, false, true, true]);
  assert.equal(rows[2].cached_tokens, 10);
  assert.ok(rows[0].prompt_tokens > 0 && rows[1].prompt_tokens < 100);
});

test('usage answers from the roll-ups, by group and bucket', async (t) => {
  const mock = await startMock(t);
  const hub = await startHub(t);
  await hub.addProvider({ server_url: mock.url('body_bytes=50'), name: 'one' }, ['a', 'b']);
  for (const model of ['a', 'a', 'b']) await (await hub.chat(say(model))).text();
  const by = async (query) => (await hub.admin('GET', `/stats/usage?${query}`)).body;
  const byModel = await by('group_by=model&bucket=hour');
  assert.deepEqual(byModel.series.map((line) => [line.group.id, line.points.reduce((sum, point) => sum + point.requests, 0)]), [['a', 2], ['b', 1]]);
  const byProvider = await by('group_by=provider&bucket=day');
  assert.equal(byProvider.series[0].group.name, 'one');
  assert.equal((await by('group_by=key')).series.length, 1);
  const total = await by('');
  assert.equal(total.series[0].points[0].requests, 3);
  assert.equal(total.series[0].points[0].t % total.bucket_ms, 0);
  assert.deepEqual((await by('from=0&to=1000&bucket=minute')).series, []);
  for (const [query, param] of [['from=x', 'from'], ['from=5&to=5', 'from'], ['bucket=year', 'bucket'], ['group_by=colour', 'group_by'], ['from=0&bucket=minute', 'bucket']]) {
    const refused = await hub.admin('GET', `/stats/usage?${query}`);
    assert.equal(refused.status, 400, query);
    assert.equal(refused.body.error.param, param);
  }
  const drift = await hub.admin('GET', '/stats/drift');
  assert.deepEqual(drift.body.drift.map((row) => row.model_name), ['a', 'b']);
  assert.ok(drift.body.drift[0].completion_ratio > 0);
});

test('a locked database loses nothing and is found again without a restart', async (t) => {
  const { hub } = await hubBefore(t, (socket) => json(socket, answerOf('ok', usage(5, 2))), { env: { NEXUS_STORAGE_BUSY_TIMEOUT_MS: '50' } });
  const locker = execFile('python3', ['-c', `import sqlite3,sys
c=sqlite3.connect(sys.argv[1],isolation_level=None); c.execute('BEGIN IMMEDIATE'); print('locked',flush=True); sys.stdin.read(); c.execute('COMMIT')`,
    path.join(hub.folder, 'data', 'nexus-hub.db')]);
  await new Promise((resolve) => locker.stdout.once('data', resolve));
  for (let i = 0; i < 5; ++i) assert.equal((await hub.chat(say('m'))).status, 200);
  await eventually(async () => (await hub.admin('GET', '/readyz')).status === 503, 'it says that it is degraded');
  assert.equal((await hub.admin('GET', '/stats/audit')).status, 503);
  locker.stdin.end();
  await eventually(async () => (await hub.admin('GET', '/readyz')).status === 200, 'it works again');
  const report = await audit(hub);
  assert.deepEqual([report.consistent, report.requests], [true, 5]);
});

test('no place in the journal: 503 with Retry-After, and none is lost', async (t) => {
  let release;
  const gate = new Promise((resolve) => { release = resolve; });
  const { hub, upstream } = await hubBefore(t, async (socket) => { await gate; json(socket, answerOf('ok', usage(5, 2))); }, { env: { NEXUS_STORAGE_QUEUE_MAX: '3' } });
  const running = Array.from({ length: 3 }, () => hub.chat(say('m')));
  await eventually(() => upstream.requests.length === 3, 'three run');
  const refused = await hub.chat(say('m'));
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('retry-after'), '1');
  release();
  for (const answer of running) assert.equal((await answer).status, 200);
  assert.equal((await audit(hub)).requests, 3);
});

test('durability = power records a call on the disk before it leaves', async (t) => {
  const { hub } = await hubBefore(t, (socket) => json(socket, answerOf('ok', usage(5, 2))), { env: { NEXUS_STORAGE_DURABILITY: 'power' } });
  const answers = await Promise.all(Array.from({ length: 40 }, () => hub.chat(say('m'))));
  assert.ok(answers.every((answer) => answer.status === 200));
  const report = await audit(hub);
  assert.deepEqual([report.consistent, report.requests], [true, 40]);
});

test('a program may not guess at the audit', async (t) => {
  const hub = await startHub(t);
  assert.equal((await fetch(`${hub.address}/stats/audit`)).status, 401);
  assert.equal((await fetch(`${hub.address}/stats/audit`, { headers: { authorization: `Bearer ${adminToken}` } })).status, 200);
});

