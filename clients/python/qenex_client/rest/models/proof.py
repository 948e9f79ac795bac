from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.statement import Statement


T = TypeVar("T", bound="Proof")


@_attrs_define
class Proof:
    """What a state holds, and the proof of it: the same as the file of `qenex proof make`.

    Attributes:
        height (int): The height of the block.
        proof (str): One proof of all.
        state_root (str): The root of the state after it.
        statements (list[Statement]): What the state holds.
    """

    height: int
    proof: str
    state_root: str
    statements: list[Statement]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        height = self.height

        proof = self.proof

        state_root = self.state_root

        statements = []
        for statements_item_data in self.statements:
            statements_item = statements_item_data.to_dict()
            statements.append(statements_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "height": height,
                "proof": proof,
                "state_root": state_root,
                "statements": statements,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.statement import Statement

        d = dict(src_dict)
        height = d.pop("height")

        proof = d.pop("proof")

        state_root = d.pop("state_root")

        statements = []
        _statements = d.pop("statements")
        for statements_item_data in _statements:
            statements_item = Statement.from_dict(statements_item_data)

            statements.append(statements_item)

        proof = cls(
            height=height,
            proof=proof,
            state_root=state_root,
            statements=statements,
        )

        proof.additional_properties = d
        return proof

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
