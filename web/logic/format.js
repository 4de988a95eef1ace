// Numbers and texts for people.

/// Returns `text` with {name} replaced; numbers are written in the language. A {one, other} text is chosen by `n`.
export function fill(text, parameters, language) {
  if (typeof text === 'object') text = text[new Intl.PluralRules(language).select(parameters.n)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = parameters[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? count(value, language) : value;
  });
}

/// Returns 1,234,567.
export function count(n, language) {
  return new Intl.NumberFormat(language).format(n);
}

/// Returns 9,999, then 12.3K or 1.2万: what fits into a header.
export function shortCount(n, language) {
  if (n < 10_000) return count(n, language);
  return new Intl.NumberFormat(language, { notation: 'compact', maximumFractionDigits: 1 }).format(n);
}

/// Returns {key, parameters} of the text for a duration: milliseconds, then seconds, then minutes.
export function duration(ms) {
  if (ms < 1000) return { key: 'time.ms', parameters: { ms: Math.round(ms) } };
  if (ms < 59_950) return { key: 'time.s', parameters: { s: (ms / 1000).toFixed(1) } };
  const seconds = Math.round(ms / 1000);
  return { key: 'time.min', parameters: { min: Math.floor(seconds / 60), s: String(seconds % 60).padStart(2, '0') } };
}

/// Returns {prompt, completion, total} of a usage object, or null if there is none. A missing total is the sum.
export function tokens(usage) {
  const prompt = usage?.prompt_tokens;
  const completion = usage?.completion_tokens;
  if (!Number.isFinite(prompt) || !Number.isFinite(completion)) return null;
  const total = Number.isFinite(usage.total_tokens) ? usage.total_tokens : prompt + completion;
  return { prompt, completion, total };
}
