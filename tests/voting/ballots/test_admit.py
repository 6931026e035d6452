"""③ in the real Valkey: limits, hints, ceilings; what its keys are called, cost and outlive."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contest_data import (
    both,
    candidates,
    rules,
)
from tests.patience import eventually
from tests.senders import sender
from voting_service.antifraud.screening import rate_limits
from voting_service.antifraud.screening.decision import Price, Signal
from voting_service.antifraud.screening.rate_limits import (
    FEW_DEVICES,
    NETWORK,
    LocalLimits,
    Rate,
)
from voting_service.contests.model import Contest, Platform
from voting_service.infrastructure.valkey import Valkey
from voting_service.voting.ballots.admit import (
    Admission,
    Admitter,
    bucket_count,
)
from voting_service.voting.ballots.vote import Vote

PERIOD = date(2022, 7, 18)
OPENS = datetime(2022, 7, 1, tzinfo=UTC)
DAYS = 31
LONG_MS = 3_600_000
"""An interval beside which the test's own duration is nothing."""
BYTES_A_VOTER = 20

tags: Iterator[str] = (f"{{t{n}}}" for n in count())


@pytest.fixture
def admitter(valkey_client: Valkey) -> Admitter:
    return Admitter(valkey_client, LocalLimits())


def make_contest(every: Any = "day") -> Contest:
    closes_at = OPENS + timedelta(days=DAYS)
    return Contest(7, "c", rules(every=every), OPENS, closes_at, 1, candidates(3))


def make_platform(daily_ceiling: int | None) -> dict[int, Platform]:
    return {1: Platform(1, "p", both("p"), "jwt", {}, (), daily_ceiling, True, 1)}


def vote(voter: bytes, network: str = "", device: str = "") -> Vote:
    return Vote(
        voter=voter,
        platform_id=1,
        sender=sender(network, device),
        solved=False,
        choices=[1],
        result=asyncio.get_running_loop().create_future(),
        waiting_since=0.0,
    )


async def admit(
    admitter: Admitter,
    votes: list[Vote],
    *,
    contest: Contest | None = None,
    ceiling: int | None = None,
    period: date = PERIOD,
    price: Price = Price.OVER_RATE,
) -> list[Admission]:
    """All of one price; by default as votes that nothing is known against."""
    contest, platforms = contest or make_contest(), make_platform(ceiling)
    admissions = await admitter.admit(
        contest, platforms, period, votes, prices=[price] * len(votes), now_ms=0.0
    )
    return list(admissions)


async def flags(
    valkey_client: Valkey,
    tag: str,
    rows: Sequence[tuple[str, str, str, int]],
    rates: tuple[Rate, Rate, Rate],
) -> list[int]:
    """admit.lua's answer for (voter, network, device, price) with rates of the test's own."""
    packed = msgspec.msgpack.encode(
        (
            "20220718",
            60,
            [(rate.interval_ms, rate.tolerance_ms) for rate in rates],
            rate_limits.FewDevices(devices=0, votes=0, busy_share=2),  # nobody is ever busy
            [(voter, 0, network, device, 1, 0, price) for voter, network, device, price in rows],
        )
    )
    answer = await valkey_client.call("voting_admit", [tag], [packed])
    return [int(answer[at : at + 2], 16) for at in range(0, len(answer), 2)]


@given(
    calls=st.lists(
        st.lists(
            st.tuples(
                st.sampled_from("123456"),
                st.sampled_from(["", "a", "b"]),
                st.sampled_from("xy"),
                st.sampled_from(list(Price)),
            ),
            min_size=1,
            max_size=15,
        ),
        min_size=1,
        max_size=3,
    ),
    voter_burst=st.integers(1, 8),
    network_burst=st.integers(1, 4),
    device_burst=st.integers(1, 4),
)
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.usefixtures("admitter")
async def test_within_one_interval_exactly_the_burst_conforms_however_it_is_batched(
    valkey_client: Valkey,
    calls: list[list[tuple[str, str, str, Price]]],
    voter_burst: int,
    network_burst: int,
    device_burst: int,
) -> None:
    """A voter's tries count for the voter; for network and device only the first one that is
    neither over the voter's limit nor asked for a challenge."""
    tag = next(tags)
    tries: Counter[str] = Counter()
    seen: set[str] = set()
    for rows in calls:
        expected = []
        for voter, network, device, price in rows:
            flag = 2 * (tries[voter] >= voter_burst)
            tries[voter] += 1
            if network:
                flag += 4 * (tries[network] >= network_burst)
                flag += 8 * (tries[network + device] >= device_burst)
            is_challenged = price is Price.ALWAYS or (price is Price.OVER_RATE and flag & 12)
            if voter in seen:
                flag += 1
            elif not is_challenged and not flag & 2:
                seen.add(voter)
                tries[network] += 1
                tries[network + device] += 1
            expected.append(flag)
        bursts = voter_burst, network_burst, device_burst
        voter_rate, network_rate, device_rate = (Rate(LONG_MS, burst) for burst in bursts)
        rates = voter_rate, network_rate, device_rate
        assert await flags(valkey_client, tag, rows, rates) == expected


