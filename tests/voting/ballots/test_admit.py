"""③ in the real Valkey: limits, hints, ceilings; what its keys are called, cost and outlive."""

from __future__ import annotations

import asyncio
import os
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
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
from tests.patience import eventually, on_both
from tests.senders import hashed, sender
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
    raise_ceilings,
)
from voting_service.voting.ballots.vote import DatedBallot, Vote

PERIOD = date(2022, 7, 18)
OPENS = datetime(2022, 7, 1, tzinfo=UTC)
DAYS = 31
LONG_MS = 3_600_000
"""An interval beside which the test's own duration is nothing."""
EPOCH_MS, LIMIT_MS = 2_000, 1_500
"""The epochs of admit.lua, and an interval that passes within the next one."""
BYTES_A_VOTER = 20
COUNTED = 64

tags: Iterator[str] = (f"{{t{n}}}" for n in count())


@pytest.fixture
def admitter(valkey_client: Valkey) -> Admitter:
    return Admitter(valkey_client, LocalLimits())


def make_contest(every: Any = "day") -> Contest:
    closes_at = OPENS + timedelta(days=DAYS)
    return Contest(7, "c", rules(every=every), OPENS, closes_at, 1, candidates(3))


def make_platform(daily_ceiling: int | None) -> dict[int, Platform]:
    return {1: Platform(1, "p", both("p"), "jwt", {}, (), daily_ceiling, True, 1)}


def vote(voter: bytes, network: str = "", device: str = "", around: tuple[str, ...] = ()) -> Vote:
    return Vote(
        voter=voter,
        platform_id=1,
        sender=sender(network, device, around),
        solved=False,
        ballot=DatedBallot([1], OPENS, PERIOD),
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
    day: date | None = None,
    price: Price = Price.OVER_RATE,
) -> list[Admission]:
    """All of one price; by default as votes that nothing is known against. The day is the period
    where it is not given."""
    noon = datetime.combine(day or period, time(4), UTC)
    contest, platforms = contest or make_contest(), make_platform(ceiling)
    for cast in votes:
        cast.ballot = cast.ballot.in_period(period)
    admissions = await admitter.admit(
        contest,
        platforms,
        votes,
        prices=[price] * len(votes),
        now_ms=noon.timestamp() * 1000,
    )
    return list(admissions)


async def flags(
    valkey_client: Valkey,
    tag: str,
    rows: Sequence[tuple[str, str, str, Price]],
    rates: Sequence[Rate],
) -> list[int]:
    """admit.lua's answer for (voter, networks, device, price) with rates of the test's own: of the
    voter, and of a network and a device, and the same for the networks around it. Networks are
    letters, from the smallest to the widest."""
    of_voter, *of_networks = [(rate.interval_ms, rate.tolerance_ms) for rate in rates]
    common = (
        20220718,
        60,
        1,
        (of_voter, list(zip(of_networks[::2], of_networks[1::2], strict=True))),
        rate_limits.FewDevices(devices=0, votes=0, busy_share=2),  # nobody is ever busy
        [(1, 0, price, 20220718) for price in Price],
    )
    votes = [
        struct.pack(">8sHB", voter.encode(), 1 + list(Price).index(price), len(networks))
        + "".join(hashed(name) for name in (device, *networks)).encode()
        for voter, networks, device, price in rows
    ]
    answer = await valkey_client.call(
        "voting_admit", [tag], [msgspec.msgpack.encode(common), b"".join(votes)]
    )
    return [int(answer[at : at + 2], 16) & ~COUNTED for at in range(0, len(answer), 2)]


