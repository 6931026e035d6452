"""The detection of bursts: what raises an alarm, its pattern and its message. No store."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contest_data import both
from voting_service.antifraud.alarms.detection import (
    BALLOTS,
    MAX_ALARMS_AT_ONCE,
    QUIET_MINUTES,
    Alarm,
    AlarmSubject,
    BurstDetector,
    BurstPattern,
    MinuteCounts,
    SubjectKind,
)
from voting_service.antifraud.alarms.messages import alarm_message

CANDIDATES = range(1, 11)
HOUR = 60
NETWORKS = [bytes([n]) * 8 for n in range(40)]
STRANGE = b"farmfarm"


class Crowd:
    """People who vote in a contest of ten, each for one, from forty networks and three
    platforms; a minute after the other."""

    def __init__(self, seed: int = 1) -> None:
        self.rng = np.random.default_rng(seed)
        self.detector = BurstDetector(CANDIDATES)
        self.at = 1_000_000 * HOUR
        shares = np.outer([0.6, 0.3, 0.1], np.full(len(CANDIDATES), 1 / len(CANDIDATES)))
        for _ in range(48):
            counts = self.rng.multinomial(1_200, shares.ravel()).reshape(shares.shape)
            votes = {(p, n): int(counts[p, n - 1]) for p in range(3) for n in CANDIDATES}
            votes |= {(p, BALLOTS): int(counts[p].sum()) for p in range(3)}
            self.detector.add_hour(self.at, votes)
            self.at += HOUR

    def minute(self, ballots: int, *more: tuple[int, int, bytes, int]) -> MinuteCounts:
        """`more`: platform, candidate, network and how many ballots."""
        votes: dict[tuple[int, int], int] = {}
        networks: dict[tuple[bytes, int], int] = {}
        people = zip(
            self.rng.choice(3, ballots, p=[0.6, 0.3, 0.1]).tolist(),
            self.rng.integers(1, 11, ballots).tolist(),
            self.rng.integers(0, 40, ballots).tolist(),
            strict=True,
        )
        ones = [(platform, number, NETWORKS[place], 1) for platform, number, place in people]
        for platform, number, network, count in [*ones, *more]:
            for counted in (BALLOTS, number):
                votes[platform, counted] = votes.get((platform, counted), 0) + count
                networks[network, counted] = networks.get((network, counted), 0) + count
        return MinuteCounts(self.at, votes, networks)

    def add_minutes(
        self, minutes: int, ballots: int = 20, *more: tuple[int, int, bytes, int]
    ) -> list[Alarm]:
        raised = []
        for _ in range(minutes):
            raised += self.detector.add_minute(self.minute(ballots, *more))
            self.at += 1
        return raised


@pytest.fixture
def crowd() -> Crowd:
    crowd = Crowd()
    assert crowd.add_minutes(2 * HOUR) == []
    return crowd


def everywhere(number: int, count: int) -> list[tuple[int, int, bytes, int]]:
    shares = ((0, 6), (1, 3), (2, 1))
    return [
        (platform, number, network, 1)
        for platform, share in shares
        for network in NETWORKS[: count * share // 10]
    ]


def test_a_busy_evening_is_no_alarm(crowd: Crowd) -> None:
    assert crowd.add_minutes(HOUR, 200) == []
    assert crowd.add_minutes(HOUR, 4) == []


def test_a_burst_from_everywhere_looks_like_a_broadcast(crowd: Crowd) -> None:
    raised = crowd.add_minutes(1, 20, *everywhere(7, 30))
    assert [(a.subject, a.looks) for a in raised] == [
        (AlarmSubject("candidate", candidate=7), "broadcast")
    ]
    assert raised[0].observed > 3 * raised[0].expected
    assert raised[0].span <= 15


def test_a_farm_on_one_network_is_named_with_it(crowd: Crowd) -> None:
    raised = crowd.add_minutes(10, 20, (0, 4, STRANGE, 2))
    first = raised[0]
    assert first.subject == AlarmSubject("network", candidate=4, network=STRANGE)
    assert first.looks == "one_network"
    assert {a.looks for a in raised} == {"one_network"}


def test_a_network_of_thousands_alarms_no_more_than_any_other(crowd: Crowd) -> None:
    nat = [(0, number, STRANGE, 10) for number in CANDIDATES]
    assert crowd.add_minutes(HOUR, 20, *nat) == [
        a for a in crowd.add_minutes(0) if a.subject.what == "network"
    ]


def test_a_broadcast_raises_no_alarm_about_a_network(crowd: Crowd) -> None:
    watching = [(platform, 7, network, 1) for platform in (0, 0, 1) for network in NETWORKS]
    raised = crowd.add_minutes(3, 20, *watching)
    assert [a.subject.what for a in raised] == ["candidate"]


def test_a_platform_that_surges_is_named(crowd: Crowd) -> None:
    more = [(2, number, network, 1) for number in CANDIDATES for network in NETWORKS[:3]]
    raised = crowd.add_minutes(3, 20, *more)
    assert (AlarmSubject("platform", platform=2), "one_platform") in [
        (a.subject, a.looks) for a in raised
    ]


def test_a_steady_surplus_is_noticed_in_time_and_looks_like_a_swell(crowd: Crowd) -> None:
    raised: list[Alarm] = []
    while not raised:
        networks = crowd.rng.choice(40, 2)
        more = [(place % 2, 3, NETWORKS[network], 1) for place, network in enumerate(networks)]
        raised = crowd.add_minutes(1, 20, *more)
    assert [(a.subject, a.looks) for a in raised] == [
        (AlarmSubject("candidate", candidate=3), "swell")
    ]
    assert raised[0].span >= HOUR


def test_a_subject_raises_a_new_alarm_only_after_quiet_minutes(crowd: Crowd) -> None:
    burst = everywhere(7, 30)
    assert len(crowd.add_minutes(5, 20, *burst)) == 1
    assert crowd.add_minutes(10) == []
    crowd.add_minutes(6 * HOUR)
    assert QUIET_MINUTES <= 6 * HOUR
    assert len(crowd.add_minutes(1, 20, *burst)) == 1


def test_what_was_raised_before_a_crash_is_not_raised_again(crowd: Crowd) -> None:
    crowd.detector.suppress(AlarmSubject("candidate", candidate=7), crowd.at - 1)
    assert crowd.add_minutes(1, 20, *everywhere(7, 30)) == []


def test_no_alarm_without_a_baseline() -> None:
    detector = BurstDetector(CANDIDATES)
    for at in range(30):
        assert (
            detector.add_minute(MinuteCounts(at, {(0, BALLOTS): 9, (0, 1): 9}, {(STRANGE, 1): 9}))
            == []
        )


def test_alarms_are_few_at_once(crowd: Crowd) -> None:
    farms = [(0, 4, bytes([n]) * 8, 30) for n in range(100, 160)]
    assert len(crowd.add_minutes(1, 20, *farms)) == MAX_ALARMS_AT_ONCE


def test_hours_from_the_aggregates_weigh_as_their_minutes() -> None:
    """A detector started from hours expects the same as one that was given the minutes."""
    by_minutes, by_hours = BurstDetector(CANDIDATES), BurstDetector(CANDIDATES)
    for hour in range(30):
        votes = {(0, number): 2 + (number + hour) % 3 for number in CANDIDATES}
        votes[0, BALLOTS] = sum(votes.values())
        for minute in range(HOUR):
            by_minutes.add_minute(MinuteCounts(hour * HOUR + minute, votes, {}))
        by_hours.add_hour(hour * HOUR, {key: HOUR * count for key, count in votes.items()})
    burst = MinuteCounts(30 * HOUR, {(0, BALLOTS): 90, (0, 1): 60}, {})
    [first], [other] = by_minutes.add_minute(burst), by_hours.add_minute(burst)
    assert first.subject == other.subject
    assert first.expected == pytest.approx(other.expected, rel=0.02)
    assert first.observed == pytest.approx(other.observed, rel=0.02)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), ballots=st.integers(1, 300))
def test_ordinary_hours_of_any_size_are_quiet(seed: int, ballots: int) -> None:
    assert Crowd(seed).add_minutes(30, ballots) == []


@pytest.mark.parametrize(
    ("what", "looks"),
    [
        ("candidate", "broadcast"),
        ("candidate", "swell"),
        ("platform", "one_platform"),
        ("network", "one_network"),
    ],
)
def test_a_message_states_the_figures_and_accuses_nobody(
    what: SubjectKind, looks: BurstPattern
) -> None:
    subjects = {
        "candidate": AlarmSubject("candidate", candidate=7),
        "platform": AlarmSubject("platform", platform=2),
        "network": AlarmSubject("network", candidate=7, network=STRANGE),
    }
    alarm = Alarm(0, subjects[what], 60, 41.7, 3.2, 20.0, looks)
    message = alarm_message(alarm, {7: both("候选 7")}, {2: both("平台二")})
    for text in (message.zh, message.en):
        assert "42" in text
        assert "3" in text
        assert "{" not in text
        assert ("候选 7" in text) == (what != "platform")
        assert ("平台二" in text) == (what == "platform")
        assert (STRANGE.hex()[:8] in text) == (what == "network")
    assert "没有因此暂扣" in message.zh
    assert "No ballot is held" in message.en
    assert "1小时" in message.zh
    unknown = alarm_message(alarm, {}, {})
    assert "no. 7" in unknown.en or "platform 2" in unknown.en
