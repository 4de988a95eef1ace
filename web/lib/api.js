// The hub's HTTP interface. The only place that calls fetch. Sends `signed-out` to the window when a call is refused
// because the session has ended.

/// A refused call: `status` 0 means that the hub was not reached.
export class ApiError extends Error {
  constructor(status, { message = '', code = '', param = null } = {}, requestId = '', retryAfter = 0) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
  }
}

/// Returns {data, etag}. `quiet`: a 401 is an answer, not the end of the session.
/** @param {string} method @param {string} path @param {any} [options] @returns {Promise<{data: any, etag: string}>} */
export async function call(method, path, { body, signal, etag, quiet = false } = {}) {
  const headers = {};
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (etag) headers['if-match'] = etag;
  let response;
  try {
    response = await fetch(path, {
      method, signal, headers, credentials: 'same-origin', cache: 'no-store',
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (cause) {
    if (cause.name === 'AbortError') throw cause;
    throw new ApiError(0);
  }
  // Whatever stands between us and the hub may answer something that is not JSON.
  const data = await response.json().catch(() => null);
  if (response.ok) return { data: data ?? {}, etag: response.headers.get('etag') ?? '' };
  if (response.status === 401 && !quiet) dispatchEvent(new Event('signed-out'));
  throw new ApiError(response.status, data?.error, response.headers.get('x-request-id') ?? '',
    Number(response.headers.get('retry-after')) || 0);
}

const get = async (path, signal) => (await call('GET', path, { signal })).data;
const at = encodeURIComponent;

// Long lists come in pages.
async function all(path, member, signal) {
  const rows = [];
  let cursor;
  do {
    const page = await get(cursor ? `${path}?cursor=${at(cursor)}` : path, signal);
    rows.push(...(page[member] ?? []));
    cursor = page.next_cursor;
  } while (cursor);
  return rows;
}

export const session = async (signal) => (await call('GET', '/session', { signal, quiet: true })).data;
export const signIn = (body, signal) => call('POST', '/session', { body, signal, quiet: true });
/// Returns true if nobody has been made an administrator yet.
export const needsSetup = async (signal) => (await call('GET', '/setup', { signal, quiet: true })).data.needed === true;
export const setUp = (body, signal) => call('POST', '/setup', { body, signal, quiet: true });
export const signOut = () => call('DELETE', '/session', { quiet: true });
/// Returns what licences.json of this build says.
export const embeddedPackages = (path, signal) => get(path, signal);
export const version = (signal) => get('/version', signal);

export const providers = {
  list: (signal) => all('/providers', 'providers', signal),
  show: (id, signal) => call('GET', `/providers/${at(id)}`, { signal }),
  create: (body) => call('POST', '/providers', { body }),
  save: (id, body, etag) => call('PUT', `/providers/${at(id)}`, { body, etag }),
  remove: (id) => call('DELETE', `/providers/${at(id)}`),
  test: async (id, signal) => (await call('POST', `/providers/${at(id)}/test`, { body: {}, signal })).data,
  upstreamModels: (id, signal) => get(`/providers/${at(id)}/upstream_models`, signal),
  models: (id, signal) => all(`/providers/${at(id)}/models`, 'models', signal),
};

export const models = {
  create: (body) => call('POST', '/provider_models', { body }),
  show: (id, signal) => call('GET', `/provider_models/${at(id)}`, { signal }),
  save: (id, body, etag) => call('PUT', `/provider_models/${at(id)}`, { body, etag }),
  remove: (id) => call('DELETE', `/provider_models/${at(id)}`),
};

export const keys = {
  list: (signal) => all('/keys', 'keys', signal),
  show: (id, signal) => call('GET', `/keys/${at(id)}`, { signal }),
  create: (body) => call('POST', '/keys', { body }),
  save: (id, body, etag) => call('PUT', `/keys/${at(id)}`, { body, etag }),
  rotate: (id, body) => call('POST', `/keys/${at(id)}/rotate`, { body }),
  remove: (id) => call('DELETE', `/keys/${at(id)}`),
};

export const stats = {
  total: (signal) => get('/stats/total', signal),
  usage: ({ from, to, bucket = 'auto', group = 'none' }, signal) =>
    get(`/stats/usage?from=${Math.floor(from)}&to=${Math.floor(to)}&bucket=${at(bucket)}&group_by=${at(group)}`, signal),
  conversation: (id, signal) => get(`/stats/conversation/${at(id)}`, signal),
};

/// Returns [{provider, models}] of every provider with the names of its models alone: one request.
export async function usableModels(signal) {
  return (await providers.list(signal)).map((provider) => ({ provider, models: provider.models.map((name) => ({ model_name: name })) }));
}

/// Returns [{provider, models}] of every provider.
export async function catalogue(signal) {
  const rows = await providers.list(signal);
  return Promise.all(rows.map(async (provider) => ({ provider, models: await providers.models(provider.id, signal) })));
}
