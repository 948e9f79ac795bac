// A swap of an exact amount: the form with its quote, then the stages of an order. The least to receive is fixed here, from the quote that
// was shown: a quote that the node made later would be signed without having been reviewed.

import { html, useEffect, useRef, useState } from '../vendor/htm-preact.js';
import { get, path, query } from '../lib/api.js';
import { grouped, isAmount, lessBps, percent, typed } from '../lib/amount.js';
import { useCustody } from '../lib/custody.js';
import { useOrder } from '../lib/order.js';
import { Field, focusWrong, wrongAmount } from './form.js';
import { Empty, Problem, Reading } from './notice.js';
import { OrderStages } from './order.js';
import { Facts } from './page.js';

// A quote is asked for when typing has paused: not for each digit.
const PAUSE_MS = 600;

const TOLERANCES = [[10, '0.1 %'], [50, '0.5 %'], [100, '1 %'], [300, '3 %']];

/** pools: those to choose from, as the node answered them. */
export function SwapOrder({ pools }) {
  const custody = useCustody();
  return html`<${Reading} of=${custody} what="the accounts in custody">${({ accounts }) => (accounts.length
    ? html`<${SwapForm} pools=${pools} accounts=${accounts} />`
    : html`<${Empty}>This node has no account in custody that you may act for.<//>`)}<//>`;
}

/** The quote for what is entered: {quote, problem}; neither while there is nothing to ask, or the answer is on its way. */
function useQuote({ pool, asset, amount }) {
  const [state, setState] = useState({});
  useEffect(() => {
    setState({});
    if (!isAmount(amount) || !/[1-9]/.test(amount)) return undefined;
    let wanted = true;
    const tell = (next) => wanted && setState(next);
    const ask = () => get(path`/pool/${pool}/quote` + query({ asset_in: asset, amount_in: amount }))
      .then((quote) => tell({ quote }), (problem) => tell({ problem }));
    const timer = setTimeout(ask, PAUSE_MS);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [pool, asset, amount]);
  return state;
}

function SwapForm({ pools, accounts }) {
  const order = useOrder('/swap');
  const form = useRef(null);
  const [entered, setEntered] = useState({ account: accounts[0], pool: pools[0].pool, reversed: false, amount: '', bps: 50 });
  const [wrong, setWrong] = useState('');
  const enter = (part) => setEntered((before) => ({ ...before, ...part }));
  const { asset_a: a, asset_b: b } = pools.find(({ pool }) => pool === entered.pool);
  const [assetIn, assetOut] = entered.reversed ? [b, a] : [a, b];
  const amount = typed(entered.amount);
  const { quote, problem } = useQuote({ pool: entered.pool, asset: assetIn, amount });
  const least = quote && lessBps(quote.amount_out, entered.bps);

  const review = (event) => {
    event.preventDefault();
    const found = wrongAmount(entered.amount);
    setWrong(found);
    if (found) return focusWrong(form.current);
    return least && order.preview({
      account: entered.account, token_in: assetIn, token_out: assetOut, amount_in: amount, pool: entered.pool, min_amount_out: least,
    });
  };

  if (order.stage !== 'form') {
    const restart = () => {
      enter({ amount: '' });
      order.restart();
    };
    return html`<${OrderStages} order=${{ ...order, restart }} />`;
  }
  const options = (values, chosen) => values.map(([value, text]) => html`<option value=${value} selected=${value === chosen}>${text}</option>`);
  const plain = (values) => values.map((value) => [value, value]);
  return html`
    <form class="form" ref=${form} onSubmit=${review}>
      ${order.problem && html`<${Problem} problem=${order.problem} />`}
      <${Field} id="swap-account" label="Account" onChange=${(event) => enter({ account: event.target.value })}>${options(plain(accounts), entered.account)}<//>
      ${pools.length > 1 && html`
        <${Field} id="swap-pool" label="Pool" onChange=${(event) => enter({ pool: event.target.value })}>${options(plain(pools.map(({ pool }) => pool)), entered.pool)}<//>`}
      <${Field} id="swap-direction" label="Direction" onChange=${(event) => enter({ reversed: event.target.value === 'ba' })}>
        ${options([['ab', `Give ${a}, receive ${b}`], ['ba', `Give ${b}, receive ${a}`]], entered.reversed ? 'ba' : 'ab')}
      <//>
      <${Field} id="swap-amount" label=${`Amount of ${assetIn} to give`} value=${entered.amount} wrong=${wrong} inputmode="decimal" onInput=${(event) => enter({ amount: event.target.value })} />
      <${Field} id="swap-tolerance" label="Accept at most this much less than the quote" onChange=${(event) => enter({ bps: Number(event.target.value) })}>${options(TOLERANCES, entered.bps)}<//>
      <${Quote} quote=${quote} problem=${problem} assetIn=${assetIn} assetOut=${assetOut} least=${least} />
      <div><button class="button" data-kind="main" disabled=${order.busy}>Review</button></div>
    </form>`;
}

function Quote({ quote, problem, assetIn, assetOut, least }) {
  if (problem) return html`<${Problem} problem=${problem} />`;
  if (!quote) return html`<p class="quiet">The quote appears here once an amount is entered.</p>`;
  return html`
    <${Facts} of=${[
      ['You receive about', `${grouped(quote.amount_out)} ${assetOut}`],
      ['At least', `${grouped(least)} ${assetOut}`],
      ['Fee of the pool', `${grouped(quote.fee)} ${assetIn}`],
      ['Price impact', percent(quote.price_impact)],
    ]} />`;
}
