// Sets the remembered theme before the first paint. It is a plain script, not a module, because modules run only after the page was parsed:
// a page in the wrong colours would flash. Without a remembered choice the system's preference counts (styles/base.css).
(() => {
  try {
    const theme = localStorage.getItem('qenex-theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  } catch {
    // Storage may be forbidden; then the system's preference counts.
  }
})();
