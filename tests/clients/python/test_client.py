"""A node through the client. QENEX_URL names it, QENEX_KEY is an administrator's key for its accounts in custody, BANK_001 to BANK_003."""

import asyncio
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from qenex_client import AuthenticatedClient, Client, Refusal, connect, events, final, pages, take
from qenex_client.rest.api.access import create_key, list_keys, me
from qenex_client.rest.api.chain import block_bytes, status
from qenex_client.rest.api.custody import add_liquidity, create_pool, list_, swap, transfer
from qenex_client.rest.api.health import health, health_factors, metrics, ready
from qenex_client.rest.api.ledger import account, balance, candles, economy, history, holdings, pool, pools, proof, quote
from qenex_client.rest.models import (
    AddRequest,
    Block,
    ErrorBody,
    KeyRequest,
    PoolRequest,
    Preview,
    Sent,
    SwapRequest,
    Transaction,
    TransferRequest,
)
from qenex_client.rest.types import Response

ME, OTHER, POOL = "BANK_002", "BANK_003", "PY-QNX-USDC"


def order(node: AuthenticatedClient, send: Callable[[], Response[ErrorBody | Preview | Sent]]) -> tuple[Sent, Transaction]:
    """Sends an order and waits until it is final."""
    height = take(status.sync_detailed(client=node)).height
    sent = take(send())
    assert isinstance(sent, Sent)
    return sent, final(node, sent, height)


def amount(node: AuthenticatedClient, holder: str, asset: str) -> Decimal:
    return Decimal(take(balance.sync_detailed(holder, asset, client=node)).amount)


def refused(ask: Callable[[], Any]) -> Refusal:
    with pytest.raises(Refusal) as raised:
        take(ask())
    return raised.value


