from typing import Literal

AlertsState = Literal["all", "open"]

ALERTS_STATE_VALUES: set[AlertsState] = {
    "all",
    "open",
}


def check_alerts_state(value: str) -> AlertsState:
    if value in ALERTS_STATE_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {ALERTS_STATE_VALUES!r}"
    )
