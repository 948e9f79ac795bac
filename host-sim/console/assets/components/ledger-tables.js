// Tables of blocks and of transactions, which many pages show.

import { html } from '../vendor/htm-preact.js';
import { grouped } from '../lib/amount.js';
import { kindName } from '../lib/names.js';
import { clock } from '../lib/time.js';
import { Table } from './table.js';
import { AccountLink, BlockLink, Hash, Moment, TransactionLink } from './values.js';

const LINES = 3;

/** What a transaction does, in the first lines of its summary. */
function What({ summary }) {
  const from = summary.findIndex(({ label }) => label === 'From');
  const said = summary.slice(1, from < 0 ? undefined : from);
  return html`
    <ul class="what-lines">
      ${said.slice(0, LINES).map(({ label, value }) => html`<li><span class="what-label">${label}</span> ${value}</li>`)}
    </ul>`;
}

const ID = { label: 'Transaction', kind: 'whole', cell: ({ id }) => html`<${TransactionLink} id=${id} />` };
const WHAT = { label: 'What', cell: ({ kind, summary }) => html`<strong>${kindName(kind)}</strong><${What} summary=${summary} />` };
const BLOCK = { label: 'Block', kind: 'number', cell: ({ height }) => html`<${BlockLink} height=${height} />` };

const SHORT = [ID, WHAT, BLOCK];

export const TRANSACTION_COLUMNS = [
  { label: 'Time', kind: 'whole', cell: ({ time_ms: ms }) => html`<${Moment} ms=${ms} />` },
  ID,
  WHAT,
  { label: 'Sender', cell: ({ sender }) => html`<${AccountLink} id=${sender} />` },
  BLOCK,
];

export const byId = ({ id }) => id;

export function TransactionTable({ caption, rows, short }) {
  return html`<${Table} caption=${caption} columns=${short ? SHORT : TRANSACTION_COLUMNS} rows=${rows} rowKey=${byId} brief=${short} />`;
}

const BLOCK_SHORT = [
  { label: 'Height', cell: ({ height }) => html`<${BlockLink} height=${height} />` },
  { label: 'Time (UTC)', kind: 'whole', cell: ({ time_ms: ms }) => html`<time datetime=${new Date(ms).toISOString()}>${clock(ms)}</time>` },
  { label: 'Transactions', kind: 'number', cell: ({ transactions }) => grouped(String(transactions)) },
  { label: 'Proposer', cell: ({ proposer }) => html`<${AccountLink} id=${proposer} />` },
];

const BLOCK_LONG = [
  BLOCK_SHORT[0],
  { label: 'Time', kind: 'whole', cell: ({ time_ms: ms }) => html`<${Moment} ms=${ms} />` },
  BLOCK_SHORT[2],
  BLOCK_SHORT[3],
  { label: 'Epoch', kind: 'number', cell: ({ epoch }) => grouped(String(epoch)) },
  { label: 'Id', kind: 'whole', cell: ({ id }) => html`<${Hash} of=${id} short />` },
];

export function BlockTable({ caption, rows, short }) {
  return html`<${Table} caption=${caption} columns=${short ? BLOCK_SHORT : BLOCK_LONG} rows=${rows} rowKey=${({ height }) => height} brief=${short} />`;
}
