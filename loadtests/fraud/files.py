"""Writes the ballot file that `forensics` reads, and the file of the ballots' truth."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from loadtests.fraud import devices, networks
from loadtests.fraud.city import CANDIDATES, PLATFORMS
from loadtests.fraud.records import (
    FIRST_ATTACK,
    UNKNOWN_DAY,
    Ballots,
    Column,
    Ints,
    Masks,
    Truth,
    hash_values,
)
from loadtests.fraud.voting_times import STARTS_AT, ZONE

_ROWS_AT_ONCE = 500_000
FIRST_DAY = (STARTS_AT.date() - date(1970, 1, 1)).days
_STARTS_MS = int(STARTS_AT.timestamp() * 1000)
Progress = Callable[[int], None]


def ballot_ids(count: int, seed: int) -> Masks:
    """Return ids by row of the file, unrelated to the ballots."""
    return hash_values(np.arange(count), seed + 1_000)


def write_ballots(
    ballots: Ballots, seed: int, path: Path, progress: Progress | None = None
) -> None:
    """Write the CSV in the given order; `progress` gets the number of rows written."""
    addresses = _Texts(ballots.address, networks.as_text)
    agents = _Texts(ballots.agent, devices.agent_text)
    choices = _Texts(ballots.choices, _numbers)
    ids = ballot_ids(len(ballots), seed)
    with path.open("wb") as file:
        for start in range(0, len(ballots), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            part = ballots.take(rows)
            columns = {
                "ballot_id": _hex(ids[rows]),
                "cast_at": _times(part.cast_at),
                "platform": pl.Series(PLATFORMS).gather(part.platform),
                "voter": _hex(part.voter),
                "ip": addresses.of(rows),
                "device": _hex(part.device),
                "user_agent": agents.of(rows),
                "account_created": _dates(part.account_day),
                "choices": choices.of(rows),
            }
            pl.DataFrame(columns).write_csv(file, include_header=start == 0)
            if progress:
                progress(len(part))


def write_labels(ballots: Ballots, seed: int, path: Path) -> None:
    """ballot_id, truth (`ordinary`, `shared`, `television`, `employer`, `A1` to `A9`), group."""
    by_number = [""] * (max(Truth) + 1)
    for truth in Truth:
        by_number[truth] = truth.name if truth >= FIRST_ATTACK else truth.name.lower()
    columns = {
        "ballot_id": _hex(ballot_ids(len(ballots), seed)),
        "truth": pl.Series(by_number).gather(ballots.truth),
        "group": pl.Series(ballots.group),
    }
    pl.DataFrame(columns).write_csv(path)


class _Texts:
    """The texts of a column, each distinct one formatted once."""

    def __init__(self, column: Column, as_text: Callable[[int], str]) -> None:
        distinct, self._codes = np.unique(column, return_inverse=True)
        self._texts = pl.Series([as_text(value) for value in distinct.tolist()])

    def of(self, rows: slice) -> pl.Series:
        return self._texts.gather(self._codes[rows])


def _numbers(mask: int) -> str:
    return "|".join(str(number) for number in range(1, CANDIDATES + 1) if mask >> (number - 1) & 1)


def _hex(values: Masks) -> pl.Series:
    digits = np.frombuffer(values.astype(">u8").tobytes().hex().encode(), dtype="S16")
    return pl.Series(digits).cast(pl.String)


def _times(cast_at: Ints) -> pl.Series:
    utc = pl.Series(cast_at + _STARTS_MS).cast(pl.Datetime("ms")).dt.replace_time_zone("UTC")
    local = utc.dt.convert_time_zone(ZONE.key)
    return local.dt.to_string("%Y-%m-%dT%H:%M:%S%.3f%:z")


def _dates(account_day: Column) -> pl.Series:
    has_day = pl.Series(account_day != UNKNOWN_DAY)
    dates = pl.Series(account_day.astype(np.int32) + FIRST_DAY).cast(pl.Date)
    return dates.dt.to_string("%Y-%m-%d").zip_with(has_day, pl.Series([None], dtype=pl.String))
