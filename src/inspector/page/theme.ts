/**
 * Light or dark: as the reader's system says, until the reader chooses.
 *
 * Owns: `data-theme` of the document, and its entry in the browser's storage. Callers: main.tsx, shell.tsx.
 */
export const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const ENTRY = 'holdfast.theme';

export function storedTheme(): Theme {
  try {
    return themes.find((theme) => theme === localStorage.getItem(ENTRY)) ?? 'auto';
  } catch {
    // Storage may be forbidden: then nothing is chosen.
    return 'auto';
  }
}

export function applyTheme(theme: Theme): void {
  if (theme === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}

/** Chosen for this browser, as far as it keeps anything. */
export function chooseTheme(theme: Theme): void {
  applyTheme(theme);
  try {
    localStorage.setItem(ENTRY, theme);
  } catch {
    // It holds for this page, then.
    applyTheme(theme);
  }
}
