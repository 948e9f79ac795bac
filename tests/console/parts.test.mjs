// The parts of the console that need no browser: amounts as text, and the form of the event stream.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { forDrawing, fromUnits, grouped, isAmount, lessBps, percent, typed, units } from '../../host-sim/console/assets/lib/amount.js';
import { parser } from '../../host-sim/console/assets/lib/events.js';

const GAP = '\u202f';

test('amounts are grouped for reading, digit for digit', () => {
  for (const [text, shown] of [
    ['0', '0'], ['999', '999'], ['1000', `1${GAP}000`], ['1234567.8901234', `1${GAP}234${GAP}567.8901234`],
    ['340282366920938463463.374607431768211455', `340${GAP}282${GAP}366${GAP}920${GAP}938${GAP}463${GAP}463.374607431768211455`],
  ]) {
    assert.equal(grouped(text), shown);
    assert.equal(typed(shown), text, 'what is copied from the page can be pasted into a form');
  }
});

test('what the node would not take is no amount', () => {
  for (const text of ['0', '1', '0.1', '12.000000000000000001']) assert.ok(isAmount(text), text);
  for (const text of ['', '.5', '5.', '01', '-1', '+1', '1e3', '1,5', '1.0000000000000000001', '0x10', '١']) assert.ok(!isAmount(text), text);
});

test('nothing is lost that a float would lose', () => {
  const text = '340282366920938463463.374607431768211455';
  assert.equal(fromUnits(units(text)), text);
  assert.notEqual(String(forDrawing(text)), text);
});

test('the least to receive is rounded up', () => {
  assert.equal(lessBps('1000', 50), '995');
  assert.equal(lessBps('0.000000000000000001', 50), '0.000000000000000001');
  assert.equal(lessBps('1.000000000000000001', 10), '0.999000000000000001');
  assert.equal(lessBps('7', 10_000), '0');
});

test('ratios are shown as percentages', () => {
  assert.equal(percent('0.0933891061'), `9.3389${GAP}%`);
  assert.equal(percent('0.003'), `0.3${GAP}%`);
  assert.equal(percent('1'), `100${GAP}%`);
});

test('events are read however the stream is cut', () => {
  const stream = ': here\n\nid: 7\nevent: block\ndata: {"height":\ndata: 1}\n\nevent: behind\r\ndata: {}\r\n\r\nid: 9\n\ndata\n\ndata: cut';
  for (let cut = 0; cut <= stream.length; cut += 1) {
    const events = [];
    const parse = parser((event) => events.push(event));
    parse(stream.slice(0, cut));
    parse(stream.slice(cut));
    assert.deepEqual(events, [
      { event: 'block', data: '{"height":\n1}', id: '7' },
      { event: 'behind', data: '{}', id: null },
      { event: 'message', data: '', id: null },
    ], `cut at ${cut}`);
  }
});
