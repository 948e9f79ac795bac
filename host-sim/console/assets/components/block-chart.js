// Transactions per block, as bars. The sentence under the chart says the same to those who do not see it.

import { html } from '../vendor/htm-preact.js';
import { linear, tickText, ticks, useWidth } from '../lib/scale.js';

const HEIGHT = 150;
const LEFT = 36;
const BOTTOM = 20;
const TOP = 8;

/** blocks: newest first, as everywhere; drawn oldest first. */
export function BlockChart({ blocks }) {
  const [box, width] = useWidth();
  const drawn = [...blocks].reverse();
  const counts = drawn.map(({ transactions }) => transactions);
  const most = Math.max(...counts, 1);
  const y = linear(0, most, HEIGHT - BOTTOM, TOP);
  const step = (width - LEFT) / Math.max(drawn.length, 1);
  const [first, last] = [drawn[0], drawn.at(-1)];
  const said = `Transactions in each of ${drawn.length} blocks, ${first.height} to ${last.height}: from ${Math.min(...counts)} to ${Math.max(...counts)}, ${last.transactions} in the newest.`;
  return html`
    <figure class="chart" ref=${box}>
      ${width > 0 && html`
        <svg viewBox=${`0 0 ${width} ${HEIGHT}`} height=${HEIGHT} role="img" aria-label=${said}>
          ${ticks(0, most, 3).filter(Number.isInteger).map((value) => html`
            <line class="chart-line" x1=${LEFT} x2=${width} y1=${y(value)} y2=${y(value)} />
            <text x=${LEFT - 8} y=${y(value) + 4} text-anchor="end">${tickText(value)}</text>`)}
          ${drawn.map(({ height, transactions }, index) => html`
            <rect key=${height} class="chart-bar" x=${LEFT + index * step + step * 0.1} width=${step * 0.8}
              y=${y(transactions)} height=${y(0) - y(transactions)}><title>Block ${height}: ${transactions}</title></rect>`)}
          <text x=${LEFT} y=${HEIGHT - 4}>${first.height}</text>
          <text x=${width} y=${HEIGHT - 4} text-anchor="end">${last.height}</text>
        </svg>`}
    </figure>`;
}
