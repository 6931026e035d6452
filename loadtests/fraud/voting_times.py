"""The times at which people vote: days of a contest, minutes of a day, in Asia/Shanghai."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from loadtests.fraud.records import Column, Floats, Ints

ZONE = ZoneInfo("Asia/Shanghai")
STARTS_AT = datetime(2022, 7, 18, tzinfo=ZONE)
DAYS = 21
MINUTES = 24 * 60
MINUTE_MILLISECONDS = 60_000
DAY_MILLISECONDS = MINUTES * MINUTE_MILLISECONDS

# Relative traffic by hour: lowest at four, a peak at lunch, the highest after supper.
_HOURS = (9, 5, 3, 2, 2, 4, 12, 25, 38, 42, 44, 48, 62, 52, 42, 40, 40, 44, 52, 66, 80, 82, 62, 30)


def day_weights(rng: np.random.Generator) -> Floats:
    """Draw the share of the vote on each day: news, weekends, the first and the last days."""
    days = np.arange(DAYS)
    weights = rng.lognormal(0.0, 0.25, DAYS)
    weights *= np.where(days % 7 >= 5, rng.uniform(0.75, 1.15), 1.0)  # day 0 is a Monday
    weights *= 1.0 + 0.8 * np.exp(-days / 1.5) + 0.9 * np.exp((days - DAYS + 1) / 1.2)
    return np.asarray(weights / weights.sum())


def minute_weights() -> Floats:
    """Return the share of each minute of an ordinary day, interpolated between the hours."""
    hours = np.arange(-1, 25) + 0.5
    padded = np.array([_HOURS[-1], *_HOURS, _HOURS[0]], dtype=np.float64)
    weights = np.interp((np.arange(MINUTES) + 0.5) / 60, hours, padded)
    return np.asarray(weights / weights.sum())


def minutes_of_day(rng: np.random.Generator, size: int) -> npt.NDArray[np.float64]:
    """Draw fractional minutes of an ordinary day."""
    cumulative = np.cumsum(minute_weights())
    draw_indices = np.searchsorted(cumulative, rng.random(size), side="right")
    return np.asarray(np.minimum(draw_indices, MINUTES - 1) + rng.random(size))


def to_cast_at(day: Column, minute: Column) -> Ints:
    """Return milliseconds since the first midnight; minutes outside a day wrap around."""
    within = np.mod(np.asarray(minute) * MINUTE_MILLISECONDS, DAY_MILLISECONDS)
    return np.asarray(np.asarray(day, dtype=np.int64) * DAY_MILLISECONDS + within.astype(np.int64))


def contest_days(cast_at: Ints) -> Ints:
    return cast_at // DAY_MILLISECONDS
