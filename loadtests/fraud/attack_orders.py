"""What an attack is ordered to do, and what several attacks draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loadtests.fraud import devices, networks
from loadtests.fraud.city import (
    DISTRICTS,
    PLATFORMS,
    City,
    draw_choices,
    known_days,
)
from loadtests.fraud.honest import PersonNumbers
from loadtests.fraud.records import (
    NO_GROUP,
    Ballots,
    Column,
    Ints,
    Masks,
    hash_values,
    make_mask,
)
from loadtests.fraud.scene import Scene
from loadtests.fraud.voting_times import DAYS, to_cast_at


@dataclass(frozen=True, slots=True)
class AttackOrder:
    """`size` ballots for candidate `target`."""

    rng: np.random.Generator
    scene: Scene
    numbers: PersonNumbers
    target: int
    size: int

    @property
    def city(self) -> City:
        return self.scene.city


def cast_by_bots(
    order: AttackOrder,
    *,
    account: Ints,
    platform: Ints,
    day: Ints,
    minute: Column,
    address: Ints,
    phone: Ints,
    release: Ints,
    account_day: Ints,
    choices: Masks,
) -> Ballots:
    """Return one ballot for each row, from accounts of the attack."""
    first = order.numbers.next(int(account.max()) + 1)
    size = len(account)
    return Ballots(
        cast_at=to_cast_at(day, minute),
        platform=platform.astype(np.int8),
        voter=hash_values(account + first, order.city.salt + 14),
        address=address,
        device=devices.fingerprints(order.city.devices, phone, release),
        agent=devices.agents(phone, release, platform),
        account_day=known_days(platform, account_day).astype(np.int16),
        choices=choices,
        truth=np.zeros(size, dtype=np.int8),
        group=np.full(size, NO_GROUP, dtype=np.int16),
    )


def some_days(rng: np.random.Generator, count: int) -> Ints:
    """Draw consecutive days of the contest."""
    first = int(rng.integers(0, DAYS - count + 1))
    return np.arange(first, first + count)


def accounts_and_days(
    rng: np.random.Generator, size: int, days: Ints, per_account: float
) -> tuple[Ints, Ints]:
    """Draw (account, day) of each ballot: no account twice a day, `per_account` on average."""
    accounts = max(-(-size // len(days)), int(size / min(per_account, len(days))), 1)
    return distinct_pairs(rng, accounts, days, size)


def distinct_pairs(
    rng: np.random.Generator, accounts: int, days: Ints, size: int
) -> tuple[Ints, Ints]:
    pair = rng.choice(accounts * len(days), size, replace=False)
    return pair // len(days), days[pair % len(days)]


def count_earlier(values: Ints) -> Ints:
    """Return how many earlier rows have the same value."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    begins = np.flatnonzero(np.diff(ordered, prepend=-1) != 0)
    occurrence = np.empty(len(values), dtype=np.int64)
    occurrence[order] = np.arange(len(values)) - np.repeat(
        begins, np.diff(begins, append=len(values))
    )
    return occurrence


def draw_platforms(rng: np.random.Generator, accounts: int, count: int) -> Ints:
    """Draw the platform of each account, from `count` of them."""
    return rng.choice(rng.choice(len(PLATFORMS), count, replace=False), accounts).astype(np.int64)


def popular_phones(order: AttackOrder, count: int) -> Ints:
    """Draw phones with default settings, as often as honest people have them."""
    phones = devices.draw_phones(order.rng, order.city.devices, count)
    return phones >> 32 << 32


def draw_homes(order: AttackOrder, day: Ints) -> Ints:
    """Draw lines of homes where honest people may vote on the same day."""
    household = order.rng.integers(0, order.city.networks.households, len(day))
    stranger = order.rng.integers(0, 1 << 40, len(day))
    return networks.home_addresses(order.city.networks, household, day, stranger)


def bought_ages(rng: np.random.Generator, accounts: int) -> Ints:
    """Draw creation days of accounts that are sold in batches, registered together."""
    batches = rng.integers(30, 700, int(rng.integers(1, 5)))
    return -(rng.choice(batches, accounts) + rng.integers(0, 4, accounts))


def list_with(order: AttackOrder, others: int) -> np.uint64:
    """Draw the target and up to `others` popular candidates, as in a script."""
    popular = order.rng.choice(len(order.city.popularity), others, p=order.city.popularity) + 1
    return make_mask([order.target, *popular.tolist()])


def camouflage(order: AttackOrder, platform: Ints, day: Ints) -> Masks:
    """Draw the target and up to four candidates popular on the platform."""
    count = order.rng.integers(1, 6, len(platform))
    return with_target(order, platform, day, order.rng.integers(0, DISTRICTS, len(platform)), count)


def with_target(
    order: AttackOrder, platform: Ints, day: Ints, district: Ints, count: Ints
) -> Masks:
    certain = np.full(len(platform), make_mask([order.target]))
    return draw_choices(order.rng, order.city, platform, day, district, count, certain)


def normalise(shares: tuple[float, ...]) -> Column:
    return np.array(shares) / sum(shares)
