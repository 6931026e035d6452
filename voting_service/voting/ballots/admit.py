"""③ Admit: one call to Valkey for a whole batch, or local limits while Valkey is unavailable.

A crash after this step leaves hints without ballots. That is harmless: a hint only means that
Postgres is searched for a stored ballot first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec

from voting_service.antifraud.screening import rate_limits
from voting_service.antifraud.screening.decision import Signal
from voting_service.contests.model import Contest, Platform
from voting_service.errors import StoreUnavailable
from voting_service.infrastructure.valkey import Valkey, contest_tag
from voting_service.voting import metrics
from voting_service.voting.ballots.vote import Vote

_SEEN, _VOTER = 1, 2
_SUSPICIONS = {
    4: Signal.CROWDED_NETWORK,
    8: Signal.REPEATED_DEVICE,
    16: Signal.FEW_DEVICES,
    32: Signal.PLATFORM_CEILING,
}
"""The flags of admit.lua as signals."""
_ALL_FLAGS = 64
_VOTERS_A_BUCKET = 256
"""Half of the 512 numbers up to which a set of integers stays packed (set-max-intset-entries):
8 bytes per voter, with the cost of the key shared by 256."""
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


_ADMISSIONS = {
    f"{flags:02x}".encode(): Admission(
        seen=bool(flags & _SEEN),
        voter_over_limit=bool(flags & _VOTER),
        active_signals=sum(int(signal) for flag, signal in _SUSPICIONS.items() if flags & flag),
    )
    for flags in range(_ALL_FLAGS)
}
_UNSCREENED = tuple(
    Admission(seen=False, voter_over_limit=over, active_signals=0, screened=False)
    for over in (False, True)
)


@lru_cache(maxsize=64)
def bucket_count(expected_voters: int) -> int:
    """Return the number of sets that share the hints of a period: a power of two."""
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
            flags: bytes = await self._valkey.call(
                "voting_admit",
                [contest_tag(contest.id)],
                [_pack(contest, platforms, day, votes, prices)],
            )
        except StoreUnavailable:
            metrics.UNSCREENED.inc(len(votes))
            return [_UNSCREENED[not self._local.allow(vote.voter, now_ms)] for vote in votes]
        return [_ADMISSIONS[flags[at : at + 2]] for at in range(0, len(flags), 2)]


def _pack(
    contest: Contest,
    platforms: Mapping[int, Platform],
    day: date,
    votes: Sequence[Vote],
    prices: Sequence[int],
) -> bytes:
    """Return the argument of admit.lua, which documents its layout."""
    buckets = bucket_count(contest.rules.expected_voters_per_day)
    networks = [
        (_packed_rate(network), _packed_rate(device))
        for network, device in rate_limits.network_rates()
    ]
    rates = _packed_rate(rate_limits.VOTER), networks
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
                sender.origin.limited_networks,
                sender.device.fingerprint,
                vote.platform_id,
                ceiling or 0,
                price,
                _date_name(vote.ballot.period),
            )
        )
    return msgspec.msgpack.encode(
        (_date_name(day), _hint_seconds(contest), rates, rate_limits.FEW_DEVICES, rows)
    )


def _packed_rate(rate: rate_limits.Rate) -> tuple[int, int]:
    return rate.interval_ms, rate.tolerance_ms


@lru_cache(maxsize=64)
def _date_name(day: date) -> str:
    return f"{day:%Y%m%d}"


async def raise_ceilings(
    valkey: Valkey, contest_id: int, day: date, ballots: Mapping[int, int]
) -> int:
    """Raise what is counted of platforms for a local day to the stored ballots, by platform id;
    return how many counts were too low. Raises StoreUnavailable."""
    packed = msgspec.msgpack.encode((_date_name(day), list(ballots.items())))
    raised: int = await valkey.call("voting_raise_ceilings", [contest_tag(contest_id)], [packed])
    return raised
