// Reading again when the stream tells of a transaction that changed what is shown: no polling, and not more often than every ten seconds
// however busy the chain is.

import { useEffect } from '../vendor/htm-preact.js';
import { live } from './live.js';

const PAUSE_MS = 10_000;

/** Whether a transaction's summary names this account, pool or asset, or it sent it. */
const names = (id) => ({ sender, summary }) => sender === id || summary.some(({ value }) => value.split(' ').includes(id));

/** Calls `reload` after a new transaction that names `id`. */
export function useTouched(id, reload) {
  useEffect(() => {
    const touches = names(id);
    const newest = () => live.get().transactions.find(touches)?.id;
    let known = newest();
    let before = 0;
    let timer = null;
    const look = () => {
      const found = newest();
      if (found === known || timer) return;
      timer = setTimeout(() => {
        timer = null;
        known = newest();
        before = Date.now();
        reload();
      }, Math.max(before + PAUSE_MS - Date.now(), 0));
    };
    const unwatch = live.watch(look);
    return () => {
      unwatch();
      clearTimeout(timer);
    };
  }, [id, reload]);
}
