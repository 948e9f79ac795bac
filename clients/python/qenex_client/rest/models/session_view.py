from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="SessionView")


@_attrs_define
class SessionView:
    """A session.

    Attributes:
        address (str): The address of who began it.
        created_ms (int): When it began.
        expires_ms (int): When it ends.
        id (str): Its id.
        principal (str): Who began it, as the audit log knows him.
        scopes (list[str]): What it allows.
        certificate (None | str | Unset): The hash of the certificate of who began it.
        revoked_ms (int | None | Unset): When it was revoked.
    """

    address: str
    created_ms: int
    expires_ms: int
    id: str
    principal: str
    scopes: list[str]
    certificate: None | str | Unset = UNSET
    revoked_ms: int | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        address = self.address

        created_ms = self.created_ms

        expires_ms = self.expires_ms

        id = self.id

        principal = self.principal

        scopes = self.scopes

        certificate: None | str | Unset
        if isinstance(self.certificate, Unset):
            certificate = UNSET
        else:
            certificate = self.certificate

        revoked_ms: int | None | Unset
        if isinstance(self.revoked_ms, Unset):
            revoked_ms = UNSET
        else:
            revoked_ms = self.revoked_ms

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "address": address,
                "created_ms": created_ms,
                "expires_ms": expires_ms,
                "id": id,
                "principal": principal,
                "scopes": scopes,
            }
        )
        if certificate is not UNSET:
            field_dict["certificate"] = certificate
        if revoked_ms is not UNSET:
            field_dict["revoked_ms"] = revoked_ms

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        address = d.pop("address")

        created_ms = d.pop("created_ms")

        expires_ms = d.pop("expires_ms")

        id = d.pop("id")

        principal = d.pop("principal")

        scopes = cast(list[str], d.pop("scopes"))

        def _parse_certificate(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        certificate = _parse_certificate(d.pop("certificate", UNSET))

        def _parse_revoked_ms(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        revoked_ms = _parse_revoked_ms(d.pop("revoked_ms", UNSET))

        session_view = cls(
            address=address,
            created_ms=created_ms,
            expires_ms=expires_ms,
            id=id,
            principal=principal,
            scopes=scopes,
            certificate=certificate,
            revoked_ms=revoked_ms,
        )

        session_view.additional_properties = d
        return session_view

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
