// A node through the client. QENEX_URL names it, QENEX_KEY is an administrator's key for its accounts in custody, BANK_001 to BANK_003.

import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";

import { type Answer, connect, events, final, type KeyRequest, type NodeEvent, pages, type Preview, Refusal, type Sent, take, tokens } from "../../../clients/typescript/dist/index.js";

const { QENEX_URL: url = "", QENEX_KEY: key = "" } = process.env;
const node = connect(url, key);
const [me, other, pool] = ["BANK_001", "BANK_002", "TS-QNX-USDC"];
const signal = AbortSignal.timeout(120_000);

/** Sends an order and waits until it is final. */
async function order(send: (tries: Node) => Promise<Answer<Preview | Sent>>) {
  const { height } = await take(node.GET("/api/v1/status"));
  const sent = await take(send(node));
  assert.ok("id" in sent);
  return { sent, transaction: await final(node, sent, height, { signal }) };
}

type Node = typeof node;

const balance = async (id: string, asset: string) => (await take(node.GET("/api/v1/account/{id}/{asset}", { params: { path: { id, asset } } }))).amount;

/** The refusal of what is not done. */
async function refused(answer: Promise<Answer<unknown>>): Promise<Refusal> {
  const error: unknown = await take(answer).then(() => assert.fail("it was done"), (error: unknown) => error);
  assert.ok(error instanceof Refusal);
  return error;
}

const newKey = (more: Partial<KeyRequest>) => take(node.POST("/api/v1/keys", { body: { name: "test", role: "participant", accounts: "*", ...more } }));

