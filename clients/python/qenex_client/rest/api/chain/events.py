from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    topics: str | Unset = UNSET,
    account: str | Unset = UNSET,
    after: int | Unset = UNSET,
    last_event_id: int | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(last_event_id, Unset):
        headers["Last-Event-ID"] = str(last_event_id)

    params: dict[str, Any] = {}

    params["topics"] = topics

    params["account"] = account

    params["after"] = after

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/events",
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | str | None:
    if response.status_code == 200:
        response_200 = response.text
        return response_200

    if response.status_code == 400:
        response_400 = ErrorBody.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = ErrorBody.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = ErrorBody.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = ErrorBody.from_dict(response.json())

        return response_404

    if response.status_code == 408:
        response_408 = ErrorBody.from_dict(response.json())

        return response_408

    if response.status_code == 429:
        response_429 = ErrorBody.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = ErrorBody.from_dict(response.json())

        return response_500

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ErrorBody | str]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    topics: str | Unset = UNSET,
    account: str | Unset = UNSET,
    after: int | Unset = UNSET,
    last_event_id: int | Unset = UNSET,
) -> Response[ErrorBody | str]:
    """What becomes final, as server-sent events: `block`, `transaction` and `alert` with what the routes
    of the same names answer, `behind` with blocks that are left out, `omitted` with a
    block of which transactions are, `heard` with a height up to which there was nothing to tell for a
    while. The last event of a block has its height as id, as `heard` has: with it in `Last-Event-ID` a
    listener goes on where it was. A stream ends when a token would; the listener then asks anew.

    Args:
        topics (str | Unset):
        account (str | Unset):
        after (int | Unset):
        last_event_id (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | str]
    """

    kwargs = _get_kwargs(
        topics=topics,
        account=account,
        after=after,
        last_event_id=last_event_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    topics: str | Unset = UNSET,
    account: str | Unset = UNSET,
    after: int | Unset = UNSET,
    last_event_id: int | Unset = UNSET,
) -> ErrorBody | str | None:
    """What becomes final, as server-sent events: `block`, `transaction` and `alert` with what the routes
    of the same names answer, `behind` with blocks that are left out, `omitted` with a
    block of which transactions are, `heard` with a height up to which there was nothing to tell for a
    while. The last event of a block has its height as id, as `heard` has: with it in `Last-Event-ID` a
    listener goes on where it was. A stream ends when a token would; the listener then asks anew.

    Args:
        topics (str | Unset):
        account (str | Unset):
        after (int | Unset):
        last_event_id (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | str
    """

    return sync_detailed(
        client=client,
        topics=topics,
        account=account,
        after=after,
        last_event_id=last_event_id,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    topics: str | Unset = UNSET,
    account: str | Unset = UNSET,
    after: int | Unset = UNSET,
    last_event_id: int | Unset = UNSET,
) -> Response[ErrorBody | str]:
    """What becomes final, as server-sent events: `block`, `transaction` and `alert` with what the routes
    of the same names answer, `behind` with blocks that are left out, `omitted` with a
    block of which transactions are, `heard` with a height up to which there was nothing to tell for a
    while. The last event of a block has its height as id, as `heard` has: with it in `Last-Event-ID` a
    listener goes on where it was. A stream ends when a token would; the listener then asks anew.

    Args:
        topics (str | Unset):
        account (str | Unset):
        after (int | Unset):
        last_event_id (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | str]
    """

    kwargs = _get_kwargs(
        topics=topics,
        account=account,
        after=after,
        last_event_id=last_event_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    topics: str | Unset = UNSET,
    account: str | Unset = UNSET,
    after: int | Unset = UNSET,
    last_event_id: int | Unset = UNSET,
) -> ErrorBody | str | None:
    """What becomes final, as server-sent events: `block`, `transaction` and `alert` with what the routes
    of the same names answer, `behind` with blocks that are left out, `omitted` with a
    block of which transactions are, `heard` with a height up to which there was nothing to tell for a
    while. The last event of a block has its height as id, as `heard` has: with it in `Last-Event-ID` a
    listener goes on where it was. A stream ends when a token would; the listener then asks anew.

    Args:
        topics (str | Unset):
        account (str | Unset):
        after (int | Unset):
        last_event_id (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | str
    """

    return (
        await asyncio_detailed(
            client=client,
            topics=topics,
            account=account,
            after=after,
            last_event_id=last_event_id,
        )
    ).parsed
