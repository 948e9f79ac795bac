from typing import Literal

OutcomeType3Kind = Literal["withdrawn"]

OUTCOME_TYPE_3_KIND_VALUES: set[OutcomeType3Kind] = {
    "withdrawn",
}


def check_outcome_type_3_kind(value: str) -> OutcomeType3Kind:
    if value in OUTCOME_TYPE_3_KIND_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {OUTCOME_TYPE_3_KIND_VALUES!r}"
    )
