from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.certificate import Certificate
    from ..models.member import Member


T = TypeVar("T", bound="Checkpoint")


@_attrs_define
class Checkpoint:
    """How a light client follows the end of an epoch.

    Attributes:
        epoch (int): The epoch.
        header (str): Its header, in canonical bytes.
        height (int): The height of its last block.
        id (str): The id of that.
        members (list[Member]): Its validators.
        certificate (Certificate | None | Unset):
    """

    epoch: int
    header: str
    height: int
    id: str
    members: list[Member]
    certificate: Certificate | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.certificate import Certificate

        epoch = self.epoch

        header = self.header

        height = self.height

        id = self.id

        members = []
        for members_item_data in self.members:
            members_item = members_item_data.to_dict()
            members.append(members_item)

        certificate: dict[str, Any] | None | Unset
        if isinstance(self.certificate, Unset):
            certificate = UNSET
        elif isinstance(self.certificate, Certificate):
            certificate = self.certificate.to_dict()
        else:
            certificate = self.certificate

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "epoch": epoch,
                "header": header,
                "height": height,
                "id": id,
                "members": members,
            }
        )
        if certificate is not UNSET:
            field_dict["certificate"] = certificate

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.certificate import Certificate
        from ..models.member import Member

        d = dict(src_dict)
        epoch = d.pop("epoch")

        header = d.pop("header")

        height = d.pop("height")

        id = d.pop("id")

        members = []
        _members = d.pop("members")
        for members_item_data in _members:
            members_item = Member.from_dict(members_item_data)

            members.append(members_item)

        def _parse_certificate(data: object) -> Certificate | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                certificate_type_0 = Certificate.from_dict(data)

                return certificate_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Certificate | None | Unset, data)

        certificate = _parse_certificate(d.pop("certificate", UNSET))

        checkpoint = cls(
            epoch=epoch,
            header=header,
            height=height,
            id=id,
            members=members,
            certificate=certificate,
        )

        checkpoint.additional_properties = d
        return checkpoint

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
