// A value that components can watch. It promises that every watcher is told of each new value once, and that `use` shows the newest.

import { useEffect, useState } from '../vendor/htm-preact.js';

export function store(value) {
  const watchers = new Set();
  const self = {
    get: () => value,
    set(next) {
      value = next;
      for (const watch of [...watchers]) watch(value);
    },
    patch: (part) => self.set({ ...value, ...part }),
    watch(watch) {
      watchers.add(watch);
      return () => watchers.delete(watch);
    },
  };
  return self;
}

/** The value of a store, in a component. */
export function useStore(of) {
  const [, redraw] = useState(0);
  useEffect(() => {
    // The value may have changed between the drawing and this effect.
    redraw((count) => count + 1);
    return of.watch(() => redraw((count) => count + 1));
  }, [of]);
  return of.get();
}
