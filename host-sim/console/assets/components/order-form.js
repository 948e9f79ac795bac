// The form of an order that the device signs: its fields, what is wrong with them, then the stages of the order.

import { html, useRef, useState } from '../vendor/htm-preact.js';
import { typed } from '../lib/amount.js';
import { useOrder } from '../lib/order.js';
import { Field, focusWrong, wrongAmount, wrongId, wrongLeast, wrongReference } from './form.js';
import { Problem } from './notice.js';
import { OrderStages } from './order.js';

const plain = (text) => text;

/** What a kind of field is on its way to the node, what can be wrong with it, and how it is typed. */
const KINDS = {
  choice: { sent: plain, wrong: () => '' },
  id: { sent: (text) => text.trim().toUpperCase(), wrong: wrongId, autocapitalize: 'characters' },
  amount: { sent: typed, wrong: wrongAmount, inputmode: 'decimal' },
  least: { sent: typed, wrong: wrongLeast, inputmode: 'decimal' },
  reference: { sent: plain, wrong: wrongReference },
  list: { sent: (text) => text.split(',').map((item) => item.trim()).filter(Boolean), wrong: () => '' },
};

/**
 * where: the path of the order. fields: for each its name in what the node is asked, its kind of those above, its label and hint, which may
 * depend on what is entered, and for a choice what there is. chosen: what is entered in the beginning. prefix: before the names, where a
 * page has two forms.
 */
export function OrderForm({ where, fields, chosen = {}, prefix = '' }) {
  const order = useOrder(where);
  const form = useRef(null);
  const begin = () => Object.fromEntries(fields.map(({ name, of }) => [name, of ? (of.includes(chosen[name]) ? chosen[name] : of[0]) : '']));
  const [entered, setEntered] = useState(begin);
  const [wrong, setWrong] = useState({});
  const enter = ({ target }) => setEntered((before) => ({ ...before, [target.name.slice(prefix.length)]: target.value }));

  const review = (event) => {
    event.preventDefault();
    const request = Object.fromEntries(fields.map(({ name, kind }) => [name, KINDS[kind].sent(entered[name])]));
    const found = Object.fromEntries(fields.map(({ name, kind, label }) => [name, KINDS[kind].wrong(request[name], label)]));
    setWrong(found);
    if (Object.values(found).some(Boolean)) focusWrong(form.current);
    else order.preview(request);
  };

  if (order.stage !== 'form') {
    const restart = () => {
      // What was chosen stays: the next order is often of the same account.
      setEntered((before) => Object.fromEntries(fields.map(({ name, of }) => [name, of ? before[name] : ''])));
      order.restart();
    };
    return html`<${OrderStages} order=${{ ...order, restart }} />`;
  }
  const said = (text) => (typeof text === 'function' ? text(entered) : text);
  return html`
    <form class="form" ref=${form} onSubmit=${review} onInput=${enter}>
      ${order.problem && html`<${Problem} problem=${order.problem} />`}
      ${fields.map(({ name, kind, label, hint, of }) => {
        const { sent, wrong: _, ...input } = KINDS[kind];
        const bound = { id: `${prefix}${name}`, label: said(label), hint: said(hint) };
        return of
          ? html`<${Field} key=${name} ...${bound}>${of.map((value) => html`<option value=${value} selected=${value === entered[name]}>${value}</option>`)}<//>`
          : html`<${Field} key=${name} ...${bound} ...${input} value=${entered[name]} wrong=${wrong[name]} />`;
      })}
      <div><button class="button" data-kind="main" disabled=${order.busy}>Review</button></div>
    </form>`;
}
