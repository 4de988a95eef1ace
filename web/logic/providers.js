// What the provider pages know: templates, where requests go, what a form changed, what an upstream's list means.

/// Providers one often has. `url` follows the rule of `endpoint`.
export const templates = [
  { name: 'OpenAI', url: 'https://api.openai.com' },
  { name: 'DeepSeek', url: 'https://api.deepseek.com' },
  { name: 'Moonshot AI', url: 'https://api.moonshot.cn' },
  { name: 'Qwen', url: 'https://dashscope.aliyuncs.com/compatible-mode' },
  { name: 'Zhipu AI', url: 'https://open.bigmodel.cn/api/paas/v4/' },
  { name: 'SiliconFlow', url: 'https://api.siliconflow.cn' },
  { name: 'OpenRouter', url: 'https://openrouter.ai/api' },
  { name: 'Groq', url: 'https://api.groq.com/openai' },
  { name: 'Mistral AI', url: 'https://api.mistral.ai' },
  { name: 'xAI', url: 'https://api.x.ai' },
  { name: 'Ollama', url: 'http://127.0.0.1:11434', local: true },
  { name: 'vLLM', url: 'http://127.0.0.1:8001', local: true },
];

/// Returns where chats are sent: a plain base gets /v1/chat/completions (a trailing /v1 is not doubled), one that ends in
/// "/" gets chat/completions, one that ends in "#" is used as it stands.
export function endpoint(url) {
  const bare = url.trim();
  if (!/^https?:\/\/[^/\s]/i.test(bare)) return '';
  if (bare.endsWith('#')) return bare.slice(0, -1);
  if (bare.endsWith('/')) return `${bare}chat/completions`;
  return bare.endsWith('/v1') ? `${bare}/chat/completions` : `${bare}/v1/chat/completions`;
}

export const timeoutNames = ['connect', 'head', 'first_token', 'idle', 'total'];

/// Returns the members of `now` that differ from `before`.
export function changes(before, now) {
  return Object.fromEntries(Object.entries(now).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name])));
}

/// Returns {fresh, known, gone}: the upstream's list against the configured models.
export function compareModels(upstream, configured) {
  const there = new Set(upstream.map(({ id }) => id));
  const ours = new Set(configured.map((model) => model.model_name));
  return {
    fresh: upstream.filter(({ id }) => !ours.has(id)).map(({ id }) => id),
    known: upstream.filter(({ id }) => ours.has(id)).map(({ id }) => id),
    gone: configured.filter((model) => !there.has(model.model_name)),
  };
}

/// Returns [{name, mine, theirs}] of what two people changed of one resource.
export function conflicts(base, mine, theirs) {
  return Object.keys(mine)
    .filter((name) => JSON.stringify(mine[name]) !== JSON.stringify(theirs[name]))
    .map((name) => ({ name, mine: mine[name], theirs: theirs[name], base: base[name] }));
}

/// Returns what to do about a step of the test that failed: a key of a text.
export function adviceFor(step) {
  return ['dns', 'tcp', 'tls', 'authentication', 'models', 'chat'].includes(step) ? `test.advice.${step}` : 'test.advice.other';
}
