from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.candle_view import CandleView


T = TypeVar("T", bound="Candles")


@_attrs_define
class Candles:
    """How the price of a pool went.

    Attributes:
        asset_a (str): The asset whose price it is.
        asset_b (str): The asset in which the price is.
        candles (list[CandleView]): The oldest first, 1,000 at most: the newest of those that are asked for. A time
            without a swap has none.
        pool (str): The pool.
        step_ms (int): How long each one's time is.
    """

    asset_a: str
    asset_b: str
    candles: list[CandleView]
    pool: str
    step_ms: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        asset_a = self.asset_a

        asset_b = self.asset_b

        candles = []
        for candles_item_data in self.candles:
            candles_item = candles_item_data.to_dict()
            candles.append(candles_item)

        pool = self.pool

        step_ms = self.step_ms

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "asset_a": asset_a,
                "asset_b": asset_b,
                "candles": candles,
                "pool": pool,
                "step_ms": step_ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.candle_view import CandleView

        d = dict(src_dict)
        asset_a = d.pop("asset_a")

        asset_b = d.pop("asset_b")

        candles = []
        _candles = d.pop("candles")
        for candles_item_data in _candles:
            candles_item = CandleView.from_dict(candles_item_data)

            candles.append(candles_item)

        pool = d.pop("pool")

        step_ms = d.pop("step_ms")

        candles = cls(
            asset_a=asset_a,
            asset_b=asset_b,
            candles=candles,
            pool=pool,
            step_ms=step_ms,
        )

        candles.additional_properties = d
        return candles

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
