// Requests that are sound HTTP and still wrong: JSON that is none, values that do not fit, keys and models that are not
// there. Each is told what is wrong, and nothing of it reaches an upstream.
import test from 'node:test';
import assert from 'node:assert/strict';
import { adminToken, startHub } from './harness.mjs';
import { errorOf, startUpstream } from './wire.mjs';

const bare = { NEXUS_DEMO_ENABLED: 'false' };
const messages = '[{"role":"user","content":"Hello"}]';
const withMember = (member) => `{"model":"m","messages":${messages},${member}}`;

async function served(t, models = ['m']) {
  const upstream = await startUpstream(t);
  const hub = await startHub(t, { env: bare });
  await hub.addProvider({ server_url: upstream.address }, models);
  const post = async (body, headers = {}) => {
    const response = await fetch(`${hub.address}/v1/chat/completions`, { method: 'POST', headers: { authorization: 'Bearer pk-team', 'content-type': 'application/json', ...headers }, body });
    return { status: response.status, headers: response.headers, body: await response.text() };
  };
  return { upstream, hub, post };
}

test('JSON that is none is refused, whatever is wrong with it', async (t) => {
  const { upstream, hub, post } = await served(t);
  const deep = (depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  const broken = {
    'nothing': '', 'white space': ' \n', 'half a string': '{"model":"m', 'half an object': `{"model":"m","messages":${messages}`, 'no value': '{"model":}',
    'a comma too many': `{"model":"m","messages":${messages},}`, 'a comma too few': `{"model":"m" "messages":${messages}}`, 'bytes behind': `{"model":"m","messages":${messages}}x`,
    'two values': `{"model":"m","messages":${messages}}{}`, 'single quotes': "{'model':'m'}", 'a comment': `{/* */"model":"m","messages":${messages}}`, 'NaN': withMember('"x":NaN'),
    'an infinity': withMember('"x":Infinity'), 'a leading zero': withMember('"x":01'), 'a plus': withMember('"x":+1'), 'a bare point': withMember('"x":.5'),
    'a number that overflows': withMember('"x":1e400'), 'an unescaped line end': withMember('"x":"a\nb"'), 'an unknown escape': withMember('"x":"\\x41"'), 'a lone surrogate': withMember('"x":"\\ud800"'),
    'a byte order mark': `\u{feff}{"model":"m","messages":${messages}}`, 'a NUL': `{"model":"m\0","messages":${messages}}`, 'true in capitals': withMember('"x":TRUE'),
    'a duplicate key': `{"model":"m","model":"m","messages":${messages}}`, 'a duplicate key in disguise': `{"model":"m","mod\\u0065l":"other","messages":${messages}}`,
    'a duplicate key in a message': '{"model":"m","messages":[{"role":"user","role":"system","content":"x"}]}', 'a duplicate key deep down': withMember('"metadata":{"a":[{"b":{"c":1,"d":2,"c":3}}]}'),
    'a duplicate key in stream_options': withMember('"stream":true,"stream_options":{"include_usage":true,"include_usage":false}'),
    'a depth of 65': withMember(`"x":${deep(64)}`), 'a depth of 100,000': withMember(`"x":${deep(100_000)}`), 'an endless depth': '['.repeat(100_000), 'endless objects': '{"a":'.repeat(100_000),
    'an array': '[]', 'a string': '"model"', 'a number': '5', 'null': 'null', 'true': 'true',
  };
  for (const [what, body] of Object.entries(broken)) {
    const answer = await post(body);
    assert.equal(answer.status, 400, `${what}: ${answer.body}`);
    assert.equal(errorOf(answer.body).type, 'invalid_request_error', what);
    assert.ok(answer.body.length < 2000, what);
  }
  for (const [what, bytes] of Object.entries({
    'a lone continuation byte': [0x80], 'an overlong slash': [0xc0, 0xaf], 'half a character': [0xe2, 0x82], 'a surrogate': [0xed, 0xa0, 0x80], 'beyond Unicode': [0xf4, 0x90, 0x80, 0x80], 'Latin-1': [0xe9],
  })) {
    const body = Buffer.concat([Buffer.from('{"model":"m","messages":[{"role":"user","content":"'), Buffer.from(bytes), Buffer.from('"}]}')]);
    const answer = await post(body);
    assert.equal(answer.status, 400, what);
    errorOf(answer.body);
  }
  assert.equal(upstream.requests.length, 0);
  assert.equal((await hub.admin('GET', '/stats/total')).body.total_rounds, 0);
  // The deepest that is allowed: 64 levels with the root.
  const deepest = withMember(`"x":${deep(63)}`);
  assert.equal((await post(deepest)).status, 200);
  assert.equal(upstream.requests[0].body, deepest);
});

test('values that do not fit are refused by the name of their field', async (t) => {
  const { upstream, post } = await served(t);
  const cases = [
    ['{}', 'model'], [`{"messages":${messages}}`, 'model'], ['{"model":"m"}', 'messages'], [`{"model":5,"messages":${messages}}`, 'model'], [`{"model":"","messages":${messages}}`, 'model'], [`{"model":null,"messages":${messages}}`, 'model'],
    ['{"model":"m","messages":"x"}', 'messages'], ['{"model":"m","messages":{}}', 'messages'], ['{"model":"m","messages":[]}', 'messages'], ['{"model":"m","messages":null}', 'messages'], ['{"model":"m","messages":["x"]}', 'messages'],
    [withMember('"stream":"true"'), 'stream'], [withMember('"stream":1'), 'stream'], [withMember('"stream":true,"stream_options":5'), 'stream_options'],
    [withMember('"max_tokens":"100"'), 'max_tokens'], [withMember('"max_tokens":-1'), 'max_tokens'], [withMember('"max_tokens":1.5'), 'max_tokens'], [withMember('"max_tokens":1e30'), 'max_tokens'], [withMember('"max_tokens":9007199254740993'), 'max_tokens'],
    [withMember('"max_completion_tokens":-1'), 'max_completion_tokens'], [withMember('"max_completion_tokens":[]'), 'max_completion_tokens'], [withMember('"n":0'), 'n'], [withMember('"n":-1'), 'n'], [withMember('"n":"2"'), 'n'], [withMember('"n":1e9'), 'n'],
  ];
  for (const [body, param] of cases) {
    const answer = await post(body);
    assert.equal(answer.status, 400, `${body}: ${answer.body}`);
    const error = errorOf(answer.body);
    assert.ok(error.param === param || error.param?.startsWith(`${param}.`) || error.param?.startsWith(`${param}[`), `${body}: ${JSON.stringify(error)}`);
  }
  assert.equal(upstream.requests.length, 0);
});

test('what the hub does not know reaches an upstream of the same dialect byte for byte', async (t) => {
  const { upstream, post } = await served(t);
  const odd = `{ "zeta" : [1.0, 1e2, -0, 12345678901234567890, 0.1e-7] ,"model":"m","\\u006dessages2":"\\u00e9\\/",\n"messages":${messages},"metadata":{"__proto__":null,"":{}} ,"max_tokens":1 }`;
  const answer = await post(odd);
  assert.equal(answer.status, 200, answer.body);
  assert.equal(upstream.requests[0].body, odd);
});

test('words that would steer a gateway behind the hub are not passed on', async (t) => {
  const { upstream, post } = await served(t);
  for (const word of ['api_base', 'base_url', 'API_KEY', 'extra_headers', 'fallbacks', 'api\\u005fbase']) {
    const answer = await post(withMember(`"${word}":["https://evil.example"],"temperature":0.5`));
    assert.equal(answer.status, 200, `${word}: ${answer.body}`);
    assert.deepEqual(JSON.parse(upstream.requests.at(-1).body), { model: 'm', messages: JSON.parse(messages), temperature: 0.5 }, word);
  }
});

test('a model that is not there is a model_not_found, in every form', async (t) => {
  const { upstream, hub, post } = await served(t, ['m', 'org/model:free']);
  for (const model of ['unknown', 'M', 'm ', ' m', 'org', 'model', '../m', 'x'.repeat(5000), 'ünïcode', 'a\\"b', 'line\\nend', '\\u0000']) {
    const answer = await post(`{"model":"${model}","messages":${messages}}`);
    assert.equal(answer.status, 404, `${model}: ${answer.body}`);
    const error = errorOf(answer.body);
    assert.deepEqual([error.code, error.type, error.param], ['model_not_found', 'invalid_request_error', 'model']);
    assert.ok(answer.body.length < 7000);
  }
  const get = (id) => fetch(`${hub.address}/v1/models/${id}`, { headers: { authorization: 'Bearer pk-team' } });
  assert.equal((await (await get('org/model:free')).json()).id, 'org/model:free');
  const absent = await get('org/other');
  assert.equal(absent.status, 404);
  assert.equal(errorOf(await absent.text()).code, 'model_not_found');
  assert.equal(upstream.requests.length, 0);
});

test('keys: unknown, none, two, in the URL', async (t) => {
  const { upstream, hub } = await served(t);
  const body = `{"model":"m","messages":${messages}}`;
  const ask = async (headers, query = '') => {
    const response = await fetch(`${hub.address}/v1/chat/completions${query}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  for (const [headers, query] of [
    [{}], [{ authorization: 'Bearer wrong' }], [{ authorization: 'Bearer' }], [{ authorization: 'Bearer ' }], [{ authorization: 'pk-team' }], [{ authorization: 'Basic cGstdGVhbQ==' }], [{ authorization: 'Bearer pk-tea' }], [{ authorization: 'Bearer pk-teamx' }], [{ authorization: 'Bearer PK-TEAM' }],
    [{ 'x-api-key': '' }], [{ 'x-api-key': 'wrong' }], [{ authorization: 'Bearer pk-team', 'x-api-key': 'other' }], [{ 'x-api-key': 'pk-team', 'api-key': 'pk-other' }], [{ authorization: `Bearer ${'k'.repeat(8000)}` }],
    [{}, '?key=pk-team'], [{}, '?api_key=pk-team'], [{}, '?api-key=pk-team'], [{}, '?access_token=pk-team'], [{}, '?k%65y=pk-team'], [{ authorization: 'Bearer pk-team' }, '?key=pk-team'], [{ authorization: 'Bearer sk-upstream-secret-0001' }], [{ cookie: 'nxh=pk-team' }],
  ]) {
    const answer = await ask(headers, query);
    assert.equal(answer.status, 401, `${JSON.stringify(headers).slice(0, 100)} ${query}: ${answer.text}`);
    const error = errorOf(answer.text);
    assert.deepEqual([error.type, error.code], ['authentication_error', 'invalid_api_key']);
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
    assert.doesNotMatch(answer.text, /pk-team|upstream-secret/);
  }
  assert.equal(upstream.requests.length, 0);
  for (const headers of [{ authorization: 'Bearer pk-team' }, { authorization: 'bearer   pk-team' }, { 'x-api-key': 'pk-team' }, { 'api-key': 'pk-team' }, { authorization: 'Bearer pk-team', 'x-api-key': 'pk-team' }])
    assert.equal((await ask(headers)).status, 200, JSON.stringify(headers));
  // The administrator's token is for the team's side alone, and no header of a client goes further than the hub.
  assert.equal((await ask({ authorization: `Bearer ${adminToken}` })).status, 401);
  await ask({ authorization: 'Bearer pk-team', cookie: 'a=b', 'x-forwarded-for': '1.2.3.4', 'x-secret': 's', 'openai-organization': 'o' });
  const { headers } = upstream.requests.at(-1);
  assert.deepEqual(Object.keys(headers).sort(), ['accept', 'accept-encoding', 'authorization', 'content-length', 'content-type', 'host', 'user-agent', 'x-request-id'].sort());
});

test('only JSON is taken, by whatever name it is declared', async (t) => {
  const { upstream, hub, post } = await served(t);
  const body = `{"model":"m","messages":${messages}}`;
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonx', 'application/xml', 'json', 'application', ''].slice(0, 7)) {
    const answer = await post(body, { 'content-type': type });
    assert.equal(answer.status, 415, type);
    errorOf(answer.body);
    const made = await hub.admin('POST', '/providers', '{}', { 'content-type': type });
    assert.equal(made.status, 415, type);
  }
  assert.equal(upstream.requests.length, 0);
  for (const type of ['application/json', 'application/json; charset=utf-8', 'Application/JSON', 'application/json;charset=UTF-8'])
    assert.equal((await post(body, { 'content-type': type })).status, 200, type);
});

test('routes and methods that are not there', async (t) => {
  const { hub } = await served(t);
  for (const [method, route] of [['GET', '/nowhere'], ['POST', '/v1/completion'], ['GET', '/v1'], ['GET', '/v1/'], ['POST', '/v1/chat/completions/'], ['GET', '/V1/models'], ['GET', '/providers/1/2/3'], ['DELETE', '/nowhere'], ['GET', '/healthz/x'], ['GET', '/.git/config'], ['GET', `/${'long'.repeat(1000)}`], ['OPTIONS', '/nowhere']]) {
    const response = await fetch(hub.address + route, { method });
    assert.equal(response.status, 404, `${method} ${route}`);
    const error = errorOf(await response.text());
    assert.deepEqual([error.type, error.code], ['invalid_request_error', 'route_not_found']);
  }
  for (const [method, route, allow] of [
    ['GET', '/v1/chat/completions', ['POST']], ['DELETE', '/v1/models', ['GET']], ['PATCH', '/providers', ['GET', 'POST']], ['POST', '/providers/1', ['GET', 'PUT', 'DELETE']], ['PUT', '/session', ['GET', 'POST', 'DELETE']], ['POST', '/healthz', ['GET']], ['POST', '/', ['GET']],
  ]) {
    const response = await fetch(hub.address + route, { method });
    assert.equal(response.status, 405, `${method} ${route}`);
    assert.equal(errorOf(await response.text()).code, 'method_not_allowed');
    assert.deepEqual(response.headers.get('allow').split(', ').filter((name) => name !== 'HEAD').sort(), [...allow].sort());
  }
});

test('the control plane reads its bodies as strictly', async (t) => {
  const { hub } = await served(t);
  for (const body of ['', '{', '[]', '5', 'null', '{"name":"a","name":"b"}', '{"name":"x","headers":{"a":"1","a":"2"}}', '{"name":"\\ud800"}', `{"name":"x","timeouts":${'{"a":'.repeat(70)}1${'}'.repeat(70)}}`, Buffer.from('{"name":"\xe9"}', 'latin1')]) {
    const response = await fetch(`${hub.address}/providers`, { method: 'POST', headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' }, body });
    assert.equal(response.status, 400, String(body).slice(0, 100));
    errorOf(await response.text());
  }
  assert.equal((await hub.admin('GET', '/providers')).body.providers.length, 1);
});
