from typing import Literal

OutcomeType4Kind = Literal["delegated"]

OUTCOME_TYPE_4_KIND_VALUES: set[OutcomeType4Kind] = {
    "delegated",
}


def check_outcome_type_4_kind(value: str) -> OutcomeType4Kind:
    if value in OUTCOME_TYPE_4_KIND_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {OUTCOME_TYPE_4_KIND_VALUES!r}"
    )
