"""③ Admit: one call to Valkey for a whole batch, or local limits while Valkey is away.

A crash after this leaves hints without ballots. A hint is only ever a reason to look into
Postgres first, so that is harmless.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

import msgpack

from voting_service import metrics
from voting_service.antifraud import limits
from voting_service.antifraud.decision import Suspicion
from voting_service.ballots.vote import Vote
from voting_service.contests.model import Contest, Platform
from voting_service.errors import StoreUnavailable
from voting_service.storage.valkey import Valkey, contest_tag

_SEEN, _VOTER = 1, 2
_SUSPICIONS = {
    4: Suspicion.CROWDED_NETWORK,
    8: Suspicion.REPEATED_DEVICE,
    16: Suspicion.FEW_DEVICES,
    32: Suspicion.PLATFORM_CEILING,
}
"""The flags of admit.lua as signals."""
_ALL_FLAGS = 64
_VOTERS_A_BUCKET = 256
"""Half of the 512 numbers up to which a set of integers stays packed (set-max-intset-entries):
8 bytes a voter, and the key's own cost shared by 256."""
_DAY_SECONDS = 86_400
_KEEP_SECONDS = 2 * _DAY_SECONDS


class Admission(NamedTuple):
    """What ③ learned of one vote; `lit` are the signals (Suspicion) of its rates."""

    seen: bool
    voter_over_limit: bool
    lit: int
    screened: bool = True


_ADMISSIONS = {
    f"{flags:02x}".encode(): Admission(
        seen=bool(flags & _SEEN),
        voter_over_limit=bool(flags & _VOTER),
        lit=sum(int(signal) for flag, signal in _SUSPICIONS.items() if flags & flag),
    )
    for flags in range(_ALL_FLAGS)
}
_UNSCREENED = tuple(
    Admission(seen=False, voter_over_limit=over, lit=0, screened=False) for over in (False, True)
)


@lru_cache(maxsize=64)
def bucket_count(expected_voters: int) -> int:
    """How many sets share a period's hints: a power of two."""
    return 1 << (max(0, expected_voters - 1) // _VOTERS_A_BUCKET).bit_length()


def _hint_seconds(contest: Contest) -> int:
    """Hints of a day live two days; those of a whole contest as long as it may last."""
    if contest.rules.ballot.every == "day":
        return _KEEP_SECONDS
    return int((contest.closes_at - contest.opens_at).total_seconds()) + _DAY_SECONDS


class Admitter:
    """③ for one worker."""

    def __init__(self, valkey: Valkey, local: limits.LocalLimits) -> None:
        valkey.register_functions(__package__, "admit.lua")
        self._valkey = valkey
        self._local = local

    async def admit(
        self,
        contest: Contest,
        platforms: Mapping[int, Platform],
        period: date,
        votes: Sequence[Vote],
        *,
        prices: Sequence[int],
        now_ms: float,
    ) -> Sequence[Admission]:
        """One admission a vote, in order; `prices` has the Price of each. A vote that is asked
        for its price, or whose voter is over the limit, leaves no hint and counts nowhere. Never
        raises for an absent Valkey: the votes are admitted by the local limits and marked
        unscreened."""
        try:
            flags: bytes = await self._valkey.call(
                "voting_admit",
                [contest_tag(contest.id)],
                [_pack(contest, platforms, period, votes, prices)],
            )
        except StoreUnavailable:
            metrics.UNSCREENED.inc(len(votes))
            return [_UNSCREENED[not self._local.allow(vote.voter, now_ms)] for vote in votes]
        return [_ADMISSIONS[flags[at : at + 2]] for at in range(0, len(flags), 2)]


def _pack(
    contest: Contest,
    platforms: Mapping[int, Platform],
    period: date,
    votes: Sequence[Vote],
    prices: Sequence[int],
) -> bytes:
    """The argument of admit.lua, where its layout is written down."""
    buckets = bucket_count(contest.rules.expected_voters_per_day)
    rates = [
        (rate.interval_ms, rate.tolerance_ms)
        for rate in (limits.VOTER, limits.NETWORK, limits.DEVICE)
    ]
    rows = []
    for vote, price in zip(votes, prices, strict=True):
        hint = int.from_bytes(vote.voter[:8], "big", signed=True)
        platform = platforms.get(vote.platform_id)
        ceiling = platform.daily_ceiling if platform is not None else None
        sender = vote.sender
        rows.append(
            (
                str(hint),
                hint % buckets,
                "" if sender.origin.exempt else sender.origin.network,
                sender.device.fingerprint,
                vote.platform_id,
                ceiling or 0,
                price,
            )
        )
    packed: bytes = msgpack.packb(
        (f"{period:%Y%m%d}", _hint_seconds(contest), rates, limits.FEW_DEVICES, rows)
    )
    return packed
