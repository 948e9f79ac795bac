// The audit log: what was refused, and who changed who may do what.

import { html, useState } from '../vendor/htm-preact.js';
import { AccessTabs } from '../components/access-tabs.js';
import { Field } from '../components/form.js';
import { Missing } from '../components/notice.js';
import { Page, Panel } from '../components/page.js';
import { PagedTable } from '../components/paged-table.js';
import { Moment } from '../components/values.js';
import { query } from '../lib/api.js';
import { fieldName } from '../lib/names.js';
import { usePages } from '../lib/resource.js';
import { can } from '../lib/session.js';

const KINDS = ['refused', 'key_created', 'key_revoked', 'session_begun', 'session_revoked', 'signing_key_rotated', 'log_changed'];

const COLUMNS = [
  { label: 'Time', kind: 'whole', cell: ({ time_ms: ms }) => html`<${Moment} ms=${ms} />` },
  { label: 'Kind', cell: ({ kind }) => fieldName(kind) },
  { label: 'Who', cell: ({ principal, address }) => html`<div class="what"><span>${principal}</span><span class="what-label small">${address}</span></div>` },
  { label: 'Request', cell: ({ request, status }) => html`<div class="what"><code>${request}</code><span class="what-label small">${status ? `answered ${status}` : ''}</span></div>` },
  { label: 'Detail', cell: ({ detail, code }) => [detail, code && `code ${code}`].filter(Boolean).join(', ') },
];

export function Audit() {
  return html`
    <${Page} title="Audit log" lead="What was refused, and everything that changed who may do what." actions=${html`<${AccessTabs} at="access/audit" />`}>
      ${can('audit') ? html`<${Log} />` : html`<${Missing} scope="audit" />`}
    <//>`;
}

function Log() {
  const [kind, setKind] = useState('');
  const where = (cursor) => `/audit${query({ limit: 50, kind, cursor })}`;
  const pages = usePages(where(), { pick: ({ entries }) => entries, next: ({ next }) => next !== null && where(next) });
  return html`
    <${Panel} title="Newest first" plain side=${html`<button class="button" data-kind="small" onClick=${pages.reload}>Refresh</button>`}>
      <div class="panel-body"><div class="form-row">
        <${Field} id="audit-kind" label="Kind" onChange=${(event) => setKind(event.target.value)}>
          <option value="">All kinds</option>
          ${KINDS.map((name) => html`<option value=${name} selected=${name === kind}>${fieldName(name)}</option>`)}
        <//>
      </div></div>
      <${PagedTable} pages=${pages} what="older entries" empty="Nothing of this kind was written down." caption="Audit log" columns=${COLUMNS} rowKey=${({ number }) => number} />
    <//>`;
}
