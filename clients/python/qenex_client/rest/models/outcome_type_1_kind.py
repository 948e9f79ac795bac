from typing import Literal

OutcomeType1Kind = Literal["swapped"]

OUTCOME_TYPE_1_KIND_VALUES: set[OutcomeType1Kind] = {
    "swapped",
}


def check_outcome_type_1_kind(value: str) -> OutcomeType1Kind:
    if value in OUTCOME_TYPE_1_KIND_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {OUTCOME_TYPE_1_KIND_VALUES!r}"
    )
