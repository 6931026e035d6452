"""③ Admit: one call to Valkey for a whole batch, or local limits while Valkey is unavailable.

A contest is spread over the shards of a cluster by the widest network of a vote, so that whatever
is counted together stands together; a single server is one shard. Each shard is asked at the same
time and may be unavailable by itself.

A crash after this step leaves hints without ballots. That is harmless: a hint only means that
Postgres is searched for a stored ballot first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from struct import Struct
from typing import NamedTuple

import msgspec

from voting_service.antifraud.screening import rate_limits
from voting_service.antifraud.screening.decision import Signal
from voting_service.contests.model import Contest, Platform
from voting_service.errors import StoreUnavailable
from voting_service.infrastructure.valkey import Valkey, contest_tag, shard_tag
from voting_service.voting import metrics
from voting_service.voting.ballots.vote import Vote

_SEEN, _VOTER, _COUNTED = 1, 2, 64
_SUSPICIONS = {
    4: Signal.CROWDED_NETWORK,
    8: Signal.REPEATED_DEVICE,
    16: Signal.FEW_DEVICES,
    32: Signal.PLATFORM_CEILING,
}
"""The flags of admit.lua as signals."""
_ALL_FLAGS = 128
_OVER = ord("1")
_HINT_BYTES = 8
_VOTE = Struct(">HB")
_VOTERS_A_BUCKET = 64
"""A bucket is one string of 8 bytes per voter, copied for every new one: of 64 the copy costs less
than a command, and the cost of the hash field is shared by enough voters."""
_DAY_SECONDS = 86_400
_KEEP_SECONDS = 2 * _DAY_SECONDS


def register_functions(valkey: Valkey) -> None:
    """Register the functions of this step with a client."""
    valkey.register_functions(__package__, "admit.lua")


class Admission(NamedTuple):
    """The result of ③ for one vote; `active_signals` are those (Signal) of its rates."""

    seen: bool
    voter_over_limit: bool
    active_signals: int
    screened: bool = True
    counts: bool = False
    """Whether it is the voter's first of the period, which counts for network and platform."""


_ADMISSIONS = {
    f"{flags:02x}".encode(): Admission(
        seen=bool(flags & _SEEN),
        voter_over_limit=bool(flags & _VOTER),
        active_signals=sum(int(signal) for flag, signal in _SUSPICIONS.items() if flags & flag),
        counts=bool(flags & _COUNTED),
    )
    for flags in range(_ALL_FLAGS)
}
_UNSCREENED = tuple(
    Admission(seen=False, voter_over_limit=over, active_signals=0, screened=False)
    for over in (False, True)
)


