// Small values: amounts, times, hashes, identifiers with their links, states.

import { html, useEffect, useState } from '../vendor/htm-preact.js';
import { grouped } from '../lib/amount.js';
import { link } from '../lib/router.js';
import { moment } from '../lib/time.js';

export function Amount({ of, asset }) {
  return html`<span class="amount">${grouped(of)}${asset && html` <${AssetLink} id=${asset} />`}</span>`;
}

export function Moment({ ms }) {
  return html`<time datetime=${new Date(ms).toISOString()}>${moment(ms)}</time>`;
}

/** A hash; `short` leaves out the middle, and says the whole to whoever hovers. */
export function Hash({ of, short }) {
  const text = short && of.length > 20 ? `${of.slice(0, 8)}…${of.slice(-8)}` : of;
  return html`<span class="hash" title=${text === of ? null : of}>${text}</span>`;
}

export const AccountLink = ({ id }) => html`<a href=${link('accounts', id)}>${id}</a>`;
export const AssetLink = ({ id }) => html`<a href=${link('assets', id)}>${id}</a>`;
export const PoolLink = ({ id }) => html`<a href=${link('pools', id)}>${id}</a>`;
export const BlockLink = ({ height }) => html`<a href=${link('blocks', String(height))}>${grouped(String(height))}</a>`;
export const TransactionLink = ({ id }) => html`<a href=${link('transactions', id)}><${Hash} of=${id} short /></a>`;

const TONES = { active: 'good', frozen: 'warning', closed: 'critical', critical: 'critical', warning: 'warning' };

export function Badge({ tone, children }) {
  return html`<span class="badge" data-tone=${tone}>${children}</span>`;
}

/** A state by its name, in the colour of what it means. */
export const State = ({ of }) => html`<${Badge} tone=${TONES[of]}>${of}<//>`;

/** A button that copies a text, and says that it did. */
export function Copy({ text, what }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 3_000);
    return () => clearTimeout(timer);
  }, [copied]);
  // Without TLS, on another machine, browsers give no clipboard: then the text is marked and copied by hand.
  if (!navigator.clipboard) return null;
  const copy = () => navigator.clipboard.writeText(text).then(() => setCopied(true), () => {});
  return html`<button class="button" data-kind="small" onClick=${copy}><span aria-live="polite">${copied ? 'Copied' : html`Copy<span class="unseen"> ${what}</span>`}</span></button>`;
}
