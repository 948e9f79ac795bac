// Times as text. Moments are shown in UTC, as the device shows them, so that two people who compare what they see read the same.

import { useEffect, useState } from '../vendor/htm-preact.js';
import { now } from './api.js';

const SECOND_MS = 1_000;

/** 2026-11-22 15:04:05 UTC */
export function moment(ms) {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** 15:04:05 */
export function clock(ms) {
  return new Date(ms).toISOString().slice(11, 19);
}

/** How long: `12 s`, `3 min`, `5 h`, `2 days`. */
export function span(ms) {
  const seconds = Math.max(Math.floor(ms / 1_000), 0);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}

/** The node's time, each second again while somebody looks. */
export function useNow() {
  const [time, setTime] = useState(now());
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden) setTime(now()); }, SECOND_MS);
    return () => clearInterval(timer);
  }, []);
  return time;
}

/** What a field of type datetime-local holds, read as UTC, in milliseconds; null if it holds nothing. */
export function fromField(text) {
  const ms = text ? Date.parse(`${text}Z`) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}
