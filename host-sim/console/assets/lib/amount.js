// Amounts are decimal texts with up to 18 places, more than a float holds. This file handles them as text and as integers of the smallest
// unit; the only way to a float is `forDrawing`.

const DIGITS = 18;
const FORM = /^(0|[1-9][0-9]*)(\.[0-9]{1,18})?$/;
const GAP = '\u202f';

/** Whether a text is an amount as the node takes it. */
export function isAmount(text) {
  return FORM.test(text);
}

/** What somebody typed or pasted, without the gaps that `grouped` makes. */
export function typed(text) {
  return text.replace(/\s/g, '');
}

/** 1234567.8901 as `1 234 567.8901`, with narrow gaps. Fractions stay as they are. */
export function grouped(text) {
  const [whole, fraction] = String(text).split('.');
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, GAP);
  return fraction === undefined ? groups : `${groups}.${fraction}`;
}

/** How many units of 10^-18 an amount has. */
export function units(text) {
  const [whole, fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(DIGITS, '0'));
}

export function fromUnits(count) {
  const text = count.toString().padStart(DIGITS + 1, '0');
  const [whole, fraction] = [text.slice(0, -DIGITS), text.slice(-DIGITS).replace(/0+$/, '')];
  return fraction ? `${whole}.${fraction}` : whole;
}

/** What is left after so many basis points were taken away, rounded up: whoever swaps accepts no less. */
export function lessBps(text, bps) {
  const kept = units(text) * BigInt(10_000 - bps);
  return fromUnits((kept + 9_999n) / 10_000n);
}

/** The ratio 0.0123 as `1.23 %`, by moving the point. Digits after the fourth place of the percentage are left out. */
export function percent(ratio) {
  const hundredfold = fromUnits(units(ratio) * 100n);
  const [whole, fraction = ''] = hundredfold.split('.');
  const short = fraction.slice(0, 4).replace(/0+$/, '');
  return `${short ? `${whole}.${short}` : whole}${GAP}%`;
}

/** A float, good for the height of a bar and nothing else. */
export function forDrawing(text) {
  return Number.parseFloat(text);
}
