from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="BurnRequest")


@_attrs_define
class BurnRequest:
    """Units that are to be burned.

    Attributes:
        account (str): The issuer: an account in custody.
        amount (str): How many.
        asset (str): The asset.
    """

    account: str
    amount: str
    asset: str

    def to_dict(self) -> dict[str, Any]:
        account = self.account

        amount = self.amount

        asset = self.asset

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "account": account,
                "amount": amount,
                "asset": asset,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        account = d.pop("account")

        amount = d.pop("amount")

        asset = d.pop("asset")

        burn_request = cls(
            account=account,
            amount=amount,
            asset=asset,
        )

        return burn_request
