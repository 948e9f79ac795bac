// An account: who may act for it, what it holds, and what touched it. The filters of its history are in the address, so that a filtered
// history can be linked.

import { html, useRef } from '../vendor/htm-preact.js';
import { Field } from '../components/form.js';
import { TRANSACTION_COLUMNS, byId } from '../components/ledger-tables.js';
import { Empty, Reading } from '../components/notice.js';
import { Facts, Page, Panel } from '../components/page.js';
import { PagedTable } from '../components/paged-table.js';
import { Table } from '../components/table.js';
import { Amount, AssetLink, Hash, PoolLink, State } from '../components/values.js';
import { grouped } from '../lib/amount.js';
import { path, query } from '../lib/api.js';
import { KINDS } from '../lib/names.js';
import { usePages, useResource } from '../lib/resource.js';
import { go, link } from '../lib/router.js';
import { can } from '../lib/session.js';
import { fromField } from '../lib/time.js';
import { useTouched } from '../lib/touch.js';

const LIMIT = 25;

export function Account({ id, search }) {
  const account = useResource(path`/account/${id}`);
  const holdings = useResource(account.data && path`/holdings/${id}`);
  useTouched(id, account.reload);
  useTouched(id, holdings.reload);
  const send = can('transfer') && html`<a class="button" href=${link('send', { sender: id })}>Transfer from this account</a>`;
  return html`
    <${Page} title=${id} lead="Account" actions=${account.data && send}>
      <${Reading} of=${account} what="the account">${(data) => html`
        <div class="columns">
          <${Panel} title="Authority"><${Authority} of=${data} /><//>
          <${Panel} title="Holdings" plain><${Reading} of=${holdings} what="its holdings">${(held) => html`<${Holdings} of=${held} />`}<//><//>
        </div>
        <${History} id=${id} search=${search} />`}
      <//>
    <//>`;
}

function Authority({ of }) {
  return html`
    <${Facts} of=${[
      ['Status', html`<${State} of=${of.status} />`],
      ['Kind', of.kind],
      ['KYC level', of.kyc],
      ['Transactions sent', grouped(String(of.nonce))],
      ['Keys that must sign', `${of.threshold} of ${of.keys.length}`],
      ...of.keys.map(({ scheme, hash }) => [`Key, ${scheme}`, html`<${Hash} of=${hash} />`]),
    ]} />`;
}

const BALANCES = [
  { label: 'Asset', cell: ({ asset }) => html`<${AssetLink} id=${asset} />` },
  { label: 'Amount', kind: 'number', cell: ({ amount }) => html`<${Amount} of=${amount} />` },
];

const SHARES = [
  { label: 'Pool', cell: ({ pool }) => html`<${PoolLink} id=${pool} />` },
  { label: 'Shares', kind: 'number', cell: ({ shares }) => html`<${Amount} of=${shares} />` },
];

function Holdings({ of: { balances, shares } }) {
  if (!balances.length && !shares.length) return html`<${Empty}>This account holds nothing.<//>`;
  return html`
    ${balances.length > 0 && html`<${Table} caption="Balances" columns=${BALANCES} rows=${balances} rowKey=${({ asset }) => asset} />`}
    ${shares.length > 0 && html`<${Table} caption="Shares of pools" columns=${SHARES} rows=${shares} rowKey=${({ pool }) => pool} />`}`;
}

function History({ id, search }) {
  const [kind, from, until] = ['kind', 'from', 'until'].map((name) => search.get(name) ?? '');
  const where = (cursor) => path`/history/${id}` + query({ limit: LIMIT, cursor, kind, from_ms: fromField(from), until_ms: fromField(until) });
  const pages = usePages(where(), { pick: ({ entries }) => entries, next: ({ next }) => next && where(next) });
  const filtered = kind || from || until;
  return html`
    <${Panel} title="History" plain side=${html`<button class="button" data-kind="small" onClick=${pages.reload}>Refresh</button>`}>
      <div class="panel-body"><${Filters} id=${id} kind=${kind} from=${from} until=${until} /></div>
      <${PagedTable} pages=${pages} what="older transactions" caption=${`History of ${id}`} columns=${TRANSACTION_COLUMNS} rowKey=${byId}
        empty=${filtered ? 'No transaction of this account is as the filters ask.' : 'No transaction has touched this account yet.'} />
    <//>`;
}

function Filters({ id, kind, from, until }) {
  const form = useRef(null);
  const show = (event) => {
    event.preventDefault();
    const { kind: kindField, from: fromTime, until: untilTime } = form.current.elements;
    go(link('accounts', id, { kind: kindField.value, from: fromTime.value, until: untilTime.value }));
  };
  return html`
    <form class="form-row" ref=${form} onSubmit=${show}>
      <${Field} id="kind" label="Kind">
        <option value="">All kinds</option>
        ${Object.keys(KINDS).map((name) => html`<option value=${name} selected=${name === kind}>${KINDS[name]}</option>`)}
      <//>
      <${Field} id="from" label="From (UTC)" type="datetime-local" value=${from} />
      <${Field} id="until" label="Until (UTC)" type="datetime-local" value=${until} />
      <button class="button">Filter</button>
      ${(kind || from || until) && html`<a class="button" href=${link('accounts', id)}>Clear</a>`}
    </form>`;
}