@lru_cache(maxsize=64)
def bucket_count(expected_voters: int) -> int:
    """Return the number of buckets that share the hints of a period: a power of two."""
    return 1 << (max(0, expected_voters - 1) // _VOTERS_A_BUCKET).bit_length()


def _hint_seconds(contest: Contest) -> int:
    """Return how long hints are kept: two days, or for a contest-long period its whole length."""
    if contest.rules.ballot.every == "day":
        return _KEEP_SECONDS
    return int((contest.closes_at - contest.opens_at).total_seconds()) + _DAY_SECONDS


class Admitter:
    """Runs step ③ for one worker."""

    def __init__(self, valkey: Valkey, local: rate_limits.LocalLimits) -> None:
        register_functions(valkey)
        self._valkey = valkey
        self._local = local

    async def admit(
        self,
        contest: Contest,
        platforms: Mapping[int, Platform],
        votes: Sequence[Vote],
        *,
        prices: Sequence[int],
        now_ms: float,
    ) -> Sequence[Admission]:
        """Return one admission per vote, in order; `prices` has the Price of each.

        A vote that needs a challenge, or whose voter is over the limit, leaves no hint and is
        not counted. While Valkey is unavailable, votes are admitted by the local limits and marked
        as unscreened.
        """
        day = contest.local_day(datetime.fromtimestamp(now_ms / 1000, UTC))
        try:
            shards = await self._valkey.shards()
        except StoreUnavailable:
            return self._unscreened(votes, now_ms)
        batch = _Batch(contest, platforms, day, now_ms, shards)
        if shards == 1:
            return await self._ask(batch, contest_tag(contest.id), votes, prices)
        parts: dict[int, list[int]] = {}
        for index, vote in enumerate(votes):
            parts.setdefault(_shard(vote, shards), []).append(index)
        answers = await asyncio.gather(
            *(
                self._ask(
                    batch,
                    shard_tag(contest.id, shard, shards),
                    [votes[index] for index in part],
                    [prices[index] for index in part],
                )
                for shard, part in parts.items()
            )
        )
        by_index = {
            index: admission
            for part, answer in zip(parts.values(), answers, strict=True)
            for index, admission in zip(part, answer, strict=True)
        }
        return await self._count_platforms(batch, votes, [by_index[i] for i in range(len(votes))])

    async def _ask(
        self, batch: _Batch, tag: str, votes: Sequence[Vote], prices: Sequence[int]
    ) -> Sequence[Admission]:
        """Return the admissions of votes of one shard."""
        try:
            flags: bytes = await self._valkey.call(
                "voting_admit", [tag], _pack(batch, votes, prices)
            )
        except StoreUnavailable:
            return self._unscreened(votes, batch.now_ms)
        return [_ADMISSIONS[flags[at : at + 2]] for at in range(0, len(flags), 2)]

    def _unscreened(self, votes: Sequence[Vote], now_ms: float) -> Sequence[Admission]:
        metrics.UNSCREENED.inc(len(votes))
        return [_UNSCREENED[not self._local.allow(vote.voter, now_ms)] for vote in votes]

    async def _count_platforms(
        self, batch: _Batch, votes: Sequence[Vote], admissions: list[Admission]
    ) -> Sequence[Admission]:
        """Return the admissions with the signal of platforms that have a ceiling, which are counted
        for all shards together. This second call is only made for votes of such platforms."""
        rows = [
            (index, (vote.platform_id, ceiling, admission.counts))
            for index, (vote, admission) in enumerate(zip(votes, admissions, strict=True))
            if admission.screened and (ceiling := batch.ceiling(vote.platform_id))
        ]
        if not rows:
            return admissions
        packed = msgspec.msgpack.encode((_date_number(batch.day), [row for _, row in rows]))
        try:
            over: bytes = await self._valkey.call(
                "voting_count_platforms", [contest_tag(batch.contest.id)], [packed]
            )
        except StoreUnavailable:
            metrics.UNSCREENED.inc(len(rows))
            for index, _ in rows:
                admissions[index] = admissions[index]._replace(screened=False)
            return admissions
        for (index, _), digit in zip(rows, over, strict=True):
            if digit == _OVER:
                signals = admissions[index].active_signals | int(Signal.PLATFORM_CEILING)
                admissions[index] = admissions[index]._replace(active_signals=signals)
        return admissions


class _Batch(NamedTuple):
    """What the votes of a batch have in common; `shards` is over how many they are spread."""

    contest: Contest
    platforms: Mapping[int, Platform]
    day: date
    now_ms: float
    shards: int

    def ceiling(self, platform_id: int) -> int:
        """Return the daily ceiling of a platform, 0 if it has none."""
        platform = self.platforms.get(platform_id)
        return (platform.daily_ceiling or 0) if platform is not None else 0


def _shard(vote: Vote, shards: int) -> int:
    """Return the shard of a vote: its widest network's, or its voter's where nothing is limited."""
    networks = vote.sender.origin.limited_networks
    return (int(networks[-1][:8], 16) if networks else int.from_bytes(vote.voter[:4])) % shards


def _pack(batch: _Batch, votes: Sequence[Vote], prices: Sequence[int]) -> tuple[bytes, bytes]:
    """Return the arguments of admit.lua, which documents their layout. Ceilings are left to
    `voting_count_platforms` where there are several shards."""
    contest = batch.contest
    kinds: dict[tuple[int, int, int, int], int] = {}
    packed: list[bytes] = []
    for vote, price in zip(votes, prices, strict=True):
        platform_id = vote.platform_id
        ceiling = batch.ceiling(platform_id) if batch.shards == 1 else 0
        kind = platform_id, ceiling, int(price), _date_number(vote.ballot.period)
        networks = vote.sender.origin.limited_networks
        names = vote.sender.device.fingerprint + "".join(networks)
        number = kinds.setdefault(kind, len(kinds) + 1)
        packed += vote.voter[:_HINT_BYTES], _VOTE.pack(number, len(networks)), names.encode()
    network_rates = [
        (_packed_rate(network), _packed_rate(device))
        for network, device in rate_limits.network_rates()
    ]
    common = (
        _date_number(batch.day),
        _hint_seconds(contest),
        bucket_count(contest.rules.expected_voters_per_day // batch.shards),
        (_packed_rate(rate_limits.VOTER), network_rates),
        rate_limits.FEW_DEVICES,
        list(kinds),
    )
    return msgspec.msgpack.encode(common), b"".join(packed)


def _packed_rate(rate: rate_limits.Rate) -> tuple[int, int]:
    return rate.interval_ms, rate.tolerance_ms


def _date_number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


async def raise_ceilings(
    valkey: Valkey, contest_id: int, day: date, ballots: Mapping[int, int]
) -> int:
    """Raise what is counted of platforms for a local day to the stored ballots, by platform id;
    return how many counts were too low. Raises StoreUnavailable."""
    packed = msgspec.msgpack.encode((_date_number(day), list(ballots.items())))
    raised: int = await valkey.call("voting_raise_ceilings", [contest_tag(contest_id)], [packed])
    return raised
