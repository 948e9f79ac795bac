from typing import Literal

OutcomeType2Kind = Literal["deposited"]

OUTCOME_TYPE_2_KIND_VALUES: set[OutcomeType2Kind] = {
    "deposited",
}


def check_outcome_type_2_kind(value: str) -> OutcomeType2Kind:
    if value in OUTCOME_TYPE_2_KIND_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {OUTCOME_TYPE_2_KIND_VALUES!r}"
    )
