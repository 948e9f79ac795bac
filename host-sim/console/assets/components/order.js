// What follows the form of a transfer or a swap: the review of what the device will show, the result, and how it became final.

import { html, useEffect, useRef } from '../vendor/htm-preact.js';
import { grouped } from '../lib/amount.js';
import { Display } from './display.js';
import { Problem } from './notice.js';
import { outcomeFacts } from './outcome.js';
import { Facts } from './page.js';
import { BlockLink, TransactionLink } from './values.js';

/** The stages after the form. `order` is what useOrder returned. */
export function OrderStages({ order }) {
  const top = useRef(null);
  useEffect(() => top.current?.focus(), [order.stage]);
  const Stage = order.stage === 'review' ? Review : Result;
  return html`<div class="form" ref=${top} tabindex="-1" role="group" aria-label=${order.stage === 'review' ? 'Review' : 'Result'}><${Stage} order=${order} /></div>`;
}

function Review({ order: { lines, problem, busy, sign, back } }) {
  return html`
    <p>The device shows these lines and signs what they say. Compare them with your instruction.</p>
    <${Display} lines=${lines} />
    ${problem && html`<${Problem} problem=${problem} />`}
    ${problem?.passes && html`<p class="quiet">It may have been signed. Sending it again does nothing twice, because it carries the same Idempotency-Key; before you change it, look at the history of the account.</p>`}
    <div class="buttons">
      <button class="button" data-kind="main" disabled=${busy} onClick=${sign}>${signText(busy, problem)}</button>
      <button class="button" disabled=${busy} onClick=${back}>Change</button>
    </div>`;
}

function signText(busy, problem) {
  if (busy) return 'The device signs';
  return problem ? 'Send again' : 'Sign and send';
}

// Others may be sent in between, which moves these; everything else must be as it was reviewed.
const MAY_DIFFER = new Set(['Nonce', 'Valid to block']);

function differs(reviewed, signed) {
  const fixed = (lines) => JSON.stringify(lines.filter(({ label }) => !MAY_DIFFER.has(label)));
  return fixed(reviewed) !== fixed(signed);
}

const NOTES = { sent: '', final: 'good', expired: 'critical' };

function Result({ order: { stage, lines, sent, transaction, restart } }) {
  return html`
    <div class="notice" data-tone=${NOTES[stage]} role="status">
      ${stage === 'sent' && html`<p>Signed and sent. It waits to become final, in block ${grouped(String(sent.last_valid_height))} at the latest.</p>`}
      ${stage === 'final' && html`<p>It is final, in block <${BlockLink} height=${transaction.height} />.</p>`}
      ${stage === 'expired' && html`<p>It was in no block up to ${grouped(String(sent.last_valid_height))} and can be in none any more. Nothing has moved.</p>`}
    </div>
    <${Facts} of=${[
      ['Transaction', stage === 'final' ? html`<${TransactionLink} id=${sent.id} />` : html`<span class="hash">${sent.id}</span>`],
      ...(transaction ? outcomeFacts(transaction.outcome) : []),
    ]} />
    ${differs(lines, sent.summary) && html`<p class="notice" data-tone="warning" role="alert">What was signed differs from what was reviewed. Compare the lines below.</p>`}
    <details class="disclosure" open=${differs(lines, sent.summary)}>
      <summary>What the device signed</summary>
      <${Display} lines=${sent.summary} label="What the device signed" />
    </details>
    <div class="buttons"><button class="button" onClick=${restart}>New order</button></div>`;
}
