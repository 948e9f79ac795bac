from typing import Literal

AuditKind = Literal[
    "key_created",
    "key_revoked",
    "log_changed",
    "refused",
    "session_begun",
    "session_revoked",
    "signing_key_rotated",
]

AUDIT_KIND_VALUES: set[AuditKind] = {
    "key_created",
    "key_revoked",
    "log_changed",
    "refused",
    "session_begun",
    "session_revoked",
    "signing_key_rotated",
}


def check_audit_kind(value: str) -> AuditKind:
    if value in AUDIT_KIND_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {AUDIT_KIND_VALUES!r}"
    )
