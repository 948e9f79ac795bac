// Transactions as they become final. The list can be held, so that what is read does not move; what came meanwhile is counted.

import { html, useState } from '../vendor/htm-preact.js';
import { Field } from '../components/form.js';
import { TransactionTable } from '../components/ledger-tables.js';
import { Empty, Loading, Problem } from '../components/notice.js';
import { Page, Panel } from '../components/page.js';
import { live } from '../lib/live.js';
import { KINDS, kindName } from '../lib/names.js';
import { useStore } from '../lib/store.js';

const SHOWN = 50;

export function Transactions() {
  const now = useStore(live);
  const [held, setHeld] = useState(null);
  const [kind, setKind] = useState('');
  const all = held ?? now.transactions;
  const rows = all.filter((transaction) => !kind || transaction.kind === kind).slice(0, SHOWN);
  const known = new Set(held?.map(({ id }) => id));
  const missed = held ? now.transactions.filter(({ id }) => !known.has(id)).length : 0;
  const hold = html`<button class="button" aria-pressed=${String(Boolean(held))} onClick=${() => setHeld(held ? null : now.transactions)}>${held ? 'Resume' : 'Pause'}</button>`;
  return html`
    <${Page} title="Transactions" lead="The newest final transactions, as they come. Older ones are in their blocks and in the history of their accounts." actions=${hold}>
      ${now.problem && html`<${Problem} problem=${now.problem} />`}
      <${Panel} title=${held ? 'Paused' : 'Newest first'} plain
        side=${html`<span class="quiet small" role="status">${held ? `${missed} came since you paused` : ''}</span>`}>
        <div class="panel-body">
          <div class="form-row"><${Field} id="kind" label="Kind" value=${kind} onChange=${(event) => setKind(event.target.value)}>
            <option value="">All kinds</option>
            ${Object.keys(KINDS).map((name) => html`<option value=${name} selected=${name === kind}>${KINDS[name]}</option>`)}
          <//></div>
        </div>
        <${Rows} rows=${rows} kind=${kind} filled=${now.filled} />
      <//>
    <//>`;
}

function Rows({ rows, kind, filled }) {
  if (rows.length) return html`<${TransactionTable} caption="Newest transactions" rows=${rows} />`;
  if (!filled) return html`<${Loading} what="transactions" />`;
  return kind
    ? html`<${Empty}>None of the newest transactions is of the kind “${kindName(kind)}”. New ones appear here.<//>`
    : html`<${Empty}>The newest blocks hold no transactions. New ones appear here.<//>`;
}
