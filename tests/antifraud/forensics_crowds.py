"""Small synthetic electorates for the tests of the forensics: honest crowds, and attacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from voting_service.antifraud.forensics.columns import BallotColumns

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
START_MS = 1_658_073_600_000  # 2022-07-18 00:00, Asia/Shanghai
CANDIDATES = 20
DAYS = 6

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Crowd:
    """Ballots by column; `truth` names who cast them."""

    truth: str
    cast_at: Codes
    platform: Codes
    voter: Codes
    ip: Codes
    device: Codes
    account_day: Codes
    choices: list[list[int]] = field(repr=False)

    def __len__(self) -> int:
        return len(self.cast_at)


def honest(rng: np.random.Generator, size: int) -> Crowd:
    """People who vote once: half behind ten exits of a carrier, half at home; phones of thirty
    models with Zipf shares; every other one of ten candidates' votes by Zipf popularity."""
    home = rng.random(size) < 0.5
    return Crowd(
        truth="honest",
        cast_at=moments(rng, rng.integers(0, DAYS, size)),
        platform=rng.integers(0, 3, size),
        voter=np.arange(size),
        ip=np.where(home, 1_000 + np.arange(size) // 3, zipf(rng, 10, size)),
        device=zipf(rng, 30, size),
        account_day=19_000 - rng.integers(1, 2_000, size),
        choices=popular(rng, size),
    )


def moments(rng: np.random.Generator, day: Codes) -> Codes:
    """Times between seven and twenty-three o'clock."""
    return START_MS + day * DAY_MS + (rng.uniform(7, 23, len(day)) * HOUR_MS).astype(np.int64)


def zipf(rng: np.random.Generator, values: int, size: int) -> Codes:
    weights = 1.0 / np.arange(1, values + 1)
    return rng.choice(values, size, p=weights / weights.sum())


def popular(rng: np.random.Generator, size: int, certain: int | None = None) -> list[list[int]]:
    """One to three names, the popular ones more often; `certain` is on every ballot."""
    first = [] if certain is None else [certain]
    drawn = zipf(rng, CANDIDATES, 2 * size).reshape(size, 2) + 1
    return [
        sorted({*first, *row[: 1 + extra]})
        for row, extra in zip(drawn.tolist(), rng.integers(0, 2, size).tolist(), strict=True)
    ]


def make_columns(*crowds: Crowd, without: Sequence[str] = ()) -> tuple[BallotColumns, list[str]]:
    """(the columns, the truth of each row), voters of different crowds kept apart. `without`
    names columns that the file does not have."""
    apart, first = [], 0
    for crowd in crowds:
        apart.append(replace(crowd, voter=crowd.voter + first))
        first += int(crowd.voter.max()) + 1

    def whole(name: str) -> Any:
        values = np.concatenate([getattr(crowd, name) for crowd in apart])
        return np.full(len(values), -1) if name in without else values

    def coded(name: str) -> Any:
        values = whole(name)
        if name in without:
            return values.astype(np.int32)
        return np.unique(values, return_inverse=True)[1].astype(np.int32)

    choices = [choice for crowd in apart for choice in crowd.choices]
    offsets = np.concatenate([[0], np.cumsum([len(choice) for choice in choices])])
    size = len(choices)
    return BallotColumns(
        ballot_id=np.array([f"b{number:08d}".encode() for number in range(size)]),
        cast_at=whole("cast_at"),
        platform=coded("platform"),
        voter=coded("voter"),
        ip=coded("ip"),
        prefix=coded("ip"),
        device=coded("device"),
        user_agent=coded("device"),
        account_day=whole("account_day").astype(np.int32),
        choice_offsets=offsets.astype(np.int64),
        choice_numbers=np.array([n for choice in choices for n in choice], dtype=np.int16),
    ), [crowd.truth for crowd in apart for _ in range(len(crowd))]
