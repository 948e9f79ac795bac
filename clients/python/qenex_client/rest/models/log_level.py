from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="LogLevel")


@_attrs_define
class LogLevel:
    """How much is logged.

    Attributes:
        level (str): `warn`, `info`, `debug`, or more of it for single parts: `warn,qenex_api=debug`.
    """

    level: str

    def to_dict(self) -> dict[str, Any]:
        level = self.level

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "level": level,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        level = d.pop("level")

        log_level = cls(
            level=level,
        )

        return log_level
