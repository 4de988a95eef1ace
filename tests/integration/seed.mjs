// A hub that has been at work: providers of several states with models, keys, and a few exchanges in the statistics.
import { closedPort, completion, fresh, http, rawUpstream } from './upstream.mjs';

/** Returns {providers, keys, upstream, requests}. */
export async function seed(t, hub, { requests = 6 } = {}) {
  const answer = completion('Hello.', { usage: { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25 } });
  const upstream = await rawUpstream(t, (socket, { head }) => socket.end(http(200, head.startsWith('GET') ? JSON.stringify({ object: 'list', data: ['gpt-4o', 'gpt-4o-mini', 'gpt-5'].map((id) => ({ id, object: 'model' })) }) : answer, { connection: 'close' })));
  const models = [['gpt-4o', 'gpt-4o-mini', 'o4-mini'], ['deepseek-chat', 'deepseek-reasoner', 'gpt-4o'], ['qwen3:32b']];
  const providers = [
    await hub.addProvider({ name: 'OpenAI', server_url: upstream.address, description: 'Main account' }, models[0]),
    await hub.addProvider({ name: 'DeepSeek', server_url: upstream.address, priority: 2, weight: 3 }, models[1]),
    await hub.addProvider({ name: 'Workstation', server_url: `http://127.0.0.1:${await closedPort()}/`, personalized_key: '', enabled: false }, models[2]),
  ];
  for (let i = 0; i < requests; i++) await (await hub.chat({ model: ['gpt-4o-mini', 'deepseek-chat'][i % 2], messages: [{ role: 'user', content: fresh('question') }] })).text();
  const keys = [];
  for (const body of [
    { name: 'Research notebook', limits: { requests_per_minute: 60, tokens_per_minute: 200000, budget: { unit: 'tokens', amount: 1000000, period: 'month', time_zone: 'UTC' } }, expires_at: Date.now() + 20 * 864e5 },
    { name: 'Continuous integration', enabled: false, grants: { providers: [providers[0].id], models: ['gpt-4o-*'] }, allowed_addresses: ['10.0.0.0/8'] },
  ]) {
    const made = await hub.admin('POST', '/keys', body);
    if (made.status === 201) keys.push(made.body);
  }
  await hub.admin('GET', '/stats/total');
  return { providers, keys, upstream, requests };
}
