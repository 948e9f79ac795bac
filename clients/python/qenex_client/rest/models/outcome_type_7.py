from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.outcome_type_7_kind import OutcomeType7Kind, check_outcome_type_7_kind

T = TypeVar("T", bound="OutcomeType7")


@_attrs_define
class OutcomeType7:
    """Stake was burned.

    Attributes:
        amount (str): How much.
        kind (OutcomeType7Kind):
    """

    amount: str
    kind: OutcomeType7Kind
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        amount = self.amount

        kind: str = self.kind

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "amount": amount,
                "kind": kind,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        amount = d.pop("amount")

        kind = check_outcome_type_7_kind(d.pop("kind"))

        outcome_type_7 = cls(
            amount=amount,
            kind=kind,
        )

        outcome_type_7.additional_properties = d
        return outcome_type_7

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
