from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.summary_line import SummaryLine


T = TypeVar("T", bound="Preview")


@_attrs_define
class Preview:
    """What a transaction would be.

    Attributes:
        sender (str): The account.
        summary (list[SummaryLine]): What the device would be shown.
    """

    sender: str
    summary: list[SummaryLine]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        sender = self.sender

        summary = []
        for summary_item_data in self.summary:
            summary_item = summary_item_data.to_dict()
            summary.append(summary_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "sender": sender,
                "summary": summary,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.summary_line import SummaryLine

        d = dict(src_dict)
        sender = d.pop("sender")

        summary = []
        _summary = d.pop("summary")
        for summary_item_data in _summary:
            summary_item = SummaryLine.from_dict(summary_item_data)

            summary.append(summary_item)

        preview = cls(
            sender=sender,
            summary=summary,
        )

        preview.additional_properties = d
        return preview

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
