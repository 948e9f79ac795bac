from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="Alert")


@_attrs_define
class Alert:
    """Something that is or was amiss.

    Attributes:
        began_ms (int): When it began.
        detail (str): What was found.
        id (int): Its number.
        rule (str): The rule that says so.
        severity (str): `info`, `warning` or `critical`.
        summary (str): What it means.
        acknowledged_by (None | str | Unset): Who knows of it and does something about it.
        ended_ms (int | None | Unset): When it ended, if it did.
        silenced_until_ms (int | None | Unset): Until when nobody is told of it.
    """

    began_ms: int
    detail: str
    id: int
    rule: str
    severity: str
    summary: str
    acknowledged_by: None | str | Unset = UNSET
    ended_ms: int | None | Unset = UNSET
    silenced_until_ms: int | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        began_ms = self.began_ms

        detail = self.detail

        id = self.id

        rule = self.rule

        severity = self.severity

        summary = self.summary

        acknowledged_by: None | str | Unset
        if isinstance(self.acknowledged_by, Unset):
            acknowledged_by = UNSET
        else:
            acknowledged_by = self.acknowledged_by

        ended_ms: int | None | Unset
        if isinstance(self.ended_ms, Unset):
            ended_ms = UNSET
        else:
            ended_ms = self.ended_ms

        silenced_until_ms: int | None | Unset
        if isinstance(self.silenced_until_ms, Unset):
            silenced_until_ms = UNSET
        else:
            silenced_until_ms = self.silenced_until_ms

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "began_ms": began_ms,
                "detail": detail,
                "id": id,
                "rule": rule,
                "severity": severity,
                "summary": summary,
            }
        )
        if acknowledged_by is not UNSET:
            field_dict["acknowledged_by"] = acknowledged_by
        if ended_ms is not UNSET:
            field_dict["ended_ms"] = ended_ms
        if silenced_until_ms is not UNSET:
            field_dict["silenced_until_ms"] = silenced_until_ms

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        began_ms = d.pop("began_ms")

        detail = d.pop("detail")

        id = d.pop("id")

        rule = d.pop("rule")

        severity = d.pop("severity")

        summary = d.pop("summary")

        def _parse_acknowledged_by(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        acknowledged_by = _parse_acknowledged_by(d.pop("acknowledged_by", UNSET))

        def _parse_ended_ms(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        ended_ms = _parse_ended_ms(d.pop("ended_ms", UNSET))

        def _parse_silenced_until_ms(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        silenced_until_ms = _parse_silenced_until_ms(d.pop("silenced_until_ms", UNSET))

        alert = cls(
            began_ms=began_ms,
            detail=detail,
            id=id,
            rule=rule,
            severity=severity,
            summary=summary,
            acknowledged_by=acknowledged_by,
            ended_ms=ended_ms,
            silenced_until_ms=silenced_until_ms,
        )

        alert.additional_properties = d
        return alert

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
