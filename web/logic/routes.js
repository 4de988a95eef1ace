// Matching an address against the table of pages.

/// Returns {page, params} of the first page whose path fits, or {page: null}. A path is '/app/chat/:id', its last part may
/// be missing if it ends in '?'.
export function match(pages, address) {
  const found = address.replace(/\/+$/, '').split('/');
  for (const page of pages) {
    const params = {};
    const parts = page.path.split('/');
    const optional = parts.at(-1).endsWith('?');
    if (found.length !== parts.length && !(optional && found.length === parts.length - 1)) continue;
    const fits = parts.every((part, i) => {
      if (!part.startsWith(':')) return part === found[i];
      if (found[i] !== undefined) params[part.replace(/^:|\?$/g, '')] = decode(found[i]);
      return true;
    });
    if (fits) return { page, params };
  }
  return { page: null, params: {} };
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
