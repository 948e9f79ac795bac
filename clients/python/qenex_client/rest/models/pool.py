from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="Pool")


@_attrs_define
class Pool:
    """A pool.

    Attributes:
        asset_a (str): The asset whose id comes first.
        asset_b (str): The asset whose id comes second.
        fee_bps (int): What it keeps of each swap's input, in basis points.
        pool (str): Its id.
        reserve_a (str): How much it has of the first.
        reserve_b (str): How much it has of the second.
        shares (str): How many shares there are.
        confirmations (int | None | Unset): By how many blocks, at least.
        final (bool | None | Unset): Whether it is final.
        price_a_in_b (None | str | Unset): What one of the first is worth in the second, without fee; nothing while the
            pool is empty.
        price_b_in_a (None | str | Unset): What one of the second is worth in the first, without fee; nothing while the
            pool is empty.
    """

    asset_a: str
    asset_b: str
    fee_bps: int
    pool: str
    reserve_a: str
    reserve_b: str
    shares: str
    confirmations: int | None | Unset = UNSET
    final: bool | None | Unset = UNSET
    price_a_in_b: None | str | Unset = UNSET
    price_b_in_a: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        asset_a = self.asset_a

        asset_b = self.asset_b

        fee_bps = self.fee_bps

        pool = self.pool

        reserve_a = self.reserve_a

        reserve_b = self.reserve_b

        shares = self.shares

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

        price_a_in_b: None | str | Unset
        if isinstance(self.price_a_in_b, Unset):
            price_a_in_b = UNSET
        else:
            price_a_in_b = self.price_a_in_b

        price_b_in_a: None | str | Unset
        if isinstance(self.price_b_in_a, Unset):
            price_b_in_a = UNSET
        else:
            price_b_in_a = self.price_b_in_a

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "asset_a": asset_a,
                "asset_b": asset_b,
                "fee_bps": fee_bps,
                "pool": pool,
                "reserve_a": reserve_a,
                "reserve_b": reserve_b,
                "shares": shares,
            }
        )
        if confirmations is not UNSET:
            field_dict["confirmations"] = confirmations
        if final is not UNSET:
            field_dict["final"] = final
        if price_a_in_b is not UNSET:
            field_dict["price_a_in_b"] = price_a_in_b
        if price_b_in_a is not UNSET:
            field_dict["price_b_in_a"] = price_b_in_a

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        asset_a = d.pop("asset_a")

        asset_b = d.pop("asset_b")

        fee_bps = d.pop("fee_bps")

        pool = d.pop("pool")

        reserve_a = d.pop("reserve_a")

        reserve_b = d.pop("reserve_b")

        shares = d.pop("shares")

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

        def _parse_price_a_in_b(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        price_a_in_b = _parse_price_a_in_b(d.pop("price_a_in_b", UNSET))

        def _parse_price_b_in_a(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        price_b_in_a = _parse_price_b_in_a(d.pop("price_b_in_a", UNSET))

        pool = cls(
            asset_a=asset_a,
            asset_b=asset_b,
            fee_bps=fee_bps,
            pool=pool,
            reserve_a=reserve_a,
            reserve_b=reserve_b,
            shares=shares,
            confirmations=confirmations,
            final=final,
            price_a_in_b=price_a_in_b,
            price_b_in_a=price_b_in_a,
        )

        pool.additional_properties = d
        return pool

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
