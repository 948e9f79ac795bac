// Changes between light and dark, and remembers it. Until somebody does, the system's preference counts.

import { html, useEffect, useState } from '../vendor/htm-preact.js';

const SYSTEM_IS_DARK = matchMedia('(prefers-color-scheme: dark)');
const current = () => document.documentElement.dataset.theme ?? (SYSTEM_IS_DARK.matches ? 'dark' : 'light');

export function ThemeButton() {
  const [theme, setTheme] = useState(current());
  useEffect(() => {
    const follow = () => setTheme(current());
    SYSTEM_IS_DARK.addEventListener('change', follow);
    return () => SYSTEM_IS_DARK.removeEventListener('change', follow);
  }, []);
  const other = theme === 'dark' ? 'light' : 'dark';
  const change = () => {
    document.documentElement.dataset.theme = other;
    try {
      localStorage.setItem('qenex-theme', other);
    } catch {
      // Storage may be forbidden; then the choice lasts as long as the page.
    }
    setTheme(other);
  };
  return html`<button class="button" data-kind="small" onClick=${change}><span class="unseen">Use the </span>${other === 'dark' ? 'Dark' : 'Light'}<span class="unseen"> theme</span></button>`;
}
