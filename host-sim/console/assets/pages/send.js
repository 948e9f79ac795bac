// Orders to the device: a transfer or a swap, each with its form, its review and its result. Offered only to whoever has the scope.

import { html } from '../vendor/htm-preact.js';
import { Empty, Missing, Reading } from '../components/notice.js';
import { Page, Panel } from '../components/page.js';
import { SwapOrder } from '../components/swap-order.js';
import { TransferOrder } from '../components/transfer-order.js';
import { useAssets, useCustody, usePools } from '../lib/custody.js';
import { can } from '../lib/session.js';

const LEAD = "The node's device checks the order against its policy, shows it line by line, and signs it.";

function Kinds({ at }) {
  const tab = (place, name) => html`<a href=${`#/${place}`} aria-current=${place === at ? 'page' : undefined}>${name}</a>`;
  return html`<nav class="tabs" aria-label="Kinds of orders">${tab('send', 'Transfer')}${tab('send/swap', 'Swap')}</nav>`;
}

export function SendTransfer({ search }) {
  return html`
    <${Page} title="Send a transfer" lead=${LEAD} actions=${html`<${Kinds} at="send" />`}>
      <${Panel} title="Transfer">${can('transfer') ? html`<${Transfer} sender=${search.get('sender')} />` : html`<${Missing} scope="transfer" />`}<//>
    <//>`;
}

function Transfer({ sender }) {
  const custody = useCustody();
  const assets = useAssets();
  return html`
    <${Reading} of=${custody} what="the accounts in custody">${({ accounts }) => (accounts.length
      ? html`<${Reading} of=${assets} what="the assets">${(data) => html`<${TransferOrder} accounts=${accounts} assets=${data.assets.map(({ id }) => id)} sender=${sender} />`}<//>`
      : html`<${Empty}>This node has no account in custody that you may act for.<//>`)}
    <//>`;
}

export function SendSwap() {
  return html`
    <${Page} title="Send a swap" lead=${LEAD} actions=${html`<${Kinds} at="send/swap" />`}>
      <${Panel} title="Swap">${can('swap') ? html`<${Swap} />` : html`<${Missing} scope="swap" />`}<//>
    <//>`;
}

function Swap() {
  const pools = usePools();
  return html`<${Reading} of=${pools} what="the pools">${(data) => (data.pools.length
    ? html`<${SwapOrder} pools=${data.pools} />`
    : html`<${Empty}>The ledger has no pool to swap in.<//>`)}<//>`;
}
