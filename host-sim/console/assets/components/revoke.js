// Revoking something, which cannot be undone: it takes two steps.

import { html, useState } from '../vendor/htm-preact.js';
import { remove } from '../lib/api.js';
import { Problem } from './notice.js';

/** where: its path. what: how it is called. also: what ends with it, if something does. revoked: what is done then. */
export function Revoke({ where, what, also, revoked }) {
  const [{ asked, busy, problem }, setState] = useState({ asked: false, busy: false, problem: null });
  const revoke = async () => {
    setState({ asked: true, busy: true, problem: null });
    try {
      await remove(where);
      revoked();
    } catch (problem) {
      setState({ asked: true, busy: false, problem });
    }
  };
  const ask = (asked) => setState({ asked, busy: false, problem: null });
  if (!asked) return html`<button class="button" data-kind="danger" onClick=${() => ask(true)}>Revoke<span class="unseen"> ${what}</span></button>`;
  return html`
    ${problem && html`<${Problem} problem=${problem} />`}
    <div class="buttons" role="group" aria-label=${`Revoke ${what} for ever?`}>
      <span class="small">${also ? `For ever, ${also}?` : 'For ever?'}</span>
      <button class="button" data-kind="danger" disabled=${busy} onClick=${revoke}>Yes, revoke</button>
      <button class="button" data-kind="small" disabled=${busy} onClick=${() => ask(false)}>No</button>
    </div>`;
}
