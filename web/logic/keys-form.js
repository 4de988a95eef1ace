// What the form of a key means to the hub, and the other way round.

const day = 864e5;
export const expiries = ['hour', 'day', 'month', 'quarter', 'year', 'never'];
const spans = { hour: 36e5, day, month: 30 * day, quarter: 90 * day, year: 365 * day };

/// Returns the moment of a quick choice, or null for never.
export const expiryOf = (choice, now) => (spans[choice] ? now + spans[choice] : null);

/// Returns '' for a sound address or range ("10.0.0.0/8", "::1"), else what is wrong with it: 'address' or 'prefix'.
export function checkRange(text) {
  const [address, prefix, more] = text.trim().split('/');
  const four = /^(?:\d{1,3}\.){3}\d{1,3}$/.test(address) && address.split('.').every((part) => Number(part) <= 255);
  const six = address.includes(':') && /^[0-9a-f:]+(?:\d+\.\d+\.\d+\.\d+)?$/i.test(address) && (address.match(/::/g)?.length ?? 0) <= 1 && address.split(':').length <= 8;
  if (!four && !six) return 'address';
  if (prefix === undefined) return '';
  return more === undefined && /^\d{1,3}$/.test(prefix) && Number(prefix) <= (four ? 32 : 128) ? '' : 'prefix';
}

export const lines = (text) => text.split(/[\n,]/).map((line) => line.trim()).filter(Boolean);

/// Returns the body for the hub.
export function bodyOf(form) {
  const number = (text) => (String(text).trim() === '' ? null : Number(text));
  const amount = String(form.budgetAmount).trim();
  return {
    name: form.name.trim(),
    enabled: form.enabled,
    expires_at: form.expiresAt,
    grants: { providers: form.providers, models: lines(form.models) },
    allowed_addresses: lines(form.addresses),
    limits: {
      requests_per_minute: number(form.rpm), tokens_per_minute: number(form.tpm), concurrent_requests: number(form.concurrent),
      budget: amount === '' ? null : { unit: form.budgetUnit, amount: form.budgetUnit === 'money' ? amount : Number(amount), period: form.budgetPeriod, time_zone: form.timeZone },
    },
  };
}

/// Returns the form of a key that the hub sent; without one, that of a new key.
export function formOf(key, timeZone) {
  const { limits = {}, grants = {} } = key ?? {};
  const { budget } = limits;
  const text = (value) => (value === null || value === undefined ? '' : String(value));
  return {
    name: key?.name ?? '', enabled: key?.enabled ?? true, expiresAt: key?.expires_at ?? null,
    providers: grants.providers ?? [], models: (grants.models ?? []).join('\n'), addresses: (key?.allowed_addresses ?? []).join('\n'),
    rpm: text(limits.requests_per_minute), tpm: text(limits.tokens_per_minute), concurrent: text(limits.concurrent_requests),
    budgetUnit: budget?.unit ?? 'tokens', budgetAmount: text(budget?.amount), budgetPeriod: budget?.period ?? 'month', timeZone: budget?.time_zone || timeZone,
  };
}

/// Returns {field: 'required' | 'number' | 'address' | 'prefix'} of what is wrong with a form.
export function faults(form) {
  const wrong = {};
  if (!form.name.trim()) wrong.name = 'required';
  for (const name of ['rpm', 'tpm', 'concurrent']) if (form[name] !== '' && !(Number.isInteger(Number(form[name])) && Number(form[name]) > 0)) wrong[name] = 'number';
  const amount = Number(form.budgetAmount);
  if (form.budgetAmount !== '' && !(amount > 0 && (form.budgetUnit === 'money' || Number.isInteger(amount)))) wrong.budgetAmount = 'number';
  const range = lines(form.addresses).map(checkRange).find(Boolean);
  if (range) wrong.addresses = range;
  return wrong;
}

/// Returns {unit, used, limit, share, period} of what is spent of a key's budget; null if it has none.
export function spentOf(key) {
  const budget = key.limits?.budget;
  if (!budget) return null;
  const spent = key.spending?.period ?? {};
  const used = Number((budget.unit === 'money' ? spent.cost : spent.tokens) ?? 0);
  const limit = Number(budget.amount);
  return { unit: budget.unit, used, limit, share: limit > 0 ? Math.min(1, used / limit) : 0, period: budget.period };
}

/// Returns the names of the limits that a key has.
export function limitsOf(key) {
  const { limits = {} } = key;
  return ['requests_per_minute', 'tokens_per_minute', 'concurrent_requests', 'budget'].filter((name) => limits[name] !== null && limits[name] !== undefined);
}
