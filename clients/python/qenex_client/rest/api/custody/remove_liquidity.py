from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.preview import Preview
from ...models.remove_request import RemoveRequest
from ...models.sent import Sent
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: RemoveRequest,
    preview: bool | Unset = False,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    params: dict[str, Any] = {}

    params["preview"] = preview

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/liquidity/remove",
        "params": params,
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | Preview | Sent | None:
    if response.status_code == 200:
        response_200 = Preview.from_dict(response.json())

        return response_200

    if response.status_code == 202:
        response_202 = Sent.from_dict(response.json())

        return response_202

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

    if response.status_code == 409:
        response_409 = ErrorBody.from_dict(response.json())

        return response_409

    if response.status_code == 413:
        response_413 = ErrorBody.from_dict(response.json())

        return response_413

    if response.status_code == 422:
        response_422 = ErrorBody.from_dict(response.json())

        return response_422

    if response.status_code == 429:
        response_429 = ErrorBody.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = ErrorBody.from_dict(response.json())

        return response_500

    if response.status_code == 503:
        response_503 = ErrorBody.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ErrorBody | Preview | Sent]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: RemoveRequest,
    preview: bool | Unset = False,
    idempotency_key: str | Unset = UNSET,
) -> Response[ErrorBody | Preview | Sent]:
    """Removes liquidity for an account in custody.

    Args:
        preview (bool | Unset):  Default: False.
        idempotency_key (str | Unset):
        body (RemoveRequest): Liquidity that is to be removed.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | Preview | Sent]
    """

    kwargs = _get_kwargs(
        body=body,
        preview=preview,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: RemoveRequest,
    preview: bool | Unset = False,
    idempotency_key: str | Unset = UNSET,
) -> ErrorBody | Preview | Sent | None:
    """Removes liquidity for an account in custody.

    Args:
        preview (bool | Unset):  Default: False.
        idempotency_key (str | Unset):
        body (RemoveRequest): Liquidity that is to be removed.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | Preview | Sent
    """

    return sync_detailed(
        client=client,
        body=body,
        preview=preview,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: RemoveRequest,
    preview: bool | Unset = False,
    idempotency_key: str | Unset = UNSET,
) -> Response[ErrorBody | Preview | Sent]:
    """Removes liquidity for an account in custody.

    Args:
        preview (bool | Unset):  Default: False.
        idempotency_key (str | Unset):
        body (RemoveRequest): Liquidity that is to be removed.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | Preview | Sent]
    """

    kwargs = _get_kwargs(
        body=body,
        preview=preview,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: RemoveRequest,
    preview: bool | Unset = False,
    idempotency_key: str | Unset = UNSET,
) -> ErrorBody | Preview | Sent | None:
    """Removes liquidity for an account in custody.

    Args:
        preview (bool | Unset):  Default: False.
        idempotency_key (str | Unset):
        body (RemoveRequest): Liquidity that is to be removed.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | Preview | Sent
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            preview=preview,
            idempotency_key=idempotency_key,
        )
    ).parsed