/** A server that answers what it is told to until the test is over, and what it was asked. */
async function server(context: TestContext, answer: (request: IncomingMessage, count: number) => { type: string; body: string }) {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    const { type, body } = answer(request, asked.length);
    response.writeHead(200, { "Content-Type": type }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

test("a key and a token show who asks", async () => {
  const known = await take(node.GET("/api/v1/me"));
  assert.equal(known.session ?? null, null);
  const session = connect(url, tokens(url, key, "read"));
  const [one, two] = await Promise.all([take(session.GET("/api/v1/me")), take(session.GET("/api/v1/me"))]);
  assert.deepEqual(one.scopes, ["read"]);
  assert.ok(one.session);
  assert.equal(one.session, two.session);
  assert.equal((await refused(session.GET("/api/v1/keys"))).status, 403);
});

test("a token that is about to end is exchanged, one that is not is kept", async (context) => {
  for (const [expires_in, wanted] of [[0, ["Bearer 1", "Bearer 2"]], [900, ["Bearer 1", "Bearer 1"]]] as const) {
    let issued = 0;
    const fake = await server(context, (request) => {
      const token = request.url === "/api/v1/token";
      if (token) issued += 1;
      return { type: "application/json", body: JSON.stringify(token ? { access_token: String(issued), token_type: "Bearer", expires_in, scope: "" } : {}) };
    });
    const session = connect(fake.url, tokens(fake.url, "qnx_id_secret"));
    await session.GET("/api/v1/status");
    await session.GET("/api/v1/status");
    const shown = fake.asked.filter((request) => request.url !== "/api/v1/token").map((request) => request.headers.authorization);
    assert.deepEqual(shown, wanted);
  }
});

test("who shows nothing, or what does not count, is refused", async () => {
  const nobody = await refused(connect(url).GET("/api/v1/status"));
  assert.equal(nobody.status, 401);
  const wrong = await refused(connect(url, `${key}x`).GET("/api/v1/status"));
  assert.equal(wrong.status, 401);
  assert.equal(wrong.reason, "UNAUTHENTICATED");
  assert.equal(typeof wrong.code, "number");
  const token = await refused(connect(url, tokens(url, `${key}x`)).GET("/api/v1/status") as Promise<Answer<unknown>>);
  assert.equal(token.status, 401);
  assert.equal(token.reason, "invalid_client");
});

test("the node says how it is", async () => {
  const status = await take(node.GET("/api/v1/status"));
  assert.ok(status.height > 0);
  assert.match(status.id, /^[0-9a-f]{64}$/);
  assert.equal((await take(node.GET("/health"))).ok, true);
  assert.equal((await take(node.GET("/ready"))).ok, true);
  const health = await take(node.GET("/api/v1/health/factors"));
  assert.ok(health.score >= 0 && health.score <= 100);
  assert.match(await take(node.GET("/metrics", { parseAs: "text" })), /^qenex_/m);
  assert.deepEqual((await take(node.GET("/api/v1/custody"))).accounts, ["BANK_001", "BANK_002", "BANK_003"]);
});

test("a pool, liquidity, a quote", async () => {
  await order(() => node.POST("/api/v1/pool", { body: { account: me, pool, asset_a: "QNX", asset_b: "USDC", fee_bps: 30 } }));
  const { transaction } = await order(() => node.POST("/api/v1/liquidity", { body: { account: me, pool, max_a: "100", max_b: "200", min_shares: "1" } }));
  assert.equal(transaction.outcome.kind, "deposited");
  const { asset_a, asset_b, reserve_a, reserve_b } = await take(node.GET("/api/v1/pool/{id}", { params: { path: { id: pool } } }));
  assert.deepEqual([asset_a, asset_b, reserve_a, reserve_b], ["QNX", "USDC", "100", "200"]);
  const quote = await take(node.GET("/api/v1/pool/{id}/quote", { params: { path: { id: pool }, query: { asset_in: "USDC", amount_in: "2" } } }));
  assert.ok(Number(quote.amount_out) > 0.98 && Number(quote.amount_out) < 1);
  const found = [];
  for await (const page of pages((after?: string) => node.GET("/api/v1/pools", { params: { query: { limit: 1, ...(after !== undefined && { after }) } } }))) {
    found.push(...page.pools.map((found) => found.pool));
  }
  assert.ok(found.includes(pool));
});

test("the same order twice is one transaction", async () => {
  const before = [await balance(me, "USDC"), await balance(other, "USDC")].map(Number);
  const send = () =>
    node.POST("/api/v1/transaction", {
      params: { header: { "Idempotency-Key": "transfer 1 of the test in TypeScript" } },
      body: { sender: me, receiver: other, amount: "12.5", currency: "USDC", reference: "twice" },
    });
  const first = await order(send);
  const again = await take(send());
  assert.ok("id" in again);
  assert.equal(again.id, first.sent.id);
  assert.equal(first.transaction.kind, "transfer");
  const { height } = await take(node.GET("/api/v1/status"));
  for await (const { event, data } of events(node, { topics: "blocks", after: height }, { signal })) {
    if (event === "block" && data.height >= height + 2) break;
  }
  const after = [await balance(me, "USDC"), await balance(other, "USDC")].map(Number);
  assert.deepEqual(after, [before[0]! - 12.5, before[1]! + 12.5]);
  const changed = await refused(
    node.POST("/api/v1/transaction", {
      params: { header: { "Idempotency-Key": "transfer 1 of the test in TypeScript" } },
      body: { sender: me, receiver: other, amount: "13", currency: "USDC" },
    }),
  );
  assert.equal(changed.status, 422);
});

test("a swap is shown before it is made", async () => {
  const swap = (preview: boolean) => () =>
    node.POST("/api/v1/swap", { params: { query: { preview } }, body: { account: me, pool, token_in: "USDC", token_out: "QNX", amount_in: "2" } });
  const shown = await take(swap(true)());
  assert.ok(!("id" in shown));
  assert.ok(shown.summary.some(({ value }) => value.includes("USDC")));
  const { transaction } = await order(swap(false));
  assert.ok(transaction.outcome.kind === "swapped");
  assert.equal(transaction.outcome.amount_in, "2");
  const { candles } = await take(node.GET("/api/v1/pool/{id}/candles", { params: { path: { id: pool }, query: { step: "minute" } } }));
  assert.equal(candles.length, 1);
  assert.equal(candles[0]!.swaps, 1);
  assert.equal(candles[0]!.volume_b, "2");
});

test("all pages of a history are the whole of it", async () => {
  for (const amount of ["1", "2", "3"]) {
    await order(() => node.POST("/api/v1/transaction", { body: { sender: me, receiver: other, amount, currency: "USDC" } }));
  }
  const path = { id: me };
  const whole = await take(node.GET("/api/v1/history/{id}", { params: { path, query: { limit: 500 } } }));
  const ids: string[] = [];
  let count = 0;
  for await (const page of pages((cursor?: string) => node.GET("/api/v1/history/{id}", { params: { path, query: { limit: 2, ...(cursor !== undefined && { cursor }) } } }))) {
    assert.ok(page.entries.length <= 2);
    ids.push(...page.entries.map(({ id }) => id));
    count += 1;
  }
  assert.ok(count >= 3);
  assert.deepEqual(ids, whole.entries.map(({ id }) => id));
});

test("holdings, figures of an economy", async () => {
  const holdings = await take(node.GET("/api/v1/holdings/{id}", { params: { path: { id: me } } }));
  assert.equal(holdings.balances.find(({ asset }) => asset === "USDC")?.amount, await balance(me, "USDC"));
  assert.ok(Number(holdings.shares.find((shares) => shares.pool === pool)?.shares) > 0);
  const economy = await take(node.GET("/api/v1/economy/{asset}", { params: { path: { asset: "USDC" }, query: { days: 7 } } }));
  assert.equal(economy.asset, "USDC");
  assert.ok(economy.concentration.holders >= 2);
  assert.ok(economy.stability.some((row) => row.pool === pool));
});

test("bytes of a proof and of a block", async () => {
  const proof = await take(node.GET("/api/v1/proof/{id}", { params: { path: { id: me }, query: { asset: "USDC" } } }));
  assert.equal(proof.statements.length, 2);
  const bytes = Buffer.from(proof.proof, "hex");
  assert.ok(bytes.length > 32);
  assert.equal(bytes.toString("hex"), proof.proof);
  const block = await take(node.GET("/api/v1/block/{height}/bytes", { params: { path: { height: 1 } }, parseAs: "arrayBuffer" }));
  assert.ok(block.byteLength > 100);
});

test("what there is not", async () => {
  const unknown = await refused(node.GET("/api/v1/account/{id}", { params: { path: { id: "NOBODY" } } }));
  assert.deepEqual([unknown.status, unknown.reason], [404, "ACCOUNT_UNKNOWN"]);
});

test("who asks too often is told when to ask again", async () => {
  const slow = connect(url, (await newKey({ requests_per_minute: 5 })).key);
  const answers = [];
  for (let count = 0; count < 6; count += 1) answers.push(await slow.GET("/api/v1/status"));
  assert.deepEqual(answers.map(({ response }) => response.status), [200, 200, 200, 200, 200, 429]);
  const refusal = await refused(Promise.resolve(answers[5]!));
  assert.equal(refusal.reason, "RATE_LIMITED");
  assert.ok(refusal.retryAfter! >= 1 && refusal.retryAfter! <= 60);
});

test("a listener whose line breaks goes on where it was", async (context) => {
  const fake = await server(context, (_, count) => ({
    type: "text/event-stream",
    body: count === 1 ? 'event: block\nid: 8\ndata: {"height": 8}\n\n: silence\n\nevent: block\ndata: {"height": 9}\n\n' : 'event: block\nid: 9\ndata: {"height": 9}\n\n',
  }));
  const heard: NodeEvent[] = [];
  for await (const event of events(connect(fake.url), { topics: "blocks", after: 7 }, { retryMs: 1 })) {
    heard.push(event);
    if (heard.length === 4) break;
  }
  assert.deepEqual(heard.map(({ data }) => "height" in data && data.height), [8, 9, 9, 9]);
  const asked = fake.asked.map((request) => [request.url, request.headers["last-event-id"]]);
  assert.deepEqual(asked, [["/api/v1/events?topics=blocks&after=7", undefined], ["/api/v1/events?topics=blocks", "8"], ["/api/v1/events?topics=blocks", "9"]]);
});

test("a listener who may not listen is refused, one who has enough goes", async () => {
  await assert.rejects(events(connect(url)).next(), (error) => error instanceof Refusal && error.status === 401);
  const enough = new AbortController();
  let count = 0;
  for await (const { event } of events(node, { topics: "blocks" }, { signal: enough.signal })) {
    assert.equal(event, "block");
    count += 1;
    enough.abort();
  }
  assert.equal(count, 1);
});
