from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.concentration import Concentration
    from ..models.day import Day
    from ..models.stability import Stability


T = TypeVar("T", bound="Economy")


@_attrs_define
class Economy:
    """The figures of an asset as money. Ratios are rounded to six digits.

    Attributes:
        asset (str): The asset.
        burned (str): What was burned in these days.
        concentration (Concentration): How an asset is spread over accounts; what pools and stake hold is not counted.
        days (int): How many days the flows cover.
        flows (list[Day]): The days on which something happened, the oldest first.
        height (int): The block after which supply and concentration are as they stand here.
        issued (str): What was issued by its issuer in these days.
        max_supply (str): How much may ever be.
        stability (list[Stability]): How stable its price is in the pools that have it.
        supply (str): How much is in circulation.
        velocity (float): How often a unit changed hands in these days: the volume divided by the supply of today.
        volume (str): What was transferred in these days.
    """

    asset: str
    burned: str
    concentration: Concentration
    days: int
    flows: list[Day]
    height: int
    issued: str
    max_supply: str
    stability: list[Stability]
    supply: str
    velocity: float
    volume: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        asset = self.asset

        burned = self.burned

        concentration = self.concentration.to_dict()

        days = self.days

        flows = []
        for flows_item_data in self.flows:
            flows_item = flows_item_data.to_dict()
            flows.append(flows_item)

        height = self.height

        issued = self.issued

        max_supply = self.max_supply

        stability = []
        for stability_item_data in self.stability:
            stability_item = stability_item_data.to_dict()
            stability.append(stability_item)

        supply = self.supply

        velocity = self.velocity

        volume = self.volume

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "asset": asset,
                "burned": burned,
                "concentration": concentration,
                "days": days,
                "flows": flows,
                "height": height,
                "issued": issued,
                "max_supply": max_supply,
                "stability": stability,
                "supply": supply,
                "velocity": velocity,
                "volume": volume,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.concentration import Concentration
        from ..models.day import Day
        from ..models.stability import Stability

        d = dict(src_dict)
        asset = d.pop("asset")

        burned = d.pop("burned")

        concentration = Concentration.from_dict(d.pop("concentration"))

        days = d.pop("days")

        flows = []
        _flows = d.pop("flows")
        for flows_item_data in _flows:
            flows_item = Day.from_dict(flows_item_data)

            flows.append(flows_item)

        height = d.pop("height")

        issued = d.pop("issued")

        max_supply = d.pop("max_supply")

        stability = []
        _stability = d.pop("stability")
        for stability_item_data in _stability:
            stability_item = Stability.from_dict(stability_item_data)

            stability.append(stability_item)

        supply = d.pop("supply")

        velocity = d.pop("velocity")

        volume = d.pop("volume")

        economy = cls(
            asset=asset,
            burned=burned,
            concentration=concentration,
            days=days,
            flows=flows,
            height=height,
            issued=issued,
            max_supply=max_supply,
            stability=stability,
            supply=supply,
            velocity=velocity,
            volume=volume,
        )

        economy.additional_properties = d
        return economy

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
