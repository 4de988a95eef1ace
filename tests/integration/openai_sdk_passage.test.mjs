// What passes between an SDK and the upstream, to the byte: bodies, headers, and which conversation a request belongs to.
import test from 'node:test';
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { startHub } from './harness.mjs';
import { chunks, completion, eventStream, reply, replyUsage, startRecorder } from './recorder.mjs';
import { fresh, modelAt, upstreamKey } from './upstream.mjs';

const pixel = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const schema = { type: 'object', properties: { city: { type: 'string', description: 'Straße, 市' } }, required: ['city'], additionalProperties: false };

/** Everything that people notice when it vanishes. */
const rich = (model) => ({
  model,
  messages: [
    { role: 'developer', content: 'Be brief.\u0000\u2028"\\/' },
    { role: 'user', name: 'ann', content: [
      { type: 'text', text: 'What is this? 🙂', cache_control: { type: 'ephemeral', ttl: '1h' } },
      { type: 'image_url', image_url: { url: pixel, detail: 'low' } },
      { type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } },
      { type: 'file', file: { file_id: 'file-1' } },
    ] },
    { role: 'assistant', content: null, refusal: null, reasoning_content: 'hm', tool_calls: [
      { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"K\\u00f6ln"}' } },
      { id: 'call_2', type: 'custom', custom: { name: 'code', input: 'x = 1' } },
    ] },
    { role: 'tool', tool_call_id: 'call_1', content: '12 °C' },
    { role: 'tool', tool_call_id: 'call_2', content: [{ type: 'text', text: 'ok' }] },
  ],
  tools: [{ type: 'function', function: { name: 'weather', description: 'The weather', strict: true, parameters: schema } }],
  tool_choice: { type: 'function', function: { name: 'weather' } },
  parallel_tool_calls: false,
  response_format: { type: 'json_schema', json_schema: { name: 'weather', strict: true, schema } },
  temperature: 0.30000000000000004, top_p: 1e-7, max_tokens: 5, max_completion_tokens: 9, n: 2, seed: -9007199254740991,
  stop: ['\n\n', 'END'], logit_bias: { 50256: -100 }, logprobs: true, top_logprobs: 3, frequency_penalty: 0.5, presence_penalty: -0.5,
  reasoning_effort: 'low', service_tier: 'flex', store: false, metadata: { team: 'Größe' }, user: 'u-1', prompt_cache_key: 'k', verbosity: 'low',
  modalities: ['text'], prediction: { type: 'content', content: 'x' }, x_unknown: { deep: [[], {}, [null, true, 1.5]] },
});

