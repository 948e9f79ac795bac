// Who decides on blocks, and with which device. Where work decides there are no validators, and the page says so.

import { html } from '../vendor/htm-preact.js';
import { Empty, Reading } from '../components/notice.js';
import { Page, Panel } from '../components/page.js';
import { Table } from '../components/table.js';
import { AccountLink, Amount, Badge, Hash, State } from '../components/values.js';
import { useResource } from '../lib/resource.js';
import { feeText } from './pools.js';

/** The device is told of for this node's own validator only; `own` says which that is. */
const device = ({ own, device: bound }) => {
  if (bound === true) return html`<${Badge} tone="good">votes here<//>`;
  if (bound === false) return html`<${Badge} tone="critical">missing here<//>`;
  return own ? html`<${Badge}>this node<//>` : html`<span class="quiet">not known</span>`;
};

const COLUMNS = [
  { label: 'Validator', cell: ({ account }) => html`<${AccountLink} id=${account} />` },
  { label: 'Status', cell: ({ status }) => html`<${State} of=${status} />` },
  { label: 'Seat', cell: ({ seat }) => (seat ? 'this epoch' : 'none') },
  { label: 'Stake', kind: 'number', cell: ({ stake }) => html`<${Amount} of=${stake} asset="QNX" />` },
  { label: 'Commission', kind: 'number', cell: ({ commission_bps: bps }) => feeText(bps) },
  { label: 'Slot', kind: 'number', cell: ({ slot }) => String(slot ?? '') },
  { label: 'Vote key', kind: 'whole', cell: ({ vote_key: key }) => html`<${Hash} of=${key} short />` },
  { label: 'Device', cell: device },
];

export function Validators() {
  const validators = useResource('/validators', { keepMs: 10_000 });
  const none = validators.problem?.status === 404;
  return html`
    <${Page} title="Validators" lead="Whether a device votes, a node knows of its own only.">
      ${none
        ? html`<${Panel} title="None"><${Empty}>On this chain work decides: there are no validators.<//><//>`
        : html`<${Reading} of=${validators} what="the validators">${(data) => html`
          <${Panel} title=${`Epoch ${data.epoch}`} plain>
            ${data.validators.length
              ? html`<${Table} caption="Validators" columns=${COLUMNS} rows=${data.validators} rowKey=${({ account }) => account} />`
              : html`<${Empty}>Nobody stands as a validator.<//>`}
          <//>`}<//>`}
    <//>`;
}
