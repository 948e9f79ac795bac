from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.outcome_type_5_kind import OutcomeType5Kind, check_outcome_type_5_kind

T = TypeVar("T", bound="OutcomeType5")


@_attrs_define
class OutcomeType5:
    """Stake was taken back.

    Attributes:
        amount (str): How much.
        kind (OutcomeType5Kind):
        release_epoch (int): From when on it can be received.
    """

    amount: str
    kind: OutcomeType5Kind
    release_epoch: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        amount = self.amount

        kind: str = self.kind

        release_epoch = self.release_epoch

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "amount": amount,
                "kind": kind,
                "release_epoch": release_epoch,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        amount = d.pop("amount")

        kind = check_outcome_type_5_kind(d.pop("kind"))

        release_epoch = d.pop("release_epoch")

        outcome_type_5 = cls(
            amount=amount,
            kind=kind,
            release_epoch=release_epoch,
        )

        outcome_type_5.additional_properties = d
        return outcome_type_5

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