@given(
    calls=st.lists(
        st.lists(
            st.tuples(
                st.sampled_from("123456"),
                st.sampled_from(["", "a", "b", "aC", "bC", "cC"]),
                st.sampled_from("xy"),
                st.sampled_from(list(Price)),
            ),
            min_size=1,
            max_size=15,
        ),
        min_size=1,
        max_size=3,
    ),
    bursts=st.tuples(st.integers(1, 8), *[st.integers(1, 4)] * 4),
)
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.usefixtures("admitter")
async def test_within_one_interval_exactly_the_burst_conforms_however_it_is_batched(
    valkey_client: Valkey,
    calls: list[list[tuple[str, str, str, Price]]],
    bursts: tuple[int, ...],
) -> None:
    """A voter's tries count for the voter, but for the first one that is neither over the voter's
    limit nor asked for a challenge: that one counts for networks and devices. A network over its
    limit counts nothing more, and those around it go on."""
    voter_burst, *network_bursts = bursts
    tag = next(tags)
    tries: Counter[str] = Counter()
    seen: set[str] = set()
    for rows in calls:
        expected = []
        for voter, networks, device, price in rows:
            flag = 2 * (tries[voter] >= voter_burst)
            names = [name for network in networks for name in (network, network + device)]
            full = [
                tries[name] >= burst for name, burst in zip(names, network_bursts, strict=False)
            ]
            flag += 4 * any(full[::2]) + 8 * any(full[1::2])
            is_challenged = price is Price.ALWAYS or (price is Price.OVER_RATE and flag & 12)
            if voter in seen or is_challenged or flag & 2:
                flag += voter in seen
                tries[voter] += 1
            else:
                seen.add(voter)
                for name, is_full in zip(names, full, strict=True):
                    tries[name] += not is_full
            expected.append(flag)
        rates = [Rate(LONG_MS, burst) for burst in bursts]
        assert await flags(valkey_client, tag, rows, rates) == expected


async def shift(
    valkey_client: Valkey, key: bytes, shifted: Callable[[bytes], float | bytes]
) -> None:
    """Change every value of a hash."""
    fields = await valkey_client.command("HGETALL", key)
    for field, value in fields.items():
        await valkey_client.command("HSET", key, field, shifted(value))


def shifted_network(state: bytes, ahead_ms: float) -> bytes:
    """The state of a network with one device, all its numbers later."""
    arrival, until_ms, device = *struct.unpack_from("<dd", state), *struct.unpack("<d", state[-8:])
    moved = struct.pack("<dd", arrival + ahead_ms, until_ms + ahead_ms)
    return moved + state[16:-8] + struct.pack("<d", device + ahead_ms)


async def clock_ms(valkey_client: Valkey) -> float:
    """The time of Valkey's clock."""
    seconds, microseconds = await valkey_client.command("TIME")
    return float(seconds) * 1000 + float(microseconds) / 1000


async def is_late_in_an_epoch(valkey_client: Valkey) -> bool:
    return await clock_ms(valkey_client) % EPOCH_MS > EPOCH_MS - LIMIT_MS / 3


async def is_in_a_later_epoch(valkey_client: Valkey, moment_ms: float) -> bool:
    return await clock_ms(valkey_client) // EPOCH_MS > moment_ms // EPOCH_MS


@pytest.mark.usefixtures("admitter")
async def test_the_average_rate_is_kept_on_valkey_s_clock(valkey_client: Valkey) -> None:
    """Trying all the time, a voter gets its burst, after the first, and then one try an interval.

    A busy machine pauses between two tries; what overflows then is known.
    """

    rate, tag = Rate(interval_ms=20, burst=3), next(tags)
    assert await flags(valkey_client, tag, [("1", "", "", Price.NEVER)], (rate, rate, rate)) == [0]
    conforming, begin = 0, await clock_ms(valkey_client)
    tokens, expected, last = float(rate.burst), 0, begin
    while (now := await clock_ms(valkey_client)) < begin + 400:
        tokens = min(rate.burst, tokens + (now - last) / rate.interval_ms)
        if tokens >= 1:
            tokens, expected = tokens - 1, expected + 1
        last = now
        again = await flags(valkey_client, tag, [("1", "", "", Price.NEVER)], (rate, rate, rate))
        conforming += again == [1]
    passed = (now - begin) / rate.interval_ms
    assert conforming <= rate.burst + passed + 1
    assert conforming >= expected * 0.8 - 2


