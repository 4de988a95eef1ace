// The team's side: providers and models are made, changed and removed; secrets go in and never come out; whoever is not
// the administrator learns nothing.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { adminToken, eventually, readEvents, startHub, startMock } from './harness.mjs';
import { errorOf, startUpstream, wire } from './wire.mjs';

const bare = { NEXUS_DEMO_ENABLED: 'false' };
const hello = (model, more = {}) => ({ model, messages: [{ role: 'user', content: 'Hello' }], ...more });
const sound = { name: 'acme', server_url: 'http://127.0.0.1:9', server_key: 'sk-upstream-secret-0001', personalized_key: 'pk-team-secret-0001' };

/** GET over a connection of its own, so that the kernel deals it to any of the shards. */
function freshGet(hub, route, key) {
  return new Promise((resolve, reject) => {
    http.get(hub.address + route, { agent: new http.Agent({ keepAlive: false }), headers: { authorization: `Bearer ${key}` } }, (response) => {
      let text = '';
      response.on('data', (bytes) => { text += bytes; });
      response.on('end', () => resolve({ status: response.statusCode, body: JSON.parse(text) }));
      response.on('error', reject);
    }).on('error', reject);
  });
}

test('a provider is made, shown, changed and removed', async (t) => {
  const hub = await startHub(t, { env: bare });
  const made = await hub.admin('POST', '/providers', { ...sound, description: 'the first' });
  assert.equal(made.status, 201);
  assert.equal(made.headers.get('location'), `/providers/${made.body.id}`);
  assert.match(made.headers.get('etag'), /^"[^"]+"$/);
  assert.ok(made.headers.get('x-request-id'));
  const { id, created_at: createdAt, updated_at: updatedAt, ...rest } = made.body;
  assert.ok(Number.isInteger(id) && id > 0);
  assert.ok(createdAt > 1.6e12 && updatedAt >= createdAt);
  assert.deepEqual(rest, {
    name: 'acme', kind: 'openai', server_url: 'http://127.0.0.1:9', server_key: 'sk-…0001', personalized_key: 'pk-…0001',
    description: 'the first', models: [], enabled: true, state: 'ready', weight: 1, priority: rest.priority, headers: {}, timeouts: {},
  });

  const shown = await hub.admin('GET', `/providers/${id}`);
  assert.equal(shown.status, 200);
  assert.deepEqual(shown.body, made.body);
  assert.equal(shown.headers.get('etag'), made.headers.get('etag'));

  const changed = await hub.admin('PUT', `/providers/${id}`, { description: 'changed', weight: 7 }, { 'if-match': made.headers.get('etag') });
  assert.equal(changed.status, 200);
  assert.equal(changed.body.description, 'changed');
  assert.equal(changed.body.weight, 7);
  assert.equal(changed.body.name, 'acme');
  assert.notEqual(changed.headers.get('etag'), made.headers.get('etag'));

  const listed = await hub.admin('GET', '/providers');
  assert.deepEqual(listed.body, { providers: [changed.body], next_cursor: null });

  assert.equal((await hub.admin('DELETE', `/providers/${id}`)).status, 204);
  assert.equal((await hub.admin('GET', `/providers/${id}`)).status, 404);
  assert.deepEqual((await hub.admin('GET', '/providers')).body.providers, []);
});

test('a model is made, shown, changed, moved and removed', async (t) => {
  const hub = await startHub(t, { env: bare });
  const first = await hub.addProvider({ server_url: 'http://127.0.0.1:9' });
  const second = await hub.addProvider({ server_url: 'http://127.0.0.1:9' });
  const made = await hub.admin('POST', '/provider_models', { provider_id: first.id, model_name: 'org/model:7b', description: 'small' });
  assert.equal(made.status, 201);
  assert.equal(made.headers.get('location'), `/provider_models/${made.body.id}`);
  assert.equal(made.body.provider_id, first.id);
  assert.equal(made.body.model_name, 'org/model:7b');
  assert.equal(made.body.description, 'small');
  assert.deepEqual((await hub.admin('GET', `/provider_models/${made.body.id}`)).body, made.body);
  assert.deepEqual((await hub.admin('GET', `/providers/${first.id}/models`)).body, { models: [made.body], next_cursor: null });
  assert.deepEqual((await hub.admin('GET', `/providers/${first.id}`)).body.models, ['org/model:7b']);

  const stale = await hub.admin('PUT', `/provider_models/${made.body.id}`, { description: 'x' }, { 'if-match': '"v99"' });
  assert.equal(stale.status, 412);
  errorOf(stale.body);
  const moved = await hub.admin('PUT', `/provider_models/${made.body.id}`, { provider_id: second.id, model_name: 'renamed' }, { 'if-match': made.headers.get('etag') });
  assert.equal(moved.status, 200);
  assert.equal(moved.body.provider_id, second.id);
  assert.equal(moved.body.description, 'small');
  assert.deepEqual((await hub.admin('GET', `/providers/${first.id}/models`)).body.models, []);
  assert.equal((await hub.admin('DELETE', `/provider_models/${made.body.id}`, undefined, { 'if-match': made.headers.get('etag') })).status, 412);
  assert.equal((await hub.admin('DELETE', `/provider_models/${made.body.id}`, undefined, { 'if-match': moved.headers.get('etag') })).status, 204);
  assert.equal((await hub.admin('GET', `/provider_models/${made.body.id}`)).status, 404);
  assert.equal((await hub.admin('DELETE', `/provider_models/${made.body.id}`)).status, 404);
});

