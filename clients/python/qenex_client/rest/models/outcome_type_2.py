from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.outcome_type_2_kind import OutcomeType2Kind, check_outcome_type_2_kind

T = TypeVar("T", bound="OutcomeType2")


@_attrs_define
class OutcomeType2:
    """Liquidity was added.

    Attributes:
        amount_a (str): Of the first asset.
        amount_b (str): Of the second asset.
        kind (OutcomeType2Kind):
        shares (str): For these shares.
    """

    amount_a: str
    amount_b: str
    kind: OutcomeType2Kind
    shares: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        amount_a = self.amount_a

        amount_b = self.amount_b

        kind: str = self.kind

        shares = self.shares

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "amount_a": amount_a,
                "amount_b": amount_b,
                "kind": kind,
                "shares": shares,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        amount_a = d.pop("amount_a")

        amount_b = d.pop("amount_b")

        kind = check_outcome_type_2_kind(d.pop("kind"))

        shares = d.pop("shares")

        outcome_type_2 = cls(
            amount_a=amount_a,
            amount_b=amount_b,
            kind=kind,
            shares=shares,
        )

        outcome_type_2.additional_properties = d
        return outcome_type_2

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
