// What happens on the chain now, for all pages together: the newest blocks and transactions and the open alerts. It promises that there is
// one stream of events for the whole console, that pages are redrawn a few times a second at most however much happens, and that without
// the stream the newest blocks are still asked for, slowly.

import { get } from './api.js';
import { follow } from './events.js';
import { can, session } from './session.js';
import { store } from './store.js';

const BLOCKS = 60;
const TRANSACTIONS = 200;
const DRAW_MS = 250;
const FALLBACK_MS = 20_000;
// Past transactions to begin with.
const FILL_TRANSACTIONS = 50;

const NOTHING = { state: 'off', blocks: [], transactions: [], alerts: null, filled: false, problem: null };

/** state: 'off', 'connecting', 'live' or 'broken'. blocks, transactions: newest first. alerts: by id, null while they are not known. */
export const live = store(NOTHING);

let stop = null;
let waiting = [];
let drawing = null;
let fallback = null;
let filling = null;

const newestFirst = (a, b) => b.height - a.height || (b.place ?? 0) - (a.place ?? 0);

/** Two lists as one, newest first, each thing once; `added` counts where both have it. */
function merged(list, added, key, most) {
  const all = new Map([...list, ...added].map((item) => [item[key], item]));
  return [...all.values()].sort(newestFirst).slice(0, most);
}

function draw() {
  drawing = null;
  const events = waiting;
  waiting = [];
  const of = (name) => events.filter(([event]) => event === name).map(([, data]) => data);
  const { blocks, transactions, alerts } = live.get();
  live.patch({
    blocks: merged(blocks, of('block'), 'height', BLOCKS),
    transactions: merged(transactions, of('transaction'), 'id', TRANSACTIONS),
    alerts: of('alert').reduce((known, alert) => new Map(known).set(alert.id, alert), alerts),
  });
  if (of('behind').length || of('omitted').length) fill();
}

function tell(event, data) {
  waiting.push([event, data]);
  drawing ??= setTimeout(draw, DRAW_MS);
}

function tellState(state) {
  live.patch({ state });
  clearInterval(fallback);
  fallback = state === 'live' ? null : setInterval(() => { if (!document.hidden) fill(); }, FALLBACK_MS);
}

/** Reads what was before the stream, or what it skipped; once for all who ask at a time. */
function fill() {
  filling ??= readNewest().finally(() => { filling = null; });
  return filling;
}

async function readNewest() {
  const asked = stop;
  try {
    const { blocks } = await get(`/blocks?limit=${BLOCKS}`);
    const { entries } = await get(`/transactions?limit=${FILL_TRANSACTIONS}`);
    const now = live.get();
    live.patch({
      blocks: merged(now.blocks, blocks, 'height', BLOCKS),
      transactions: merged(now.transactions, entries, 'id', TRANSACTIONS),
      problem: null,
    });
  } catch (problem) {
    if (stop === asked) live.patch({ problem });
  }
  if (stop === asked) live.patch({ filled: true });
}

async function fillAlerts() {
  const { alerts } = await get('/alerts?state=open').catch(() => ({ alerts: null }));
  if (alerts) live.patch({ alerts: new Map(alerts.map((alert) => [alert.id, alert])) });
}

/** An alert that the node has just told of in an answer. */
export function noteAlert(alert) {
  live.patch({ alerts: new Map(live.get().alerts).set(alert.id, alert) });
}

/** The alerts that have not ended, the gravest first; null while they are not known. */
export function openAlerts({ alerts }) {
  const rank = { critical: 0, warning: 1, info: 2 };
  const open = alerts && [...alerts.values()].filter(({ ended_ms: ended }) => ended === null);
  return open && open.sort((a, b) => rank[a.severity] - rank[b.severity] || b.began_ms - a.began_ms);
}

function start() {
  live.set(NOTHING);
  // Alerts are for those who may read metrics.
  const alerts = can('metrics');
  stop = follow(`/events?topics=blocks,transactions${alerts ? ',alerts' : ''}`, { tell, state: tellState });
  fill();
  if (alerts) fillAlerts();
}

function end() {
  stop?.();
  stop = null;
  waiting = [];
  clearInterval(fallback);
  live.set(NOTHING);
}

// The stream belongs to whoever asks: it begins anew when that is somebody else.
let asker = null;
session.watch(({ me }) => {
  const next = me && can('read') ? me.principal : null;
  if (next === asker) return;
  asker = next;
  end();
  if (next) start();
});
