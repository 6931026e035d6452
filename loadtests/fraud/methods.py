"""The methods compared: the forensics, and simple rules.

A method takes ballots in the order they were cast and returns a verdict for each: 0 clean, 1 bloc
(staff decide), 2 hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from loadtests.fraud.city import CANDIDATES, PLATFORMS
from loadtests.fraud.files import FIRST_DAY, ballot_ids
from loadtests.fraud.networks import prefixes
from loadtests.fraud.records import UNKNOWN_DAY, Ballots, Bools, Column, hash_values, names
from loadtests.fraud.voting_times import DAYS, MINUTE_MILLISECONDS, MINUTES, STARTS_AT, contest_days
from voting_service.antifraud.forensics.columns import ABSENT, BallotColumns
from voting_service.antifraud.forensics.examine import Options, examine

Verdicts = npt.NDArray[np.int8]
Method = Callable[[Ballots], Verdicts]

CLEAN, BLOC, HOLD = 0, 1, 2
ADDRESS_CAP = 30  # a day
DEVICE_CAP = 20  # in the whole contest
_MINUTE_FACTOR, _MINUTE_ALLOWANCE = 10.0, 3.0


def forensics(ballots: Ballots) -> Verdicts:
    """The forensics of this service."""
    return examine(to_columns(ballots), Options(seed=0)).verdict


def to_columns(ballots: Ballots) -> BallotColumns:
    """Return the columns that the reader of the ballot file returns, without the file.

    Codes are dense but numbered differently, and there are no texts.
    """
    ids = ballot_ids(len(ballots), 0).astype(">u8").tobytes().hex().encode()
    counts = np.bitwise_count(ballots.choices).astype(np.int64)
    has_day = ballots.account_day != UNKNOWN_DAY
    return BallotColumns(
        ballot_id=np.frombuffer(ids, dtype="S16"),
        cast_at=ballots.cast_at + int(STARTS_AT.timestamp() * 1000),
        platform=ballots.platform.astype(np.int32),
        voter=_codes(ballots.voter),
        ip=_codes(ballots.address),
        prefix=_codes(prefixes(ballots.address)),
        device=_codes(ballots.device),
        user_agent=_codes(ballots.agent),
        account_day=np.where(has_day, ballots.account_day.astype(np.int32) + FIRST_DAY, ABSENT),
        choice_offsets=np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]),
        choice_numbers=_choice_numbers(ballots),
        labels={"platform": PLATFORMS},
    )


def _codes(column: Column) -> npt.NDArray[np.int32]:
    return np.unique(column, return_inverse=True)[1].astype(np.int32)


def _choice_numbers(ballots: Ballots) -> npt.NDArray[np.int16]:
    bits = np.unpackbits(
        ballots.choices.astype("<u8").view(np.uint8).reshape(-1, 8), axis=1, bitorder="little"
    )
    return (np.nonzero(bits)[1] + 1).astype(np.int16)


def nothing(ballots: Ballots) -> Verdicts:
    """Count everything."""
    return np.zeros(len(ballots), dtype=np.int8)


def address_cap(ballots: Ballots) -> Verdicts:
    """Hold what comes from an address that cast more than thirty ballots on the day."""
    day = contest_days(ballots.cast_at).astype(np.uint64)
    return _held(_frequency(hash_values(ballots.address, 1) + day) > ADDRESS_CAP)


def device_cap(ballots: Ballots) -> Verdicts:
    """Hold what comes from a fingerprint that cast more than twenty ballots."""
    return _held(_frequency(ballots.device) > DEVICE_CAP)


def minute_count(ballots: Ballots) -> Verdicts:
    """Hold the votes of a candidate in minutes with ten times the usual number of them."""
    minute = ballots.cast_at // MINUTE_MILLISECONDS
    held = np.zeros(len(ballots), dtype=np.bool_)
    for number in range(1, CANDIDATES + 1):
        naming = names(ballots.choices, number)
        counts = np.bincount(minute[naming], minlength=DAYS * MINUTES)
        usual = counts.sum() / (DAYS * MINUTES)
        held |= naming & (counts > _MINUTE_FACTOR * usual + _MINUTE_ALLOWANCE)[minute]
    return _held(held)


def _frequency(column: Column) -> Column:
    _, index, counts = np.unique(column, return_inverse=True, return_counts=True)
    return np.asarray(counts[index])


def _held(which: Bools | Column) -> Verdicts:
    return np.where(which, HOLD, CLEAN).astype(np.int8)


FORENSICS = "forensics"
METHODS: Mapping[str, Method] = {
    FORENSICS: forensics,
    "nothing": nothing,
    "address cap": address_cap,
    "device cap": device_cap,
    "minute count": minute_count,
}
