from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.key import Key


T = TypeVar("T", bound="Account")


@_attrs_define
class Account:
    """An account.

    Attributes:
        id (str): Its id.
        keys (list[Key]): Its keys.
        kind (str): What it is.
        kyc (str): How well its holder is known.
        nonce (int): How many transactions it has sent.
        status (str): Whether it may act.
        threshold (int): How many of its keys must sign.
        confirmations (int | None | Unset): By how many blocks, at least.
        final (bool | None | Unset): Whether it is final.
    """

    id: str
    keys: list[Key]
    kind: str
    kyc: str
    nonce: int
    status: str
    threshold: int
    confirmations: int | None | Unset = UNSET
    final: bool | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        keys = []
        for keys_item_data in self.keys:
            keys_item = keys_item_data.to_dict()
            keys.append(keys_item)

        kind = self.kind

        kyc = self.kyc

        nonce = self.nonce

        status = self.status

        threshold = self.threshold

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
                "id": id,
                "keys": keys,
                "kind": kind,
                "kyc": kyc,
                "nonce": nonce,
                "status": status,
                "threshold": threshold,
            }
        )
        if confirmations is not UNSET:
            field_dict["confirmations"] = confirmations
        if final is not UNSET:
            field_dict["final"] = final

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.key import Key

        d = dict(src_dict)
        id = d.pop("id")

        keys = []
        _keys = d.pop("keys")
        for keys_item_data in _keys:
            keys_item = Key.from_dict(keys_item_data)

            keys.append(keys_item)

        kind = d.pop("kind")

        kyc = d.pop("kyc")

        nonce = d.pop("nonce")

        status = d.pop("status")

        threshold = d.pop("threshold")

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

        account = cls(
            id=id,
            keys=keys,
            kind=kind,
            kyc=kyc,
            nonce=nonce,
            status=status,
            threshold=threshold,
            confirmations=confirmations,
            final=final,
        )

        account.additional_properties = d
        return account

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
