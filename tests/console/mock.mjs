// Serves the console under its real paths and content security policy, and answers what it asks of a node with made-up data and a live
// stream of events: the pages can be worked on, and tested, without a node.
//
//     node mock.mjs [PORT]       prints the address, and keys to sign in with

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Ledger, STEPS, text, units } from './mock-ledger.mjs';
import { ADMIN, DEVICE, FACTORS, People, READER, VALIDATORS } from './mock-people.mjs';

const ASSETS = fileURLToPath(new URL('../../host-sim/console/assets/', import.meta.url));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' };
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const CUSTODY = ['BANK_001', 'BANK_002', 'BANK_003'];
// Opens accounts; and one that is configured and not open yet.
const REGISTRAR = 'TREASURY';
const UNOPENED = 'BANK_004';

class Refused extends Error {
  constructor(status, code, name, sentence, detail = '') {
    super(sentence);
    Object.assign(this, { status, body: { error: { code, name, sentence, detail } } });
  }
}

const form = (detail) => new Refused(400, 1127, 'BODY_FORM', "Body, path and query must be of the form that the interface's document describes.", detail);
const notInCustody = (account) => new Refused(404, 1134, 'NOT_IN_CUSTODY', "The account must be one of those that the node's configuration puts into the custody of its device.", account);
const unknown = (code, name, what, detail) => new Refused(404, code, name, `The ${what} must exist.`, detail);

/** Part of a list that is ordered by id. */
function part(items, query, id) {
  const limit = Number(query.get('limit') ?? 50);
  const rest = items.filter((item) => !query.get('after') || id(item) > query.get('after'));
  const found = rest.slice(0, limit);
  return [found, rest.length > limit ? id(found.at(-1)) : null];
}

function accountView({ balances, ...account }) {
  return account;
}

function poolView({ id, a, b, reserveA, reserveB, shares, feeBps }) {
  const price = (of, by) => text((of * 10n ** 18n) / by);
  return { pool: id, asset_a: a, asset_b: b, reserve_a: text(reserveA), reserve_b: text(reserveB), shares: text(shares), fee_bps: feeBps, price_a_in_b: price(reserveB, reserveA), price_b_in_a: price(reserveA, reserveB) };
}

class Node {
  constructor({ blockMs, publicScopes, providers }) {
    this.ledger = new Ledger({ blockMs });
    this.people = new People();
    this.publicScopes = publicScopes;
    this.providers = providers;
    // A provider would have sent a page back with it.
    this.loginCode = 'of-a-login_1';
    this.orders = new Map();
    this.routes = this.makeRoutes();
    this.ledger.start();
  }

  find(map, id, code, name, what) {
    const found = map.get(id);
    if (!found) throw unknown(code, name, what, id);
    return found;
  }

  account = (id) => this.find(this.ledger.accounts, id, 705, 'ACCOUNT_UNKNOWN', 'account');
  pool = (id) => this.find(this.ledger.pools, id, 720, 'POOL_UNKNOWN', 'pool');

  block(height) {
    const found = this.ledger.blocks[Number(height)];
    if (!found) throw unknown(1012, 'BLOCK_UNKNOWN', 'block', height);
    return found;
  }

  status() {
    const { tip, waiting } = this.ledger;
    return { chain_id: 'MOCK', height: tip.height, epoch: tip.epoch, view: tip.view, time_ms: tip.time_ms, id: tip.id, state_root: tip.state_root, proposer: tip.proposer, waiting: waiting.length, first_height: 0 };
  }

  blocksBefore(query) {
    const before = Math.min(Number(query.get('before') ?? Infinity), this.ledger.tip.height + 1);
    const limit = Number(query.get('limit') ?? 20);
    const blocks = this.ledger.blocks.slice(Math.max(before - limit, 0), before).reverse();
    return { blocks, next: blocks.at(-1)?.height || null };
  }

  history(id, query) {
    this.account(id);
    const [limit, skip] = [Number(query.get('limit') ?? 50), Number(query.get('cursor') ?? 0)];
    const [kind, from, until] = [query.get('kind'), Number(query.get('from_ms') ?? 0), Number(query.get('until_ms') ?? Infinity)];
    const touches = ({ sender, summary }) => sender === id || summary.some(({ value }) => value === id);
    const wanted = (entry) => touches(entry) && (!kind || entry.kind === kind) && entry.time_ms >= from && entry.time_ms < until;
    const all = this.ledger.transactions.filter(wanted).reverse();
    return { account: id, entries: all.slice(skip, skip + limit), next: all.length > skip + limit ? String(skip + limit) : null };
  }

