from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.candles import Candles
from ...models.candles_step import CandlesStep
from ...models.error_body import ErrorBody
from ...types import UNSET, Response, Unset


def _get_kwargs(
    id: str,
    *,
    step: CandlesStep | Unset = UNSET,
    from_ms: int | Unset = UNSET,
    until_ms: int | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_step: str | Unset = UNSET
    if not isinstance(step, Unset):
        json_step = step

    params["step"] = json_step

    params["from_ms"] = from_ms

    params["until_ms"] = until_ms

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/pool/{id}/candles".format(
            id=quote(str(id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Candles | ErrorBody | None:
    if response.status_code == 200:
        response_200 = Candles.from_dict(response.json())

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
) -> Response[Candles | ErrorBody]:
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
    step: CandlesStep | Unset = UNSET,
    from_ms: int | Unset = UNSET,
    until_ms: int | Unset = UNSET,
) -> Response[Candles | ErrorBody]:
    """How the price of a pool went, by its final swaps.

    Args:
        id (str):
        step (CandlesStep | Unset): How long a candle's time is.
        from_ms (int | Unset):
        until_ms (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Candles | ErrorBody]
    """

    kwargs = _get_kwargs(
        id=id,
        step=step,
        from_ms=from_ms,
        until_ms=until_ms,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    id: str,
    *,
    client: AuthenticatedClient,
    step: CandlesStep | Unset = UNSET,
    from_ms: int | Unset = UNSET,
    until_ms: int | Unset = UNSET,
) -> Candles | ErrorBody | None:
    """How the price of a pool went, by its final swaps.

    Args:
        id (str):
        step (CandlesStep | Unset): How long a candle's time is.
        from_ms (int | Unset):
        until_ms (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Candles | ErrorBody
    """

    return sync_detailed(
        id=id,
        client=client,
        step=step,
        from_ms=from_ms,
        until_ms=until_ms,
    ).parsed


async def asyncio_detailed(
    id: str,
    *,
    client: AuthenticatedClient,
    step: CandlesStep | Unset = UNSET,
    from_ms: int | Unset = UNSET,
    until_ms: int | Unset = UNSET,
) -> Response[Candles | ErrorBody]:
    """How the price of a pool went, by its final swaps.

    Args:
        id (str):
        step (CandlesStep | Unset): How long a candle's time is.
        from_ms (int | Unset):
        until_ms (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Candles | ErrorBody]
    """

    kwargs = _get_kwargs(
        id=id,
        step=step,
        from_ms=from_ms,
        until_ms=until_ms,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    id: str,
    *,
    client: AuthenticatedClient,
    step: CandlesStep | Unset = UNSET,
    from_ms: int | Unset = UNSET,
    until_ms: int | Unset = UNSET,
) -> Candles | ErrorBody | None:
    """How the price of a pool went, by its final swaps.

    Args:
        id (str):
        step (CandlesStep | Unset): How long a candle's time is.
        from_ms (int | Unset):
        until_ms (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Candles | ErrorBody
    """

    return (
        await asyncio_detailed(
            id=id,
            client=client,
            step=step,
            from_ms=from_ms,
            until_ms=until_ms,
        )
    ).parsed
