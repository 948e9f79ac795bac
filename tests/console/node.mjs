// The node that is tested: the one that the environment names, else the mock; and questions to it, by which tests learn what its pages must
// show. QENEX_CONSOLE_URL: http://HOST:PORT. QENEX_CONSOLE_KEY: the key of an administrator for all accounts, with as many requests a minute
// as all tests need (2000): the console itself gets along with the default, but not all its pages in one minute.

import assert from 'node:assert/strict';

import { startMock } from './mock.mjs';

export const isMock = !process.env.QENEX_CONSOLE_URL;

export async function startNode() {
  if (isMock) return startMock();
  return { url: process.env.QENEX_CONSOLE_URL.replace(/\/$/, ''), key: process.env.QENEX_CONSOLE_KEY, close() {} };
}

/** ask('GET', '/status') of this node with this key. */
export function asker({ url, key }) {
  return async (method, path, body) => {
    const headers = { Authorization: `Bearer ${key}`, ...(body && { 'Content-Type': 'application/json' }) };
    const response = await fetch(`${url}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    const answer = await response.json();
    assert.ok(response.ok, `${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
}

/** 1234567.8 as the console shows it. */
export function shown(amount) {
  const [whole, fraction] = String(amount).split('.');
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, '\u202f');
  return fraction === undefined ? groups : `${groups}.${fraction}`;
}

/** The shortened form of a hash. */
export const short = (hash) => `${hash.slice(0, 8)}…${hash.slice(-8)}`;
