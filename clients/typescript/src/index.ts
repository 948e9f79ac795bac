/**
 * A client of a QENEX node: openapi-fetch over the types that are made of the node's document (schema.ts), and what the document does not say: how one signs in,
 * what is thrown, how one goes through pages and listens to events.
 */

import { EventSourceParserStream } from "eventsource-parser/stream";
import createClient, { type Client, type ClientOptions } from "openapi-fetch";

import type { Alert, Block, ErrorBody, operations, paths, Sent, TokenError, Transaction } from "./schema.js";

export type * from "./schema.js";

/** `node.GET("/api/v1/pool/{id}", ...)` and so on: paths, parameters and answers are those of the document. */
export type Node = Client<paths>;

/** A key, a token, or what makes tokens. */
export type Credential = string | (() => Promise<string>);

/** A client that shows a key or a token; without one it is nobody. */
export function connect(url: string, credential?: Credential, options: Omit<ClientOptions, "baseUrl"> = {}): Node {
  const node = createClient<paths>({ ...options, baseUrl: url });
  if (credential !== undefined) {
    node.use({
      async onRequest({ request }) {
        request.headers.set("Authorization", `Bearer ${typeof credential === "string" ? credential : await credential()}`);
        return request;
      },
    });
  }
  return node;
}

/** Tokens for a key, with fewer scopes if they are named. One that is about to end is exchanged for the next one. */
export function tokens(url: string, key: string, scope?: string): () => Promise<string> {
  const [, id, secret] = /^qnx_([^_]+)_(.+)$/.exec(key) ?? [];
  if (id === undefined || secret === undefined) throw new TypeError("a key of a node was expected");
  const anonymous = connect(url);
  let current: Promise<string> | undefined;
  let until = 0;
  const begin = async () => {
    const begun = Date.now();
    const { access_token, expires_in } = await take(
      anonymous.POST("/api/v1/token", {
        body: { grant_type: "client_credentials", client_id: id, client_secret: secret, ...(scope !== undefined && { scope }) },
        headers: { "Content-Type": "application/x-www-form-urlencoded" },
      }),
    );
    until = begun + expires_in * 900;
    return access_token;
  };
  return () => {
    if (current === undefined || Date.now() >= until) {
      // Who asks meanwhile waits for the same token.
      until = Number.POSITIVE_INFINITY;
      current = begin().catch((error: unknown) => {
        until = 0;
        throw error;
      });
    }
    return current;
  };
}

/** What a node did not do, and why: a row of the table of codes, or for tokens what OAuth calls the error. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    readonly detail: string,
    readonly code?: number,
    /** After how many seconds to ask again. */
    readonly retryAfter?: number,
  ) {
    super(`${status} ${reason}: ${detail}`);
    this.name = "Refusal";
  }

  static of(response: Response, body: unknown): Refusal {
    const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
    const retryAfter = Number.isFinite(seconds) ? seconds : undefined;
    const error = (body as Partial<ErrorBody | TokenError> | undefined)?.error;
    if (typeof error === "object") return new Refusal(response.status, error.name, `${error.sentence} ${error.detail}`.trim(), error.code, retryAfter);
    if (typeof error === "string") return new Refusal(response.status, error, (body as TokenError).error_description, undefined, retryAfter);
    return new Refusal(response.status, response.statusText, String(body ?? ""), undefined, retryAfter);
  }
}

/** What openapi-fetch answers. */
export type Answer<T> = { data: T; error?: never; response: Response } | { data?: never; error: unknown; response: Response };

/** What an operation answered, if it did what was asked; else the refusal is thrown. */
export async function take<T>(answer: Answer<T> | Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok || data === undefined) throw Refusal.of(response, error);
  return data;
}

/** All pages of something long: `ask` is given what says where to go on, at first nothing. */
export async function* pages<N, P extends { next?: N | null }>(ask: (next?: N) => Promise<Answer<P>>): AsyncGenerator<P> {
  let next: N | null | undefined;
  do {
    const page: P = await take(ask(next ?? undefined));
    yield page;
    next = page.next;
  } while (next !== null && next !== undefined);
}

/** What is told of a node's blocks; `behind` tells of blocks that are left out, `omitted` of transactions of one. */
export type NodeEvent =
  | { event: "block"; data: Block }
  | { event: "transaction"; data: Transaction }
  | { event: "alert"; data: Alert }
  | { event: "behind"; data: { from_height: number; to_height: number } }
  | { event: "omitted"; data: { height: number; omitted: number } };

export type Wanted = NonNullable<operations["events"]["parameters"]["query"]>;

/**
 * What becomes final, until `signal` says that it is enough: where the line breaks, it goes on behind the last block that was heard to its end. Of a block that was
 * heard in part one hears again. Refusals are thrown, except those that pass.
 */
export async function* events(node: Node, wanted: Wanted = {}, { signal, retryMs = 1_000 }: { signal?: AbortSignal; retryMs?: number } = {}): AsyncGenerator<NodeEvent> {
  const { after, ...rest } = wanted;
  let heard: number | undefined;
  while (!signal?.aborted) {
    let pause = retryMs;
    try {
      // `after` would count more than the header.
      const from = heard === undefined ? { query: wanted } : { query: rest, header: { "Last-Event-ID": heard } };
      const body = await take(node.GET("/api/v1/events", { params: from, parseAs: "stream", signal: signal ?? null }));
      const reader = body!.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).pipeThrough(new EventSourceParserStream()).getReader();
      try {
        for (let next = await reader.read(); !next.done; next = await reader.read()) {
          const { event, data, id } = next.value;
          // Where nothing happened, only from where to go on.
          if (event !== "heard") yield { event, data: JSON.parse(data) } as NodeEvent;
          if (id !== undefined) heard = Number(id);
        }
      } finally {
        await reader.cancel().catch(() => undefined);
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (error instanceof Refusal && error.status < 500 && error.status !== 429) throw error;
      // Everything else but a line that broke is a fault of the program.
      if (!(error instanceof Refusal || error instanceof TypeError || error instanceof DOMException)) throw error;
      if (error instanceof Refusal) pause = Math.max(pause, (error.retryAfter ?? 0) * 1_000);
    }
    await sleep(pause, signal);
  }
}

/**
 * Waits until a transaction is final. `after` is a height from before it was sent: what became final meanwhile is told, too. Where it came into no block, or was
 * not told of, the node is asked for it.
 */
export async function final(node: Node, sent: Sent, after: number, options: { signal?: AbortSignal } = {}): Promise<Transaction> {
  for await (const { event, data } of events(node, { topics: "blocks,transactions", account: sent.sender, after }, options)) {
    if (event === "transaction" && data.id === sent.id) return data;
    if (event === "block" && data.height > sent.last_valid_height) break;
  }
  return take(node.GET("/api/v1/transaction/{id}", { params: { path: { id: sent.id } } }));
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const enough = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", enough);
      resolve();
    };
    const timer = setTimeout(enough, ms);
    signal?.addEventListener("abort", enough);
  });
}