@pytest.mark.usefixtures("admitter")
async def test_the_average_rate_is_kept_on_valkey_s_clock(valkey_client: Valkey) -> None:
    """Trying all the time, a voter gets its burst and then one try an interval."""

    async def now_ms() -> float:
        seconds, microseconds = await valkey_client.command("TIME")
        return float(seconds) * 1000 + float(microseconds) / 1000

    rate, tag = Rate(interval_ms=20, burst=3), next(tags)
    conforming, begin = 0, await now_ms()
    while (end := await now_ms()) < begin + 400:
        conforming += await flags(valkey_client, tag, [("1", "", "", 0)], (rate, rate, rate)) in (
            [0],
            [1],
        )
    passed = (end - begin) / rate.interval_ms
    assert conforming <= rate.burst + passed + 1
    assert conforming >= rate.burst + passed * 0.8 - 2


async def test_a_canteen_is_marked_beyond_its_burst_and_nothing_else(admitter: Admitter) -> None:
    votes = [
        vote(os.urandom(16), "canteen", f"phone {number % 200}")
        for number in range(NETWORK.burst + 50)
    ]
    admissions = await admit(admitter, votes)
    # A few conform beyond the burst while the call runs: twenty a second.
    marked = [bool(admission.active_signals) for admission in admissions]
    assert not any(marked[: NETWORK.burst])
    assert sum(marked) > 30
    assert {admission.active_signals for admission in admissions} == {0, Signal.CROWDED_NETWORK}
    assert not any(a.voter_over_limit or a.seen for a in admissions)
    other = await admit(admitter, [vote(os.urandom(16), "elsewhere"), vote(os.urandom(16))])
    assert not any(a.active_signals for a in other)


