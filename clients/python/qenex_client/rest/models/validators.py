from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.validator import Validator


T = TypeVar("T", bound="Validators")


@_attrs_define
class Validators:
    """Who decides on blocks.

    Attributes:
        epoch (int): The epoch of the next block.
        validators (list[Validator]): Those who stand or have stood, those with the most stake first.
    """

    epoch: int
    validators: list[Validator]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        epoch = self.epoch

        validators = []
        for validators_item_data in self.validators:
            validators_item = validators_item_data.to_dict()
            validators.append(validators_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "epoch": epoch,
                "validators": validators,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.validator import Validator

        d = dict(src_dict)
        epoch = d.pop("epoch")

        validators = []
        _validators = d.pop("validators")
        for validators_item_data in _validators:
            validators_item = Validator.from_dict(validators_item_data)

            validators.append(validators_item)

        validators = cls(
            epoch=epoch,
            validators=validators,
        )

        validators.additional_properties = d
        return validators

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
