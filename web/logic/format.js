// Numbers and texts for people.

/// Returns `text` with {name} replaced; numbers are written in the language. A {one, other} text is chosen by `n`.
export function fill(text, parameters, language) {
  if (typeof text === 'object') text = text[plurals(language).select(parameters.n)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = parameters[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? count(value, language) : value;
  });
}

// Making a formatter takes far longer than using it.
const formatters = new Map();
function made(key, make) {
  if (!formatters.has(key)) formatters.set(key, make());
  return formatters.get(key);
}
const plurals = (language) => made(`p ${language}`, () => new Intl.PluralRules(language));
const numbers = (language, options) =>
  made(`n ${language} ${JSON.stringify(options)}`, () => new Intl.NumberFormat(language, options));
const dates = (language, options) =>
  made(`d ${language} ${JSON.stringify(options)}`, () => new Intl.DateTimeFormat(language, options));

/// Returns 1,234,567.
export function count(n, language) {
  return numbers(language, {}).format(n);
}

/// Returns 9,999, then 12.3K or 1.2万: what fits into a header.
export function shortCount(n, language) {
  if (Math.abs(n) < 10_000) return numbers(language, { maximumFractionDigits: 1 }).format(n);
  return numbers(language, { notation: 'compact', maximumFractionDigits: 1 }).format(n);
}

/// Returns $1.23 for an amount of dollars, with more digits the smaller it is.
export function money(amount, language) {
  const size = Math.abs(amount);
  const digits = size >= 1 || size === 0 ? 2 : size >= 0.01 ? 4 : 6;
  const options = { style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol', maximumFractionDigits: digits };
  return numbers(language, options).format(amount);
}

/// Returns 12.3 % for 0.123.
export function percent(share, language) {
  return numbers(language, { style: 'percent', maximumFractionDigits: Math.abs(share) < 0.1 ? 1 : 0 }).format(share);
}

export function dateTime(ms, language) {
  return dates(language, { dateStyle: 'medium', timeStyle: 'medium' }).format(ms);
}

export function day(ms, language) {
  return dates(language, { dateStyle: 'medium' }).format(ms);
}

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const spans = [['year', 31_536e6], ['month', 2_592e6], ['day', 864e5], ['hour', 36e5], ['minute', 6e4], ['second', 1e3]];

/// Returns "3 minutes ago" or "in 2 days".
export function ago(ms, now, language) {
  const gap = ms - now;
  const [unit, size] = spans.find(([, span]) => Math.abs(gap) >= span) ?? spans.at(-1);
  return made(`r ${language}`, () => new Intl.RelativeTimeFormat(language, { numeric: 'auto' }))
    .format(Math.trunc(gap / size), unit);
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
