from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.transactions import Transactions
from ...types import UNSET, Response, Unset


def _get_kwargs(
    height: int,
    *,
    limit: int | Unset = 50,
    from_: int | Unset = 0,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["limit"] = limit

    params["from"] = from_

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/block/{height}/transactions".format(
            height=quote(str(height), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | Transactions | None:
    if response.status_code == 200:
        response_200 = Transactions.from_dict(response.json())

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
) -> Response[ErrorBody | Transactions]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    height: int,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 50,
    from_: int | Unset = 0,
) -> Response[ErrorBody | Transactions]:
    """The transactions of a final block, and what they yielded.

    Args:
        height (int):
        limit (int | Unset):  Default: 50.
        from_ (int | Unset):  Default: 0.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | Transactions]
    """

    kwargs = _get_kwargs(
        height=height,
        limit=limit,
        from_=from_,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    height: int,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 50,
    from_: int | Unset = 0,
) -> ErrorBody | Transactions | None:
    """The transactions of a final block, and what they yielded.

    Args:
        height (int):
        limit (int | Unset):  Default: 50.
        from_ (int | Unset):  Default: 0.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | Transactions
    """

    return sync_detailed(
        height=height,
        client=client,
        limit=limit,
        from_=from_,
    ).parsed


async def asyncio_detailed(
    height: int,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 50,
    from_: int | Unset = 0,
) -> Response[ErrorBody | Transactions]:
    """The transactions of a final block, and what they yielded.

    Args:
        height (int):
        limit (int | Unset):  Default: 50.
        from_ (int | Unset):  Default: 0.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | Transactions]
    """

    kwargs = _get_kwargs(
        height=height,
        limit=limit,
        from_=from_,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    height: int,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 50,
    from_: int | Unset = 0,
) -> ErrorBody | Transactions | None:
    """The transactions of a final block, and what they yielded.

    Args:
        height (int):
        limit (int | Unset):  Default: 50.
        from_ (int | Unset):  Default: 0.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | Transactions
    """

    return (
        await asyncio_detailed(
            height=height,
            client=client,
            limit=limit,
            from_=from_,
        )
    ).parsed
