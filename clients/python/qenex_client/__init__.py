"""A client of a QENEX node. `qenex_client.rest` is made of the node's document: a module for each operation, a class for each schema.
Here is what the document does not say: how one signs in, what is raised, how one goes through pages and listens to events."""

import time
from collections.abc import Callable, Generator, Iterator, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol, Self, TypeVar

import httpx
import httpx_sse

from .rest import AuthenticatedClient, Client
from .rest.api.access import token as token_route
from .rest.api.transactions import transaction as transaction_route
from .rest.models import Alert, Block, ErrorBody, Sent, Token, TokenError, TokenRequest, Transaction
from .rest.types import UNSET, Response

__all__ = ["Answer", "AuthenticatedClient", "Behind", "Client", "Event", "Refusal", "Tokens", "connect", "events", "final", "pages", "take"]

T = TypeVar("T")
C = TypeVar("C", covariant=True)

# A node says something every 15 seconds; a line that is silent for longer is dead.
SILENCE_S = 40


class Refusal(Exception):
    """What a node did not do, and why: a row of the table of codes, or for tokens what OAuth calls the error."""

    def __init__(self, status: int, name: str, detail: str, code: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(f"{status} {name}: {detail}")
        self.status, self.name, self.detail, self.code, self.retry_after = status, name, detail, code, retry_after

    @classmethod
    def of(cls, response: "Answer[Any]") -> Self:
        status, after = int(response.status_code), response.headers.get("retry-after", "")
        retry_after = float(after) if after.isdigit() else None
        match response.parsed:
            case ErrorBody(error=error):
                return cls(status, error.name, f"{error.sentence} {error.detail}".strip(), error.code, retry_after)
            case TokenError(error=error, error_description=description):
                return cls(status, error, description, None, retry_after)
            case _:
                return cls(status, "", response.content[:200].decode(errors="replace"), None, retry_after)


class Answer(Protocol[C]):
    """What an operation of `rest` answers: a `Response`."""

    @property
    def status_code(self) -> HTTPStatus: ...
    @property
    def content(self) -> bytes: ...
    @property
    def headers(self) -> MutableMapping[str, str]: ...
    @property
    def parsed(self) -> C | None: ...


def take(response: Answer[ErrorBody | T]) -> T:
    """What an operation answered, if it did what was asked; else the refusal is raised."""
    if response.status_code >= 400 or response.parsed is None or isinstance(response.parsed, ErrorBody):
        raise Refusal.of(response)
    return response.parsed


class Tokens(httpx.Auth):
    """Shows tokens instead of the key. One that is about to end is exchanged for the next one."""

    requires_response_body = True

    def __init__(self, url: str, key: str, scope: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._id, _, self._secret = key.removeprefix("qnx_").partition("_")
        self._scope = scope
        self._token, self._until = "", 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if time.monotonic() >= self._until:
            self._token, self._until = yield from self._next()
        request.headers["authorization"] = f"Bearer {self._token}"
        yield request

    def _next(self) -> Generator[httpx.Request, httpx.Response, tuple[str, float]]:
        begun = time.monotonic()
        asked = TokenRequest(grant_type="client_credentials", client_id=self._id, client_secret=self._secret)
        if self._scope is not None:
            asked.scope = self._scope
        how = token_route._get_kwargs(body=asked)
        answer = yield httpx.Request(how["method"], self._url + how["url"], data=how["data"], headers=how["headers"])
        response = token_route._build_response(client=Client(base_url=""), response=answer)
        if not isinstance(response.parsed, Token):
            raise Refusal.of(response)
        return response.parsed.access_token, begun + response.parsed.expires_in * 0.9


def connect(url: str, key: str, *, tokens: bool = False, scope: str | None = None, **options: Any) -> AuthenticatedClient:
    """A client that shows a key or a token; with `tokens`, tokens for a key, with fewer scopes if `scope` names them."""
    if tokens:
        options["httpx_args"] = {**options.get("httpx_args", {}), "auth": Tokens(url, key, scope)}
    return AuthenticatedClient(base_url=url, token=key, **options)


class Page(Protocol):
    """A part of something long. `next` says how to ask for the next one."""

    next_: Any


P = TypeVar("P", bound=Page)


def pages(ask: Callable[[Any], Answer[ErrorBody | P]]) -> Iterator[P]:
    """All pages of something long: `ask` is given what says where to go on, at first UNSET."""
    place: Any = UNSET
    while True:
        page = take(ask(place))
        yield page
        place = page.next_
        if place is None or place is UNSET:
            return


@dataclass(frozen=True)
class Behind:
    """Blocks that a listener does not hear of."""

    from_height: int
    to_height: int

    @classmethod
    def from_dict(cls, told: dict[str, int]) -> Self:
        return cls(told["from_height"], told["to_height"])


@dataclass(frozen=True)
class Omitted:
    """How many transactions of a block a listener does not hear of."""

    height: int
    omitted: int

    @classmethod
    def from_dict(cls, told: dict[str, int]) -> Self:
        return cls(told["height"], told["omitted"])


Event = Block | Transaction | Alert | Behind | Omitted
KINDS: dict[str, Any] = {"block": Block, "transaction": Transaction, "alert": Alert, "behind": Behind, "omitted": Omitted}


def events(client: AuthenticatedClient | Client, *, topics: str | None = None, account: str | None = None, after: int | None = None,
           retry_s: float = 1) -> Iterator[Event]:
    """What becomes final, for ever: where the line breaks, it goes on behind the last block that was heard to its end.
    Of a block that was heard in part the listener hears again. Refusals are raised, except those that pass."""
    wanted = {"topics": topics, "account": account, "after": after}
    asked = {name: value for name, value in wanted.items() if value is not None}
    headers: dict[str, str] = {}
    while True:
        pause = retry_s
        try:
            timeout = httpx.Timeout(10, read=SILENCE_S)
            with httpx_sse.connect_sse(client.get_httpx_client(), "GET", "/api/v1/events", params=asked, headers=headers, timeout=timeout) as source:
                if source.response.status_code != 200:
                    raise _refusal(source.response)
                for told in source.iter_sse():
                    if told.event in KINDS:
                        yield KINDS[told.event].from_dict(told.json())
                    if told.id:
                        headers = {"last-event-id": told.id}
                        # It would count more than the header.
                        asked.pop("after", None)
        except Refusal as refusal:
            if refusal.status != 429 and refusal.status < 500:
                raise
            pause = max(pause, refusal.retry_after or 0)
        except (httpx.NetworkError, httpx.RemoteProtocolError, httpx.TimeoutException):
            pass
        time.sleep(pause)


def final(client: AuthenticatedClient, sent: Sent, after: int) -> Transaction:
    """Waits until a transaction is final. `after` is a height from before it was sent: what became final meanwhile is told, too. Where it came into no block,
    or was not told of, the node is asked for it."""
    for event in events(client, topics="blocks,transactions", account=sent.sender, after=after):
        if isinstance(event, Transaction) and event.id == sent.id:
            return event
        if isinstance(event, Block) and event.height > sent.last_valid_height:
            break
    return take(transaction_route.sync_detailed(sent.id, client=client))


def _refusal(answer: httpx.Response) -> Refusal:
    answer.read()
    try:
        parsed = ErrorBody.from_dict(answer.json())
    except (ValueError, KeyError, TypeError):
        parsed = None
    return Refusal.of(Response(HTTPStatus(answer.status_code), answer.content, answer.headers, parsed))
