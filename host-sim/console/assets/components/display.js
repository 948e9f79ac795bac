// The device's display with the lines of clear signing, exactly as the device shows them: nothing is grouped, shortened or translated.

import { html } from '../vendor/htm-preact.js';

export function Display({ lines, label = 'What the device shows' }) {
  return html`
    <dl class="display" aria-label=${label}>
      ${lines.map((line) => html`<div><dt>${line.label}</dt><dd>${line.value}</dd></div>`)}
    </dl>`;
}
