from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="Validator")


@_attrs_define
class Validator:
    """A validator.

    Attributes:
        account (str): Its account.
        commission_bps (int): What the operator keeps of rewards, in basis points.
        own (bool): Whether it is this node that signs its votes.
        seat (bool): Whether it has a seat in this epoch.
        stake (str): The stake behind it.
        status (str): Whether it has a seat in this epoch, stands for one, has left, or is barred.
        vote_key (str): The key of its votes.
        slot (int | None | Unset): The slot of candidates in which it stands.
    """

    account: str
    commission_bps: int
    own: bool
    seat: bool
    stake: str
    status: str
    vote_key: str
    slot: int | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        account = self.account

        commission_bps = self.commission_bps

        own = self.own

        seat = self.seat

        stake = self.stake

        status = self.status

        vote_key = self.vote_key

        slot: int | None | Unset
        if isinstance(self.slot, Unset):
            slot = UNSET
        else:
            slot = self.slot

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "account": account,
                "commission_bps": commission_bps,
                "own": own,
                "seat": seat,
                "stake": stake,
                "status": status,
                "vote_key": vote_key,
            }
        )
        if slot is not UNSET:
            field_dict["slot"] = slot

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        account = d.pop("account")

        commission_bps = d.pop("commission_bps")

        own = d.pop("own")

        seat = d.pop("seat")

        stake = d.pop("stake")

        status = d.pop("status")

        vote_key = d.pop("vote_key")

        def _parse_slot(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        slot = _parse_slot(d.pop("slot", UNSET))

        validator = cls(
            account=account,
            commission_bps=commission_bps,
            own=own,
            seat=seat,
            stake=stake,
            status=status,
            vote_key=vote_key,
            slot=slot,
        )

        validator.additional_properties = d
        return validator

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
