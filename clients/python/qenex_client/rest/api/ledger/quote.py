from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.quote import Quote
from ...types import UNSET, Response, Unset


def _get_kwargs(
    id: str,
    *,
    asset_in: str,
    amount_in: str | Unset = UNSET,
    amount_out: str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["asset_in"] = asset_in

    params["amount_in"] = amount_in

    params["amount_out"] = amount_out

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/pool/{id}/quote".format(
            id=quote(str(id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | Quote | None:
    if response.status_code == 200:
        response_200 = Quote.from_dict(response.json())

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

    if response.status_code == 422:
        response_422 = ErrorBody.from_dict(response.json())

        return response_422

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
) -> Response[ErrorBody | Quote]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    id: str,
    *,
    client: AuthenticatedClient,
    asset_in: str,
    amount_in: str | Unset = UNSET,
    amount_out: str | Unset = UNSET,
) -> Response[ErrorBody | Quote]:
    """What a swap would yield.

    Args:
        id (str):
        asset_in (str):
        amount_in (str | Unset):
        amount_out (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | Quote]
    """

    kwargs = _get_kwargs(
        id=id,
        asset_in=asset_in,
        amount_in=amount_in,
        amount_out=amount_out,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    id: str,
    *,
    client: AuthenticatedClient,
    asset_in: str,
    amount_in: str | Unset = UNSET,
    amount_out: str | Unset = UNSET,
) -> ErrorBody | Quote | None:
    """What a swap would yield.

    Args:
        id (str):
        asset_in (str):
        amount_in (str | Unset):
        amount_out (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | Quote
    """

    return sync_detailed(
        id=id,
        client=client,
        asset_in=asset_in,
        amount_in=amount_in,
        amount_out=amount_out,
    ).parsed


async def asyncio_detailed(
    id: str,
    *,
    client: AuthenticatedClient,
    asset_in: str,
    amount_in: str | Unset = UNSET,
    amount_out: str | Unset = UNSET,
) -> Response[ErrorBody | Quote]:
    """What a swap would yield.

    Args:
        id (str):
        asset_in (str):
        amount_in (str | Unset):
        amount_out (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | Quote]
    """

    kwargs = _get_kwargs(
        id=id,
        asset_in=asset_in,
        amount_in=amount_in,
        amount_out=amount_out,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    id: str,
    *,
    client: AuthenticatedClient,
    asset_in: str,
    amount_in: str | Unset = UNSET,
    amount_out: str | Unset = UNSET,
) -> ErrorBody | Quote | None:
    """What a swap would yield.

    Args:
        id (str):
        asset_in (str):
        amount_in (str | Unset):
        amount_out (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | Quote
    """

    return (
        await asyncio_detailed(
            id=id,
            client=client,
            asset_in=asset_in,
            amount_in=amount_in,
            amount_out=amount_out,
        )
    ).parsed
