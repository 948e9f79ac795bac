// Who uses the console, and what he may do. It promises that the API key stays in this page's memory and is never stored; what is kept
// across reloads is the token, which lasts a quarter of an hour, for this tab only (sessionStorage).

import { ApiError, get, onTokenRefused, post, remove, useToken } from './api.js';
import { forget } from './resource.js';
import { store } from './store.js';

const KEPT = 'qenex-token';
const KEY_FORM = /^qnx_([A-Za-z0-9]+)_([A-Za-z0-9_-]+)$/;

/** ready: whether /me has answered. me: its answer. ends: when the token does. notice: why somebody is signed out. problem: why /me failed. */
export const session = store({ ready: false, me: null, signedIn: false, ends: null, notice: '', problem: null });

let credentials = null;
let renewal = null;
let renewing = null;

export function can(scope) {
  return session.get().me?.scopes.includes(scope) ?? false;
}

function keep(token, ends) {
  try {
    if (token) sessionStorage.setItem(KEPT, JSON.stringify({ token, ends }));
    else sessionStorage.removeItem(KEPT);
  } catch {
    // Storage may be forbidden; then the session ends with the page.
  }
}

function kept() {
  try {
    const { token, ends } = JSON.parse(sessionStorage.getItem(KEPT)) ?? {};
    return token && ends > Date.now() ? { token, ends } : null;
  } catch {
    return null;
  }
}

async function learnWhoAsks(extra) {
  const me = await get('/me');
  forget();
  session.patch({ ready: true, me, problem: null, ...extra });
}

/** What a provider sent this page back with, once: it is gone from the address then. */
function takeLoginCode() {
  const code = /^#login=([A-Za-z0-9_-]+)$/.exec(location.hash)?.[1] ?? null;
  // In place of the address that has it, which the history forgets.
  if (code) location.replace('#/');
  return code;
}

/** Where somebody can sign in other than with a key: names of OpenID providers. */
export async function loginProviders() {
  return (await get('/login')).providers;
}

/** A token for the code of a login; nothing if the code does not count any more. */
async function exchangeCode(code) {
  const asked = Date.now();
  try {
    const answer = await post('/token', { anonymous: true, form: { grant_type: 'authorization_code', code } });
    const ends = asked + answer.expires_in * 1_000;
    keep(answer.access_token, ends);
    return { token: answer.access_token, ends };
  } catch (problem) {
    session.patch({ notice: `You are not signed in: ${problem.sentence}` });
    return null;
  }
}

/** Goes on with the code of a login or the kept token, else as the public. */
export async function begin() {
  const code = takeLoginCode();
  const found = code ? await exchangeCode(code) : kept();
  useToken(found?.token ?? null);
  session.patch({ signedIn: Boolean(found), ends: found?.ends ?? null });
  if (found) renewBefore(found.ends);
  try {
    await learnWhoAsks({});
  } catch (problem) {
    // A token that does not count any more was dropped by `signedOut`, which asks again.
    if (problem.status !== 401) session.patch({ problem });
  }
}

/** Gets a token for the key and returns when it ends; nothing if the key is not that of the user any more when the token arrives. */
async function exchangeKey() {
  const shown = credentials;
  const asked = Date.now();
  const { access_token: token, expires_in: seconds } = await post('/token', {
    anonymous: true,
    form: { grant_type: 'client_credentials', client_id: shown.id, client_secret: shown.secret },
  });
  if (credentials !== shown) return null;
  const ends = asked + seconds * 1_000;
  useToken(token);
  keep(token, ends);
  renewBefore(ends);
  return ends;
}

function renewBefore(ends) {
  clearTimeout(renewal);
  const left = ends - Date.now();
  // Without the key, after a reload, nothing can be renewed: the session ends with its token.
  renewal = setTimeout(credentials ? renew : expired, credentials ? left * 0.8 : left);
}

const expired = () => signedOut('Your session has ended. Sign in again to go on.');

/** Exchanges the key anew, once for all who ask at a time. Says whether there is a new token. */
function renew() {
  renewing ??= attemptRenewal().finally(() => { renewing = null; });
  return renewing;
}

async function attemptRenewal() {
  try {
    const ends = await exchangeKey();
    if (ends) session.patch({ ends });
    return Boolean(ends);
  } catch (problem) {
    if (!credentials) return false;
    if (problem.passes) renewal = setTimeout(renew, (problem.retryAfter ?? 10) * 1_000);
    else await expired();
    return false;
  }
}

/** The node refused the token: it ended while this machine slept, or was revoked. With the key there is another one. */
async function tokenRefused() {
  if (credentials) return renew();
  await expired();
  return false;
}

/** Exchanges an API key for a token. Throws an `ApiError` with a sentence when the node does not take it. */
export async function signIn(key) {
  const parts = KEY_FORM.exec(key.trim());
  if (!parts) {
    const sentence = 'An API key was expected: it begins with qnx_ and has two parts with an underscore between them.';
    throw new ApiError({ status: 400, name: 'KEY_FORM', sentence, detail: '', retryAfter: null });
  }
  credentials = { id: parts[1], secret: parts[2] };
  try {
    const ends = await exchangeKey();
    await learnWhoAsks({ signedIn: true, ends, notice: '' });
  } catch (problem) {
    credentials = null;
    if (problem.status !== 401) throw problem;
    const sentence = 'The node does not know this key, or the key was revoked or has ended. Check that you copied all of it. The key that a new node prints does not sign in: it makes one other key.';
    throw new ApiError({ ...problem, sentence, detail: '' });
  }
}

function dropKeyAndToken() {
  clearTimeout(renewal);
  credentials = null;
  useToken(null);
  keep(null);
}

async function signedOut(notice) {
  dropKeyAndToken();
  session.patch({ signedIn: false, ends: null, notice });
  try {
    await learnWhoAsks({});
  } catch (problem) {
    session.patch({ me: null, ready: true, problem });
  }
}

/** Ends the session at the node, too. */
export async function signOut() {
  // It ends here in any case; at the node it ends with its token at the latest. Key and token go as soon as the request is on its way:
  // whatever the node refuses from now on must not renew the session.
  const ended = remove('/me/session').catch(() => {});
  dropKeyAndToken();
  await ended;
  await signedOut('You have signed out.');
}

onTokenRefused(tokenRefused);
