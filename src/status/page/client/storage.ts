/** Reads a stored choice; a browser without storage forgets it. */
export function recall(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Forgotten.
  }
}

/** Light or dark: as chosen, else as the system is. */
export function followTheme(button: HTMLElement): void {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  let chosen = recall('theme');
  const show = () => {
    document.documentElement.dataset['theme'] = chosen ?? (dark.matches ? 'dark' : 'light');
  };
  show();
  dark.addEventListener('change', show);
  button.addEventListener('click', () => {
    chosen = document.documentElement.dataset['theme'] === 'dark' ? 'light' : 'dark';
    remember('theme', chosen);
    show();
  });
}
