// What pages read from the node, as hooks. It promises thrift: what does not change is asked once, the same question is not asked twice at
// a time, nothing is polled while nobody looks, and after 429 or 503 the node is asked again when it said so.

import { useCallback, useEffect, useRef, useState } from '../vendor/htm-preact.js';
import { get } from './api.js';

const MOST_KEPT = 300;
const kept = new Map();

/** Forgets everything, because somebody else asks now. */
export function forget() {
  kept.clear();
}

/** Reads once for several askers. `keepMs`: how long the answer counts; without it only while the request is under way. */
export function read(where, keepMs = 0) {
  const known = kept.get(where);
  if (known && known.until > Date.now()) return known.answer;
  const entry = { until: Infinity, answer: get(where) };
  kept.set(where, entry);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  entry.answer.then(
    () => { entry.until = Date.now() + keepMs; },
    () => { if (kept.get(where) === entry) kept.delete(where); },
  );
  return entry.answer;
}

/**
 * The answer to a question: {data, problem, loading, reload}. `keepMs` as for `read`; `everyMs` asks again as long as the page is seen.
 * No question (null): nothing happens. Old data stays while new data is on its way.
 */
export function useResource(where, { keepMs = 0, everyMs = 0 } = {}) {
  const [state, setState] = useState({ where: null, data: null, problem: null, loading: true });
  const [turn, setTurn] = useState(0);
  const reload = useCallback(() => setTurn((count) => count + 1), []);

  useEffect(() => {
    if (!where) return undefined;
    let wanted = true;
    let timer = null;
    const again = (ms) => {
      timer = setTimeout(() => (document.hidden ? again(ms) : reload()), ms);
    };
    const known = (before) => (before.where === where ? before.data : null);
    setState((before) => ({ where, data: known(before), problem: before.where === where ? before.problem : null, loading: true }));
    read(where, keepMs).then(
      (data) => {
        if (!wanted) return;
        setState({ where, data, problem: null, loading: false });
        if (everyMs) again(everyMs);
      },
      (problem) => {
        if (!wanted) return;
        setState((before) => ({ where, data: known(before), problem, loading: false }));
        if (problem.retryAfter !== null && problem.passes) again(problem.retryAfter * 1_000);
        else if (everyMs && problem.passes) again(everyMs);
      },
    );
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [where, turn]);

  // In the drawing that follows a new question the state is still that of the old one.
  const current = state.where === where ? state : { data: null, problem: null, loading: Boolean(where) };
  return { data: current.data, problem: current.problem, loading: current.loading, reload };
}

/**
 * A list that is read in parts: {items, problem, loading, more, loadMore}. `first`: the question; `next(answer)`: the question for the part
 * after this answer, or null; `pick(answer)`: its items.
 */
export function usePages(first, { next, pick, keepMs = 0 }) {
  const [state, setState] = useState({ first: null, items: [], next: null, problem: null, loading: true });
  const asked = useRef(null);

  const load = (where, before) => {
    asked.current = where;
    setState({ first, items: before, next: where, problem: null, loading: true });
    read(where, keepMs).then(
      (answer) => {
        if (asked.current !== where) return;
        setState({ first, items: [...before, ...pick(answer)], next: next(answer), problem: null, loading: false });
      },
      (problem) => {
        if (asked.current === where) setState({ first, items: before, next: where, problem, loading: false });
      },
    );
  };

  useEffect(() => {
    if (first) load(first, []);
    return () => { asked.current = null; };
  }, [first]);

  const current = state.first === first ? state : { items: [], next: null, problem: null, loading: Boolean(first) };
  return {
    items: current.items,
    problem: current.problem,
    loading: current.loading,
    more: Boolean(current.next) && !current.loading,
    loadMore: () => load(current.next, current.items),
    reload: () => load(first, []),
  };
}
