// Fields of forms: each with its label, a hint, and what is wrong with it, bound together for assistive technology.

import { html } from '../vendor/htm-preact.js';
import { isAmount, typed } from '../lib/amount.js';

export function Field({ id, label, hint, wrong, children, ...input }) {
  const about = [hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(' ') || undefined;
  const bound = { id, name: id, 'aria-describedby': about };
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      ${children
        ? html`<select ...${bound} ...${input}>${children}</select>`
        : html`<input autocomplete="off" spellcheck=${false} ...${bound} aria-invalid=${wrong ? 'true' : undefined} ...${input} />`}
      ${hint && html`<span class="hint" id=${`${id}-hint`}>${hint}</span>`}
      ${wrong && html`<span class="wrong" id=${`${id}-wrong`}>${wrong}</span>`}
    </div>`;
}

const ID = /^[A-Z0-9_.-]{1,24}$/;

/** What is wrong with an identifier, or nothing. */
export function wrongId(text, what) {
  if (!text) return `${what}: an identifier was expected.`;
  return ID.test(text) ? '' : 'An identifier has 1 to 24 of the characters A-Z, 0-9, underscore, dash and point.';
}

/** What is wrong with an amount, or nothing. */
export function wrongAmount(text) {
  return wrongLeast(text) || (/[1-9]/.test(text) ? '' : 'More than zero was expected.');
}

/** What is wrong with an amount that may be zero, or nothing. */
export function wrongLeast(text) {
  const amount = typed(text);
  if (!amount) return 'An amount was expected.';
  if (amount.includes(',')) return 'Write the amount with a point before the fraction and without commas: 1250.50';
  return isAmount(amount) ? '' : 'Digits were expected, with at most 18 after a point: 1250.50';
}

const PRINTABLE = /^[\x20-\x7e]{0,35}$/;

/** What is wrong with the reference of a transfer, or nothing. */
export function wrongReference(text) {
  return PRINTABLE.test(text) ? '' : 'Up to 35 letters, digits and signs of ASCII were expected.';
}

/** Puts the focus on the first field that is wrong, after it was drawn as wrong. */
export function focusWrong(form) {
  requestAnimationFrame(() => form.querySelector('[aria-invalid="true"]')?.focus());
}
