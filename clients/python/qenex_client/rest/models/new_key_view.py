from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="NewKeyView")


@_attrs_define
class NewKeyView:
    """A new key.

    Attributes:
        accounts (Any): For which accounts: `*`, or a list.
        created_ms (int): When it was made.
        id (str): Its id.
        name (str): Whose or what for.
        scopes (list[str]): What it allows.
        key (str): What is to be shown with requests. It is in no other answer.
        expires_ms (int | None | Unset): When it ends, if it does.
        requests_per_minute (int | None | Unset): Requests in a minute, if they are other than the configuration's.
        revoked_ms (int | None | Unset): When it was revoked.
    """

    accounts: Any
    created_ms: int
    id: str
    name: str
    scopes: list[str]
    key: str
    expires_ms: int | None | Unset = UNSET
    requests_per_minute: int | None | Unset = UNSET
    revoked_ms: int | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        accounts = self.accounts

        created_ms = self.created_ms

        id = self.id

        name = self.name

        scopes = self.scopes

        key = self.key

        expires_ms: int | None | Unset
        if isinstance(self.expires_ms, Unset):
            expires_ms = UNSET
        else:
            expires_ms = self.expires_ms

        requests_per_minute: int | None | Unset
        if isinstance(self.requests_per_minute, Unset):
            requests_per_minute = UNSET
        else:
            requests_per_minute = self.requests_per_minute

        revoked_ms: int | None | Unset
        if isinstance(self.revoked_ms, Unset):
            revoked_ms = UNSET
        else:
            revoked_ms = self.revoked_ms

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "accounts": accounts,
                "created_ms": created_ms,
                "id": id,
                "name": name,
                "scopes": scopes,
                "key": key,
            }
        )
        if expires_ms is not UNSET:
            field_dict["expires_ms"] = expires_ms
        if requests_per_minute is not UNSET:
            field_dict["requests_per_minute"] = requests_per_minute
        if revoked_ms is not UNSET:
            field_dict["revoked_ms"] = revoked_ms

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        accounts = d.pop("accounts")

        created_ms = d.pop("created_ms")

        id = d.pop("id")

        name = d.pop("name")

        scopes = cast(list[str], d.pop("scopes"))

        key = d.pop("key")

        def _parse_expires_ms(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        expires_ms = _parse_expires_ms(d.pop("expires_ms", UNSET))

        def _parse_requests_per_minute(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        requests_per_minute = _parse_requests_per_minute(
            d.pop("requests_per_minute", UNSET)
        )

        def _parse_revoked_ms(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        revoked_ms = _parse_revoked_ms(d.pop("revoked_ms", UNSET))

        new_key_view = cls(
            accounts=accounts,
            created_ms=created_ms,
            id=id,
            name=name,
            scopes=scopes,
            key=key,
            expires_ms=expires_ms,
            requests_per_minute=requests_per_minute,
            revoked_ms=revoked_ms,
        )

        new_key_view.additional_properties = d
        return new_key_view

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