  quote(id, query) {
    const pool = this.pool(id);
    const amount = query.get('amount_in');
    const { out, fee, impact } = this.ledger.quote(pool, query.get('asset_in'), units(amount));
    return { amount_in: amount, amount_out: text(out), fee: text(fee), price_impact: text(impact) };
  }

  /** A transfer or a swap: previewed, or signed once for each key of idempotency. */
  order({ query, body, headers }, account, make) {
    if (!CUSTODY.includes(account) && account !== REGISTRAR) throw notInCustody(account);
    const key = headers['idempotency-key'];
    const before = key && this.orders.get(key);
    if (before) return before;
    const transaction = make(body);
    if (query.get('preview') === 'true') return { summary: transaction.summary };
    if (!key) throw form('Idempotency-Key was expected');
    this.ledger.waiting.push(transaction);
    const value = (label) => Number(transaction.summary.find((line) => line.label === label).value);
    const sent = { id: transaction.id, sender: account, nonce: value('Nonce'), last_valid_height: value('Valid to block'), summary: transaction.summary };
    this.orders.set(key, sent);
    return sent;
  }

  transfer(request) {
    const { sender, receiver, amount, currency } = request.body;
    this.account(receiver);
    if (!this.ledger.assets.has(currency)) throw unknown(713, 'ASSET_UNKNOWN', 'asset', currency);
    if (units(amount) > (this.account(sender).balances.get(currency) ?? 0n)) {
      throw new Refused(422, 715, 'BALANCE_TOO_LOW', 'The balance must cover what is taken from it.', 'the device refuses');
    }
    return this.order(request, sender, (body) => this.ledger.transferOf(body));
  }

  swap(request) {
    this.pool(request.body.pool);
    return this.order(request, request.body.account, (body) => this.ledger.swapOf(body));
  }

  /** Liquidity, issue or burn, which `make` turns into a transaction. */
  custody(request, make) {
    if (request.body.pool) this.pool(request.body.pool);
    return this.order(request, request.body.account, make);
  }

  openAccount(request) {
    const id = request.body.account_id;
    if (!CUSTODY.includes(id) && id !== UNOPENED) throw notInCustody(id);
    if (this.ledger.accounts.has(id)) throw new Refused(422, 708, 'ID_IN_USE', 'The identifier must not be in use yet.', id);
    return this.order(request, REGISTRAR, (body) => this.ledger.openOf(REGISTRAR, body));
  }

  token(body) {
    const asked = new URLSearchParams(body);
    if (asked.get('grant_type') === 'authorization_code') {
      // What the provider sent the page back with counts once.
      if (asked.get('code') === this.loginCode) {
        this.loginCode = null;
        return this.people.token(...ADMIN.split('_').slice(1));
      }
      throw Object.assign(new Error('refused'), { status: 400, body: { error: 'invalid_grant', error_description: 'no such code, or it has ended' } });
    }
    const token = this.people.token(asked.get('client_id'), asked.get('client_secret'));
    if (token) return token;
    throw Object.assign(new Error('refused'), { status: 401, body: { error: 'invalid_client', error_description: 'no such key, or it has ended' } });
  }

  actOnAlert(id, change) {
    const alert = this.people.alerts.find((one) => one.id === id);
    if (!alert) throw unknown(1140, 'ALERT_UNKNOWN', 'alert', id);
    Object.assign(alert, change);
    this.ledger.emit('event', 'alert', alert);
    return alert;
  }

