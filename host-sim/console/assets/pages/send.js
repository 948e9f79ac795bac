// Orders to the device: each with its form, its review and its result. Offered only to whoever has the scope.

import { html } from '../vendor/htm-preact.js';
import { Empty, Missing, Reading } from '../components/notice.js';
import { OrderForm } from '../components/order-form.js';
import { Page, Panel } from '../components/page.js';
import { SwapOrder } from '../components/swap-order.js';
import { useAssets, useCustody, usePools } from '../lib/custody.js';
import { can } from '../lib/session.js';

const LEAD = "The node's device checks the order against its policy, shows it line by line, and signs it.";

const KINDS = [['send', 'Transfer', 'transfer'], ['send/swap', 'Swap', 'swap'], ['send/liquidity', 'Liquidity', 'liquidity'], ['send/supply', 'Supply', 'issue'], ['send/account', 'Account', 'account']];

function Kinds({ at }) {
  return html`
    <nav class="tabs" aria-label="Kinds of orders">
      ${KINDS.map(([place, name]) => html`<a href=${`#/${place}`} aria-current=${place === at ? 'page' : undefined}>${name}</a>`)}
    </nav>`;
}

/** A page of orders: its panels are [title, what is in it], and all of them need one scope. */
function Orders({ at, title, panels }) {
  const [, , scope] = KINDS.find(([place]) => place === at);
  return html`
    <${Page} title=${title} lead=${LEAD} actions=${html`<${Kinds} at=${at} />`}>
      ${can(scope)
        ? panels.map(([name, content]) => html`<${Panel} title=${name} key=${name}>${content}<//>`)
        : html`<${Panel} title=${panels[0][0]}><${Missing} scope=${scope} /><//>`}
    <//>`;
}

/** What is made of the accounts in custody that the caller may act for, if there are some. */
function WithCustody({ children }) {
  const custody = useCustody();
  return html`<${Reading} of=${custody} what="the accounts in custody">${(data) => (data.accounts.length
    ? children(data)
    : html`<${Empty}>This node has no account in custody that you may act for.<//>`)}<//>`;
}

/** What is made of the ids of the assets. */
function WithAssets({ children }) {
  const assets = useAssets();
  return html`<${Reading} of=${assets} what="the assets">${(data) => children(data.assets.map(({ id }) => id))}<//>`;
}

/** What is made of the pools, if there are some; `for` says what they are wanted for. */
function WithPools({ children, for: purpose }) {
  const pools = usePools();
  return html`<${Reading} of=${pools} what="the pools">${(data) => (data.pools.length
    ? children(data.pools)
    : html`<${Empty}>The ledger has no pool ${purpose}.<//>`)}<//>`;
}

export function SendTransfer({ search }) {
  return html`<${Orders} at="send" title="Send a transfer" panels=${[['Transfer', html`<${Transfer} sender=${search.get('sender')} />`]]} />`;
}

function Transfer({ sender }) {
  return html`
    <${WithCustody}>${({ accounts }) => html`<${WithAssets}>${(assets) => html`
      <${OrderForm} where="/transaction" chosen=${{ sender }} fields=${[
        { name: 'sender', kind: 'choice', label: 'Sender', of: accounts },
        { name: 'receiver', kind: 'id', label: 'Receiver' },
        { name: 'amount', kind: 'amount', label: 'Amount' },
        { name: 'currency', kind: 'choice', label: 'Asset', of: assets },
        { name: 'reference', kind: 'reference', label: 'Reference', hint: 'Not required. Up to 35 characters; everybody who reads the ledger sees it.' },
      ]} />`}<//>`}<//>`;
}

export function SendSwap() {
  const swap = html`<${WithPools} for="to swap in">${(pools) => html`<${SwapOrder} pools=${pools} />`}<//>`;
  return html`<${Orders} at="send/swap" title="Send a swap" panels=${[['Swap', swap]]} />`;
}

export function SendLiquidity() {
  return html`<${Orders} at="send/liquidity" title="Provide liquidity" panels=${[['Add', html`<${Add} />`], ['Remove', html`<${Remove} />`]]} />`;
}

