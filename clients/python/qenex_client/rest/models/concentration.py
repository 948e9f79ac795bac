from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Concentration")


@_attrs_define
class Concentration:
    """How an asset is spread over accounts; what pools and stake hold is not counted.

    Attributes:
        gini (float): How unequal the shares are (Gini coefficient): 0 if all have the same.
        held (str): What they have together.
        herfindahl (float): The sum of the squares of all shares (Herfindahl-Hirschman index): 1 if one account has
            everything.
        holders (int): How many accounts have some.
        ten_largest (float): What share of that the ten have that have the most.
    """

    gini: float
    held: str
    herfindahl: float
    holders: int
    ten_largest: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        gini = self.gini

        held = self.held

        herfindahl = self.herfindahl

        holders = self.holders

        ten_largest = self.ten_largest

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "gini": gini,
                "held": held,
                "herfindahl": herfindahl,
                "holders": holders,
                "ten_largest": ten_largest,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        gini = d.pop("gini")

        held = d.pop("held")

        herfindahl = d.pop("herfindahl")

        holders = d.pop("holders")

        ten_largest = d.pop("ten_largest")

        concentration = cls(
            gini=gini,
            held=held,
            herfindahl=herfindahl,
            holders=holders,
            ten_largest=ten_largest,
        )

        concentration.additional_properties = d
        return concentration

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