test('bodies', async (t) => {
  const hub = await startHub(t);
  const recorder = await startRecorder(t);
  const model = await modelAt(hub, recorder.address);
  const client = new OpenAI({ baseURL: `${hub.address}/v1`, apiKey: 'pk-team', maxRetries: 0 });
  const sent = () => recorder.requests.at(-1).body;

  await t.test('every parameter of the SDK arrives byte for byte', async () => {
    await client.chat.completions.create(rich(model));
    assert.equal(sent(), JSON.stringify(rich(model)));
    assert.equal(recorder.requests.at(-1).path, '/v1/chat/completions');
  });

  await t.test('of a stream only stream_options differ', async () => {
    const body = { ...rich(model), stream: true };
    for await (const _ of await client.chat.completions.create(body));
    assert.equal(sent(), JSON.stringify({ ...body, stream_options: { include_usage: true } }));
    const asked = { stream_options: { include_usage: true, include_obfuscation: false }, ...body };
    for await (const _ of await client.chat.completions.create(asked));
    assert.equal(sent(), JSON.stringify(asked));
    const declined = { ...body, stream_options: { include_usage: false, include_obfuscation: false }, last: 1 };
    for await (const _ of await client.chat.completions.create(declined));
    assert.deepEqual(JSON.parse(sent()), { ...declined, stream_options: { include_usage: true, include_obfuscation: false } });
    assert.ok(sent().endsWith(',"last":1}'));
  });

  await t.test('spaces, escapes and the spelling of numbers stay as they are', async () => {
    const odd = `\t{ "messages" :\n[ {"content":"\\u0041\\/\\ud83d\\ude42 é","role":"\\u0075ser"} ] , "temperature":1.0E+0,"big":12345678901234567890.10,"model":"${model}" }\r\n`;
    assert.equal((await hub.chat(odd)).status, 200);
    assert.equal(sent(), odd);
    const stream = odd.replace('"big"', '"stream" : true, "big"');
    assert.match(await (await hub.chat(stream)).text(), /\[DONE\]/);
    assert.equal(sent(), stream.replace(`"${model}"`, `"${model}","stream_options":{"include_usage":true}`));
  });

  await t.test('a body of a megabyte passes whole', async () => {
    const body = { model, messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${'iVBORw0KGgoA'.repeat(100_000)}` } }] }] };
    await client.chat.completions.create(body);
    assert.equal(sent().length, JSON.stringify(body).length);
    assert.ok(sent() === JSON.stringify(body));
  });

  await t.test('members that would steer a gateway behind us are dropped, in any letter case', async () => {
    const steering = {
      api_base: 'http://evil.example', base_url: 'http://evil.example', api_key: 'sk-evil', headers: { authorization: 'Bearer evil' },
      extra_headers: { 'x-api-key': 'evil' }, extra_body: {}, fallbacks: [{ model: 'other' }], organization: 'org-evil', API_BASE: 'http://evil.example',
      custom_llm_provider: 'evil', mock_response: 'evil',
    };
    const body = { model, messages: [{ role: 'user', content: 'api_base' }], temperature: 1 };
    const places = [{ ...steering, ...body }, { ...body, ...steering }, { model, ...steering, messages: body.messages, temperature: 1 }];
    for (const place of places) {
      await client.chat.completions.create(place);
      assert.equal(sent(), JSON.stringify(body));
      for await (const _ of await client.chat.completions.create({ ...place, stream: true }));
      assert.deepEqual(JSON.parse(sent()), { ...body, stream: true, stream_options: { include_usage: true } });
      assert.ok(!sent().includes('evil'));
    }
  });
});

test('headers', async (t) => {
  const hub = await startHub(t);
  const recorder = await startRecorder(t);
  const model = await modelAt(hub, recorder.address, { headers: { 'x-team': 'blue' } });
  const leaky = { cookie: 'session=secret-cookie', 'x-mock': 'status=500', 'x-forwarded-for': '10.9.9.9', referer: 'http://secret.example', 'openai-beta': 'x' };
  const client = new OpenAI({ baseURL: `${hub.address}/v1`, apiKey: 'pk-team', organization: 'org-of-client', project: 'project-of-client', maxRetries: 0, defaultHeaders: leaky });

  await t.test("the upstream gets the provider's key and nothing of the client's", async () => {
    for (const stream of [false, true]) {
      const answer = await client.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hello' }], stream });
      if (stream) for await (const _ of answer);
      const { headers, body } = recorder.requests.at(-1);
      const { authorization, 'user-agent': agent, 'x-request-id': id, ...others } = headers;
      assert.equal(authorization, `Bearer ${upstreamKey}`);
      assert.match(agent, /^nexus-hub\//);
      assert.match(id, /^req_/);
      assert.deepEqual(others, {
        host: new URL(recorder.address).host, 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)),
        accept: stream ? 'text/event-stream' : 'application/json', 'accept-encoding': 'identity', 'x-team': 'blue',
        ...(others.connection ? { connection: 'keep-alive' } : {}),
      });
      assert.doesNotMatch(JSON.stringify([agent, id, others]), /pk-team|secret|of-client|10\.9\.9\.9/);
    }
  });

  await t.test('the key may come in each of its three headers', async () => {
    for (const each of [{ authorization: 'Bearer   pk-team' }, { authorization: 'bearer pk-team' }, { 'x-api-key': 'pk-team' }, { 'api-key': 'pk-team' }]) {
      const answer = await client.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hello' }] }, { headers: { Authorization: null, ...each } });
      assert.equal(answer.choices[0].message.content, reply);
      assert.doesNotMatch(JSON.stringify(recorder.requests.at(-1).headers), /pk-team/);
    }
  });

  await t.test('a provider without a key sends none', async () => {
    const open = await modelAt(hub, recorder.address, { server_key: '' });
    await client.chat.completions.create({ model: open, messages: [{ role: 'user', content: 'Hello' }] });
    assert.equal(recorder.requests.at(-1).headers.authorization, undefined);
  });
});

test('conversations', async (t) => {
  const hub = await startHub(t);
  const recorder = await startRecorder(t);
  const model = fresh('shared');
  for (const personalized_key of ['pk-team', 'pk-other']) await modelAt(hub, recorder.address, { personalized_key, model });
  const clients = Object.fromEntries(['pk-team', 'pk-other'].map((apiKey) => [apiKey, new OpenAI({ baseURL: `${hub.address}/v1`, apiKey, maxRetries: 0 })]));

  /** Sends one chat; returns the id of its conversation and the assistant's message. */
  async function say(messages, { stream = false, key = 'pk-team', headers, ...body } = {}) {
    const { data, response } = await clients[key].chat.completions.create({ model, messages, stream, ...body }, { headers }).withResponse();
    const id = response.headers.get('x-conversation-id');
    if (!stream) return { id, message: data.choices[0].message };
    let content = '';
    for await (const chunk of data) content += chunk.choices[0].delta.content ?? '';
    return { id, message: { role: 'assistant', content } };
  }
  const user = (content) => ({ role: 'user', content });
  const opening = () => [{ role: 'system', content: 'Be kind.' }, user(fresh('question'))];
  const statsOf = async (id) => (await hub.admin('GET', `/stats/conversation/${id}`)).body;

  for (const stream of [false, true]) {
    await t.test(`a request that resends the history continues its conversation, the answer ${stream ? 'streamed' : 'whole'}`, async () => {
      const history = opening();
      const first = await say(history, { stream });
      for (let round = 2; round <= 4; ++round) {
        history.push(first.message, user(`and then? ${round}`));
        const next = await say(history, { stream: round % 2 === 0 });
        assert.equal(next.id, first.id);
        const stats = await statsOf(first.id);
        assert.equal(stats.rounds, round);
        assert.equal(stats.prompt_tokens, round * replyUsage.prompt_tokens);
        assert.equal(stats.completion_tokens, round * replyUsage.completion_tokens);
        assert.equal(stats.total_tokens, round * replyUsage.total_tokens);
      }
    });
  }

  await t.test('the answer as parts, or trimmed, is still the same history', async () => {
    const history = opening();
    const { id, message } = await say(history);
    const parts = [{ type: 'text', text: message.content.slice(0, 5) }, { type: 'text', text: message.content.slice(5) }];
    assert.equal((await say([...history, { role: 'assistant', content: parts }, user('a')])).id, id);
    assert.equal((await say([...history, { role: 'assistant', content: ` ${message.content}\n` }, user('b')])).id, id);
  });

  await t.test('another history is another conversation', async () => {
    const history = opening();
    const { id, message } = await say(history);
    const ids = [
      await say(history), await say([...history, { ...message, content: `${message.content}!` }, user('x')]),
      await say([history[0], user('something else'), message, user('x')]), await say([{ ...history[0], role: 'user' }, history[1], message, user('x')]),
      await say([history[1], message, user('x')]),
    ].map((answer) => answer.id);
    assert.equal(new Set([id, ...ids]).size, ids.length + 1);
  });

  await t.test('another key is another conversation', async () => {
    const history = opening();
    const { id, message } = await say(history);
    const more = [...history, message, user('x')];
    assert.notEqual((await say(more, { key: 'pk-other' })).id, id);
    assert.equal((await say(more)).id, id);
  });

  await t.test('a caller may name its conversation, and the history follows the name', async () => {
    const history = opening();
    const name = fresh('my-own');
    const { id, message } = await say(history, { headers: { 'x-conversation-id': name } });
    assert.equal(id, name);
    assert.equal((await say([...history, message, user('x')])).id, name);
    assert.equal((await say([user('unrelated')], { headers: { 'x-conversation-id': name } })).id, name);
    assert.equal((await statsOf(name)).rounds, 3);
    await assert.rejects(say(history, { headers: { 'x-conversation-id': 'with space' } }), OpenAI.BadRequestError);
  });

  for (const stream of [false, true]) {
    await t.test(`calling tools is one conversation, ${stream ? 'streamed' : 'whole'}`, async () => {
      const call = { id: fresh('call'), type: 'function', function: { name: 'weather', arguments: '{"city":"Bonn"}' } };
      const second = { ...call, id: fresh('call') };
      const pieces = [
        { role: 'assistant', content: null }, { tool_calls: [{ index: 0, ...call, function: { name: 'weather', arguments: '' } }] },
        { tool_calls: [{ index: 0, id: call.id, function: { arguments: call.function.arguments } }] }, { tool_calls: [{ index: 1, ...second }] },
      ];
      recorder.next.push(stream ? { type: 'text/event-stream', body: eventStream(chunks(pieces, 'tool_calls', true)) }
        : { body: completion({ role: 'assistant', content: null, tool_calls: [call, second] }, 'tool_calls') });
      const ids = [];
      const counting = new OpenAI({
        baseURL: `${hub.address}/v1`, apiKey: 'pk-team', maxRetries: 0,
        fetch: async (...request) => {
          const response = await fetch(...request);
          ids.push(response.headers.get('x-conversation-id'));
          return response;
        },
      });
      const asked = [];
      const tool = { type: 'function', function: { name: 'weather', parameters: schema, parse: JSON.parse, function: ({ city }) => { asked.push(city); return '12 °C'; } } };
      const runner = counting.chat.completions.runTools({ model, messages: opening(), tools: [tool], stream });
      assert.equal(await runner.finalContent(), reply);
      assert.deepEqual(asked, ['Bonn', 'Bonn']);
      assert.equal(ids.length, 2);
      assert.equal(ids[0], ids[1]);
      assert.equal((await statsOf(ids[0])).rounds, 2);
    });
  }

  await t.test('two runs that differ in nothing but the ids of their tool calls stay apart', async () => {
    const history = opening();
    const made = [];
    for (const run of ['a', 'b']) {
      const call = { id: fresh(`call-${run}`), type: 'function', function: { name: 'weather', arguments: '{}' } };
      recorder.next.push({ body: completion({ role: 'assistant', content: null, tool_calls: [call] }, 'tool_calls') });
      made.push(await say(history));
    }
    assert.notEqual(made[0].id, made[1].id);
    for (const { id, message } of made) {
      const next = await say([...history, message, { role: 'tool', tool_call_id: message.tool_calls[0].id, content: '1' }]);
      assert.equal(next.id, id);
    }
  });

  await t.test('the totals are the sum of the conversations', async () => {
    const { body } = await hub.admin('GET', '/stats/total');
    assert.equal(body.total_rounds, recorder.requests.length);
    assert.equal(body.prompt_tokens, recorder.requests.length * replyUsage.prompt_tokens);
    assert.equal(body.completion_tokens, recorder.requests.length * replyUsage.completion_tokens);
    assert.equal(body.total_tokens, body.prompt_tokens + body.completion_tokens);
  });
});
