// One block with its transactions.

import { html } from '../vendor/htm-preact.js';
import { TRANSACTION_COLUMNS, byId } from '../components/ledger-tables.js';
import { Empty, Reading } from '../components/notice.js';
import { Facts, Page, Panel } from '../components/page.js';
import { PagedTable } from '../components/paged-table.js';
import { AccountLink, Hash, Moment } from '../components/values.js';
import { grouped } from '../lib/amount.js';
import { path, query } from '../lib/api.js';
import { usePages, useResource } from '../lib/resource.js';
import { link } from '../lib/router.js';

const LIMIT = 50;

export function Block({ height }) {
  const block = useResource(path`/block/${height}`, { keepMs: 60_000 });
  const around = html`
    ${Number(height) > 0 && html`<a class="button" href=${link('blocks', String(Number(height) - 1))}>Block before</a>`}
    <a class="button" href=${link('blocks', String(Number(height) + 1))}>Block after</a>`;
  return html`
    <${Page} title=${`Block ${grouped(height)}`} actions=${block.data && around}>
      <${Reading} of=${block} what="the block">${(data) => html`
        <${Panel} title="Header"><${Facts} of=${header(data)} /><//>
        <${Panel} title="Transactions" plain>
          ${data.transactions ? html`<${Held} height=${height} />` : html`<${Empty}>This block holds no transactions.<//>`}
        <//>`}
      <//>
    <//>`;
}

function Held({ height }) {
  const where = (from) => path`/block/${height}/transactions` + query({ limit: LIMIT, from });
  const pages = usePages(where(), { pick: ({ entries }) => entries, next: ({ next }) => next && where(next), keepMs: 60_000 });
  return html`<${PagedTable} pages=${pages} what="transactions" caption="Transactions of the block" columns=${TRANSACTION_COLUMNS} rowKey=${byId} empty="The node keeps no transactions of this block." />`;
}

const hash = (value) => html`<${Hash} of=${value} />`;

const header = (block) => [
  ['Id', hash(block.id)],
  ['Time', html`<${Moment} ms=${block.time_ms} />`],
  ['Proposer', html`<${AccountLink} id=${block.proposer} />`],
  ['Epoch, view', `${grouped(String(block.epoch))}, ${grouped(String(block.view))}`],
  ['Transactions', grouped(String(block.transactions))],
  ['Confirmations', block.confirmations !== undefined && `${block.confirmations}${block.final ? ', final' : ''}`],
  ['Parent', hash(block.parent)],
  ['Transaction root', hash(block.transaction_root)],
  ['State root', hash(block.state_root)],
  ['Receipt root', hash(block.receipt_root)],
  ['Validators', hash(block.validators)],
  ['Next validators', hash(block.next_validators)],
];
