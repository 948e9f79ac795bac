from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="TransferRequest")


@_attrs_define
class TransferRequest:
    """A transfer.

    Attributes:
        amount (str): How much: a decimal text.
        currency (str): Of which asset.
        receiver (str): Who receives.
        sender (str): Who pays: an account in custody.
        reference (str | Unset): What for: up to 35 printable ASCII characters.
    """

    amount: str
    currency: str
    receiver: str
    sender: str
    reference: str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        amount = self.amount

        currency = self.currency

        receiver = self.receiver

        sender = self.sender

        reference = self.reference

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "amount": amount,
                "currency": currency,
                "receiver": receiver,
                "sender": sender,
            }
        )
        if reference is not UNSET:
            field_dict["reference"] = reference

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        amount = d.pop("amount")

        currency = d.pop("currency")

        receiver = d.pop("receiver")

        sender = d.pop("sender")

        reference = d.pop("reference", UNSET)

        transfer_request = cls(
            amount=amount,
            currency=currency,
            receiver=receiver,
            sender=sender,
            reference=reference,
        )

        return transfer_request
