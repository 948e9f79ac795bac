from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.work_status import WorkStatus


T = TypeVar("T", bound="Status")


@_attrs_define
class Status:
    """Where a chain is.

    Attributes:
        chain_id (str): The chain.
        epoch (int): Its epoch.
        height (int): The height of the newest block.
        id (str): Its id.
        proposer (str): Who proposed it.
        room (int): How many may wait.
        state_root (str): The root of the state after it.
        time_ms (int): Its time.
        view (int): Its view.
        waiting (int): How many transactions wait.
        first_height (int | None | Unset): The first block that the node keeps, where validators decide.
        mining (None | Unset | WorkStatus):
    """

    chain_id: str
    epoch: int
    height: int
    id: str
    proposer: str
    room: int
    state_root: str
    time_ms: int
    view: int
    waiting: int
    first_height: int | None | Unset = UNSET
    mining: None | Unset | WorkStatus = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.work_status import WorkStatus

        chain_id = self.chain_id

        epoch = self.epoch

        height = self.height

        id = self.id

        proposer = self.proposer

        room = self.room

        state_root = self.state_root

        time_ms = self.time_ms

        view = self.view

        waiting = self.waiting

        first_height: int | None | Unset
        if isinstance(self.first_height, Unset):
            first_height = UNSET
        else:
            first_height = self.first_height

        mining: dict[str, Any] | None | Unset
        if isinstance(self.mining, Unset):
            mining = UNSET
        elif isinstance(self.mining, WorkStatus):
            mining = self.mining.to_dict()
        else:
            mining = self.mining

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "chain_id": chain_id,
                "epoch": epoch,
                "height": height,
                "id": id,
                "proposer": proposer,
                "room": room,
                "state_root": state_root,
                "time_ms": time_ms,
                "view": view,
                "waiting": waiting,
            }
        )
        if first_height is not UNSET:
            field_dict["first_height"] = first_height
        if mining is not UNSET:
            field_dict["mining"] = mining

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.work_status import WorkStatus

        d = dict(src_dict)
        chain_id = d.pop("chain_id")

        epoch = d.pop("epoch")

        height = d.pop("height")

        id = d.pop("id")

        proposer = d.pop("proposer")

        room = d.pop("room")

        state_root = d.pop("state_root")

        time_ms = d.pop("time_ms")

        view = d.pop("view")

        waiting = d.pop("waiting")

        def _parse_first_height(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        first_height = _parse_first_height(d.pop("first_height", UNSET))

        def _parse_mining(data: object) -> None | Unset | WorkStatus:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                mining_type_0 = WorkStatus.from_dict(data)

                return mining_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Unset | WorkStatus, data)

        mining = _parse_mining(d.pop("mining", UNSET))

        status = cls(
            chain_id=chain_id,
            epoch=epoch,
            height=height,
            id=id,
            proposer=proposer,
            room=room,
            state_root=state_root,
            time_ms=time_ms,
            view=view,
            waiting=waiting,
            first_height=first_height,
            mining=mining,
        )

        status.additional_properties = d
        return status

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