@pytest.mark.usefixtures("admitter")
async def test_a_limit_holds_beyond_the_epoch_it_was_written_in(valkey_client: Valkey) -> None:
    """On a machine that pauses just then it is tried again."""
    rates = (Rate(1, 1_000), Rate(LIMIT_MS, 1), Rate(LIMIT_MS, 1))
    while True:
        tag = next(tags)
        await eventually(partial(is_late_in_an_epoch, valkey_client))
        written = await clock_ms(valkey_client)
        [first] = await flags(valkey_client, tag, [("1", "a", "x", Price.NEVER)], rates)
        await eventually(partial(is_in_a_later_epoch, valkey_client, written))
        [second] = await flags(valkey_client, tag, [("2", "a", "x", Price.NEVER)], rates)
        if await clock_ms(valkey_client) < written + LIMIT_MS:
            assert (first, second) == (0, 4 + 8)
            return


@pytest.mark.usefixtures("admitter")
async def test_a_limit_is_exact_while_it_grows_beyond_short_epochs(valkey_client: Valkey) -> None:
    """A voter a call: the first are remembered for an epoch, the last for many."""
    rate, tag, begin = Rate(LIMIT_MS, 10), next(tags), await clock_ms(valkey_client)
    rates = (Rate(1, 1_000), rate, rate)
    over = 0
    for voter in range(20):
        row = (str(voter), "a", "x", Price.NEVER)
        over += await flags(valkey_client, tag, [row], rates) == [4 + 8]
    passed = (await clock_ms(valkey_client) - begin) / LIMIT_MS
    assert 10 - passed - 1 <= over <= 10


@pytest.mark.usefixtures("admitter")
async def test_numbers_from_before_the_clock_was_set_back_count_as_now(
    valkey_client: Valkey,
) -> None:
    """As if everything stored had been written by a clock that was ahead."""
    tag, rates, ahead_ms = next(tags), [Rate(LONG_MS, 1)] * 3, 4 * LONG_MS
    rows = [(voter, "a", "x", Price.NEVER) for voter in "1112"]
    assert await flags(valkey_client, tag, rows, rates) == [0, 1 + 4 + 8, 1 + 2 + 4 + 8, 4 + 8]
    for key in await valkey_client.command("KEYS", f"{tag}:*", key=tag):
        if b":tries:" in key:
            await shift(valkey_client, key, lambda number: float(number) + ahead_ms)
        elif b":networks:" in key:
            await shift(valkey_client, key, lambda state: shifted_network(state, ahead_ms))
    again = [(voter, "a", "x", Price.NEVER) for voter in "13"]
    assert await flags(valkey_client, tag, again, rates) == [1, 0]


@on_both
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


@on_both
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
    busy = await valkey_client.command("HVALS", f"{{c7}}:busy:{PERIOD:%Y%m%d}")
    assert busy == [b"crowd"]


