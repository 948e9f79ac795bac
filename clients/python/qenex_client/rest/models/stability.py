from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="Stability")


@_attrs_define
class Stability:
    """How stable the price in a pool is, by the last price of each day on which somebody swapped.

    Attributes:
        asset_a (str): The asset whose price it is.
        asset_b (str): The asset in which the price is.
        days (int): How many days have a price.
        pool (str): The pool.
        change (float | None | Unset): The last price divided by the first, less one.
        drawdown (float | None | Unset): How far the price fell from a day's to a later day's, at most, as a part of the
            former.
        volatility (float | None | Unset): The standard deviation of the daily changes (of the logarithms of the
            prices).
    """

    asset_a: str
    asset_b: str
    days: int
    pool: str
    change: float | None | Unset = UNSET
    drawdown: float | None | Unset = UNSET
    volatility: float | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        asset_a = self.asset_a

        asset_b = self.asset_b

        days = self.days

        pool = self.pool

        change: float | None | Unset
        if isinstance(self.change, Unset):
            change = UNSET
        else:
            change = self.change

        drawdown: float | None | Unset
        if isinstance(self.drawdown, Unset):
            drawdown = UNSET
        else:
            drawdown = self.drawdown

        volatility: float | None | Unset
        if isinstance(self.volatility, Unset):
            volatility = UNSET
        else:
            volatility = self.volatility

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "asset_a": asset_a,
                "asset_b": asset_b,
                "days": days,
                "pool": pool,
            }
        )
        if change is not UNSET:
            field_dict["change"] = change
        if drawdown is not UNSET:
            field_dict["drawdown"] = drawdown
        if volatility is not UNSET:
            field_dict["volatility"] = volatility

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        asset_a = d.pop("asset_a")

        asset_b = d.pop("asset_b")

        days = d.pop("days")

        pool = d.pop("pool")

        def _parse_change(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        change = _parse_change(d.pop("change", UNSET))

        def _parse_drawdown(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        drawdown = _parse_drawdown(d.pop("drawdown", UNSET))

        def _parse_volatility(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        volatility = _parse_volatility(d.pop("volatility", UNSET))

        stability = cls(
            asset_a=asset_a,
            asset_b=asset_b,
            days=days,
            pool=pool,
            change=change,
            drawdown=drawdown,
            volatility=volatility,
        )

        stability.additional_properties = d
        return stability

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
