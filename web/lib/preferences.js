// What this browser remembers. Nothing secret. Storage may be forbidden or full.

export function remember(name, value) {
  try {
    if (value === null || value === '') localStorage.removeItem(`nexus-${name}`);
    else localStorage.setItem(`nexus-${name}`, value);
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

/// Returns the person's choice: 'system', 'light' or 'dark'.
export function themeChoice() {
  return document.documentElement.dataset.theme || 'system';
}

/// Sets the theme and sends `theme` to the document.
export function setTheme(choice) {
  if (choice === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
  remember('theme', choice === 'system' ? null : choice);
  document.dispatchEvent(new Event('theme'));
}

/// Tells the document when the system's theme changes, too: charts draw with its colours.
export function watchSystemTheme() {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => document.dispatchEvent(new Event('theme')));
}

/// True if keys without Ctrl act (WCAG 2.1.4 wants a way to switch that off).
export const singleKeys = () => remembered('single-keys') !== 'off';
