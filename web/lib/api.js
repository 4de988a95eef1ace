// The hub's HTTP interface. The only place that calls fetch.

/// A refused call: `status` 0 means that the hub was not reached.
export class ApiError extends Error {
  constructor(status, { message = '', code = '' } = {}, requestId = '') {
    super(message);
    this.status = status;
    this.code = code;
    this.requestId = requestId;
  }
}

async function call(method, path, { body, signal } = {}) {
  let response;
  try {
    response = await fetch(path, {
      method,
      signal,
      credentials: 'same-origin',
      cache: 'no-store',
      headers: body ? { 'content-type': 'application/json' } : {},
      body: body && JSON.stringify(body),
    });
  } catch (cause) {
    if (cause.name === 'AbortError') throw cause;
    throw new ApiError(0);
  }
  // Whatever stands between us and the hub may answer something that is not JSON.
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, answer?.error, response.headers.get('x-request-id') ?? '');
  return answer ?? {};
}

export const session = (signal) => call('GET', '/session', { signal });
export const signIn = (token, signal) => call('POST', '/session', { body: { token }, signal });
export const signOut = () => call('DELETE', '/session');
export const totals = (signal) => call('GET', '/stats/total', { signal });

// Long lists come in pages.
async function all(path, member, signal) {
  const rows = [];
  let cursor;
  do {
    const page = await call('GET', cursor ? `${path}?cursor=${encodeURIComponent(cursor)}` : path, { signal });
    rows.push(...(page[member] ?? []));
    cursor = page.next_cursor;
  } while (cursor);
  return rows;
}

/// Returns [{provider, models}] of every provider.
export async function catalogue(signal) {
  const providers = await all('/providers', 'providers', signal);
  return Promise.all(
    providers.map(async (provider) => ({
      provider,
      models: await all(`/providers/${encodeURIComponent(provider.id)}/models`, 'models', signal),
    })),
  );
}