test('If-Match decides between two administrators', async (t) => {
  const hub = await startHub(t, { env: bare });
  const { id } = await hub.addProvider({ ...sound });
  const tag = (await hub.admin('GET', `/providers/${id}`)).headers.get('etag');
  const both = await Promise.all(['a', 'b'].map((description) => hub.admin('PUT', `/providers/${id}`, { description }, { 'if-match': tag })));
  assert.deepEqual(both.map((answer) => answer.status).sort(), [200, 412]);
  const refused = both.find((answer) => answer.status === 412);
  assert.equal(errorOf(refused.body).code, 'precondition_failed');
  for (const header of [tag, 'rubbish', '"v"', 'W/"v1"', '"v99999999999999999999"'])
    assert.equal((await hub.admin('PUT', `/providers/${id}`, { description: 'c' }, { 'if-match': header })).status, 412, header);
  assert.equal((await hub.admin('DELETE', `/providers/${id}`, undefined, { 'if-match': tag })).status, 412);
  assert.equal((await hub.admin('PUT', `/providers/${id}`, { description: 'd' }, { 'if-match': '*' })).status, 200);
  assert.equal((await hub.admin('GET', `/providers/${id}`)).body.description, 'd');
});

test('names that are taken are conflicts', async (t) => {
  const hub = await startHub(t, { env: bare });
  const one = await hub.addProvider({ ...sound }, ['m']);
  const two = await hub.addProvider({ ...sound, name: 'other' }, ['m', 'n']);
  const conflicts = [
    await hub.admin('POST', '/providers', { ...sound }),
    await hub.admin('PUT', `/providers/${two.id}`, { name: 'acme' }),
    await hub.admin('POST', '/provider_models', { provider_id: one.id, model_name: 'm' }),
  ];
  const models = (await hub.admin('GET', `/providers/${two.id}/models`)).body.models;
  const n = models.find((model) => model.model_name === 'n');
  conflicts.push(await hub.admin('PUT', `/provider_models/${n.id}`, { model_name: 'm' }));
  conflicts.push(await hub.admin('PUT', `/provider_models/${models.find((model) => model.model_name === 'm').id}`, { provider_id: one.id }));
  for (const answer of conflicts) {
    assert.equal(answer.status, 409);
    assert.equal(errorOf(answer.body).code, 'conflict');
    assert.equal(answer.headers.get('x-should-retry'), 'false');
  }
  assert.equal((await hub.admin('GET', '/providers')).body.providers.length, 2);
  // The same name again, but for itself.
  assert.equal((await hub.admin('PUT', `/providers/${one.id}`, { name: 'acme' })).status, 200);
});

test('what does not exist is 404, on every route and with every method', async (t) => {
  const hub = await startHub(t, { env: bare });
  for (const id of ['1', '99', '0', '-1', 'x', '1x', '9223372036854775808', '1%20', 'providers']) {
    for (const [method, route, body] of [
      ['GET', `/providers/${id}`], ['PUT', `/providers/${id}`, { description: 'x' }], ['DELETE', `/providers/${id}`],
      ['GET', `/providers/${id}/models`], ['POST', `/providers/${id}/test`], ['GET', `/providers/${id}/upstream_models`],
      ['GET', `/provider_models/${id}`], ['PUT', `/provider_models/${id}`, { description: 'x' }], ['DELETE', `/provider_models/${id}`],
    ]) {
      const answer = await hub.admin(method, route, body);
      assert.equal(answer.status, 404, `${method} ${route}`);
      errorOf(answer.body);
    }
  }
  const orphan = await hub.admin('POST', '/provider_models', { provider_id: 12345, model_name: 'm' });
  assert.equal(orphan.status, 404);
  assert.equal(errorOf(orphan.body).param, 'provider_id');
  assert.equal((await hub.admin('GET', '/stats/conversation/nothing')).status, 404);
});

