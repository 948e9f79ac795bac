from typing import Literal

OutcomeType0Kind = Literal["done"]

OUTCOME_TYPE_0_KIND_VALUES: set[OutcomeType0Kind] = {
    "done",
}


def check_outcome_type_0_kind(value: str) -> OutcomeType0Kind:
    if value in OUTCOME_TYPE_0_KIND_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {OUTCOME_TYPE_0_KIND_VALUES!r}"
    )
