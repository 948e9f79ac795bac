from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.device_key import DeviceKey


T = TypeVar("T", bound="DeviceView")


@_attrs_define
class DeviceView:
    """The device that signs for accounts in custody.

    Attributes:
        audit_entries (int): Entries of its audit log.
        audit_taken (int): Up to which of these the audit log was taken.
        firmware_version (int): The version of its firmware.
        keys (list[DeviceKey]): Its keys of accounts.
        locked (bool): Whether it can open its secrets: otherwise it signs nothing.
        name (None | str | Unset): Its name.
        trusted_height (int | None | Unset): The height of the newest block that it trusts.
    """

    audit_entries: int
    audit_taken: int
    firmware_version: int
    keys: list[DeviceKey]
    locked: bool
    name: None | str | Unset = UNSET
    trusted_height: int | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        audit_entries = self.audit_entries

        audit_taken = self.audit_taken

        firmware_version = self.firmware_version

        keys = []
        for keys_item_data in self.keys:
            keys_item = keys_item_data.to_dict()
            keys.append(keys_item)

        locked = self.locked

        name: None | str | Unset
        if isinstance(self.name, Unset):
            name = UNSET
        else:
            name = self.name

        trusted_height: int | None | Unset
        if isinstance(self.trusted_height, Unset):
            trusted_height = UNSET
        else:
            trusted_height = self.trusted_height

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "audit_entries": audit_entries,
                "audit_taken": audit_taken,
                "firmware_version": firmware_version,
                "keys": keys,
                "locked": locked,
            }
        )
        if name is not UNSET:
            field_dict["name"] = name
        if trusted_height is not UNSET:
            field_dict["trusted_height"] = trusted_height

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.device_key import DeviceKey

        d = dict(src_dict)
        audit_entries = d.pop("audit_entries")

        audit_taken = d.pop("audit_taken")

        firmware_version = d.pop("firmware_version")

        keys = []
        _keys = d.pop("keys")
        for keys_item_data in _keys:
            keys_item = DeviceKey.from_dict(keys_item_data)

            keys.append(keys_item)

        locked = d.pop("locked")

        def _parse_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        name = _parse_name(d.pop("name", UNSET))

        def _parse_trusted_height(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        trusted_height = _parse_trusted_height(d.pop("trusted_height", UNSET))

        device_view = cls(
            audit_entries=audit_entries,
            audit_taken=audit_taken,
            firmware_version=firmware_version,
            keys=keys,
            locked=locked,
            name=name,
            trusted_height=trusted_height,
        )

        device_view.additional_properties = d
        return device_view

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
