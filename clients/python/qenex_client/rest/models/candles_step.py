from typing import Literal

CandlesStep = Literal["day", "hour", "minute"]

CANDLES_STEP_VALUES: set[CandlesStep] = {
    "day",
    "hour",
    "minute",
}


def check_candles_step(value: str) -> CandlesStep:
    if value in CANDLES_STEP_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {CANDLES_STEP_VALUES!r}"
    )
