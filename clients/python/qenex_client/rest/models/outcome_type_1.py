from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.outcome_type_1_kind import OutcomeType1Kind, check_outcome_type_1_kind

T = TypeVar("T", bound="OutcomeType1")


@_attrs_define
class OutcomeType1:
    """A swap.

    Attributes:
        amount_in (str): What was given.
        amount_out (str): What was received.
        kind (OutcomeType1Kind):
    """

    amount_in: str
    amount_out: str
    kind: OutcomeType1Kind
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        amount_in = self.amount_in

        amount_out = self.amount_out

        kind: str = self.kind

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "amount_in": amount_in,
                "amount_out": amount_out,
                "kind": kind,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        amount_in = d.pop("amount_in")

        amount_out = d.pop("amount_out")

        kind = check_outcome_type_1_kind(d.pop("kind"))

        outcome_type_1 = cls(
            amount_in=amount_in,
            amount_out=amount_out,
            kind=kind,
        )

        outcome_type_1.additional_properties = d
        return outcome_type_1

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
