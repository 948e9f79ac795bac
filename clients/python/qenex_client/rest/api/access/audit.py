from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.audit_kind import AuditKind
from ...models.audit_page import AuditPage
from ...models.error_body import ErrorBody
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    from_ms: int | Unset = UNSET,
    until_ms: int | Unset = UNSET,
    kind: AuditKind | Unset = UNSET,
    principal: str | Unset = UNSET,
    cursor: int | Unset = UNSET,
    limit: int | Unset = 50,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["from_ms"] = from_ms

    params["until_ms"] = until_ms

    json_kind: str | Unset = UNSET
    if not isinstance(kind, Unset):
        json_kind = kind

    params["kind"] = json_kind

    params["principal"] = principal

    params["cursor"] = cursor

    params["limit"] = limit

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/audit",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> AuditPage | ErrorBody | None:
    if response.status_code == 200:
        response_200 = AuditPage.from_dict(response.json())

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
) -> Response[AuditPage | ErrorBody]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    from_ms: int | Unset = UNSET,
    until_ms: int | Unset = UNSET,
    kind: AuditKind | Unset = UNSET,
    principal: str | Unset = UNSET,
    cursor: int | Unset = UNSET,
    limit: int | Unset = 50,
) -> Response[AuditPage | ErrorBody]:
    """What was refused, and who changed who may do what.

    Args:
        from_ms (int | Unset):
        until_ms (int | Unset):
        kind (AuditKind | Unset): What an entry is about.
        principal (str | Unset):
        cursor (int | Unset):
        limit (int | Unset):  Default: 50.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AuditPage | ErrorBody]
    """

    kwargs = _get_kwargs(
        from_ms=from_ms,
        until_ms=until_ms,
        kind=kind,
        principal=principal,
        cursor=cursor,
        limit=limit,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    from_ms: int | Unset = UNSET,
    until_ms: int | Unset = UNSET,
    kind: AuditKind | Unset = UNSET,
    principal: str | Unset = UNSET,
    cursor: int | Unset = UNSET,
    limit: int | Unset = 50,
) -> AuditPage | ErrorBody | None:
    """What was refused, and who changed who may do what.

    Args:
        from_ms (int | Unset):
        until_ms (int | Unset):
        kind (AuditKind | Unset): What an entry is about.
        principal (str | Unset):
        cursor (int | Unset):
        limit (int | Unset):  Default: 50.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AuditPage | ErrorBody
    """

    return sync_detailed(
        client=client,
        from_ms=from_ms,
        until_ms=until_ms,
        kind=kind,
        principal=principal,
        cursor=cursor,
        limit=limit,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    from_ms: int | Unset = UNSET,
    until_ms: int | Unset = UNSET,
    kind: AuditKind | Unset = UNSET,
    principal: str | Unset = UNSET,
    cursor: int | Unset = UNSET,
    limit: int | Unset = 50,
) -> Response[AuditPage | ErrorBody]:
    """What was refused, and who changed who may do what.

    Args:
        from_ms (int | Unset):
        until_ms (int | Unset):
        kind (AuditKind | Unset): What an entry is about.
        principal (str | Unset):
        cursor (int | Unset):
        limit (int | Unset):  Default: 50.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AuditPage | ErrorBody]
    """

    kwargs = _get_kwargs(
        from_ms=from_ms,
        until_ms=until_ms,
        kind=kind,
        principal=principal,
        cursor=cursor,
        limit=limit,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    from_ms: int | Unset = UNSET,
    until_ms: int | Unset = UNSET,
    kind: AuditKind | Unset = UNSET,
    principal: str | Unset = UNSET,
    cursor: int | Unset = UNSET,
    limit: int | Unset = 50,
) -> AuditPage | ErrorBody | None:
    """What was refused, and who changed who may do what.

    Args:
        from_ms (int | Unset):
        until_ms (int | Unset):
        kind (AuditKind | Unset): What an entry is about.
        principal (str | Unset):
        cursor (int | Unset):
        limit (int | Unset):  Default: 50.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AuditPage | ErrorBody
    """

    return (
        await asyncio_detailed(
            client=client,
            from_ms=from_ms,
            until_ms=until_ms,
            kind=kind,
            principal=principal,
            cursor=cursor,
            limit=limit,
        )
    ).parsed
