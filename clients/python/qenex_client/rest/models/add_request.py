from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="AddRequest")


@_attrs_define
class AddRequest:
    """Liquidity that is to be added.

    Attributes:
        account (str): The account in custody.
        max_a (str): The most of the asset whose id comes first.
        max_b (str): The most of the other asset.
        min_shares (str): The fewest shares to accept.
        pool (str): The pool.
    """

    account: str
    max_a: str
    max_b: str
    min_shares: str
    pool: str

    def to_dict(self) -> dict[str, Any]:
        account = self.account

        max_a = self.max_a

        max_b = self.max_b

        min_shares = self.min_shares

        pool = self.pool

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "account": account,
                "max_a": max_a,
                "max_b": max_b,
                "min_shares": min_shares,
                "pool": pool,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        account = d.pop("account")

        max_a = d.pop("max_a")

        max_b = d.pop("max_b")

        min_shares = d.pop("min_shares")

        pool = d.pop("pool")

        add_request = cls(
            account=account,
            max_a=max_a,
            max_b=max_b,
            min_shares=min_shares,
            pool=pool,
        )

        return add_request
