// For which accounts the caller may sign at this node, and what assets there are: what the forms offer.

import { useResource } from './resource.js';

const KEEP_MS = 60_000;

/** The answer of /custody as a resource: {accounts, registrar}. */
export const useCustody = () => useResource('/custody', { keepMs: KEEP_MS });

/** The ids of the first five hundred assets as a resource. A ledger with more is one where people know the id. */
export const useAssets = () => useResource('/assets?limit=500', { keepMs: KEEP_MS });

/** The first five hundred pools as a resource. */
export const usePools = () => useResource('/pools?limit=500', { keepMs: KEEP_MS });
