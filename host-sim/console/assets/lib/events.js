// The node's stream of events (server-sent events). It is read with fetch, because EventSource cannot send the header with the token.
// It promises to come back after every break, later each time it fails, and to say so; and to go on after the last event it has seen.

import { send } from './api.js';

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
// The node says something every fifteen seconds at least. A line that is silent for longer is dead, though nobody says so.
const SILENCE_MS = 60_000;

/** Cuts a stream of text into events: {event, data, id}. Comments and fields that nobody knows are left out, as the standard says. */
export function parser(tell) {
  let rest = '';
  let event = { event: 'message', data: [], id: null };
  const line = (text) => {
    if (text === '') {
      if (event.data.length) tell({ ...event, data: event.data.join('\n') });
      event = { event: 'message', data: [], id: null };
      return;
    }
    const colon = text.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event.event = value;
    if (field === 'data') event.data.push(value);
    if (field === 'id') event.id = value;
  };
  return (text) => {
    const lines = (rest + text).split(/\r\n|\n/);
    rest = lines.pop();
    lines.forEach(line);
  };
}

/**
 * Follows the stream. `tell(name, data)` is called for each event, `state(name)` with 'connecting', 'live' or 'broken'.
 * Returns what ends it.
 */
export function follow(where, { tell, state }) {
  const end = new AbortController();
  let lastId = null;
  let wait = FIRST_WAIT_MS;
  let timer = null;

  const take = ({ event, data, id }) => {
    if (id !== null) lastId = id;
    tell(event, JSON.parse(data));
  };

  const once = async () => {
    state('connecting');
    const silent = new AbortController();
    let watch = null;
    const heard = () => {
      clearTimeout(watch);
      watch = setTimeout(() => silent.abort(), SILENCE_MS);
    };
    const headers = { Accept: 'text/event-stream', ...(lastId !== null && { 'Last-Event-ID': lastId }) };
    try {
      const response = await send('GET', where, { headers, signal: AbortSignal.any([end.signal, silent.signal]) });
      state('live');
      wait = FIRST_WAIT_MS;
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parse = parser(take);
      for (;;) {
        heard();
        const { done, value } = await reader.read();
        if (done) return;
        parse(value);
      }
    } finally {
      clearTimeout(watch);
    }
  };

  const again = async () => {
    let asked = 0;
    try {
      await once();
    } catch (problem) {
      if (end.signal.aborted) return;
      asked = (problem.retryAfter ?? 0) * 1_000;
    }
    if (end.signal.aborted) return;
    state('broken');
    timer = setTimeout(again, Math.max(wait, asked));
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  };

  again();
  return () => {
    clearTimeout(timer);
    end.abort();
  };
}
