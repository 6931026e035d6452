"""Worlds of merchants (A12): accounts that work through a list of clients, and organic accounts.

No address, device or account age; every account chooses an object at most once, one object a
ballot. Organic accounts have heavy-tailed activity, tastes, sessions and hours of their own; among
them people who rate fifty objects in one evening, night owls, and communities that answer calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from loadtests.fraud.records import Bools, Floats, Ints
from voting_service.antifraud.forensics.columns import ABSENT, BallotColumns

DAY = 24.0
_STARTS_AT_MS = 1_658_073_600_000
_HOUR_MS = 3_600_000
_PASSERS_BY = 30


class Account(IntEnum):
    """What an account truly is; bought from MERCHANT on."""

    ORGANIC = 0
    EVENING = 1
    """Rates about fifty objects in one evening."""
    CALLED = 2
    """Member of a community that answers calls."""
    MERCHANT = 3


@dataclass(frozen=True, slots=True)
class MerchantWorld:
    """A ballot file, and what the account of each ballot's voter code is."""

    columns: BallotColumns
    kind: npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class _Acts:
    """Choices of objects by accounts; hours since the start."""

    account: Ints
    item: Ints
    at: Floats


@dataclass(frozen=True, slots=True)
class _Scene:
    rng: np.random.Generator
    days: int
    items: int
    popularity: Floats
    cluster: Ints
    """Taste that each object is to; accounts choose mostly within their own."""
    day_weights: Floats


def make_world(seed: int, *, merchants: bool = True, organic: bool = True) -> MerchantWorld:
    """Draw a world; the same seed without merchants has the same organic accounts. Without
    organic accounts nearly everything is bought, as where one market was observed."""
    scene = _make_scene(np.random.default_rng([seed, 12]))
    rng = scene.rng
    sizes = (int(rng.integers(300, 2_500)), int(rng.integers(10, 60)))
    parts: list[_Acts] = []
    kinds: list[npt.NDArray[np.int64]] = []

    def add(acts: _Acts, kind: Account) -> None:
        first = sum(map(len, kinds))
        parts.append(_Acts(acts.account + first, acts.item, acts.at))
        kinds.append(np.full(int(acts.account.max(initial=-1)) + 1, int(kind)))

    if organic:
        add(_organic(scene, sizes[0]), Account.ORGANIC)
        add(_evening(scene, sizes[1]), Account.EVENING)
        for _ in range(int(rng.integers(1, 4))):
            add(_called(scene), Account.CALLED)
    else:
        add(_organic(scene, _PASSERS_BY), Account.ORGANIC)
    if merchants:
        for _ in range(int(rng.integers(1, 4))):
            add(_merchant(scene, sizes[0]), Account.MERCHANT)
    return MerchantWorld(_to_columns(parts, scene.items), np.concatenate(kinds).astype(np.int8))


def _make_scene(rng: np.random.Generator) -> _Scene:
    items = int(rng.integers(150, 900))
    days = int(rng.choice([2, 4, 8, 20]))
    popularity = 1.0 / np.arange(1, items + 1) ** rng.uniform(0.5, 1.0)
    busy = rng.lognormal(0.0, 1.2, days)
    return _Scene(
        rng,
        days,
        items,
        rng.permutation(popularity / popularity.sum()),
        rng.integers(0, int(rng.integers(4, 15)), items),
        busy / busy.sum(),
    )


def _organic(scene: _Scene, accounts: int) -> _Acts:
    """Sessions of one to some dozen choices, at each account's hours, by taste and popularity."""
    rng = scene.rng
    sessions = 1 + rng.geometric(rng.uniform(0.25, 0.6), accounts)
    account = np.repeat(np.arange(accounts), sessions)
    day = rng.choice(scene.days, len(account), p=scene.day_weights)
    owl = rng.random(accounts) < 0.1
    habit = np.where(owl, rng.normal(26, 1.5, accounts), rng.normal(17, 4, accounts))
    begins = day * DAY + (habit[account] + rng.normal(0, 1.5, len(account))) % DAY
    size = np.minimum(rng.zipf(1.8, len(account)), 40)
    account, begins = np.repeat(account, size), np.repeat(begins, size)
    at = begins + rng.exponential(0.4, len(account))
    return _Acts(account, _tasteful(scene, account, rng.uniform(0.3, 0.8)), at)


def _evening(scene: _Scene, accounts: int) -> _Acts:
    rng = scene.rng
    account = np.repeat(np.arange(accounts), rng.integers(30, 70, accounts))
    evening = rng.integers(0, min(scene.days, 2), accounts)
    begins = evening * DAY + rng.uniform(18.5, 20.5, accounts)
    at = begins[account] + rng.uniform(0, 3, len(account))
    return _Acts(account, _tasteful(scene, account, 0.5), at)