@contextmanager
def server(answer: Callable[[str, int], tuple[str, str]]) -> Iterator[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """A server that answers what it is told to, and what it was asked."""
    asked: list[tuple[str, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            kind, body = answer(self.path, len(asked))
            self.send_response(200)
            self.send_header("content-type", kind)
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}", asked
        http.shutdown()


def test_a_key_and_a_token_show_who_asks(node: AuthenticatedClient, url: str, key: str) -> None:
    assert not take(me.sync_detailed(client=node)).session
    session = connect(url, key, tokens=True, scope="read")
    one, two = take(me.sync_detailed(client=session)), take(me.sync_detailed(client=session))
    assert one.scopes == ["read"]
    assert one.session and one.session == two.session
    assert refused(lambda: list_keys.sync_detailed(client=session)).status == 403


@pytest.mark.parametrize(("lasts", "wanted"), [(0, ["Bearer 1", "Bearer 2"]), (900, ["Bearer 1", "Bearer 1"])])
def test_a_token_that_is_about_to_end_is_exchanged_and_one_that_is_not_is_kept(lasts: int, wanted: list[str]) -> None:
    issued = itertools.count(1)

    def answer(path: str, _: int) -> tuple[str, str]:
        if path != "/api/v1/token":
            return "application/json", json.dumps({"ok": True, "height": 1, "age_ms": 1})
        return "application/json", json.dumps({"access_token": str(next(issued)), "token_type": "Bearer", "expires_in": lasts, "scope": ""})

    with server(answer) as (fake, asked):
        session = connect(fake, "qnx_id_secret", tokens=True)
        for _ in range(2):
            take(health.sync_detailed(client=session))
        assert [headers["authorization"] for path, headers in asked if path == "/health"] == wanted


def test_who_shows_nothing_or_what_does_not_count_is_refused(url: str, key: str) -> None:
    with pytest.raises(Refusal) as nobody:
        next(events(Client(base_url=url)))
    assert nobody.value.status == 401
    wrong = refused(lambda: status.sync_detailed(client=connect(url, key + "x")))
    assert (wrong.status, wrong.name) == (401, "UNAUTHENTICATED")
    assert isinstance(wrong.code, int)
    token = refused(lambda: status.sync_detailed(client=connect(url, key + "x", tokens=True)))
    assert (token.status, token.name) == (401, "invalid_client")


def test_the_node_says_how_it_is(node: AuthenticatedClient, url: str) -> None:
    found = take(status.sync_detailed(client=node))
    assert found.height > 0 and len(found.id) == 64
    assert take(health.sync_detailed(client=Client(base_url=url))).ok
    assert take(ready.sync_detailed(client=node)).ok
    assert 0 <= take(health_factors.sync_detailed(client=node)).score <= 100
    assert "\nqenex_" in take(metrics.sync_detailed(client=node))
    assert take(list_.sync_detailed(client=node)).accounts == ["BANK_001", "BANK_002", "BANK_003"]


def test_a_pool_liquidity_a_quote(node: AuthenticatedClient) -> None:
    order(node, lambda: create_pool.sync_detailed(client=node, body=PoolRequest(account=ME, pool=POOL, asset_a="QNX", asset_b="USDC", fee_bps=30)))
    added = AddRequest(account=ME, pool=POOL, max_a="100", max_b="200", min_shares="1")
    _, transaction = order(node, lambda: add_liquidity.sync_detailed(client=node, body=added))
    assert transaction.outcome.kind == "deposited"
    found = take(pool.sync_detailed(POOL, client=node))
    assert (found.asset_a, found.asset_b, found.reserve_a, found.reserve_b) == ("QNX", "USDC", "100", "200")
    offered = take(quote.sync_detailed(POOL, client=node, asset_in="USDC", amount_in="2"))
    assert Decimal("0.98") < Decimal(offered.amount_out) < 1
    every = [found.pool for page in pages(lambda after: pools.sync_detailed(client=node, limit=1, after=after)) for found in page.pools]
    assert POOL in every


def test_the_same_order_twice_is_one_transaction(node: AuthenticatedClient) -> None:
    before = amount(node, ME, "USDC"), amount(node, OTHER, "USDC")

    def send(much: str = "12.5") -> Response[ErrorBody | Preview | Sent]:
        body = TransferRequest(sender=ME, receiver=OTHER, amount=much, currency="USDC", reference="twice")
        return transfer.sync_detailed(client=node, body=body, idempotency_key="transfer 1 of the test in Python")

    sent, transaction = order(node, send)
    again = take(send())
    assert isinstance(again, Sent) and again.id == sent.id == transaction.id
    assert transaction.kind == "transfer"
    height = take(status.sync_detailed(client=node)).height
    for event in events(node, topics="blocks", after=height):
        if isinstance(event, Block) and event.height >= height + 2:
            break
    assert (amount(node, ME, "USDC"), amount(node, OTHER, "USDC")) == (before[0] - Decimal("12.5"), before[1] + Decimal("12.5"))
    assert refused(lambda: send("13")).status == 422


def test_a_swap_is_shown_before_it_is_made(node: AuthenticatedClient) -> None:
    body = SwapRequest(account=ME, pool=POOL, token_in="USDC", token_out="QNX", amount_in="2")
    shown = take(swap.sync_detailed(client=node, body=body, preview=True))
    assert isinstance(shown, Preview)
    assert any("USDC" in line.value for line in shown.summary)
    _, transaction = order(node, lambda: swap.sync_detailed(client=node, body=body))
    assert transaction.outcome.kind == "swapped"
    assert transaction.outcome.amount_in == "2"
    found = take(candles.sync_detailed(POOL, client=node, step="minute")).candles
    assert [(candle.swaps, candle.volume_b) for candle in found] == [(1, "2")]


def test_all_pages_of_a_history_are_the_whole_of_it(node: AuthenticatedClient) -> None:
    def send() -> Response[ErrorBody | Preview | Sent]:
        return transfer.sync_detailed(client=node, body=TransferRequest(sender=ME, receiver=OTHER, amount="1", currency="USDC"))

    for _ in range(3):
        order(node, send)
    whole = take(history.sync_detailed(ME, client=node, limit=500))
    parts = list(pages(lambda cursor: history.sync_detailed(ME, client=node, limit=2, cursor=cursor)))
    assert len(parts) >= 3 and all(len(part.entries) <= 2 for part in parts)
    assert [entry.id for part in parts for entry in part.entries] == [entry.id for entry in whole.entries]


def test_holdings_and_figures_of_an_economy(node: AuthenticatedClient) -> None:
    found = take(holdings.sync_detailed(ME, client=node))
    assert {held.asset: Decimal(held.amount) for held in found.balances}["USDC"] == amount(node, ME, "USDC")
    assert {held.pool: Decimal(held.shares) for held in found.shares}[POOL] > 0
    figures = take(economy.sync_detailed("USDC", client=node, days=7))
    assert figures.asset == "USDC" and figures.concentration.holders >= 2
    assert POOL in [row.pool for row in figures.stability]


def test_bytes_of_a_proof_and_of_a_block(node: AuthenticatedClient) -> None:
    found = take(proof.sync_detailed(ME, client=node, asset="USDC"))
    assert len(found.statements) == 2
    assert len(bytes.fromhex(found.proof)) > 32
    assert len(take(block_bytes.sync_detailed(1, client=node)).payload.read()) > 100


def test_what_there_is_not(node: AuthenticatedClient) -> None:
    unknown = refused(lambda: account.sync_detailed("NOBODY", client=node))
    assert (unknown.status, unknown.name) == (404, "ACCOUNT_UNKNOWN")


def test_who_asks_too_often_is_told_when_to_ask_again(node: AuthenticatedClient, url: str) -> None:
    made = take(create_key.sync_detailed(client=node, body=KeyRequest(name="slow", role="participant", accounts="*", requests_per_minute=5)))
    slow = connect(url, made.key)
    answers = [status.sync_detailed(client=slow) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 200, 429]
    refusal = refused(lambda: answers[5])
    assert refusal.name == "RATE_LIMITED"
    assert refusal.retry_after is not None and 1 <= refusal.retry_after <= 60


def test_two_things_at_once(url: str, key: str) -> None:
    async def ask() -> list[int]:
        async with connect(url, key, tokens=True) as node:
            found = await asyncio.gather(*(status.asyncio_detailed(client=node) for _ in range(4)))
        return [take(answer).height for answer in found]

    assert min(asyncio.run(ask())) > 0


def test_a_listener_whose_line_breaks_goes_on_where_it_was() -> None:
    data = json.dumps({name: "" for name in ("id", "parent", "proposer", "transaction_root", "state_root", "receipt_root", "validators", "next_validators")}
                      | {name: 0 for name in ("height", "epoch", "view", "time_ms", "transactions")})

    def answer(_: str, count: int) -> tuple[str, str]:
        first = f"event: block\nid: 8\ndata: {data}\n\n: silence\n\nevent: block\ndata: {data}\n\n"
        return "text/event-stream", first if count == 1 else f"event: block\nid: 9\ndata: {data}\n\n"

    with server(answer) as (fake, asked):
        heard = list(itertools.islice(events(connect(fake, "x"), topics="blocks", after=7, retry_s=0), 4))
    assert all(isinstance(event, Block) for event in heard)
    assert [(path, headers.get("last-event-id")) for path, headers in asked] == [
        ("/api/v1/events?topics=blocks&after=7", None), ("/api/v1/events?topics=blocks", "8"), ("/api/v1/events?topics=blocks", "9")]
