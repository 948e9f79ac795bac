// Blocks, newest first. The first page moves with the chain and costs no request; older pages stand still, because blocks do not change.

import { html } from '../vendor/htm-preact.js';
import { BlockTable } from '../components/ledger-tables.js';
import { Empty, Loading, Problem, Reading } from '../components/notice.js';
import { Page, Panel } from '../components/page.js';
import { query } from '../lib/api.js';
import { live } from '../lib/live.js';
import { useResource } from '../lib/resource.js';
import { link } from '../lib/router.js';
import { useStore } from '../lib/store.js';

const SHOWN = 25;

export function Blocks({ search }) {
  const before = Number.parseInt(search.get('before') ?? '', 10);
  return html`
    <${Page} title="Blocks">
      ${Number.isFinite(before) ? html`<${Older} before=${before} />` : html`<${Newest} />`}
    <//>`;
}

function Newest() {
  const { blocks, problem } = useStore(live);
  const rows = blocks.slice(0, SHOWN);
  return html`
    ${problem && html`<${Problem} problem=${problem} />`}
    <${Panel} title="Newest first" plain foot=${rows.length > 0 && html`<${Turn} lowest=${rows.at(-1).height} />`}>
      ${rows.length ? html`<${BlockTable} caption="Newest blocks" rows=${rows} />` : html`<${Loading} what="blocks" />`}
    <//>`;
}

function Older({ before }) {
  const tip = useStore(live).blocks[0]?.height ?? Infinity;
  const blocks = useResource(`/blocks${query({ limit: SHOWN, before })}`, { keepMs: 600_000 });
  return html`<${Reading} of=${blocks} what="blocks">${({ blocks: rows, next }) => html`
    <${Panel} title=${`Before ${before}`} plain foot=${html`<${Turn} lowest=${next !== null && rows.at(-1)?.height} newer=${before + SHOWN} tip=${tip} />`}>
      ${rows.length ? html`<${BlockTable} caption=${`Blocks before ${before}`} rows=${rows} />` : html`<${Empty}>The node keeps no block before ${before}.<//>`}
    <//>`}<//>`;
}

function Turn({ lowest, newer, tip }) {
  return html`
    <nav class="buttons" aria-label="Parts of the list">
      ${newer && html`<a class="button" href=${newer > tip ? link('blocks') : link('blocks', { before: newer })}>Newer</a>`}
      ${lowest > 0 && html`<a class="button" href=${link('blocks', { before: lowest })}>Older</a>`}
    </nav>`;
}