test('each field is checked, and the answer names it', async (t) => {
  const hub = await startHub(t, { env: bare });
  const present = await hub.addProvider({ ...sound, name: 'present' }, ['present']);
  const bad = {
    name: [undefined, null, '', 5, {}, ' x', 'x ', 'a\u0000b', 'a\nb', 'n'.repeat(201)],
    kind: ['', 'anthropics', 5],
    server_url: [undefined, '', 'ftp://h', 'h', 'http://', 'http://u:p@h', 'http://h:0', 'http://h:99999', 'http://h/ x', 7, `http://${'h'.repeat(2000)}`],
    server_key: [5, 'with space', 'ünicode', 'line\r\nbreak', 'k'.repeat(4001)],
    personalized_key: [['x'], 'with space', 'naïve'],
    description: [5, 'd'.repeat(10_001)],
    enabled: ['true', 1],
    weight: [0, -1, 1.5, '1', 1_000_001, 1e400],
    priority: [-1, 0.5, 1e10],
    headers: [[], 'x', { 'a b': 'x' }, { a: 5 }, { a: 'x\r\ny: z' }, { authorization: 'x' }, { host: 'x' }, { 'content-length': '5' }, { 'Transfer-Encoding': 'x' }],
    timeouts: [[], { connect: 0 }, { connect: '5' }, { connect: -1 }, { unknown: 5 }, { total: 86_400_001 }],
    surplus: ['unknown field'],
  };
  for (const [field, values] of Object.entries(bad)) {
    for (const value of values) {
      const fields = { ...sound, name: 'fresh', [field]: value };
      const text = JSON.stringify(fields).replace(/"weight":null/, '"weight":1e400');
      const answer = await hub.admin('POST', '/providers', text);
      assert.equal(answer.status, 400, `${field}: ${text.slice(0, 300)} -> ${JSON.stringify(answer.body)}`);
      assert.ok(errorOf(answer.body).param === field || value === 1e400, `${field} ${JSON.stringify(value)?.slice(0, 50)}: ${JSON.stringify(answer.body)}`);
      if (value === undefined || value === null) continue;
      const put = await hub.admin('PUT', `/providers/${present.id}`, JSON.stringify({ [field]: value }).replace(/:null/, ':1e400'));
      assert.equal(put.status, 400, `PUT ${field} ${JSON.stringify(value)?.slice(0, 50)}`);
    }
  }
  const badModel = {
    provider_id: [undefined, null, '1', 0, -1, 1.5],
    model_name: [undefined, '', 5, ' m', 'm '.repeat(101), 'a\tb'],
    description: [5, 'd'.repeat(10_001)],
    surplus: [true],
  };
  for (const [field, values] of Object.entries(badModel)) {
    for (const value of values) {
      const answer = await hub.admin('POST', '/provider_models', { provider_id: present.id, model_name: 'fresh', [field]: value });
      assert.equal(answer.status, 400, `${field}: ${JSON.stringify(value)}`);
      assert.equal(errorOf(answer.body).param, field);
    }
  }
  const left = await hub.admin('GET', '/providers');
  assert.deepEqual(left.body.providers.map((provider) => provider.name), ['present']);
  assert.equal((await hub.admin('GET', `/providers/${present.id}/models`)).body.models.length, 1);
});

