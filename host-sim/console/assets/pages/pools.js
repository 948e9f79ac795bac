// All pools with their reserves and prices.

import { html } from '../vendor/htm-preact.js';
import { Page, Panel } from '../components/page.js';
import { PagedTable } from '../components/paged-table.js';
import { Amount, AssetLink, PoolLink } from '../components/values.js';
import { percent } from '../lib/amount.js';
import { query } from '../lib/api.js';
import { usePages } from '../lib/resource.js';

const where = (after) => `/pools${query({ limit: 50, after })}`;

const COLUMNS = [
  { label: 'Pool', cell: ({ pool }) => html`<${PoolLink} id=${pool} />` },
  { label: 'First reserve', kind: 'number', cell: (pool) => html`<${Amount} of=${pool.reserve_a} asset=${pool.asset_a} />` },
  { label: 'Second reserve', kind: 'number', cell: (pool) => html`<${Amount} of=${pool.reserve_b} asset=${pool.asset_b} />` },
  { label: 'Price', kind: 'number', cell: (pool) => (pool.price_a_in_b ? html`<${Amount} of=${pool.price_a_in_b} /> <${AssetLink} id=${pool.asset_b} />` : 'none while it is empty') },
  { label: 'Fee', kind: 'number', cell: ({ fee_bps: bps }) => feeText(bps) },
];

/** Basis points as a percentage: 30 is 0.3 %. */
export const feeText = (bps) => percent(`0.${String(bps).padStart(4, '0')}`);

export function Pools() {
  const pages = usePages(where(), { pick: ({ pools }) => pools, next: ({ next }) => next && where(next), keepMs: 10_000 });
  return html`
    <${Page} title="Pools" lead="The price is that of one of the first asset in the second, without fee.">
      <${Panel} title="All pools" plain>
        <${PagedTable} pages=${pages} what="pools" empty="The ledger has no pools." caption="Pools" columns=${COLUMNS} rowKey=${({ pool }) => pool} />
      <//>
    <//>`;
}
