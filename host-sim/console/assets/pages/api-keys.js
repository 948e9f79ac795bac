// API keys, for administrators: the list, a new one, the end of one. A new key is shown once, because the node keeps only its hash.

import { html, useState } from '../vendor/htm-preact.js';
import { AccessTabs } from '../components/access-tabs.js';
import { NewKeyForm } from '../components/new-key-form.js';
import { Empty, Missing, Reading } from '../components/notice.js';
import { Page, Panel } from '../components/page.js';
import { Revoke } from '../components/revoke.js';
import { Table } from '../components/table.js';
import { Badge, Copy, Moment } from '../components/values.js';
import { path } from '../lib/api.js';
import { useResource } from '../lib/resource.js';
import { can } from '../lib/session.js';

export function ApiKeys() {
  return html`
    <${Page} title="API keys" actions=${html`<${AccessTabs} at="access/keys" />`}>
      ${can('admin') ? html`<${Managed} />` : html`<${Missing} scope="admin" />`}
    <//>`;
}

function Managed() {
  const keys = useResource('/keys');
  const [made, setMade] = useState(null);
  const add = (key) => {
    setMade(key);
    keys.reload();
  };
  return html`
    ${made && html`<${Panel} title="New key"><${Made} of=${made} done=${() => setMade(null)} /><//>`}
    <${Panel} title="Keys" plain>
      <${Reading} of=${keys} what="the keys">${(data) => (data.length
        ? html`<${Table} caption="API keys" columns=${columns(keys.reload)} rows=${[...data].sort((a, b) => b.created_ms - a.created_ms)} rowKey=${({ id }) => id} />`
        : html`<${Empty}>There is no key yet.<//>`)}<//>
    <//>
    ${!made && html`<${Panel} title="New key"><${NewKeyForm} made=${add} /><//>`}`;
}

function Made({ of, done }) {
  return html`
    <div class="notice" data-tone="good" role="status">
      <p>The key for “${of.name}” was created. It is shown only now: hand it over on a safe way.</p>
    </div>
    <p class="secret">${of.key}</p>
    <div class="buttons"><${Copy} text=${of.key} what="the key" /><button class="button" data-kind="small" onClick=${done}>Done</button></div>`;
}

const columns = (reload) => [
  { label: 'Key', cell: ({ name, id }) => html`<div class="what"><span>${name}</span><code class="what-label">${id}</code></div>` },
  { label: 'Scopes', cell: ({ scopes }) => html`<div class="wide-cell">${scopes.join(', ')}</div>` },
  { label: 'Accounts', cell: ({ accounts }) => (accounts === '*' ? 'all' : accounts.join(', ') || 'none') },
  { label: 'Per minute', kind: 'number', cell: ({ requests_per_minute: most }) => String(most ?? 'default') },
  { label: 'Created', kind: 'whole', cell: ({ created_ms: ms }) => html`<${Moment} ms=${ms} />` },
  { label: 'State', cell: (key) => html`<${KeyState} of=${key} />` },
  { label: 'Action', cell: (key) => key.revoked_ms === null && html`<${Revoke} where=${path`/keys/${key.id}`} what=${`the key ${key.name}`} also="with its sessions" revoked=${reload} />` },
];

function KeyState({ of: { revoked_ms: revoked, expires_ms: expires } }) {
  if (revoked !== null) return html`<${Badge} tone="critical">revoked<//>`;
  if (expires === null) return html`<${Badge} tone="good">active<//>`;
  return expires > Date.now() ? html`<${Badge} tone="good">active<//> until <${Moment} ms=${expires} />` : html`<${Badge} tone="warning">expired<//>`;
}
