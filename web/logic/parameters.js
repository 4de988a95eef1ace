// The parameters of a chat: what the drawer offers, and how a text becomes a value.

/// Each is {name, kind, …}; kind: text, number, choice, list, json. Only what is set is sent.
export const parameters = [
  { name: 'temperature', kind: 'number', min: 0, max: 2, step: 0.05 },
  { name: 'top_p', kind: 'number', min: 0, max: 1, step: 0.01 },
  { name: 'max_tokens', kind: 'number', min: 1, max: 1_000_000, step: 1, plain: true },
  { name: 'reasoning_effort', kind: 'choice', values: ['minimal', 'low', 'medium', 'high'] },
  { name: 'response_format', kind: 'choice', values: ['text', 'json_object'] },
  { name: 'stop', kind: 'list' },
  { name: 'seed', kind: 'number', min: 0, max: 2_147_483_647, step: 1, plain: true },
  { name: 'presence_penalty', kind: 'number', min: -2, max: 2, step: 0.1 },
  { name: 'frequency_penalty', kind: 'number', min: -2, max: 2, step: 0.1 },
  { name: 'tools', kind: 'json' },
];

/// Returns {value} (undefined = not set) or {fault: 'number' | 'range' | 'json'}.
export function read({ kind, name, min, max, step }, text) {
  const bare = text.trim();
  if (bare === '') return { value: undefined };
  if (kind === 'number') {
    const value = Number(bare);
    if (!Number.isFinite(value) || (step === 1 && !Number.isInteger(value))) return { fault: 'number' };
    return value < min || value > max ? { fault: 'range' } : { value };
  }
  if (kind === 'list') return { value: bare.split('\n').map((line) => line.trim()).filter(Boolean).slice(0, 4) };
  if (kind === 'json') {
    try {
      const value = JSON.parse(bare);
      return Array.isArray(value) ? { value } : { fault: 'json' };
    } catch {
      return { fault: 'json' };
    }
  }
  return { value: name === 'response_format' ? { type: bare } : bare };
}

/// Returns the text of a value, for its control.
export function write({ kind, name }, value) {
  if (value === undefined || value === null) return '';
  if (name === 'response_format') return value.type ?? '';
  if (kind === 'list') return [value].flat().join('\n');
  return kind === 'json' ? JSON.stringify(value, null, 2) : String(value);
}