test('lists come in pages that hold every row once', async (t) => {
  const hub = await startHub(t, { env: bare });
  const names = [];
  for (let i = 0; i < 7; ++i) names.push((await hub.addProvider({ ...sound, name: `p${i}` }, i === 0 ? ['a', 'b', 'c', 'd', 'e'] : [])).name);
  const pages = async (route, member, limit) => {
    const rows = [];
    let sizes = [];
    for (let cursor = null; ;) {
      const { status, body } = await hub.admin('GET', `${route}?limit=${limit}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`);
      assert.equal(status, 200);
      rows.push(...body[member]);
      sizes.push(body[member].length);
      cursor = body.next_cursor;
      if (cursor === null) return [rows, sizes];
      assert.equal(typeof cursor, 'string');
    }
  };
  const [providers, sizes] = await pages('/providers', 'providers', 3);
  assert.deepEqual(providers.map((provider) => provider.name), names);
  assert.deepEqual(sizes, [3, 3, 1]);
  const [exact, exactSizes] = await pages('/providers', 'providers', 7);
  assert.deepEqual(exact.map((provider) => provider.name), names);
  assert.deepEqual(exactSizes, [7]);
  const [models] = await pages(`/providers/${providers[0].id}/models`, 'models', 2);
  assert.deepEqual(models.map((model) => model.model_name), ['a', 'b', 'c', 'd', 'e']);
  for (const [query, param] of [['limit=0', 'limit'], ['limit=-1', 'limit'], ['limit=x', 'limit'], ['limit=10001', 'limit'], ['limit=', 'limit'], ['cursor=x', 'cursor'], ['cursor=-5', 'cursor']]) {
    const answer = await hub.admin('GET', `/providers?${query}`);
    assert.equal(answer.status, 400, query);
    assert.equal(errorOf(answer.body).param, param);
  }
});

test('secrets never come out: not in answers, not in logs, not in files', async (t) => {
  const secrets = ['sk-PLANTED-server-key-4711', 'pk-PLANTED-personal-key-4711', 'PLANTED-header-value-4711', 'sk-PLANTED-second-key-4712'];
  const upstream = await startUpstream(t, (request, response) => {
    if (request.body.includes('"refuse"')) response.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify({ error: { message: `Incorrect API key provided: ${request.headers.authorization}` } }));
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ id: 'x', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }] }));
  });
  const hub = await startHub(t, { env: { ...bare, NEXUS_LOG_LEVEL: 'debug' } });
  const seen = [];
  const note = async (answer) => { seen.push(JSON.stringify([...answer.headers]), typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)); return answer; };
  const fields = { ...sound, server_url: upstream.address, server_key: secrets[0], personalized_key: secrets[1], headers: { 'x-extra': secrets[2] } };
  const { body: made } = await note(await hub.admin('POST', '/providers', fields));
  await note(await hub.admin('POST', '/providers', fields));  // a conflict
  await note(await hub.admin('POST', '/providers', { ...fields, surplus: 1 }));
  await note(await hub.admin('POST', '/providers', JSON.stringify(fields).slice(0, -1)));
  await note(await hub.admin('PUT', `/providers/${made.id}`, { server_key: `${secrets[0]} with space` }));
  await note(await hub.admin('PUT', `/providers/${made.id}`, { server_url: `http://user:${secrets[0]}@127.0.0.1/` }));
  await note(await hub.admin('POST', '/provider_models', { provider_id: made.id, model_name: 'm' }));
  await note(await hub.admin('GET', '/providers'));
  await note(await hub.admin('GET', `/providers/${made.id}`));
  await note(await hub.admin('POST', `/providers/${made.id}/test`));
  await note(await hub.admin('GET', `/providers/${made.id}/upstream_models`));
  for (const content of ['hello', 'refuse']) {
    const response = await hub.chat({ model: 'm', messages: [{ role: 'user', content }] }, { key: secrets[1] });
    assert.equal(response.status, content === 'hello' ? 200 : 502);
    await note({ headers: response.headers, body: await response.text() });
  }
  await note(await hub.admin('PUT', `/providers/${made.id}`, { server_key: secrets[3] }));
  await note({ headers: new Headers(), body: await (await hub.chat(hello('m'), { key: `${secrets[1]}x` })).text() });
  await note(await hub.admin('GET', `/v1/models?key=${secrets[1]}`));
  await note(await hub.admin('GET', '/stats/total'));
  // All of it was really sent.
  assert.equal(upstream.requests.at(0).headers['x-extra'], secrets[2]);
  assert.ok(upstream.requests.some((request) => request.headers.authorization === `Bearer ${secrets[0]}`));

  const files = async () => Promise.all((await readdir(path.join(hub.folder, 'data'))).map((name) => readFile(path.join(hub.folder, 'data', name))));
  const running = await files();
  await hub.stop();
  const everything = [...running, ...await files(), ...seen.map(Buffer.from), Buffer.from(hub.stdout), Buffer.from(hub.stderr)];
  assert.ok(everything.some((bytes) => bytes.includes('acme')), 'the search finds what is there');
  for (const text of secrets) {
    const forms = [text, Buffer.from(text).toString('hex'), Buffer.from(text).toString('hex').toUpperCase()];
    // base64 at each of the three alignments, without the ends that depend on the neighbours
    for (const shift of [0, 1, 2]) forms.push(Buffer.from(' '.repeat(shift) + text).toString('base64').slice(4, -4));
    for (const form of forms) for (const bytes of everything) assert.ok(!bytes.includes(form), `${form} is in ${bytes.toString('latin1').slice(0, 200)}`);
  }
});

