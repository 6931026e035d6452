"""The alarm: what is told apart from a busy evening, and how it is named. No store."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contest_data import both
from voting_service.antifraud.alarm import (
    BALLOTS,
    MOST_AT_ONCE,
    QUIET,
    Alarm,
    Looks,
    Minute,
    Subject,
    Watch,
    What,
)
from voting_service.antifraud.alarm_words import sentence

CANDIDATES = range(1, 11)
HOUR = 60
NETWORKS = [bytes([n]) * 8 for n in range(40)]
STRANGE = b"farmfarm"


class Crowd:
    """People who vote in a contest of ten, each for one, from forty networks and three
    platforms; a minute after the other."""

    def __init__(self, seed: int = 1) -> None:
        self.rng = np.random.default_rng(seed)
        self.watch = Watch(CANDIDATES)
        self.at = 1_000_000 * HOUR
        for _ in range(48):
            hour = self.minute(1_200)
            self.watch.remember(self.at, hour.votes)
            self.at += HOUR

    def minute(self, ballots: int, *more: tuple[int, int, bytes, int]) -> Minute:
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
        return Minute(self.at, votes, networks)

    def pass_by(
        self, minutes: int, ballots: int = 20, *more: tuple[int, int, bytes, int]
    ) -> list[Alarm]:
        raised = []
        for _ in range(minutes):
            raised += self.watch.add(self.minute(ballots, *more))
            self.at += 1
        return raised


@pytest.fixture
def crowd() -> Crowd:
    crowd = Crowd()
    assert crowd.pass_by(2 * HOUR) == []
    return crowd


def everywhere(number: int, count: int) -> list[tuple[int, int, bytes, int]]:
    shares = ((0, 6), (1, 3), (2, 1))
    return [
        (platform, number, network, 1)
        for platform, share in shares
        for network in NETWORKS[: count * share // 10]
    ]


def test_a_busy_evening_is_no_alarm(crowd: Crowd) -> None:
    assert crowd.pass_by(HOUR, 200) == []
    assert crowd.pass_by(HOUR, 4) == []


def test_a_burst_from_everywhere_looks_like_a_broadcast(crowd: Crowd) -> None:
    raised = crowd.pass_by(1, 20, *everywhere(7, 30))
    assert [(a.subject, a.looks) for a in raised] == [
        (Subject("candidate", candidate=7), "broadcast")
    ]
    assert raised[0].observed > 3 * raised[0].expected
    assert raised[0].span <= 15


def test_a_farm_on_one_network_is_named_with_it(crowd: Crowd) -> None:
    raised = crowd.pass_by(10, 20, (0, 4, STRANGE, 2))
    first = raised[0]
    assert first.subject == Subject("network", candidate=4, network=STRANGE)
    assert first.looks == "one_network"
    assert {a.looks for a in raised} == {"one_network"}


def test_a_network_of_thousands_alarms_no_more_than_any_other(crowd: Crowd) -> None:
    nat = [(0, number, STRANGE, 10) for number in CANDIDATES]
    assert crowd.pass_by(HOUR, 20, *nat) == [
        a for a in crowd.pass_by(0) if a.subject.what == "network"
    ]


def test_a_broadcast_is_no_networks_doing(crowd: Crowd) -> None:
    watching = [(platform, 7, network, 1) for platform in (0, 0, 1) for network in NETWORKS]
    raised = crowd.pass_by(3, 20, *watching)
    assert [a.subject.what for a in raised] == ["candidate"]


def test_a_platform_that_surges_is_named(crowd: Crowd) -> None:
    more = [(2, number, network, 1) for number in CANDIDATES for network in NETWORKS[:3]]
    raised = crowd.pass_by(3, 20, *more)
    assert (Subject("platform", platform=2), "one_platform") in [
        (a.subject, a.looks) for a in raised
    ]


def test_a_steady_surplus_is_noticed_in_time_and_looks_like_a_swell(crowd: Crowd) -> None:
    raised: list[Alarm] = []
    while not raised:
        networks = crowd.rng.choice(40, 2)
        more = [(place % 2, 3, NETWORKS[network], 1) for place, network in enumerate(networks)]
        raised = crowd.pass_by(1, 20, *more)
    assert [(a.subject, a.looks) for a in raised] == [(Subject("candidate", candidate=3), "swell")]
    assert raised[0].span >= HOUR


def test_the_same_is_news_again_only_after_a_rest(crowd: Crowd) -> None:
    burst = everywhere(7, 30)
    assert len(crowd.pass_by(5, 20, *burst)) == 1
    assert crowd.pass_by(10) == []
    crowd.pass_by(6 * HOUR)
    assert QUIET <= 6 * HOUR
    assert len(crowd.pass_by(1, 20, *burst)) == 1


def test_what_was_raised_before_a_crash_is_not_raised_again(crowd: Crowd) -> None:
    crowd.watch.known(Subject("candidate", candidate=7), crowd.at - 1)
    assert crowd.pass_by(1, 20, *everywhere(7, 30)) == []


def test_nothing_is_unusual_before_anything_is_usual() -> None:
    watch = Watch(CANDIDATES)
    for at in range(30):
        assert watch.add(Minute(at, {(0, BALLOTS): 9, (0, 1): 9}, {(STRANGE, 1): 9})) == []


def test_alarms_are_few_at_once(crowd: Crowd) -> None:
    farms = [(0, 4, bytes([n]) * 8, 30) for n in range(100, 160)]
    assert len(crowd.pass_by(1, 20, *farms)) == MOST_AT_ONCE


def test_hours_from_the_aggregates_weigh_as_their_minutes() -> None:
    """A watch begun from aggregates expects what one that saw the minutes expects."""
    told, began = Watch(CANDIDATES), Watch(CANDIDATES)
    for hour in range(30):
        votes = {(0, number): 2 + (number + hour) % 3 for number in CANDIDATES}
        votes[0, BALLOTS] = sum(votes.values())
        for minute in range(HOUR):
            told.add(Minute(hour * HOUR + minute, votes, {}))
        began.remember(hour * HOUR, {key: HOUR * count for key, count in votes.items()})
    burst = Minute(30 * HOUR, {(0, BALLOTS): 90, (0, 1): 60}, {})
    [one], [other] = told.add(burst), began.add(burst)
    assert one.subject == other.subject
    assert one.expected == pytest.approx(other.expected, rel=0.02)
    assert one.observed == pytest.approx(other.observed, rel=0.02)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), ballots=st.integers(1, 300))
def test_ordinary_hours_of_any_size_are_quiet(seed: int, ballots: int) -> None:
    assert Crowd(seed).pass_by(30, ballots) == []


@pytest.mark.parametrize(
    ("what", "looks"),
    [
        ("candidate", "broadcast"), ("candidate", "swell"), ("platform", "one_platform"),
        ("network", "one_network"),
    ],
)  # fmt: skip
def test_an_alarm_says_what_there_is_and_accuses_nobody(what: What, looks: Looks) -> None:
    subjects = {
        "candidate": Subject("candidate", candidate=7),
        "platform": Subject("platform", platform=2),
        "network": Subject("network", candidate=7, network=STRANGE),
    }
    alarm = Alarm(0, subjects[what], 60, 41.7, 3.2, 20.0, looks)
    said = sentence(alarm, {7: both("候选 7")}, {2: both("平台二")})
    for text in (said.zh, said.en):
        assert "42" in text
        assert "3" in text
        assert "{" not in text
        assert ("候选 7" in text) == (what != "platform")
        assert ("平台二" in text) == (what == "platform")
        assert (STRANGE.hex()[:8] in text) == (what == "network")
    assert "没有因此暂扣" in said.zh
    assert "Nothing is held" in said.en
    assert "1小时" in said.zh
    unknown = sentence(alarm, {}, {})
    assert "no. 7" in unknown.en or "platform 2" in unknown.en
