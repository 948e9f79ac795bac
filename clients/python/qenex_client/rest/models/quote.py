from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Quote")


@_attrs_define
class Quote:
    """What a swap would yield.

    Attributes:
        amount_in (str): What is given.
        amount_out (str): What is received.
        fee (str): What of the input the pool keeps.
        price_impact (str): How far the price moves, as a ratio.
    """

    amount_in: str
    amount_out: str
    fee: str
    price_impact: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        amount_in = self.amount_in

        amount_out = self.amount_out

        fee = self.fee

        price_impact = self.price_impact

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "amount_in": amount_in,
                "amount_out": amount_out,
                "fee": fee,
                "price_impact": price_impact,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        amount_in = d.pop("amount_in")

        amount_out = d.pop("amount_out")

        fee = d.pop("fee")

        price_impact = d.pop("price_impact")

        quote = cls(
            amount_in=amount_in,
            amount_out=amount_out,
            fee=fee,
            price_impact=price_impact,
        )

        quote.additional_properties = d
        return quote

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