/** One of the two assets of the pool that is chosen. */
const assetOf = (pools, side) => ({ pool }) => pools.find((one) => one.pool === pool)[side];

function Liquidity({ children }) {
  return html`
    <${WithCustody}>${({ accounts }) => html`<${WithPools} for="for liquidity">${(pools) => children(
      [{ name: 'account', kind: 'choice', label: 'Account', of: accounts }, { name: 'pool', kind: 'choice', label: 'Pool', of: pools.map(({ pool }) => pool) }],
      assetOf(pools, 'asset_a'),
      assetOf(pools, 'asset_b'),
    )}<//>`}<//>`;
}

function Add() {
  return html`<${Liquidity}>${(who, assetA, assetB) => html`
    <${OrderForm} where="/liquidity" prefix="add-" fields=${[
      ...who,
      { name: 'max_a', kind: 'amount', label: (entered) => `Give at most, of ${assetA(entered)}` },
      { name: 'max_b', kind: 'amount', label: (entered) => `Give at most, of ${assetB(entered)}`, hint: 'Both are taken as the pool holds them, and none is more than what is said here.' },
      { name: 'min_shares', kind: 'least', label: 'Receive at least so many shares', hint: 'With fewer nothing is done. Zero accepts any number.' },
    ]} />`}<//>`;
}

function Remove() {
  return html`<${Liquidity}>${(who, assetA, assetB) => html`
    <${OrderForm} where="/liquidity/remove" prefix="remove-" fields=${[
      ...who,
      { name: 'shares', kind: 'amount', label: 'Shares to give back' },
      { name: 'min_a', kind: 'least', label: (entered) => `Receive at least, of ${assetA(entered)}` },
      { name: 'min_b', kind: 'least', label: (entered) => `Receive at least, of ${assetB(entered)}`, hint: 'With less of one of them nothing is done. Zero accepts anything.' },
    ]} />`}<//>`;
}

export function SendSupply() {
  return html`<${Orders} at="send/supply" title="Issue or burn" panels=${[['Issue', html`<${Issue} />`], ['Burn', html`<${Burn} />`]]} />`;
}

function Supply({ children }) {
  return html`
    <${WithCustody}>${({ accounts }) => html`<${WithAssets}>${(assets) => children([
      { name: 'account', kind: 'choice', label: 'Issuer', of: accounts },
      { name: 'asset', kind: 'choice', label: 'Asset', of: assets },
    ])}<//>`}<//>`;
}

function Issue() {
  return html`<${Supply}>${(of) => html`
    <${OrderForm} where="/issue" prefix="issue-" fields=${[
      ...of,
      { name: 'receiver', kind: 'id', label: 'Receiver' },
      { name: 'amount', kind: 'amount', label: 'Amount', hint: 'It is new: the supply grows by it.' },
    ]} />`}<//>`;
}

function Burn() {
  return html`<${Supply}>${(of) => html`
    <${OrderForm} where="/burn" prefix="burn-" fields=${[
      ...of,
      { name: 'amount', kind: 'amount', label: 'Amount', hint: "It is taken from the issuer's own balance, and the supply shrinks by it." },
    ]} />`}<//>`;
}

export function SendAccount() {
  return html`<${Orders} at="send/account" title="Open an account" panels=${[['Account', html`<${OpenAccount} />`]]} />`;
}

function OpenAccount() {
  return html`
    <${WithCustody}>${({ registrar }) => (registrar
      ? html`
        <p class="quiet">${registrar} opens it, and the device keeps its key.</p>
        <${OrderForm} where="/account" fields=${[
          { name: 'account_id', kind: 'id', label: 'Account', hint: "One of those that the node's configuration puts into custody." },
          { name: 'documents', kind: 'list', label: 'Documents', hint: 'Not required. Names or hashes, with commas between them; with any, the holder counts as known by name.' },
        ]} />`
      : html`<${Empty}>This node opens no accounts: its configuration names no registrar.<//>`)}<//>`;
}