test('a key that is left out or comes back masked stays, and a new one replaces it', async (t) => {
  const upstream = await startUpstream(t);
  const hub = await startHub(t, { env: bare });
  const made = await hub.addProvider({ ...sound, server_url: upstream.address, headers: { 'X-Tenant': 'tenant-secret-value' } }, ['m']);
  const sent = async () => {
    const response = await hub.chat(hello('m'), { key: sound.personalized_key });
    assert.equal(response.status, 200, await response.text());
    const { headers } = upstream.requests.at(-1);
    return [headers.authorization, headers['x-tenant']];
  };
  const kept = [`Bearer ${sound.server_key}`, 'tenant-secret-value'];
  assert.deepEqual(await sent(), kept);
  assert.equal((await hub.admin('PUT', `/providers/${made.id}`, { description: 'left out' })).status, 200);
  assert.deepEqual(await sent(), kept);
  const shown = (await hub.admin('GET', `/providers/${made.id}`)).body;
  const back = await hub.admin('PUT', `/providers/${made.id}`, { ...shown, description: 'as it was shown' });
  assert.equal(back.status, 200, JSON.stringify(back.body));
  assert.equal(back.body.description, 'as it was shown');
  assert.deepEqual(await sent(), kept);
  assert.equal((await hub.admin('PUT', `/providers/${made.id}`, { server_key: null })).status, 200);
  assert.deepEqual(await sent(), kept);
  assert.equal((await hub.admin('PUT', `/providers/${made.id}`, { server_key: 'sk-new-secret-0002', headers: {} })).body.server_key, 'sk-…0002');
  assert.deepEqual(await sent(), ['Bearer sk-new-secret-0002', undefined]);
  assert.equal((await hub.admin('PUT', `/providers/${made.id}`, { server_key: '' })).body.server_key, '');
  assert.deepEqual(await sent(), [undefined, undefined]);
  // The personalized key, too: the old one works until it is replaced, and not a moment longer.
  assert.equal((await hub.admin('PUT', `/providers/${made.id}`, { personalized_key: 'pk-replaced-0002' })).status, 200);
  assert.equal((await hub.chat(hello('m'), { key: sound.personalized_key })).status, 401);
  assert.equal((await hub.chat(hello('m'), { key: 'pk-replaced-0002' })).status, 200);
});

test('what was made is there after a restart', async (t) => {
  const upstream = await startUpstream(t);
  const hub = await startHub(t, { env: bare });
  const { id } = await hub.addProvider({ ...sound, server_url: upstream.address, headers: { 'x-a': 'tenant-secret-value' }, timeouts: { head: 5000 }, weight: 3, priority: 2, enabled: true }, ['m', 'n']);
  const before = (await hub.admin('GET', `/providers/${id}`)).body;
  assert.deepEqual((await hub.stop()), { code: 0, signal: null });
  const again = await startHub(t, { env: bare, folder: hub.folder });
  assert.deepEqual((await again.admin('GET', `/providers/${id}`)).body, before);
  assert.equal((await again.chat(hello('n'), { key: sound.personalized_key })).status, 200);
  assert.equal(upstream.requests[0].headers.authorization, `Bearer ${sound.server_key}`);
  assert.equal(upstream.requests[0].headers['x-a'], 'tenant-secret-value');
});

