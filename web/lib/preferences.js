// What this browser remembers: theme, language and the last model. Nothing secret. Storage may be forbidden or full.

export function remember(name, value) {
  try {
    localStorage.setItem(`nexus-${name}`, value);
  } catch {
    // Then it holds for this page only.
  }
}

export function remembered(name) {
  try {
    return localStorage.getItem(`nexus-${name}`);
  } catch {
    return null;
  }
}

/// Returns the theme that is shown now: the person's choice, else the system's.
export function theme() {
  const chosen = document.documentElement.dataset.theme;
  return chosen || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
}

export function toggleTheme() {
  const next = theme() === 'dark' ? 'light' : 'dark';
  document.documentElement.dataset.theme = next;
  remember('theme', next);
}