  /** [method, path with :names, scope or null, (request with what stood for the names) => answer]. */
  makeRoutes() {
    const { ledger, people } = this;
    const byId = (item) => item.id;
    return [
      ['POST', '/token', null, ({ raw }) => this.token(raw)],
      ['GET', '/me', null, ({ caller }) => caller],
      ['GET', '/login', null, () => ({ providers: this.providers })],
      ['DELETE', '/me/session', null, ({ caller, headers }) => {
        people.sessions.delete(headers.authorization.replace('Bearer ', ''));
        people.note('session_revoked', caller.principal, 'DELETE /api/v1/me/session', 200);
        return {};
      }],
      ['GET', '/status', 'read', () => this.status()],
      ['GET', '/blocks', 'read', ({ query }) => this.blocksBefore(query)],
      ['GET', '/block/:height', 'read', ({ height }) => this.block(height)],
      ['GET', '/block/:height/transactions', 'read', ({ height }) => ({ entries: ledger.transactions.filter((one) => one.height === this.block(height).height), next: null })],
      ['GET', '/transactions', 'read', ({ query }) => {
        const newest = [...ledger.transactions].sort((one, other) => other.height - one.height || other.place - one.place);
        return { entries: newest.slice(0, Number(query.get('limit') ?? 50)), next: null };
      }],
      ['GET', '/transaction/:id', 'read', ({ id }) => {
        const found = ledger.transactions.find((one) => one.id === id);
        if (!found) throw unknown(1141, 'TRANSACTION_UNKNOWN', 'transaction', id);
        return found;
      }],
      ['GET', '/account/:id', 'read', ({ id }) => accountView(this.account(id))],
      ['GET', '/accounts', 'read', ({ query }) => {
        const [accounts, next] = part([...ledger.accounts.values()], query, byId);
        return { accounts: accounts.map(accountView), next };
      }],
      ['GET', '/holdings/:id', 'read', ({ id }) => ({
        account: id,
        balances: [...this.account(id).balances].map(([asset, amount]) => ({ asset, amount: text(amount) })),
        shares: id.startsWith('BANK_') ? [{ pool: 'QNX-USDC', shares: '1250.5' }] : [],
      })],
      ['GET', '/history/:id', 'read', ({ id, query }) => this.history(id, query)],
      ['GET', '/assets', 'read', ({ query }) => {
        const [assets, next] = part([...ledger.assets.values()], query, byId);
        return { assets, next };
      }],
      ['GET', '/asset/:id', 'read', ({ id }) => this.find(ledger.assets, id, 713, 'ASSET_UNKNOWN', 'asset')],
      ['GET', '/pools', 'read', ({ query }) => {
        const [pools, next] = part([...ledger.pools.values()], query, byId);
        return { pools: pools.map(poolView), next };
      }],
      ['GET', '/pool/:id', 'read', ({ id }) => poolView(this.pool(id))],
      ['GET', '/pool/:id/quote', 'read', ({ id, query }) => this.quote(id, query)],
      ['GET', '/pool/:id/candles', 'read', ({ id, query }) => ledger.candles(this.pool(id), STEPS[query.get('step')], Number(query.get('from_ms') ?? 0))],
      ['GET', '/custody', 'read', ({ caller }) => ({ accounts: CUSTODY.filter((id) => caller.accounts === '*' || caller.accounts.includes(id)), registrar: REGISTRAR })],
      ['POST', '/transaction', 'transfer', (request) => this.transfer(request)],
      ['POST', '/swap', 'swap', (request) => this.swap(request)],
      ['POST', '/liquidity', 'liquidity', (request) => this.custody(request, (body) => ledger.addLiquidityOf(body))],
      ['POST', '/liquidity/remove', 'liquidity', (request) => this.custody(request, (body) => ledger.removeLiquidityOf(body))],
      ['POST', '/issue', 'issue', (request) => this.custody(request, (body) => ledger.issueOf(body))],
      ['POST', '/burn', 'issue', (request) => this.custody(request, (body) => ledger.burnOf(body))],
      ['POST', '/account', 'account', (request) => this.openAccount(request)],
      ['GET', '/validators', 'read', () => ({ epoch: ledger.tip.epoch, validators: VALIDATORS })],
      ['GET', '/device', 'read', () => ({ ...DEVICE, trusted_height: ledger.tip.height })],
      ['GET', '/health/factors', 'read', () => FACTORS],
      ['GET', '/alerts', 'metrics', ({ query }) => ({ alerts: people.alerts.filter(({ ended_ms: ended }) => query.get('state') === 'all' || ended === null) })],
      ['POST', '/alerts/:id/acknowledge', 'operate', ({ id, caller }) => this.actOnAlert(id, { acknowledged_by: caller.principal })],
      ['POST', '/alerts/:id/silence', 'operate', ({ id, body }) => this.actOnAlert(id, { silenced_until_ms: Date.now() + body.minutes * 60_000 })],
      ['GET', '/keys', 'admin', () => people.keys.map(({ record }) => record)],
      ['POST', '/keys', 'admin', ({ body, caller }) => {
        const made = people.add(body);
        people.note('key_created', caller.principal, 'POST /api/v1/keys', 201, `key ${made.id}`);
        return made;
      }],
      ['DELETE', '/keys/:id', 'admin', ({ id }) => Object.assign(people.keys.find(({ record }) => record.id === id).record, { revoked_ms: Date.now() })],
      ['GET', '/sessions', 'admin', () => people.sessionViews()],
      ['DELETE', '/sessions/:id', 'admin', ({ id }) => Object.assign([...people.sessions.values()].find(({ session }) => session === id), { revoked: Date.now() })],
      ['GET', '/audit', 'audit', ({ query }) => {
        const limit = Number(query.get('limit') ?? 50);
        const below = Number(query.get('cursor') ?? Infinity);
        const found = people.log.filter(({ kind, number }) => number < below && (!query.get('kind') || kind === query.get('kind'))).reverse();
        return { entries: found.slice(0, limit), next: found.length > limit ? found[limit - 1].number : null };
      }],
    ].map(([method, path, scope, answer]) => ({ method, pattern: new RegExp(`^${path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`), scope, answer }));
  }

