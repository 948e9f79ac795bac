from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="SilenceRequest")


@_attrs_define
class SilenceRequest:
    """For how long.

    Attributes:
        minutes (int): For how long, from now on: a week at most.
    """

    minutes: int

    def to_dict(self) -> dict[str, Any]:
        minutes = self.minutes

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "minutes": minutes,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        minutes = d.pop("minutes")

        silence_request = cls(
            minutes=minutes,
        )

        return silence_request