test('removing a provider removes its models and keeps its statistics', async (t) => {
  const upstream = await startUpstream(t);
  const hub = await startHub(t, { env: bare });
  const { id } = await hub.addProvider({ ...sound, server_url: upstream.address }, ['m', 'n']);
  const models = (await hub.admin('GET', `/providers/${id}/models`)).body.models;
  const response = await hub.chat(hello('m'), { key: sound.personalized_key });
  assert.equal(response.status, 200);
  const conversation = response.headers.get('x-conversation-id');
  const before = await hub.admin('GET', '/stats/total');
  assert.deepEqual(before.body, { total_conversations: 1, total_rounds: 1, prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 });
  assert.equal((await hub.admin('DELETE', `/providers/${id}`)).status, 204);
  for (const model of models) assert.equal((await hub.admin('GET', `/provider_models/${model.id}`)).status, 404);
  assert.equal((await hub.admin('GET', `/providers/${id}/models`)).status, 404);
  assert.equal((await hub.chat(hello('m'), { key: sound.personalized_key })).status, 401);
  assert.deepEqual((await hub.admin('GET', '/stats/total')).body, before.body);
  assert.equal((await hub.admin('GET', `/stats/conversation/${conversation}`)).body.rounds, 1);
  // Neither the name nor the key is bound to what is gone, and the id is not used again.
  const successor = await hub.addProvider({ ...sound, server_url: upstream.address }, ['m']);
  assert.notEqual(successor.id, id);
  assert.equal((await hub.chat(hello('m'), { key: sound.personalized_key })).status, 200);
});

test('a disabled provider is not used, and its key is still known', async (t) => {
  const upstream = await startUpstream(t);
  const hub = await startHub(t, { env: bare });
  const { id } = await hub.addProvider({ ...sound, server_url: upstream.address }, ['m']);
  assert.equal((await hub.admin('PUT', `/providers/${id}`, { enabled: false })).body.state, 'disabled');
  const refused = await hub.chat(hello('m'), { key: sound.personalized_key });
  assert.equal(refused.status, 404);
  assert.equal(errorOf(await refused.json()).code, 'model_not_found');
  assert.equal((await hub.admin('PUT', `/providers/${id}`, { enabled: true })).body.state, 'ready');
  assert.equal((await hub.chat(hello('m'), { key: sound.personalized_key })).status, 200);
  assert.equal(upstream.requests.length, 1);
});

const administratorRows = [
  ['GET', '/providers'], ['POST', '/providers'], ['GET', '/providers/1'], ['PUT', '/providers/1'], ['DELETE', '/providers/1'],
  ['GET', '/providers/1/models'], ['POST', '/providers/1/test'], ['GET', '/providers/1/upstream_models'],
  ['POST', '/provider_models'], ['GET', '/provider_models/1'], ['PUT', '/provider_models/1'], ['DELETE', '/provider_models/1'],
  ['GET', '/stats/total'], ['GET', '/stats/conversation/x'], ['GET', '/session'], ['DELETE', '/session'],
];

test('nobody but the administrator reaches the control plane', async (t) => {
  const hub = await startHub(t, { env: bare });
  const provider = await hub.addProvider({ ...sound }, ['m']);
  for (const [method, route] of administratorRows) {
    for (const headers of [
      {}, { authorization: 'Bearer wrong' }, { authorization: `Bearer ${sound.personalized_key}` }, { authorization: adminToken },
      { authorization: `Basic ${Buffer.from(`admin:${adminToken}`).toString('base64')}` }, { 'x-api-key': adminToken }, { cookie: 'nxh=wrong' },
      { cookie: `nxh=${adminToken}`, origin: hub.address }, { authorization: `Bearer ${adminToken}x` },
    ]) {
      const body = ['POST', 'PUT'].includes(method) ? '{}' : undefined;
      const response = await fetch(hub.address + route, { method, headers: { ...(body ? { 'content-type': 'application/json' } : {}), ...headers }, body });
      assert.equal(response.status, 401, `${method} ${route} ${JSON.stringify(headers)}`);
      assert.equal(errorOf(await response.text()).type, 'authentication_error');
    }
  }
  const inQuery = await fetch(`${hub.address}/providers?token=${adminToken}&access_token=${adminToken}`);
  assert.equal(inQuery.status, 401);
  await inQuery.text();
  assert.equal((await hub.admin('GET', `/providers/${provider.id}`)).status, 200);
});

test('a change holds on every shard once it is answered', async (t) => {
  const hub = await startHub(t, { env: { ...bare, NEXUS_SERVER_THREADS: '4' } });
  const { id } = await hub.addProvider({ ...sound });
  for (let round = 0; round < 3; ++round) {
    const name = `model-${round}`;
    assert.equal((await hub.admin('POST', '/provider_models', { provider_id: id, model_name: name })).status, 201);
    const seen = await Promise.all(Array.from({ length: 50 }, () => freshGet(hub, '/v1/models', sound.personalized_key)));
    for (const { status, body } of seen) {
      assert.equal(status, 200);
      assert.equal(body.data.length, round + 1);
      assert.ok(body.data.some((model) => model.id === name));
    }
  }
  assert.equal((await hub.admin('DELETE', `/providers/${id}`)).status, 204);
  const gone = await Promise.all(Array.from({ length: 50 }, () => freshGet(hub, '/v1/models', sound.personalized_key)));
  assert.deepEqual([...new Set(gone.map(({ status }) => status))], [401]);
});

