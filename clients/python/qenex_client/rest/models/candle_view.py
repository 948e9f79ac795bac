from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="CandleView")


@_attrs_define
class CandleView:
    """Prices and volumes of some time: what was paid of the second asset for one of the first, with the fee in it.

    Attributes:
        close (str): The price of the last swap.
        high (str): The highest price.
        low (str): The lowest price.
        open_ (str): The price of the first swap.
        swaps (int): How many swaps.
        time_ms (int): When it begins.
        volume_a (str): How much of the first asset changed hands.
        volume_b (str): How much of the second asset changed hands.
    """

    close: str
    high: str
    low: str
    open_: str
    swaps: int
    time_ms: int
    volume_a: str
    volume_b: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        close = self.close

        high = self.high

        low = self.low

        open_ = self.open_

        swaps = self.swaps

        time_ms = self.time_ms

        volume_a = self.volume_a

        volume_b = self.volume_b

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "close": close,
                "high": high,
                "low": low,
                "open": open_,
                "swaps": swaps,
                "time_ms": time_ms,
                "volume_a": volume_a,
                "volume_b": volume_b,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        close = d.pop("close")

        high = d.pop("high")

        low = d.pop("low")

        open_ = d.pop("open")

        swaps = d.pop("swaps")

        time_ms = d.pop("time_ms")

        volume_a = d.pop("volume_a")

        volume_b = d.pop("volume_b")

        candle_view = cls(
            close=close,
            high=high,
            low=low,
            open_=open_,
            swaps=swaps,
            time_ms=time_ms,
            volume_a=volume_a,
            volume_b=volume_b,
        )

        candle_view.additional_properties = d
        return candle_view

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
