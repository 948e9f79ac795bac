// The price of a pool as candles, with the volume below. What the pointer is at is told in a line; a table behind a disclosure holds
// everything for those who do not see the drawing or do not trust it. Prices become floats here, to be drawn, and nowhere else.

import { html, useState } from '../vendor/htm-preact.js';
import { forDrawing, grouped } from '../lib/amount.js';
import { linear, tickText, ticks, useWidth } from '../lib/scale.js';
import { moment } from '../lib/time.js';
import { Table } from './table.js';

const HEIGHT = 280;
const PRICE_BOTTOM = 190;
const VOLUME_TOP = 205;
const VOLUME_BOTTOM = 255;
const TOP = 10;
const RIGHT = 68;

const tickTime = (ms, step) => {
  const text = new Date(ms).toISOString();
  return step === 'day' ? text.slice(0, 10) : `${text.slice(5, 10)} ${text.slice(11, 16)}`;
};

export function PriceChart({ of, step }) {
  const [box, width] = useWidth();
  const [at, setAt] = useState(null);
  const { candles, asset_a: a, asset_b: b, step_ms: stepMs } = of;
  const [first, last] = [candles[0], candles.at(-1)];
  const right = width - RIGHT;
  const x = linear(first.time_ms, last.time_ms + stepMs, 0, right);
  const lows = candles.map(({ low }) => forDrawing(low));
  const highs = candles.map(({ high }) => forDrawing(high));
  const [low, high] = [Math.min(...lows), Math.max(...highs)];
  // A price that never moved still needs room above and below.
  const room = (high - low || high || 1) * 0.05;
  const y = linear(low - room, high + room, PRICE_BOTTOM, TOP);
  const volumes = candles.map(({ volume_a: volume }) => forDrawing(volume));
  const v = linear(0, Math.max(...volumes) || 1, VOLUME_BOTTOM, VOLUME_TOP);
  const barWidth = Math.min(Math.max((right * stepMs) / (last.time_ms + stepMs - first.time_ms) * 0.7, 1.5), 14);
  const middle = ({ time_ms: ms }) => x(ms + stepMs / 2);

  const point = (event) => {
    const place = event.clientX - event.currentTarget.getBoundingClientRect().left;
    const distance = (candle) => Math.abs(middle(candle) - place);
    setAt(candles.reduce((best, candle) => (distance(candle) < distance(best) ? candle : best)));
  };
  const shown = at && candles.includes(at) ? at : last;
  const said = `Price of one ${a} in ${b}, ${candles.length} candles from ${moment(first.time_ms)} to ${moment(last.time_ms)}. The last close is ${last.close}. The table below holds all values.`;

  return html`
    <figure class="chart" ref=${box}>
      <figcaption class="chart-readout">
        ${moment(shown.time_ms)}: open ${grouped(shown.open)}, high ${grouped(shown.high)}, low ${grouped(shown.low)}, close ${grouped(shown.close)} ${b}; volume ${grouped(shown.volume_a)} ${a}
      </figcaption>
      ${width > 0 && html`
        <svg viewBox=${`0 0 ${width} ${HEIGHT}`} height=${HEIGHT} role="img" aria-label=${said} onPointerMove=${point} onPointerLeave=${() => setAt(null)}>
          ${ticks(low - room, high + room, 5).map((value) => html`
            <line class="chart-line" x1="0" x2=${right} y1=${y(value)} y2=${y(value)} />
            <text x=${right + 8} y=${y(value) + 4}>${tickText(value)}</text>`)}
          <line class="chart-line" x1="0" x2=${right} y1=${VOLUME_BOTTOM} y2=${VOLUME_BOTTOM} />
          <text x=${right + 8} y=${VOLUME_BOTTOM}>Volume</text>
          ${candles.map((candle, index) => html`<${Candle} key=${candle.time_ms} candle=${candle} x=${middle(candle)} y=${y} width=${barWidth}
            volume=${v(volumes[index])} />`)}
          ${at && html`<line class="chart-cursor" x1=${middle(shown)} x2=${middle(shown)} y1=${TOP} y2=${VOLUME_BOTTOM} />`}
          <text x="0" y=${HEIGHT - 6}>${tickTime(first.time_ms, step)}</text>
          <text x=${right} y=${HEIGHT - 6} text-anchor="end">${tickTime(last.time_ms, step)}</text>
        </svg>`}
    </figure>
    <details class="disclosure">
      <summary>The same as a table</summary>
      <${CandleTable} of=${of} />
    </details>`;
}

function Candle({ candle, x, y, width, volume }) {
  const [open, close] = [y(forDrawing(candle.open)), y(forDrawing(candle.close))];
  const up = close <= open;
  return html`
    <g>
      <line class=${up ? 'chart-wick-up' : 'chart-wick-down'} x1=${x} x2=${x} y1=${y(forDrawing(candle.high))} y2=${y(forDrawing(candle.low))} />
      <rect class=${up ? 'chart-up' : 'chart-down'} x=${x - width / 2} width=${width} y=${Math.min(open, close)} height=${Math.max(Math.abs(open - close), 1)} />
      <rect class="chart-volume" x=${x - width / 2} width=${width} y=${volume} height=${Math.max(VOLUME_BOTTOM - volume, 0)} />
    </g>`;
}

function CandleTable({ of: { candles, asset_a: a, asset_b: b } }) {
  const price = (label, field) => ({ label, kind: 'number', cell: (candle) => grouped(candle[field]) });
  const columns = [
    { label: 'From', kind: 'whole', cell: ({ time_ms: ms }) => moment(ms) },
    price('Open', 'open'), price('High', 'high'), price('Low', 'low'), price('Close', 'close'),
    price(`Volume ${a}`, 'volume_a'), price(`Volume ${b}`, 'volume_b'),
    { label: 'Swaps', kind: 'number', cell: ({ swaps }) => grouped(String(swaps)) },
  ];
  const newestFirst = [...candles].reverse();
  return html`<${Table} caption=${`Price of ${a} in ${b}`} columns=${columns} rows=${newestFirst} rowKey=${({ time_ms: ms }) => ms} />`;
}
