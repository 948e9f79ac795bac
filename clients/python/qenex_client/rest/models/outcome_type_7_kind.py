from typing import Literal

OutcomeType7Kind = Literal["slashed"]

OUTCOME_TYPE_7_KIND_VALUES: set[OutcomeType7Kind] = {
    "slashed",
}


def check_outcome_type_7_kind(value: str) -> OutcomeType7Kind:
    if value in OUTCOME_TYPE_7_KIND_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {OUTCOME_TYPE_7_KIND_VALUES!r}"
    )
