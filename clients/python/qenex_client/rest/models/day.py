from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Day")


@_attrs_define
class Day:
    """What happened to an asset on a day (UTC).

    Attributes:
        burned (str): What was burned.
        issued (str): What was issued.
        time_ms (int): When it begins.
        transfers (int): How many transfers, one for each receiver.
        volume (str): What they moved.
    """

    burned: str
    issued: str
    time_ms: int
    transfers: int
    volume: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        burned = self.burned

        issued = self.issued

        time_ms = self.time_ms

        transfers = self.transfers

        volume = self.volume

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "burned": burned,
                "issued": issued,
                "time_ms": time_ms,
                "transfers": transfers,
                "volume": volume,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        burned = d.pop("burned")

        issued = d.pop("issued")

        time_ms = d.pop("time_ms")

        transfers = d.pop("transfers")

        volume = d.pop("volume")

        day = cls(
            burned=burned,
            issued=issued,
            time_ms=time_ms,
            transfers=transfers,
            volume=volume,
        )

        day.additional_properties = d
        return day

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
