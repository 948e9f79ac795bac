from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Certificate")


@_attrs_define
class Certificate:
    """The votes that made a block final.

    Attributes:
        parent_view (int): The view of its parent.
        signatures (list[str]): The signatures of those.
        signers (str): A bit for each validator.
        view (int): The view of the proposal.
    """

    parent_view: int
    signatures: list[str]
    signers: str
    view: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        parent_view = self.parent_view

        signatures = self.signatures

        signers = self.signers

        view = self.view

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "parent_view": parent_view,
                "signatures": signatures,
                "signers": signers,
                "view": view,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        parent_view = d.pop("parent_view")

        signatures = cast(list[str], d.pop("signatures"))

        signers = d.pop("signers")

        view = d.pop("view")

        certificate = cls(
            parent_view=parent_view,
            signatures=signatures,
            signers=signers,
            view=view,
        )

        certificate.additional_properties = d
        return certificate

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