test('a kept-alive connection follows the changes of its key', async (t) => {
  const hub = await startHub(t, { env: bare });
  const { id } = await hub.addProvider({ ...sound }, ['m']);
  const line = wire(t, hub);
  const ask = `GET /v1/models HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${sound.personalized_key}\r\n\r\n`;
  assert.equal((await line.send(ask).answer()).status, 200);
  await hub.admin('PUT', `/providers/${id}`, { personalized_key: 'pk-another-one-0001' });
  assert.equal((await line.send(ask).answer()).status, 401);
  await hub.admin('PUT', `/providers/${id}`, { personalized_key: sound.personalized_key });
  assert.equal((await line.send(ask).answer()).status, 200);
});

for (const [what, change] of [
  ['changed', (hub, id) => hub.admin('PUT', `/providers/${id}`, { server_url: 'http://127.0.0.1:9', server_key: 'sk-other-secret-0002' })],
  ['disabled', (hub, id) => hub.admin('PUT', `/providers/${id}`, { enabled: false })],
  ['removed', (hub, id) => hub.admin('DELETE', `/providers/${id}`)],
]) {
  test(`a stream in flight goes on to its end while its provider is ${what}`, async (t) => {
    const mock = await startMock(t);
    const hub = await startHub(t, { env: bare });
    const { id } = await hub.addProvider({ ...sound, server_url: mock.url('chunks=30,chunk_delay_ms=30') }, ['m']);
    const response = await hub.chat(hello('m', { stream: true }), { key: sound.personalized_key });
    assert.equal(response.status, 200);  // the head is here, the stream is not
    const answer = await change(hub, id);
    assert.ok([200, 204].includes(answer.status));
    const events = await readEvents(response);
    assert.equal(events.at(-1), '[DONE]');
    assert.equal(events.slice(0, -1).map((text) => JSON.parse(text)).filter((chunk) => chunk.choices[0].delta.content).length, 30);
    const totals = (await hub.admin('GET', '/stats/total')).body;
    assert.equal(totals.total_rounds, 1);
    assert.equal((await mock.stats()).aborted, 0);
    assert.notEqual((await hub.chat(hello('m'), { key: sound.personalized_key })).status, 200);
  });
}

test('fifty administrators at once lose nothing', async (t) => {
  const hub = await startHub(t, { env: bare });
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => hub.admin('POST', '/providers', { ...sound, name: `p${i}` })));
  assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [201]);
  assert.equal(new Set(answers.map((answer) => answer.body.id)).size, 50);
  assert.equal((await hub.admin('GET', '/providers')).body.providers.length, 50);
});

// --- Sessions of browsers.

const setupToken = (hub) => hub.stdout.match(/Set-up token +(\S+)/)[1];
const signIn = (hub, token, headers = {}) => fetch(`${hub.address}/session`, {
  method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ token }),
});

