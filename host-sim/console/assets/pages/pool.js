// A pool: its reserves and price now, the price over time, and a swap with its quote.

import { html, useMemo } from '../vendor/htm-preact.js';
import { Empty, Missing, Reading } from '../components/notice.js';
import { Facts, Page, Panel } from '../components/page.js';
import { PriceChart } from '../components/price-chart.js';
import { SwapOrder } from '../components/swap-order.js';
import { Amount } from '../components/values.js';
import { now, path, query } from '../lib/api.js';
import { useResource } from '../lib/resource.js';
import { link } from '../lib/router.js';
import { can } from '../lib/session.js';
import { useTouched } from '../lib/touch.js';
import { feeText } from './pools.js';

const MINUTE_MS = 60_000;
// How far back a chart goes: about as many candles as have room.
const STEPS = { minute: 180 * MINUTE_MS, hour: 168 * 60 * MINUTE_MS, day: 180 * 1_440 * MINUTE_MS };

export function Pool({ id, search }) {
  const pool = useResource(path`/pool/${id}`);
  useTouched(id, pool.reload);
  const step = STEPS[search.get('step')] ? search.get('step') : 'hour';
  return html`
    <${Page} title=${id} lead="Pool">
      <${Reading} of=${pool} what="the pool">${(data) => html`
        <div class="columns">
          <${Panel} title="Reserves and price"><${Now} of=${data} /><//>
          <${Panel} title="Swap">${can('swap') ? html`<${SwapOrder} pools=${[data]} />` : html`<${Missing} scope="swap" />`}<//>
        </div>
        <${Panel} title="Price and volume" side=${html`<${StepTabs} id=${id} step=${step} />`}><${History} id=${id} step=${step} /><//>`}
      <//>
    <//>`;
}

function Now({ of }) {
  const { asset_a: a, asset_b: b } = of;
  return html`
    <${Facts} of=${[
      [`Reserve of ${a}`, html`<${Amount} of=${of.reserve_a} />`],
      [`Reserve of ${b}`, html`<${Amount} of=${of.reserve_b} />`],
      [`Price of 1 ${a}`, of.price_a_in_b && html`<${Amount} of=${of.price_a_in_b} asset=${b} />`],
      [`Price of 1 ${b}`, of.price_b_in_a && html`<${Amount} of=${of.price_b_in_a} asset=${a} />`],
      ['Fee of a swap', feeText(of.fee_bps)],
      ['Shares', html`<${Amount} of=${of.shares} />`],
    ]} />`;
}

function StepTabs({ id, step }) {
  return html`
    <nav class="tabs" aria-label="Length of a candle">
      ${Object.keys(STEPS).map((name) => html`<a href=${link('pools', id, { step: name })} aria-current=${name === step ? 'true' : undefined}>By ${name}</a>`)}
    </nav>`;
}

function History({ id, step }) {
  // Whole minutes: the same question while the page stays.
  const from = useMemo(() => Math.floor((now() - STEPS[step]) / MINUTE_MS) * MINUTE_MS, [step]);
  const candles = useResource(path`/pool/${id}/candles` + query({ step, from_ms: from }));
  useTouched(id, candles.reload);
  return html`<${Reading} of=${candles} what="the prices">${(data) => (data.candles.length
    ? html`<${PriceChart} of=${data} step=${step} />`
    : html`<${Empty}>Nobody has swapped here in this time.<//>`)}<//>`;
}