async def test_one_machine_with_hundreds_of_voters_shows_few_devices(
    admitter: Admitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy_from = int(NETWORK.burst * FEW_DEVICES.busy_share)
    votes = [vote(os.urandom(16), "farm", "phone") for _ in range(2 * NETWORK.burst)]
    active_signals = [
        bool(a.active_signals & Signal.FEW_DEVICES) for a in await admit(admitter, votes)
    ]
    first = active_signals.index(True)
    assert all(active_signals[first:])
    # A few more conform while the call runs: twenty a second.
    assert -2 <= first - busy_from - FEW_DEVICES.votes < 60
    # Slow now, and still the same machine: what it was is remembered for the day.
    monkeypatch.setattr(rate_limits, "NETWORK", Rate(interval_ms=1, burst=1_000_000))
    [slow] = await admit(admitter, [vote(os.urandom(16), "farm", "phone")])
    assert slow.active_signals & Signal.FEW_DEVICES
    assert not slow.active_signals & Signal.CROWDED_NETWORK
    tomorrow = PERIOD + timedelta(days=1)
    again = await admit(admitter, [vote(os.urandom(16), "farm", "other")], period=tomorrow)
    assert not again[0].active_signals


async def test_a_busy_crowd_is_known_by_its_telephones_and_costs_no_memory(
    admitter: Admitter, valkey_client: Valkey
) -> None:
    votes = [
        vote(os.urandom(16), "factory", f"phone {number % 60}") for number in range(NETWORK.burst)
    ]
    assert not any(a.active_signals & Signal.FEW_DEVICES for a in await admit(admitter, votes))
    assert await valkey_client.command("KEYS", "{c7}:devices:*") == []
    [busy] = await valkey_client.command("KEYS", "{c7}:busy:*")
    assert await valkey_client.command("GET", busy) == b"crowd"


async def test_an_exempt_network_is_not_limited(admitter: Admitter) -> None:
    votes = [vote(os.urandom(16), "load test", "script") for _ in range(NETWORK.burst + 50)]
    for item in votes:
        item.sender = item.sender._replace(origin=item.sender.origin._replace(exempt=True))
    assert not any(admission.active_signals for admission in await admit(admitter, votes))


async def test_a_voter_is_seen_once_a_period(admitter: Admitter) -> None:
    me = vote(os.urandom(16))
    assert [a.seen for a in await admit(admitter, [me, me])] == [False, True]
    assert (await admit(admitter, [me]))[0].seen
    tomorrow = PERIOD + timedelta(days=1)
    assert not (await admit(admitter, [me], period=tomorrow))[0].seen
    elsewhere = make_contest()
    other = Contest(8, "o", elsewhere.rules, OPENS, elsewhere.closes_at, 1, elsewhere.candidates)
    assert not (await admit(admitter, [me], contest=other))[0].seen


async def test_a_ceiling_counts_voters_not_tries_and_starts_again_each_day(
    admitter: Admitter,
) -> None:
    voters = [vote(os.urandom(16)) for _ in range(4)]
    tries = [voters[0]] * 5 + voters
    over = [
        bool(a.active_signals & Signal.PLATFORM_CEILING)
        for a in await admit(admitter, tries, ceiling=3)
    ]
    assert over == [False] * 8 + [True]
    tomorrow = PERIOD + timedelta(days=1)
    again = await admit(admitter, voters, ceiling=3, period=tomorrow)
    assert [bool(a.active_signals & Signal.PLATFORM_CEILING) for a in again] == [False] * 3 + [True]


@pytest.mark.parametrize(("every", "days"), [("day", 2), ("contest", DAYS + 1)])
async def test_keys_begin_with_the_contest_s_tag_and_go_by_themselves(
    admitter: Admitter, valkey_client: Valkey, every: str, days: int
) -> None:
    votes = [vote(os.urandom(16), os.urandom(8).hex()) for _ in range(200)]
    await admit(admitter, votes, contest=make_contest(every), ceiling=10)
    keys = await valkey_client.command("KEYS", "*")
    kinds = Counter(key.split(b":")[1] for key in keys)
    assert set(kinds) >= {b"seen", b"network", b"platform"}
    for key in keys:
        assert key.startswith(b"{c7}:"), key
        left_ms = await valkey_client.command("PTTL", key)
        assert left_ms == -2 or 0 <= left_ms <= days * 86_400_000, key
        if key.split(b":")[1] == b"seen":
            assert left_ms > (days - 0.1) * 86_400_000


@pytest.mark.parametrize(
    ("expected_voters", "buckets"),
    [(1, 1), (256, 1), (257, 2), (1_000, 4), (1_000_000, 4096), (50_000_000, 262_144)],
)
def test_buckets_stay_packed(expected_voters: int, buckets: int) -> None:
    """A power of two, and at most 512 numbers (set-max-intset-entries) a bucket with room."""
    assert bucket_count(expected_voters) == buckets
    assert expected_voters / buckets <= 256


async def test_a_voter_costs_valkey_at_most_twenty_bytes(
    admitter: Admitter, valkey_client: Valkey
) -> None:
    """200,000 voters of an expected million: the keys are shared by few, so this is the dear
    end of it. What the limits keep goes within seconds."""

    async def used() -> int:
        return int((await valkey_client.command("INFO", "memory"))["used_memory"])

    await admit(admitter, [vote(os.urandom(16))])
    voters, before = 200_000, await used()
    for _ in range(voters // 1_000):
        await admit(admitter, [vote(os.urandom(16)) for _ in range(1_000)])
    hints = [
        await valkey_client.command("SCARD", key)
        for key in await valkey_client.command("KEYS", "*:seen:*")
    ]
    assert sum(hints) == voters + 1

    async def is_small() -> bool:
        return (await used() - before) / voters <= BYTES_A_VOTER

    await eventually(is_small)


async def test_a_busy_day_stays_packed(admitter: Admitter, valkey_client: Valkey) -> None:
    """The hints of a bucket are one packed set even when it is fuller than expected."""
    day = make_contest()
    for _ in range(3):
        await admit(admitter, [vote(os.urandom(16)) for _ in range(2_000)], contest=day)
    key = (await valkey_client.command("KEYS", "{c7}:seen:*"))[0]
    assert await valkey_client.command("OBJECT", "ENCODING", key) == b"intset"
