from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="PoolRequest")


@_attrs_define
class PoolRequest:
    """A pool.

    Attributes:
        account (str): The account in custody that creates it.
        asset_a (str): The asset whose id comes first.
        asset_b (str): The other asset.
        fee_bps (int): What it keeps of each swap's input, in basis points.
        pool (str): The pool's id.
    """

    account: str
    asset_a: str
    asset_b: str
    fee_bps: int
    pool: str

    def to_dict(self) -> dict[str, Any]:
        account = self.account

        asset_a = self.asset_a

        asset_b = self.asset_b

        fee_bps = self.fee_bps

        pool = self.pool

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "account": account,
                "asset_a": asset_a,
                "asset_b": asset_b,
                "fee_bps": fee_bps,
                "pool": pool,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        account = d.pop("account")

        asset_a = d.pop("asset_a")

        asset_b = d.pop("asset_b")

        fee_bps = d.pop("fee_bps")

        pool = d.pop("pool")

        pool_request = cls(
            account=account,
            asset_a=asset_a,
            asset_b=asset_b,
            fee_bps=fee_bps,
            pool=pool,
        )

        return pool_request
