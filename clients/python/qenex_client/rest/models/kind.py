from typing import Literal

Kind = Literal[
    "key_created",
    "key_revoked",
    "log_changed",
    "refused",
    "session_begun",
    "session_revoked",
    "signing_key_rotated",
]

KIND_VALUES: set[Kind] = {
    "key_created",
    "key_revoked",
    "log_changed",
    "refused",
    "session_begun",
    "session_revoked",
    "signing_key_rotated",
}


def check_kind(value: str) -> Kind:
    if value in KIND_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {KIND_VALUES!r}")
