from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="DeviceKey")


@_attrs_define
class DeviceKey:
    """A key of an account in custody.

    Attributes:
        account (str): The account.
        key_hash (str): The hash of the key, as the ledger names it.
        scheme (str): How it signs.
        slot (int): Its slot in the device.
        waiting (int): How many transactions of the account are not final.
    """

    account: str
    key_hash: str
    scheme: str
    slot: int
    waiting: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        account = self.account

        key_hash = self.key_hash

        scheme = self.scheme

        slot = self.slot

        waiting = self.waiting

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "account": account,
                "key_hash": key_hash,
                "scheme": scheme,
                "slot": slot,
                "waiting": waiting,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        account = d.pop("account")

        key_hash = d.pop("key_hash")

        scheme = d.pop("scheme")

        slot = d.pop("slot")

        waiting = d.pop("waiting")

        device_key = cls(
            account=account,
            key_hash=key_hash,
            scheme=scheme,
            slot=slot,
            waiting=waiting,
        )

        device_key.additional_properties = d
        return device_key

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
