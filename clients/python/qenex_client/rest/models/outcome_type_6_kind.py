from typing import Literal

OutcomeType6Kind = Literal["released"]

OUTCOME_TYPE_6_KIND_VALUES: set[OutcomeType6Kind] = {
    "released",
}


def check_outcome_type_6_kind(value: str) -> OutcomeType6Kind:
    if value in OUTCOME_TYPE_6_KIND_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {OUTCOME_TYPE_6_KIND_VALUES!r}"
    )
