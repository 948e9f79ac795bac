// Requests to the node. It promises that whatever goes wrong arrives as an `ApiError` with a sentence that can be shown, and with the
// time after which the node wants to be asked again. It knows nothing of keys: session.js hands it the token.

const BASE = '/api/v1';

let token = null;
let renewToken = async () => false;
let clockOffset = 0;

/** The token that requests carry from now on; null for none. */
export function useToken(next) {
  token = next;
}

/** What is tried when the node no longer takes the token: it says whether there is a new one now. */
export function onTokenRefused(action) {
  renewToken = action;
}

/** The node's time as far as its answers tell. A clock here that is wrong would make blocks look old. */
export function now() {
  return Date.now() + clockOffset;
}

/** Builds a path; what is inserted is encoded: path`/account/${id}`. */
export function path(strings, ...values) {
  return strings.reduce((done, text, index) => done + encodeURIComponent(values[index - 1]) + text);
}

/** Builds a query of what is set: `?limit=50&kind=transfer`, or nothing. */
export function query(parameters) {
  const set = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return set.length ? `?${new URLSearchParams(set)}` : '';
}

/** A request that was not done. */
export class ApiError extends Error {
  constructor({ status, name, sentence, detail, retryAfter }) {
    super(detail ? `${sentence} (${detail})` : sentence);
    this.status = status;
    this.name = name;
    this.sentence = sentence;
    this.detail = detail;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed later without being changed. */
  get passes() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

const WITHOUT_BODY = {
  0: 'The node did not answer. Check that it runs and that this machine reaches it.',
  401: 'Sign in: the node expected a key or a token.',
  403: 'Your key does not allow this.',
  404: 'The node does not know this.',
  429: 'The node takes only so many requests a minute from one caller.',
  503: 'The node cannot answer now.',
};

async function failure(response) {
  const { status } = response;
  const body = await response.json().catch(() => ({}));
  // Two forms: the interface's own, and that of OAuth 2 for tokens.
  const { name, sentence, message, detail } = typeof body.error === 'object' ? body.error : body;
  const said = sentence ?? message ?? body.error_description;
  const seconds = Number.parseInt(response.headers.get('Retry-After') ?? '', 10);
  return new ApiError({
    status,
    name: name ?? body.error ?? `HTTP_${status}`,
    sentence: said ?? WITHOUT_BODY[status] ?? `The node answered with status ${status}.`,
    detail: detail ?? '',
    retryAfter: Number.isFinite(seconds) ? seconds : null,
  });
}

function readClock(response) {
  const said = Date.parse(response.headers.get('Date') ?? '');
  const offset = said - Date.now();
  // The header knows whole seconds only: smaller differences say nothing.
  clockOffset = Math.abs(offset) > 2_000 ? offset : 0;
}

/**
 * Sends a request and returns the response, whose status is below 400. `anonymous`: without the token. If the node refuses the token, the
 * request, which was not carried out, is sent once more with a new one.
 */
export async function send(method, where, options = {}, again = true) {
  const { json, form, headers, signal, anonymous } = options;
  const sentToken = anonymous ? null : token;
  const all = { ...headers, ...(sentToken && { Authorization: `Bearer ${sentToken}` }) };
  if (json) all['Content-Type'] = 'application/json';
  const body = json ? JSON.stringify(json) : form && new URLSearchParams(form);
  let response;
  try {
    response = await fetch(BASE + where, { method, headers: all, body, signal, cache: 'no-store' });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError({ status: 0, name: 'UNREACHABLE', sentence: WITHOUT_BODY[0], detail: '', retryAfter: null });
  }
  readClock(response);
  if (response.ok) return response;
  // An answer to an older token says nothing of the newer.
  if (response.status === 401 && sentToken && again && (sentToken !== token || await renewToken())) return send(method, where, options, false);
  throw await failure(response);
}

async function exchange(method, where, options) {
  const response = await send(method, where, options);
  return response.json();
}

export const get = (where, options) => exchange('GET', where, options);
export const post = (where, options) => exchange('POST', where, options);
export const remove = (where, options) => exchange('DELETE', where, options);
