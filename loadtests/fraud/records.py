"""Ballots as columns of small numbers, and the truth about who cast them.

Every text of a ballot file is a number here that `files.py` can write out: a device
is a 64-bit hash, an address one integer, a set of choices one 64-bit mask (bit number − 1), so
that ten million ballots fit in half a gigabyte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Masks = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Column = npt.NDArray[Any]

UNKNOWN_DAY = -(2**15)
"""The account day of a ballot whose platform does not report the age of accounts."""

NO_GROUP = -1


class Truth(IntEnum):
    """The truth about who cast a ballot; honest below FIRST_ATTACK."""

    ORDINARY = 0  # from home
    SHARED = 1  # behind a carrier's NAT, a campus or a workplace
    TELEVISION = 2
    EMPLOYER = 3
    A1 = 11  # datacentre bots
    A2 = 12  # residential proxies, few devices
    A3 = 13  # phone farms, bought accounts
    A4 = 14  # paid people
    A5 = 15  # slow drip
    A6 = 16  # replay and double submission
    A7 = 17  # a platform that invents users
    A8 = 18  # knows the thresholds
    A9 = 19  # stuffs a rival
    A13 = 23  # accounts bought in bulk, spread over days
    A14 = 24  # two rival campaigns


FIRST_ATTACK = Truth.A1
ATTACKS = tuple(truth for truth in Truth if truth >= FIRST_ATTACK)
HONEST = tuple(truth for truth in Truth if truth < FIRST_ATTACK)


@dataclass(slots=True)
class Columns:
    """Arrays of one length, indexed and concatenated together."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def take(self, index: Column | slice) -> Self:
        """Return the rows at `index`, in its slice, or where a mask is true."""
        return type(self)(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Return all rows of `parts`, in order."""
        names = [f.name for f in fields(cls)]
        return cls(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})


@dataclass(slots=True)
class Ballots(Columns):
    """One row for each ballot."""

    cast_at: npt.NDArray[np.int64]  # milliseconds since the first midnight of the contest
    platform: npt.NDArray[np.int8]
    voter: Masks  # unique hash
    address: npt.NDArray[np.int64]  # see networks.py
    device: Masks  # fingerprint
    agent: npt.NDArray[np.int64]  # see devices.py
    account_day: npt.NDArray[np.int16]  # days since the first day, mostly negative
    choices: Masks
    truth: npt.NDArray[np.int8]
    group: npt.NDArray[np.int16]  # which burst, bloc or campaign

    def sorted_by_time(self) -> Ballots:
        return self.take(np.argsort(self.cast_at, kind="stable"))


def hash_values(values: npt.ArrayLike, salt: int) -> Masks:
    """Return a one-to-one hash of 64-bit values, different for each salt.

    The finalizer of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
    Generators, 2014): distinct values stay distinct, so hashes serve as ids.
    """
    mixed = np.asarray(values).astype(np.uint64)
    mixed += np.uint64(salt * 0x9E3779B97F4A7C15 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


def make_mask(numbers: Sequence[int]) -> np.uint64:
    """Return the mask of candidate numbers, which begin at 1."""
    return np.uint64(sum(1 << (number - 1) for number in set(numbers)))


def names(choices: Masks, number: int) -> Bools:
    """Which ballots choose the candidate."""
    return np.asarray((choices >> np.uint64(number - 1)) & np.uint64(1), dtype=np.bool_)


def votes(choices: Masks, candidates: int) -> Ints:
    """Return votes by candidate, number 1 first."""
    counts = [np.count_nonzero(names(choices, number)) for number in range(1, candidates + 1)]
    return np.array(counts, dtype=np.int64)


def places(counts: Column) -> Ints:
    """Return candidate numbers by rank; ties go to the lower number."""
    return np.argsort(-counts, kind="stable") + 1
