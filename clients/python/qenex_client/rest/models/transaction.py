from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.outcome_type_0 import OutcomeType0
    from ..models.outcome_type_1 import OutcomeType1
    from ..models.outcome_type_2 import OutcomeType2
    from ..models.outcome_type_3 import OutcomeType3
    from ..models.outcome_type_4 import OutcomeType4
    from ..models.outcome_type_5 import OutcomeType5
    from ..models.outcome_type_6 import OutcomeType6
    from ..models.outcome_type_7 import OutcomeType7
    from ..models.summary_line import SummaryLine


T = TypeVar("T", bound="Transaction")


@_attrs_define
class Transaction:
    """A final transaction.

    Attributes:
        fee (str): What its sender paid.
        height (int): The height of its block.
        id (str): Its id.
        kind (str): What it does: `transfer`, `swap-exact-in` and so on.
        outcome (OutcomeType0 | OutcomeType1 | OutcomeType2 | OutcomeType3 | OutcomeType4 | OutcomeType5 | OutcomeType6
            | OutcomeType7): What a transaction yielded.
        place (int): Its place there.
        sender (str): Who sent it.
        summary (list[SummaryLine]): What a device shows of it.
        time_ms (int): The time of its block.
    """

    fee: str
    height: int
    id: str
    kind: str
    outcome: (
        OutcomeType0
        | OutcomeType1
        | OutcomeType2
        | OutcomeType3
        | OutcomeType4
        | OutcomeType5
        | OutcomeType6
        | OutcomeType7
    )
    place: int
    sender: str
    summary: list[SummaryLine]
    time_ms: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.outcome_type_0 import OutcomeType0
        from ..models.outcome_type_1 import OutcomeType1
        from ..models.outcome_type_2 import OutcomeType2
        from ..models.outcome_type_3 import OutcomeType3
        from ..models.outcome_type_4 import OutcomeType4
        from ..models.outcome_type_5 import OutcomeType5
        from ..models.outcome_type_6 import OutcomeType6

        fee = self.fee

        height = self.height

        id = self.id

        kind = self.kind

        outcome: dict[str, Any]
        if (
            isinstance(self.outcome, OutcomeType0)
            or isinstance(self.outcome, OutcomeType1)
            or isinstance(self.outcome, OutcomeType2)
            or isinstance(self.outcome, OutcomeType3)
            or isinstance(self.outcome, OutcomeType4)
            or isinstance(self.outcome, OutcomeType5)
            or isinstance(self.outcome, OutcomeType6)
        ):
            outcome = self.outcome.to_dict()
        else:
            outcome = self.outcome.to_dict()

        place = self.place

        sender = self.sender

        summary = []
        for summary_item_data in self.summary:
            summary_item = summary_item_data.to_dict()
            summary.append(summary_item)

        time_ms = self.time_ms

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "fee": fee,
                "height": height,
                "id": id,
                "kind": kind,
                "outcome": outcome,
                "place": place,
                "sender": sender,
                "summary": summary,
                "time_ms": time_ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.outcome_type_0 import OutcomeType0
        from ..models.outcome_type_1 import OutcomeType1
        from ..models.outcome_type_2 import OutcomeType2
        from ..models.outcome_type_3 import OutcomeType3
        from ..models.outcome_type_4 import OutcomeType4
        from ..models.outcome_type_5 import OutcomeType5
        from ..models.outcome_type_6 import OutcomeType6
        from ..models.outcome_type_7 import OutcomeType7
        from ..models.summary_line import SummaryLine

        d = dict(src_dict)
        fee = d.pop("fee")

        height = d.pop("height")

        id = d.pop("id")

        kind = d.pop("kind")

        def _parse_outcome(
            data: object,
        ) -> (
            OutcomeType0
            | OutcomeType1
            | OutcomeType2
            | OutcomeType3
            | OutcomeType4
            | OutcomeType5
            | OutcomeType6
            | OutcomeType7
        ):
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_outcome_type_0 = OutcomeType0.from_dict(data)

                return componentsschemas_outcome_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_outcome_type_1 = OutcomeType1.from_dict(data)

                return componentsschemas_outcome_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_outcome_type_2 = OutcomeType2.from_dict(data)

                return componentsschemas_outcome_type_2
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_outcome_type_3 = OutcomeType3.from_dict(data)

                return componentsschemas_outcome_type_3
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_outcome_type_4 = OutcomeType4.from_dict(data)

                return componentsschemas_outcome_type_4
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_outcome_type_5 = OutcomeType5.from_dict(data)

                return componentsschemas_outcome_type_5
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_outcome_type_6 = OutcomeType6.from_dict(data)

                return componentsschemas_outcome_type_6
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_outcome_type_7 = OutcomeType7.from_dict(data)

            return componentsschemas_outcome_type_7

        outcome = _parse_outcome(d.pop("outcome"))

        place = d.pop("place")

        sender = d.pop("sender")

        summary = []
        _summary = d.pop("summary")
        for summary_item_data in _summary:
            summary_item = SummaryLine.from_dict(summary_item_data)

            summary.append(summary_item)

        time_ms = d.pop("time_ms")

        transaction = cls(
            fee=fee,
            height=height,
            id=id,
            kind=kind,
            outcome=outcome,
            place=place,
            sender=sender,
            summary=summary,
            time_ms=time_ms,
        )

        transaction.additional_properties = d
        return transaction

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
