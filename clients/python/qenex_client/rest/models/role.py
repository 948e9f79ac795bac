from typing import Literal

Role = Literal[
    "admin", "bank", "central-bank", "fund", "operator", "participant", "regulator"
]

ROLE_VALUES: set[Role] = {
    "admin",
    "bank",
    "central-bank",
    "fund",
    "operator",
    "participant",
    "regulator",
}


def check_role(value: str) -> Role:
    if value in ROLE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {ROLE_VALUES!r}")
