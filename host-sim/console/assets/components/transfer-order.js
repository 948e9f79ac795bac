// A transfer from an account in custody: the form, then the stages of an order.

import { html, useRef, useState } from '../vendor/htm-preact.js';
import { typed } from '../lib/amount.js';
import { useOrder } from '../lib/order.js';
import { Field, focusWrong, wrongAmount, wrongId, wrongReference } from './form.js';
import { Problem } from './notice.js';
import { OrderStages } from './order.js';

function wrongIn({ receiver, amount, reference }) {
  return {
    receiver: wrongId(receiver, 'Receiver'),
    amount: wrongAmount(amount),
    reference: wrongReference(reference),
  };
}

export function TransferOrder({ accounts, assets, sender }) {
  const order = useOrder('/transaction');
  const form = useRef(null);
  const [entered, setEntered] = useState({ sender: accounts.includes(sender) ? sender : accounts[0], receiver: '', amount: '', currency: assets[0], reference: '' });
  const [wrong, setWrong] = useState({});
  const enter = ({ target }) => setEntered((before) => ({ ...before, [target.name]: target.value }));

  const review = (event) => {
    event.preventDefault();
    const request = { ...entered, receiver: entered.receiver.trim().toUpperCase(), amount: typed(entered.amount) };
    const found = wrongIn(request);
    setWrong(found);
    if (Object.values(found).some(Boolean)) focusWrong(form.current);
    else order.preview(request);
  };

  if (order.stage !== 'form') {
    const restart = () => {
      setEntered((before) => ({ ...before, receiver: '', amount: '', reference: '' }));
      order.restart();
    };
    return html`<${OrderStages} order=${{ ...order, restart }} />`;
  }
  const options = (values, chosen) => values.map((value) => html`<option value=${value} selected=${value === chosen}>${value}</option>`);
  return html`
    <form class="form" ref=${form} onSubmit=${review} onInput=${enter}>
      ${order.problem && html`<${Problem} problem=${order.problem} />`}
      <${Field} id="sender" label="Sender">${options(accounts, entered.sender)}<//>
      <${Field} id="receiver" label="Receiver" value=${entered.receiver} wrong=${wrong.receiver} autocapitalize="characters" />
      <${Field} id="amount" label="Amount" value=${entered.amount} wrong=${wrong.amount} inputmode="decimal" />
      <${Field} id="currency" label="Asset">${options(assets, entered.currency)}<//>
      <${Field} id="reference" label="Reference" value=${entered.reference} wrong=${wrong.reference} hint="Not required. Up to 35 characters; everybody who reads the ledger sees it." />
      <div><button class="button" data-kind="main" disabled=${order.busy}>Review</button></div>
    </form>`;
}
