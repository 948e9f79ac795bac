// The overview: whether the node and its chain are well, and what happens now. All but the health and the waiting transactions comes from
// the stream of events.

import { html } from '../vendor/htm-preact.js';
import { AlertList } from '../components/alerts.js';
import { BlockChart } from '../components/block-chart.js';
import { BlockTable, TransactionTable } from '../components/ledger-tables.js';
import { Empty, Loading, Missing, Problem, Reading } from '../components/notice.js';
import { Facts, Figures, Page, Panel } from '../components/page.js';
import { Table } from '../components/table.js';
import { AccountLink, Hash } from '../components/values.js';
import { grouped } from '../lib/amount.js';
import { live, openAlerts } from '../lib/live.js';
import { fieldName } from '../lib/names.js';
import { useResource } from '../lib/resource.js';
import { can } from '../lib/session.js';
import { useStore } from '../lib/store.js';
import { span, useNow } from '../lib/time.js';

const BLOCKS = 10;
const TRANSACTIONS = 6;
const CHARTED = 40;

export function Overview() {
  const now = useStore(live);
  const status = useResource('/status', { everyMs: 15_000 });
  const health = useResource('/health/factors', { everyMs: 30_000 });
  return html`
    <${Page} title="Overview">
      ${now.problem && html`<${Problem} problem=${now.problem} />`}
      <${Reading} of=${status} what="the state of the chain">${(data) => html`<${Key} status=${data} health=${health.data} newest=${newer(now.blocks[0], data)} />`}<//>
      <div class="columns">
        <${Panel} title="Open alerts" side=${html`<a href="#/alerts">All alerts</a>`} plain><${Open} alerts=${openAlerts(now)} /><//>
        <${Panel} title="Health" plain><${Reading} of=${health} what="the health of the node">${(data) => html`<${Factors} of=${data.factors} />`}<//><//>
      </div>
      <${Panel} title="Transactions per block">
        ${now.blocks.length ? html`<${BlockChart} blocks=${now.blocks.slice(0, CHARTED)} />` : html`<${Loading} what="blocks" />`}
      <//>
      <div class="columns">
        <${Panel} title="Latest blocks" side=${html`<a href="#/blocks">All blocks</a>`} plain>
          ${now.blocks.length ? html`<${BlockTable} caption="Latest blocks" rows=${now.blocks.slice(0, BLOCKS)} short />` : html`<${Loading} what="blocks" />`}
        <//>
        <${Panel} title="Latest transactions" side=${html`<a href="#/transactions">All transactions</a>`} plain>
          <${Latest} transactions=${now.transactions} filled=${now.filled} />
        <//>
      </div>
      ${status.data && html`<${Panel} title="Chain"><${Chain} status=${status.data} newest=${newer(now.blocks[0], status.data)} /><//>`}
    <//>`;
}

/** The block of the stream, or the one of the status where the stream is behind. Both tell the same of it. */
const newer = (block, status) => (block?.height > status.height ? block : status);

function Key({ status, health, newest }) {
  const time = useNow();
  return html`
    <${Figures} of=${[
      ['Health', health ? html`${health.score} <small>of 100</small>` : '–'],
      ['Height', grouped(String(newest.height))],
      ['Age of the newest block', span(time - newest.time_ms)],
      ['Transactions waiting', grouped(String(status.waiting))],
      ['Epoch', grouped(String(newest.epoch))],
    ]} />`;
}

function Chain({ status, newest }) {
  return html`
    <${Facts} of=${[
      ['Chain', status.chain_id],
      ['Newest block', html`<${Hash} of=${newest.id} />`],
      ['State root', html`<${Hash} of=${newest.state_root} />`],
      ['Proposer', html`<${AccountLink} id=${newest.proposer} />`],
      ['Blocks kept from', status.first_height !== undefined && grouped(String(status.first_height))],
      ...Object.entries(status.mining ?? {}).map(([field, value]) => [fieldName(field), grouped(String(value))]),
    ]} />`;
}

function Latest({ transactions, filled }) {
  if (transactions.length) return html`<${TransactionTable} caption="Latest transactions" rows=${transactions.slice(0, TRANSACTIONS)} short />`;
  return filled ? html`<${Empty}>The newest blocks hold no transactions. New ones appear here.<//>` : html`<${Loading} what="transactions" />`;
}

function Open({ alerts }) {
  if (!can('metrics')) return html`<${Missing} scope="metrics" />`;
  if (!alerts) return html`<${Loading} what="the alerts" />`;
  return alerts.length ? html`<${AlertList} alerts=${alerts} short />` : html`<${Empty}>No alert is open.<//>`;
}

const tone = (score) => (score >= 80 ? 'good' : score >= 50 ? 'warning' : 'critical');

const FACTORS = [
  { label: 'Factor', cell: ({ name, detail }) => html`<div class="what"><span>${fieldName(name)}</span><span class="what-label small">${detail}</span></div>` },
  { label: 'Value', kind: 'whole', cell: ({ value, unit }) => `${value ?? ''} ${unit ?? ''}` },
  { label: 'Score', kind: 'number', cell: ({ score }) => html`${score}
    <svg class="meter" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="meter-track" width="100" height="8" /><rect class="meter-value" data-tone=${tone(score)} width=${score} height="8" /></svg>` },
];

function Factors({ of }) {
  return of.length ? html`<${Table} caption="Factors of the health score" columns=${FACTORS} rows=${of} rowKey=${({ name }) => name} />` : html`<${Empty}>The node names no factors.<//>`;
}
