from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="Block")


@_attrs_define
class Block:
    """A block.

    Attributes:
        epoch (int): Its epoch.
        height (int): Its height.
        id (str): Its id.
        next_validators (str): The hash of those who decide in the next epoch.
        parent (str): The id of the block before it.
        proposer (str): Who proposed it.
        receipt_root (str): The root of what its transactions yielded.
        state_root (str): The root of the state after it.
        time_ms (int): Its time.
        transaction_root (str): The root of its transactions.
        transactions (int): How many transactions it holds.
        validators (str): The hash of the validators who decided on it.
        view (int): Its view.
        confirmations (int | None | Unset): By how many blocks, at least.
        final (bool | None | Unset): Whether it is final.
    """

    epoch: int
    height: int
    id: str
    next_validators: str
    parent: str
    proposer: str
    receipt_root: str
    state_root: str
    time_ms: int
    transaction_root: str
    transactions: int
    validators: str
    view: int
    confirmations: int | None | Unset = UNSET
    final: bool | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        epoch = self.epoch

        height = self.height

        id = self.id

        next_validators = self.next_validators

        parent = self.parent

        proposer = self.proposer

        receipt_root = self.receipt_root

        state_root = self.state_root

        time_ms = self.time_ms

        transaction_root = self.transaction_root

        transactions = self.transactions

        validators = self.validators

        view = self.view

        confirmations: int | None | Unset
        if isinstance(self.confirmations, Unset):
            confirmations = UNSET
        else:
            confirmations = self.confirmations

        final: bool | None | Unset
        if isinstance(self.final, Unset):
            final = UNSET
        else:
            final = self.final

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "epoch": epoch,
                "height": height,
                "id": id,
                "next_validators": next_validators,
                "parent": parent,
                "proposer": proposer,
                "receipt_root": receipt_root,
                "state_root": state_root,
                "time_ms": time_ms,
                "transaction_root": transaction_root,
                "transactions": transactions,
                "validators": validators,
                "view": view,
            }
        )
        if confirmations is not UNSET:
            field_dict["confirmations"] = confirmations
        if final is not UNSET:
            field_dict["final"] = final

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        epoch = d.pop("epoch")

        height = d.pop("height")

        id = d.pop("id")

        next_validators = d.pop("next_validators")

        parent = d.pop("parent")

        proposer = d.pop("proposer")

        receipt_root = d.pop("receipt_root")

        state_root = d.pop("state_root")

        time_ms = d.pop("time_ms")

        transaction_root = d.pop("transaction_root")

        transactions = d.pop("transactions")

        validators = d.pop("validators")

        view = d.pop("view")

        def _parse_confirmations(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        confirmations = _parse_confirmations(d.pop("confirmations", UNSET))

        def _parse_final(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        final = _parse_final(d.pop("final", UNSET))

        block = cls(
            epoch=epoch,
            height=height,
            id=id,
            next_validators=next_validators,
            parent=parent,
            proposer=proposer,
            receipt_root=receipt_root,
            state_root=state_root,
            time_ms=time_ms,
            transaction_root=transaction_root,
            transactions=transactions,
            validators=validators,
            view=view,
            confirmations=confirmations,
            final=final,
        )

        block.additional_properties = d
        return block

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
