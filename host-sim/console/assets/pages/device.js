// The device that signs for accounts in custody: its state and its keys. Whatever it does not tell is left out.

import { html } from '../vendor/htm-preact.js';
import { Empty, Reading } from '../components/notice.js';
import { Facts, Page, Panel } from '../components/page.js';
import { Table } from '../components/table.js';
import { AccountLink, Badge, BlockLink, Hash } from '../components/values.js';
import { fieldName } from '../lib/names.js';
import { useResource } from '../lib/resource.js';

export function Device() {
  const device = useResource('/device', { keepMs: 5_000 });
  const none = device.problem?.status === 404;
  return html`
    <${Page} title="Device" actions=${device.data && html`<button class="button" onClick=${device.reload}>Refresh</button>`}>
      ${none
        ? html`<${Panel} title="None"><${Empty}>This node has no device for accounts in custody.<//><//>`
        : html`<${Reading} of=${device} what="the device">${(data) => html`<${Known} of=${data} />`}<//>`}
    <//>`;
}

const lockState = (locked) => {
  if (locked === undefined || locked === null) return null;
  return locked ? html`<${Badge} tone="critical">locked: it signs nothing<//>` : html`<${Badge} tone="good">unlocked<//>`;
};

function Known({ of: { keys, votes, locked, trusted_height: trusted, ...rest } }) {
  return html`
    <div class="columns">
      <${Panel} title="State">
        <${Facts} of=${[
          ['State', lockState(locked)],
          ...plainFacts(rest),
          ['Trusts blocks up to', Number.isInteger(trusted) && html`<${BlockLink} height=${trusted} />`],
        ]} />
      <//>
      ${votes && html`<${Panel} title="Votes"><${Facts} of=${plainFacts(votes)} /><//>`}
    </div>
    ${keys && html`
      <${Panel} title="Keys" plain>
        ${keys.length ? html`<${Table} caption="Keys of the device" columns=${KEYS} rows=${keys} rowKey=${({ slot }) => slot} />` : html`<${Empty}>It has no keys for accounts.<//>`}
      <//>`}`;
}

const plainFacts = (of) => Object.entries(of)
  .filter(([, value]) => value !== null && typeof value !== 'object')
  .map(([field, value]) => [fieldName(field), String(value)]);

const KEYS = [
  { label: 'Slot', cell: ({ slot }) => String(slot) },
  { label: 'Account', cell: ({ account }) => account && html`<${AccountLink} id=${account} />` },
  { label: 'Scheme', cell: ({ scheme }) => scheme },
  { label: 'Waiting', kind: 'number', cell: ({ waiting }) => String(waiting ?? '') },
  { label: 'Key hash', cell: ({ key_hash: hash }) => hash && html`<${Hash} of=${hash} />` },
];