def _tasteful(scene: _Scene, account: Ints, share: float) -> Ints:
    """Draw an object for each act, `share` of them within the account's own taste."""
    rng = scene.rng
    taste = rng.integers(0, int(scene.cluster.max()) + 1, int(account.max()) + 1)[account]
    drawn = rng.choice(scene.items, len(account), p=scene.popularity)
    own = rng.random(len(account)) < share
    for cluster in range(int(scene.cluster.max()) + 1):
        of_cluster = np.flatnonzero(scene.cluster == cluster)
        rows = np.flatnonzero(own & (taste == cluster))
        if len(of_cluster):
            weights = scene.popularity[of_cluster]
            drawn[rows] = rng.choice(of_cluster, len(rows), p=weights / weights.sum())
    return drawn


def _called(scene: _Scene) -> _Acts:
    """A community: calls for one object each, answered within hours by some of its members."""
    rng = scene.rng
    members, calls = int(rng.integers(20, 150)), int(rng.integers(5, 25))
    clients = rng.choice(scene.items, calls, replace=False)
    moment = np.sort(rng.choice(scene.days, calls, p=scene.day_weights) * DAY)
    moment += rng.uniform(9, 22, calls)
    keen = rng.beta(1.5, 4.5, members)
    account, call = np.nonzero(rng.random((members, calls)) < keen[:, None])
    at = moment[call] + rng.exponential(0.7, len(call))
    own = _organic(scene, members)
    return _Acts(
        np.concatenate([own.account, account]),
        np.concatenate([own.item, clients[call]]),
        np.concatenate([own.at, at]),
    )


def _merchant(scene: _Scene, organic: int) -> _Acts:
    """Accounts that choose nearly every client within the time of its delivery, and pretend to be
    organic with the rest."""
    rng = scene.rng
    accounts = int(rng.integers(15, max(20, min(200, organic // 4))))
    clients = rng.choice(scene.items, min(int(rng.integers(12, 80)), scene.items), replace=False)
    days = rng.choice(scene.days, min(scene.days, int(rng.integers(1, 5))), replace=False)
    begins = rng.choice(days, len(clients)) * DAY + rng.uniform(7, 23, len(clients))
    takes = rng.choice([0.15, 0.5, 1.0, 2.0])
    diligence = rng.uniform(0.5, 1.0)
    account, order = np.nonzero(rng.random((accounts, len(clients))) < diligence)
    at = begins[order] + rng.uniform(0, takes, len(order))
    pretends = rng.random(accounts) < rng.uniform(0, 0.6)
    own = _organic(scene, accounts)
    kept = pretends[own.account]
    return _Acts(
        np.concatenate([own.account[kept], account]),
        np.concatenate([own.item[kept], clients[order]]),
        np.concatenate([own.at[kept], at]),
    )


def _to_columns(parts: Sequence[_Acts], items: int) -> BallotColumns:
    account = np.concatenate([part.account for part in parts])
    item = np.concatenate([part.item for part in parts])
    at = np.concatenate([part.at for part in parts])
    order = np.argsort(at, kind="stable")
    _, once = np.unique(account[order] * items + item[order], return_index=True)
    rows = order[np.sort(once)]
    size = len(rows)
    absent = np.full(size, ABSENT, dtype=np.int32)
    return BallotColumns(
        ballot_id=np.array([b"b%d" % number for number in range(size)], dtype=np.bytes_),
        cast_at=_STARTS_AT_MS + (at[rows] * _HOUR_MS).astype(np.int64),
        platform=absent,
        voter=account[rows].astype(np.int32),
        ip=absent,
        prefix=absent,
        device=absent,
        user_agent=absent,
        account_day=absent,
        choice_offsets=np.arange(size + 1, dtype=np.int64),
        choice_numbers=(item[rows] + 1).astype(np.int16),
    )


def held_accounts(world: MerchantWorld, held: Bools) -> dict[str, float]:
    """Return by kind the share of the accounts of which at least one ballot is held; as `organic`,
    that of all accounts that are not merchants'."""
    voter = world.columns.voter
    some = np.zeros(len(world.kind), dtype=bool)
    some[voter[held]] = True
    acts = np.bincount(voter, minlength=len(world.kind)) > 0
    shares = {
        kind.name: float(some[acts & (world.kind == kind)].mean())
        for kind in Account
        if (acts & (world.kind == kind)).any()
    }
    organic = acts & (world.kind < Account.MERCHANT)
    shares["organic"] = float(some[organic].mean())
    return shares
