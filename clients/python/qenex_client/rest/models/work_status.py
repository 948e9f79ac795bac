from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="WorkStatus")


@_attrs_define
class WorkStatus:
    """Where a chain is on which work decides.

    Attributes:
        final_height (int): The height of the newest block that is final.
        hashes_per_block (int): How many hashes the next block takes.
        hashes_per_second (int): How fast.
        mining_threads (int): How many threads of this node mine.
        pending (int): How many blocks are not final.
        work (str): The work in the chain.
    """

    final_height: int
    hashes_per_block: int
    hashes_per_second: int
    mining_threads: int
    pending: int
    work: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        final_height = self.final_height

        hashes_per_block = self.hashes_per_block

        hashes_per_second = self.hashes_per_second

        mining_threads = self.mining_threads

        pending = self.pending

        work = self.work

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "final_height": final_height,
                "hashes_per_block": hashes_per_block,
                "hashes_per_second": hashes_per_second,
                "mining_threads": mining_threads,
                "pending": pending,
                "work": work,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        final_height = d.pop("final_height")

        hashes_per_block = d.pop("hashes_per_block")

        hashes_per_second = d.pop("hashes_per_second")

        mining_threads = d.pop("mining_threads")

        pending = d.pop("pending")

        work = d.pop("work")

        work_status = cls(
            final_height=final_height,
            hashes_per_block=hashes_per_block,
            hashes_per_second=hashes_per_second,
            mining_threads=mining_threads,
            pending=pending,
            work=work,
        )

        work_status.additional_properties = d
        return work_status

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
