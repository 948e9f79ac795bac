// Assets and their supply: all of them, and one.

import { html } from '../vendor/htm-preact.js';
import { Reading } from '../components/notice.js';
import { Facts, Page, Panel } from '../components/page.js';
import { PagedTable } from '../components/paged-table.js';
import { AccountLink, Amount, AssetLink } from '../components/values.js';
import { path, query } from '../lib/api.js';
import { usePages, useResource } from '../lib/resource.js';

const where = (after) => `/assets${query({ limit: 50, after })}`;

const COLUMNS = [
  { label: 'Asset', cell: ({ id }) => html`<${AssetLink} id=${id} />` },
  { label: 'Issuer', cell: ({ issuer }) => html`<${AccountLink} id=${issuer} />` },
  { label: 'Supply', kind: 'number', cell: ({ supply }) => html`<${Amount} of=${supply} />` },
  { label: 'Largest supply', kind: 'number', cell: ({ max_supply: most }) => html`<${Amount} of=${most} />` },
];

export function Assets() {
  const pages = usePages(where(), { pick: ({ assets }) => assets, next: ({ next }) => next && where(next), keepMs: 10_000 });
  return html`
    <${Page} title="Assets">
      <${Panel} title="All assets" plain>
        <${PagedTable} pages=${pages} what="assets" empty="The ledger has no assets." caption="Assets" columns=${COLUMNS} rowKey=${({ id }) => id} />
      <//>
    <//>`;
}

export function Asset({ id }) {
  const asset = useResource(path`/asset/${id}`, { keepMs: 10_000 });
  return html`
    <${Page} title=${id} lead="Asset">
      <${Reading} of=${asset} what="the asset">${(data) => html`
        <${Panel} title="Supply">
          <${Facts} of=${[
            ['Issuer', html`<${AccountLink} id=${data.issuer} />`],
            ['In circulation', html`<${Amount} of=${data.supply} />`],
            ['Largest supply', html`<${Amount} of=${data.max_supply} />`],
          ]} />
        <//>`}
      <//>
    <//>`;
}
