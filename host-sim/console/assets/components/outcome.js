// What a transaction yielded, as labels and values.

import { html } from '../vendor/htm-preact.js';
import { fieldName } from '../lib/names.js';
import { Amount } from './values.js';

/** Pairs for a list of facts. */
export function outcomeFacts({ kind, ...yielded }) {
  const pairs = Object.entries(yielded).map(([field, value]) => [fieldName(field), html`<${Amount} of=${value} />`]);
  return [['Outcome', fieldName(kind)], ...pairs];
}
