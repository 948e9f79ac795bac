from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="RemoveRequest")


@_attrs_define
class RemoveRequest:
    """Liquidity that is to be removed.

    Attributes:
        account (str): The account in custody.
        min_a (str): The least of the asset whose id comes first.
        min_b (str): The least of the other asset.
        pool (str): The pool.
        shares (str): How many shares.
    """

    account: str
    min_a: str
    min_b: str
    pool: str
    shares: str

    def to_dict(self) -> dict[str, Any]:
        account = self.account

        min_a = self.min_a

        min_b = self.min_b

        pool = self.pool

        shares = self.shares

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "account": account,
                "min_a": min_a,
                "min_b": min_b,
                "pool": pool,
                "shares": shares,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        account = d.pop("account")

        min_a = d.pop("min_a")

        min_b = d.pop("min_b")

        pool = d.pop("pool")

        shares = d.pop("shares")

        remove_request = cls(
            account=account,
            min_a=min_a,
            min_b=min_b,
            pool=pool,
            shares=shares,
        )

        return remove_request
