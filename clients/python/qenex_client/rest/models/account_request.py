from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="AccountRequest")


@_attrs_define
class AccountRequest:
    """An account that is to be opened.

    Attributes:
        account_id (str): Its id: one of those that the node's configuration puts into custody.
        currency (None | str | Unset): The asset that it is meant for. Accounts of the ledger hold every asset; it must
            exist.
        documents (list[str] | Unset): Names or hashes of documents about its holder: with any, the holder counts as
            known by name.
    """

    account_id: str
    currency: None | str | Unset = UNSET
    documents: list[str] | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        account_id = self.account_id

        currency: None | str | Unset
        if isinstance(self.currency, Unset):
            currency = UNSET
        else:
            currency = self.currency

        documents: list[str] | Unset = UNSET
        if not isinstance(self.documents, Unset):
            documents = self.documents

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "account_id": account_id,
            }
        )
        if currency is not UNSET:
            field_dict["currency"] = currency
        if documents is not UNSET:
            field_dict["documents"] = documents

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        account_id = d.pop("account_id")

        def _parse_currency(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        currency = _parse_currency(d.pop("currency", UNSET))

        documents = cast(list[str], d.pop("documents", UNSET))

        account_request = cls(
            account_id=account_id,
            currency=currency,
            documents=documents,
        )

        return account_request
