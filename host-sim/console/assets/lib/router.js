// Where the console is: the fragment of the address (#/pools/QNX-USDC?step=hour), so that every page can be linked and the node serves one
// document only.

import { store } from './store.js';

function read() {
  const [where, search = ''] = location.hash.replace(/^#/, '').split('?');
  const parts = where.split('/').filter(Boolean).map(decoded);
  return { parts, path: `/${parts.join('/')}`, search: new URLSearchParams(search) };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const route = store(read());

addEventListener('hashchange', () => route.set(read()));

/** The address of a page: link('pools', id), link('send', 'swap', {pool: id}). */
export function link(...parts) {
  const search = typeof parts.at(-1) === 'object' ? parts.pop() : {};
  const set = Object.entries(search).filter(([, value]) => value);
  return `#/${parts.map(encodeURIComponent).join('/')}${set.length ? `?${new URLSearchParams(set)}` : ''}`;
}

export function go(address) {
  location.hash = address;
}
