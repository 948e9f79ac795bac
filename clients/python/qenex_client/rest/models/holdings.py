from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.asset_amount import AssetAmount
    from ..models.pool_shares import PoolShares


T = TypeVar("T", bound="Holdings")


@_attrs_define
class Holdings:
    """What an account has.

    Attributes:
        account (str): The account.
        balances (list[AssetAmount]): Its balances, in the order of the assets, 500 at most.
        shares (list[PoolShares]): Its shares of pools, in the order of the pools, 500 at most.
    """

    account: str
    balances: list[AssetAmount]
    shares: list[PoolShares]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        account = self.account

        balances = []
        for balances_item_data in self.balances:
            balances_item = balances_item_data.to_dict()
            balances.append(balances_item)

        shares = []
        for shares_item_data in self.shares:
            shares_item = shares_item_data.to_dict()
            shares.append(shares_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "account": account,
                "balances": balances,
                "shares": shares,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.asset_amount import AssetAmount
        from ..models.pool_shares import PoolShares

        d = dict(src_dict)
        account = d.pop("account")

        balances = []
        _balances = d.pop("balances")
        for balances_item_data in _balances:
            balances_item = AssetAmount.from_dict(balances_item_data)

            balances.append(balances_item)

        shares = []
        _shares = d.pop("shares")
        for shares_item_data in _shares:
            shares_item = PoolShares.from_dict(shares_item_data)

            shares.append(shares_item)

        holdings = cls(
            account=account,
            balances=balances,
            shares=shares,
        )

        holdings.additional_properties = d
        return holdings

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