@on_both
async def test_a_sender_with_a_whole_48_is_limited_as_one_sender_is(
    admitter: Admitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another /64 for each voter gains nothing, in one /56 or all over a /48; and a mobile
    provider, who gives each telephone a /64, is a crowd."""
    monkeypatch.setattr(rate_limits, "NETWORK", Rate(LONG_MS, 400))
    monkeypatch.setattr(rate_limits, "WIDE_NETWORK", Rate(LONG_MS, 1_600))

    async def active(voters: int, names: str, devices: int) -> Counter[int]:
        """Signals of voters who all have a /64 of their own, in 200 for one /56."""
        votes = [
            vote(
                os.urandom(16),
                f"{names} {number}",
                f"phone {number % devices}",
                (f"{names} /56 {number // 200 if devices > 1 else 0}", f"{names} /48"),
            )
            for number in range(voters)
        ]
        return Counter(a.active_signals for a in await admit(admitter, votes))

    farm = await active(500, "farm", 1)
    assert farm[Signal.FEW_DEVICES | Signal.CROWDED_NETWORK] >= 99, "the /56 has 400 at once"
    telephones = await active(1_600, "provider", 60)
    assert telephones == {0: 1_600}
    spread = await active(100, "provider", 60)
    assert spread == {Signal.CROWDED_NETWORK: 100}, "a /48 has a limit too"


async def test_an_exempt_network_is_not_limited(admitter: Admitter) -> None:
    votes = [vote(os.urandom(16), "load test", "script") for _ in range(NETWORK.burst + 50)]
    for item in votes:
        item.sender = item.sender._replace(origin=item.sender.origin._replace(exempt=True))
    assert not any(admission.active_signals for admission in await admit(admitter, votes))


@on_both
async def test_a_voter_is_seen_once_a_period(admitter: Admitter) -> None:
    me = vote(os.urandom(16))
    assert [a.seen for a in await admit(admitter, [me, me])] == [False, True]
    assert (await admit(admitter, [me]))[0].seen
    tomorrow = PERIOD + timedelta(days=1)
    assert not (await admit(admitter, [me], period=tomorrow))[0].seen
    elsewhere = make_contest()
    other = Contest(8, "o", elsewhere.rules, OPENS, elsewhere.closes_at, 1, elsewhere.candidates)
    assert not (await admit(admitter, [me], contest=other))[0].seen


@on_both
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


async def test_a_ceiling_is_of_a_day_also_where_a_voter_has_one_ballot_in_all(
    admitter: Admitter, valkey_client: Valkey
) -> None:
    """And once Valkey has forgotten it, the stored ballots are counted, never fewer than it has."""
    once, today = make_contest("contest"), PERIOD + timedelta(days=1)

    async def over(day: date, votes: int) -> list[bool]:
        voters = [vote(os.urandom(16)) for _ in range(votes)]
        admissions = await admit(admitter, voters, contest=once, ceiling=3, day=day)
        return [bool(a.active_signals & Signal.PLATFORM_CEILING) for a in admissions]

    assert await over(PERIOD, 4) == [False] * 3 + [True]
    assert await over(today, 1) == [False]
    assert await raise_ceilings(valkey_client, 7, today, {1: 1, 2: 5}) == 1, "only what is too low"
    await valkey_client.command("FLUSHALL")
    assert await raise_ceilings(valkey_client, 7, today, {1: 2}) == 1
    assert await over(today, 2) == [False, True]
    assert await raise_ceilings(valkey_client, 7, today, {1: 2}) == 0
    assert await over(today, 1) == [True]
    left_ms = await valkey_client.command("PTTL", f"{{c7}}:platform:1:{today:%Y%m%d}")
    assert 86_400_000 < left_ms <= 2 * 86_400_000


@pytest.mark.parametrize(("every", "days"), [("day", 2), ("contest", DAYS + 1)])
async def test_keys_begin_with_the_contest_s_tag_and_go_by_themselves(
    admitter: Admitter, valkey_client: Valkey, every: str, days: int
) -> None:
    votes = [vote(os.urandom(16), os.urandom(8).hex()) for _ in range(200)]
    votes += [vote(os.urandom(16), "a" * 16) for _ in range(100)]  # remembered for longer
    await admit(admitter, votes, contest=make_contest(every), ceiling=10)
    keys = await valkey_client.command("KEYS", "*")
    kinds = Counter(key.split(b":")[1] for key in keys)
    assert set(kinds) >= {b"seen", b"networks", b"platform"}
    for key in keys:
        assert key.startswith(b"{c7}:"), key
        left_ms = await valkey_client.command("PTTL", key)
        assert left_ms == -2 or 0 <= left_ms <= days * 86_400_000, key
        if key.split(b":")[1] == b"seen":
            assert left_ms > (days - 0.1) * 86_400_000


@pytest.mark.parametrize(
    ("expected_voters", "buckets"),
    [(0, 1), (64, 1), (65, 2), (1_000, 16), (1_000_000, 16_384), (50_000_000, 1_048_576)],
)
def test_buckets_stay_short(expected_voters: int, buckets: int) -> None:
    """A power of two, and at most 64 voters a bucket when as many come as expected."""
    assert bucket_count(expected_voters) == buckets
    assert expected_voters / buckets <= 64


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
    hints = await valkey_client.command("HVALS", f"{{c7}}:seen:{PERIOD:%Y%m%d}")
    assert sum(map(len, hints)) == 8 * (voters + 1)

    async def is_small() -> bool:
        return (await used() - before) / voters <= BYTES_A_VOTER

    await eventually(is_small)
