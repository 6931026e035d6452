"""The local limits against another description of the same algorithm."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voting_service.antifraud.screening import rate_limits
from voting_service.antifraud.screening.rate_limits import LocalLimits, Rate

RATES = st.builds(Rate, interval_ms=st.integers(1, 100), burst=st.integers(1, 6))
TRIES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 150)),  # voter, pause before it
    max_size=60,
)
START_MS = 1_660_000_000_000


class LeakyBucket:
    """The continuous-state leaky bucket of ITU-T I.371 annex A, one a voter: a slow reference
    for what the limits do by virtual scheduling."""

    def __init__(self, rate: Rate) -> None:
        self._interval, self._tolerance = rate.interval_ms, rate.interval_ms * (rate.burst - 1)
        self._content = 0
        self._last_ms: int | None = None

    def conforms(self, now_ms: int) -> bool:
        content = self._content - (now_ms - (now_ms if self._last_ms is None else self._last_ms))
        if content > self._tolerance:
            return False
        self._content, self._last_ms = max(0, content) + self._interval, now_ms
        return True


@given(rate=RATES, tries=TRIES)
def test_every_try_is_judged_as_by_the_leaky_bucket(
    rate: Rate, tries: list[tuple[int, int]]
) -> None:
    local = LocalLimits(rate)
    buckets = {voter: LeakyBucket(rate) for voter in range(3)}
    now = START_MS
    for voter, pause in tries:
        now += pause
        assert local.allow(bytes([voter]), now) == buckets[voter].conforms(now)


@given(rate=RATES, extra=st.integers(1, 20))
def test_at_one_moment_exactly_the_burst_conforms(rate: Rate, extra: int) -> None:
    local = LocalLimits(rate)
    allowed = [local.allow(b"v", START_MS) for _ in range(rate.burst + extra)]
    assert allowed == [True] * rate.burst + [False] * extra
    assert local.allow(b"other", START_MS)
    assert not local.allow(b"v", START_MS + rate.interval_ms - 1) or rate.interval_ms == 1
    assert local.allow(b"v", START_MS + rate.interval_ms)


@given(rate=RATES, tries=TRIES, room=st.integers(1, 3))
def test_who_is_forgotten_for_want_of_room_is_judged_as_new(
    rate: Rate, tries: list[tuple[int, int]], room: int
) -> None:
    local = LocalLimits(rate, max_keys=room)
    buckets: dict[int, LeakyBucket] = {}  # in order of their last try
    now = START_MS
    for voter, pause in tries:
        now += pause
        buckets[voter] = buckets.pop(voter) if voter in buckets else LeakyBucket(rate)
        if len(buckets) > room:
            del buckets[next(iter(buckets))]
        assert local.allow(bytes([voter]), now) == buckets[voter].conforms(now)


def test_memory_is_bounded_and_the_most_recent_are_remembered() -> None:
    local = LocalLimits(Rate(1_000, 1), max_keys=100)
    for n in range(10_000):
        assert local.allow(n.to_bytes(16, "big"), START_MS)
    assert len(local._arrivals) == 100
    assert not any(local.allow(n.to_bytes(16, "big"), START_MS) for n in range(9_900, 10_000))


def test_a_clock_set_back_keeps_nobody_out_for_longer_than_it_was_set_back() -> None:
    local = LocalLimits(Rate(1_000, 2))
    assert local.allow(b"v", START_MS)
    assert not local.allow(b"v", START_MS - 60_000)
    assert local.allow(b"v", START_MS)


def test_without_valkey_a_voter_may_try_less() -> None:
    assert rate_limits.VOTER_WITHOUT_VALKEY.interval_ms > rate_limits.VOTER.interval_ms
    assert rate_limits.VOTER_WITHOUT_VALKEY.burst < rate_limits.VOTER.burst


def test_ten_thousand_tries_at_once_are_nobody_s_offence() -> None:
    """A voter's client that tries again thoughtlessly gets its receipt, not a 429."""
    assert rate_limits.VOTER.burst >= 10_000
