from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="IssueRequest")


@_attrs_define
class IssueRequest:
    """Units that are to be issued.

    Attributes:
        account (str): The issuer: an account in custody.
        amount (str): How many.
        asset (str): The asset.
        receiver (str): Who receives them.
    """

    account: str
    amount: str
    asset: str
    receiver: str

    def to_dict(self) -> dict[str, Any]:
        account = self.account

        amount = self.amount

        asset = self.asset

        receiver = self.receiver

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "account": account,
                "amount": amount,
                "asset": asset,
                "receiver": receiver,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        account = d.pop("account")

        amount = d.pop("amount")

        asset = d.pop("asset")

        receiver = d.pop("receiver")

        issue_request = cls(
            account=account,
            amount=amount,
            asset=asset,
            receiver=receiver,
        )

        return issue_request