  answer(request) {
    const caller = this.people.caller(request.headers.authorization, this.publicScopes);
    if (!caller) throw new Refused(401, 1121, 'UNAUTHENTICATED', 'A request must carry an API key or a token that counts, or ask for what is public.', 'it has ended');
    const found = this.routes.find(({ method, pattern }) => method === request.method && pattern.test(request.path));
    if (!found) throw new Refused(404, 1125, 'ROUTE_UNKNOWN', "The path must be one of those of the interface's document.", request.path);
    this.demand(caller, found.scope, request);
    return found.answer({ ...request, ...found.pattern.exec(request.path).groups, caller });
  }

  demand(caller, scope, { method, path, headers }) {
    if (!scope || caller.scopes.includes(scope)) return;
    this.people.note('refused', caller.principal, `${method} /api/v1${path}`, headers.authorization ? 403 : 401, scope);
    if (!headers.authorization) throw new Refused(401, 1121, 'UNAUTHENTICATED', 'A request must carry an API key or a token that counts, or ask for what is public.', `${scope}: a key or a token was expected`);
    throw new Refused(403, 1122, 'SCOPE_MISSING', "A key or token must have the scope that the interface's document names for the route.", scope);
  }

  events(request, response) {
    const caller = this.people.caller(request.headers.authorization, this.publicScopes);
    this.demand(caller ?? { scopes: [] }, 'read', request);
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write(': here\n\n');
    let id = 0;
    const tell = (name, data) => response.write(`id: ${id += 1}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    this.ledger.on('event', tell);
    response.on('close', () => this.ledger.off('event', tell));
  }
}

async function readBody(request) {
  let raw = '';
  for await (const chunk of request) raw += chunk;
  return raw;
}

async function serveApi(node, request, response, url) {
  const { method, headers } = request;
  const path = decodeURIComponent(url.pathname.replace('/api/v1', ''));
  const raw = await readBody(request);
  const reply = (status, body) => response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  try {
    if (path === '/events') return node.events({ method, path, headers }, response);
    const json = headers['content-type'] === 'application/json';
    const answer = node.answer({ method, path, headers, raw, query: url.searchParams, body: json ? JSON.parse(raw) : null });
    return reply(method === 'POST' && answer.last_valid_height ? 202 : 200, answer);
  } catch (error) {
    if (!error.body) throw error;
    return reply(error.status, error.body);
  }
}

async function serveFile(response, url) {
  const name = url.pathname === '/' ? 'index.html' : normalize(url.pathname.replace(/^\/console\//, ''));
  const content = name.startsWith('..') ? null : await readFile(join(ASSETS, name)).catch(() => null);
  if (!content) return response.writeHead(404).end();
  const headers = { 'Content-Type': TYPES[extname(name)] ?? 'application/octet-stream', 'Content-Security-Policy': POLICY, 'X-Content-Type-Options': 'nosniff' };
  return response.writeHead(200, headers).end(content);
}

/** Starts a mock: {url, key, reader, drop, close}. publicScopes: what may be done without a key. drop: breaks all connections. */
export async function startMock({ port = 0, blockMs = 1_000, publicScopes = ['read', 'submit'], providers = [] } = {}) {
  const node = new Node({ blockMs, publicScopes, providers });
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://mock');
    return url.pathname.startsWith('/api/') ? serveApi(node, request, response, url) : serveFile(response, url);
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = () => {
    node.ledger.stop();
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, key: ADMIN, reader: READER, drop: () => server.closeAllConnections(), close };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url, key, reader } = await startMock({ port: Number(process.argv[2] ?? 8099) });
  console.log(`${url}\nadministrator's key: ${key}\nreader's key: ${reader}`);
}
