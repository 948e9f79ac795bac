from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.kind import Kind, check_kind
from ..types import UNSET, Unset

T = TypeVar("T", bound="AuditEntry")


@_attrs_define
class AuditEntry:
    """An entry of the audit log.

    Attributes:
        detail (str): What else there is to say.
        hash_ (str): SHA-256 of the hash before it and the entry.
        kind (Kind): What an entry is about.
        number (int): Its number.
        principal (str): Who asked.
        request (str): The method and the path.
        status (int): What was answered.
        time_ms (int): When.
        address (None | str | Unset): From where.
        code (int | None | Unset): The number of the refusal in the table of codes.
    """

    detail: str
    hash_: str
    kind: Kind
    number: int
    principal: str
    request: str
    status: int
    time_ms: int
    address: None | str | Unset = UNSET
    code: int | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        detail = self.detail

        hash_ = self.hash_

        kind: str = self.kind

        number = self.number

        principal = self.principal

        request = self.request

        status = self.status

        time_ms = self.time_ms

        address: None | str | Unset
        if isinstance(self.address, Unset):
            address = UNSET
        else:
            address = self.address

        code: int | None | Unset
        if isinstance(self.code, Unset):
            code = UNSET
        else:
            code = self.code

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "detail": detail,
                "hash": hash_,
                "kind": kind,
                "number": number,
                "principal": principal,
                "request": request,
                "status": status,
                "time_ms": time_ms,
            }
        )
        if address is not UNSET:
            field_dict["address"] = address
        if code is not UNSET:
            field_dict["code"] = code

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        detail = d.pop("detail")

        hash_ = d.pop("hash")

        kind = check_kind(d.pop("kind"))

        number = d.pop("number")

        principal = d.pop("principal")

        request = d.pop("request")

        status = d.pop("status")

        time_ms = d.pop("time_ms")

        def _parse_address(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        address = _parse_address(d.pop("address", UNSET))

        def _parse_code(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        code = _parse_code(d.pop("code", UNSET))

        audit_entry = cls(
            detail=detail,
            hash_=hash_,
            kind=kind,
            number=number,
            principal=principal,
            request=request,
            status=status,
            time_ms=time_ms,
            address=address,
            code=code,
        )

        audit_entry.additional_properties = d
        return audit_entry

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
