from typing import Literal

OutcomeType5Kind = Literal["unbonded"]

OUTCOME_TYPE_5_KIND_VALUES: set[OutcomeType5Kind] = {
    "unbonded",
}


def check_outcome_type_5_kind(value: str) -> OutcomeType5Kind:
    if value in OUTCOME_TYPE_5_KIND_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {OUTCOME_TYPE_5_KIND_VALUES!r}"
    )