test('the set-up token signs in once; the session ends when it is told to', async (t) => {
  const hub = await startHub(t, { env: bare });
  const token = setupToken(hub);
  const wrong = await signIn(hub, 'wrong');
  assert.equal(wrong.status, 401);
  assert.equal(wrong.headers.get('set-cookie'), null);
  errorOf(await wrong.text());
  const response = await signIn(hub, token, { origin: hub.address });
  assert.equal(response.status, 204);
  const [pair, ...attributes] = response.headers.get('set-cookie').split('; ');
  assert.deepEqual(attributes.map((text) => text.toLowerCase()).sort(), ['httponly', 'path=/', 'samesite=strict']);
  assert.match(pair, /^nxh=[\w-]{43}$/);
  assert.equal((await signIn(hub, token)).status, 401, 'a second time');

  const browser = (method, route, headers = {}, body = undefined) => fetch(hub.address + route, { method, headers: { cookie: `other=1; ${pair}`, ...(body ? { 'content-type': 'application/json' } : {}), ...headers }, body: body && JSON.stringify(body) });
  const session = await browser('GET', '/session');
  assert.equal(session.status, 200);
  assert.equal((await session.json()).role, 'administrator');
  assert.match(session.headers.get('cache-control'), /no-store/);
  assert.equal((await browser('GET', '/providers')).status, 200);
  assert.equal((await browser('HEAD', '/providers')).status, 200);

  const fields = { ...sound };
  for (const [headers, status] of [
    [{}, 403], [{ origin: 'https://evil.example' }, 403], [{ origin: 'null' }, 403], [{ origin: `http://127.0.0.1:${hub.port + 1}` }, 403],
    [{ origin: `http://127.0.0.1.evil.example:${hub.port}` }, 403], [{ origin: hub.address }, 201],
  ]) {
    const answer = await browser('POST', '/providers', headers, fields);
    assert.equal(answer.status, status, JSON.stringify(headers));
    if (status === 403) assert.equal(errorOf(await answer.text()).type, 'permission_error');
  }
  const { body: { providers: [made] } } = await hub.admin('GET', '/providers');
  for (const [method, route, body] of [['PUT', `/providers/${made.id}`, { description: 'x' }], ['DELETE', `/providers/${made.id}`], ['POST', '/provider_models', { provider_id: made.id, model_name: 'm' }], ['POST', `/providers/${made.id}/test`], ['DELETE', '/session']])
    for (const headers of [{}, { origin: 'https://evil.example' }])
      assert.equal((await browser(method, route, headers, body)).status, 403, `${method} ${route}`);

  const out = await browser('DELETE', '/session', { origin: hub.address });
  assert.equal(out.status, 204);
  assert.match(out.headers.get('set-cookie'), /^nxh=;.*Max-Age=0/);
  assert.equal((await browser('GET', '/session')).status, 401);
  assert.equal((await browser('GET', '/providers')).status, 401);
});

test('the administrator token signs in as often as one likes, each time into a session of its own', async (t) => {
  const hub = await startHub(t, { env: bare });
  const cookies = [];
  for (let i = 0; i < 3; ++i) cookies.push((await signIn(hub, adminToken)).headers.get('set-cookie').split(';')[0]);
  assert.equal(new Set(cookies).size, 3);
  const ask = (cookie) => fetch(`${hub.address}/session`, { headers: { cookie } });
  const out = await fetch(`${hub.address}/session`, { method: 'DELETE', headers: { cookie: cookies[0], origin: hub.address } });
  assert.equal(out.status, 204);
  assert.deepEqual((await Promise.all(cookies.map(ask))).map((response) => response.status), [401, 200, 200]);
});

test('a foreign page cannot sign a visitor in', async (t) => {
  const hub = await startHub(t, { env: bare });
  const response = await signIn(hub, adminToken, { origin: 'https://evil.example' });
  assert.equal(response.status, 403);
  assert.equal(response.headers.get('set-cookie'), null);
  const form = await fetch(`${hub.address}/session`, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: `token=${adminToken}` });
  assert.equal(form.status, 415);
  for (const body of ['', '{}', '{"token":5}', '[]', '{"token":"x","more":1}', '{"token":"x","token":"y"}']) {
    const answer = await fetch(`${hub.address}/session`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    assert.equal(answer.status, 400, body);
    errorOf(await answer.text());
  }
});

test('guessing tokens is throttled, and scripts with the right one go on', async (t) => {
  const hub = await startHub(t, { env: bare });
  const statuses = [];
  for (let i = 0; i < 25; ++i) {
    const response = await signIn(hub, `guess-${i}`);
    statuses.push(response.status);
    const error = errorOf(await response.text());
    if (response.status !== 429) continue;
    assert.equal(error.code, 'rate_limit_exceeded');
    assert.ok(Number(response.headers.get('retry-after')) > 0);
  }
  assert.ok(statuses.includes(401));
  assert.equal(statuses.at(-1), 429);
  assert.equal((await signIn(hub, setupToken(hub))).status, 429, 'even the right one waits');
  assert.equal((await hub.admin('GET', '/providers')).status, 200);
});

test('a session ends after its idle time', async (t) => {
  const hub = await startHub(t, { env: { ...bare, NEXUS_SECURITY_SESSION_IDLE_MS: '1000' } });
  const signedIn = async () => (await signIn(hub, adminToken)).headers.get('set-cookie').split(';')[0];
  const status = async (cookie) => (await fetch(`${hub.address}/session`, { headers: { cookie } })).status;
  const idle = await signedIn();
  assert.equal(await status(idle), 200);
  // Asking keeps a session alive: it is asked only once the time is over.
  const end = Date.now() + 1500;
  await eventually(() => Date.now() > end, 'the idle time');
  assert.equal(await status(idle), 401);
});
