// What is shown for an address that names no page.

import { html } from '../vendor/htm-preact.js';
import { Page } from '../components/page.js';

export function NotFound({ path }) {
  return html`
    <${Page} title="No such page">
      <p>The console has no page at <code>${path}</code>. It may be an older link. <a href="#/">Go to the overview</a>.</p>
    <//>`;
}
