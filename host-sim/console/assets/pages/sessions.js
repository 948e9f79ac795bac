// Sessions, for administrators: who is signed in, from where, until when; and the end of a session.

import { html } from '../vendor/htm-preact.js';
import { AccessTabs } from '../components/access-tabs.js';
import { Missing, Reading } from '../components/notice.js';
import { Page, Panel } from '../components/page.js';
import { Revoke } from '../components/revoke.js';
import { Table } from '../components/table.js';
import { Badge, Moment } from '../components/values.js';
import { path } from '../lib/api.js';
import { useResource } from '../lib/resource.js';
import { can, session } from '../lib/session.js';
import { useStore } from '../lib/store.js';

export function Sessions() {
  return html`
    <${Page} title="Sessions" lead="Those that have not ended." actions=${html`<${AccessTabs} at="access/sessions" />`}>
      ${can('admin') ? html`<${Listed} />` : html`<${Missing} scope="admin" />`}
    <//>`;
}

function Listed() {
  const sessions = useResource('/sessions');
  const { me } = useStore(session);
  return html`
    <${Panel} title="Sessions" plain>
      <${Reading} of=${sessions} what="the sessions">${(data) => html`
        <${Table} caption="Sessions" columns=${columns(me.session, sessions.reload)} rows=${[...data].sort((a, b) => b.created_ms - a.created_ms)} rowKey=${({ id }) => id} />`}<//>
    <//>`;
}

const columns = (own, reload) => [
  { label: 'Who', cell: ({ principal, id }) => html`<div class="what"><span>${principal}</span><code class="what-label">${id}</code></div>` },
  { label: 'From', cell: ({ address, certificate }) => (certificate ? `${address}, with a certificate` : address) },
  { label: 'Scopes', cell: ({ scopes }) => html`<div class="wide-cell">${scopes.join(', ')}</div>` },
  { label: 'Began', kind: 'whole', cell: ({ created_ms: ms }) => html`<${Moment} ms=${ms} />` },
  { label: 'Ends', kind: 'whole', cell: ({ expires_ms: ms }) => html`<${Moment} ms=${ms} />` },
  { label: 'State', cell: ({ revoked_ms: revoked }) => (revoked === null ? html`<${Badge} tone="good">active<//>` : html`<${Badge} tone="critical">revoked<//>`) },
  { label: 'Action', cell: (one) => action(one, own, reload) },
];

/** One's own session ends by signing out, which forgets its token too. */
function action({ id, principal, revoked_ms: revoked }, own, reload) {
  if (id === own) return 'your own';
  return revoked === null && html`<${Revoke} where=${path`/sessions/${id}`} what=${`session ${id.slice(0, 8)} of ${principal}`} revoked=${reload} />`;
}
