from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="SwapRequest")


@_attrs_define
class SwapRequest:
    """A swap.

    Attributes:
        amount_in (str): How much is given: a decimal text.
        token_in (str): The asset that is given.
        token_out (str): The asset that is received.
        account (None | str | Unset): The account in custody; where the caller may act for one only, that.
        max_slippage_bps (int | None | Unset): Where that is not said: how much less than the quote, in basis points; 50
            where nothing is said.
        min_amount_out (None | str | Unset): The least to receive: a decimal text.
        pool (None | str | Unset): The pool; where nothing is said, the one whose id is both assets with a dash between
            them.
    """

    amount_in: str
    token_in: str
    token_out: str
    account: None | str | Unset = UNSET
    max_slippage_bps: int | None | Unset = UNSET
    min_amount_out: None | str | Unset = UNSET
    pool: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        amount_in = self.amount_in

        token_in = self.token_in

        token_out = self.token_out

        account: None | str | Unset
        if isinstance(self.account, Unset):
            account = UNSET
        else:
            account = self.account

        max_slippage_bps: int | None | Unset
        if isinstance(self.max_slippage_bps, Unset):
            max_slippage_bps = UNSET
        else:
            max_slippage_bps = self.max_slippage_bps

        min_amount_out: None | str | Unset
        if isinstance(self.min_amount_out, Unset):
            min_amount_out = UNSET
        else:
            min_amount_out = self.min_amount_out

        pool: None | str | Unset
        if isinstance(self.pool, Unset):
            pool = UNSET
        else:
            pool = self.pool

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "amount_in": amount_in,
                "token_in": token_in,
                "token_out": token_out,
            }
        )
        if account is not UNSET:
            field_dict["account"] = account
        if max_slippage_bps is not UNSET:
            field_dict["max_slippage_bps"] = max_slippage_bps
        if min_amount_out is not UNSET:
            field_dict["min_amount_out"] = min_amount_out
        if pool is not UNSET:
            field_dict["pool"] = pool

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        amount_in = d.pop("amount_in")

        token_in = d.pop("token_in")

        token_out = d.pop("token_out")

        def _parse_account(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        account = _parse_account(d.pop("account", UNSET))

        def _parse_max_slippage_bps(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        max_slippage_bps = _parse_max_slippage_bps(d.pop("max_slippage_bps", UNSET))

        def _parse_min_amount_out(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        min_amount_out = _parse_min_amount_out(d.pop("min_amount_out", UNSET))

        def _parse_pool(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        pool = _parse_pool(d.pop("pool", UNSET))

        swap_request = cls(
            amount_in=amount_in,
            token_in=token_in,
            token_out=token_out,
            account=account,
            max_slippage_bps=max_slippage_bps,
            min_amount_out=min_amount_out,
            pool=pool,
        )

        return swap_request
