// The parts of the pages about access. Parts whose scope is missing are not offered; the first one says which that are.

import { html } from '../vendor/htm-preact.js';
import { can } from '../lib/session.js';

const PARTS = [['access', 'Session', null], ['access/keys', 'API keys', 'admin'], ['access/sessions', 'Sessions', 'admin'], ['access/audit', 'Audit log', 'audit']];

export function AccessTabs({ at }) {
  const offered = PARTS.filter(([, , scope]) => !scope || can(scope));
  return html`
    <nav class="tabs" aria-label="Access">
      ${offered.map(([place, name]) => html`<a href=${`#/${place}`} aria-current=${place === at ? 'page' : undefined}>${name}</a>`)}
    </nav>`;
}
