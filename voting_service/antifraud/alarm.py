"""Bursts as they begin: what the last minutes hold beside what the last day says. No I/O.

In the spirit of MIDAS (Bhatia et al., AAAI 2020) counts fade instead of being kept: each is
remembered over several spans at once, by exponential decay. Unlike there the expectation is not
the past alone but the past's share of as many ballots as there are now: on a busy evening
everything grows, and nothing alarms.

Three questions are asked every minute, over every span: has a candidate more votes than as many
ballots of these platforms bring; has a platform more than its share; has a candidate more votes
from one network than as many ballots bring elsewhere. An alarm is for people to look at. It
holds nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import exp, log
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

SPANS = (2, 15, 60, 6 * 60, 24 * 60)
"""Minutes after which a count has faded to 1/e."""
NETWORK_SPANS = SPANS[:4]
"""The same for networks, of which there are many."""
PAST = 5 * 24 * 60
"""The same for what is usual."""
QUIET = 60
"""Minutes without alarm after which the same thing is news again."""
MOST_AT_ONCE = 10
BALLOTS = 0

LEAST_PAST = 300.0
"""Ballots before which nothing is known to be usual."""
CANDIDATE_SCORE = PLATFORM_SCORE = NETWORK_SCORE = 10.0
CANDIDATE_SLACK, PLATFORM_SLACK, NETWORK_SLACK = 1.15, 1.5, 1.5
"""How many times the expectation is still usual: tastes drift, platforms have hours of their own,
districts have favourites."""
LEAST_VOTES = 5.0
_PRIOR = 50.0
"""Ballots of a platform from which its own tastes count more than everybody's."""
_FORGOTTEN = 0.3
_MOST_PAIRS = 300_000

What = Literal["candidate", "platform", "network"]
Looks = Literal["broadcast", "swell", "one_platform", "one_network"]
Floats = npt.NDArray[np.float64]


class Minute(NamedTuple):
    """What was cast in one minute, `at` minutes after 1970. `votes` by platform and candidate,
    `networks` by network and candidate; candidate BALLOTS counts ballots."""

    at: int
    votes: Mapping[tuple[int, int], int]
    networks: Mapping[tuple[bytes, int], int]


class Subject(NamedTuple):
    """What an alarm is about: a candidate, a platform, or a candidate from a network."""

    what: What
    candidate: int | None = None
    platform: int | None = None
    network: bytes | None = None

    @property
    def source(self) -> Subject:
        """The same whichever of its candidates a network was noticed for."""
        return self if self.network is None else self._replace(candidate=None)


class Alarm(NamedTuple):
    """`observed` votes or ballots over about `span` minutes until the end of minute `at`, where
    `expected` would be usual; both fade. `looks` names what it looks like; staff find out what it
    is. `score` is a log-likelihood ratio in nats."""

    at: int
    subject: Subject
    span: int
    observed: float
    expected: float
    score: float
    looks: Looks


class Watch:
    """The faded counts of one contest."""

    def __init__(self, candidates: Iterable[int]) -> None:
        self._candidate = {number: place for place, number in enumerate((BALLOTS, *candidates))}
        self._platform: dict[int, int] = {}
        self._spans = np.array([*SPANS, PAST], dtype=np.float64)
        self._counts = np.zeros((len(self._spans), 0, len(self._candidate)))
        self._pairs: dict[int, dict[bytes, list[float]]] = {}
        self._above: dict[Subject, int] = {}
        self.at = 0
        """The last minute that is known."""

    def remember(self, begins: int, votes: Mapping[tuple[int, int], int]) -> None:
        """Takes an hour that began at minute `begins` from the kept aggregates, before any minute
        is added. Who voted from where, they do not say."""
        self._fade_to(begins + 59)
        # Spread evenly over the hour: the mean of what its minutes have faded to.
        weight = np.expm1(-60 / self._spans) / np.expm1(-1 / self._spans) / 60
        for place, count in self._places(votes):
            self._counts[:, *place] += weight * count

    def known(self, subject: Subject, at: int) -> None:
        """Takes an alarm that was raised before, so that it is not raised again at once."""
        source = subject.source
        self._above[source] = max(at, self._above.get(source, at))

    def add(self, minute: Minute) -> list[Alarm]:
        """Counts the next minute; the alarms it raises, the most telling first."""
        self._fade_to(minute.at)
        for place, count in self._places(minute.votes):
            self._counts[:, *place] += count
        for (network, candidate), count in minute.networks.items():
            counts = self._faded(network, candidate)
            for span in range(len(NETWORK_SPANS)):
                counts[span] += count
        if minute.at % QUIET == 0:
            self._forget(minute.at)
        past = self._counts[-1] - self._counts[-2]
        if past[:, 0].sum() < LEAST_PAST:
            return []
        found = [*self._candidates(past), *self._platforms(past), *self._networks(past, minute)]
        return [self._seen_closer(alarm, past) for alarm in self._news(minute.at, found)]

    def _fade_to(self, at: int) -> None:
        self._counts *= np.exp(-max(at - self.at, 0) / self._spans)[:, None, None]
        self.at = at

    def _places(
        self, votes: Mapping[tuple[int, int], int]
    ) -> Iterator[tuple[tuple[int, int], int]]:
        for platform, _ in votes:
            if platform not in self._platform:
                self._platform[platform] = len(self._platform)
        missing = len(self._platform) - self._counts.shape[1]
        if missing:
            self._counts = np.pad(self._counts, ((0, 0), (0, missing), (0, 0)))
        for (platform, candidate), count in votes.items():
            if candidate in self._candidate:
                yield (self._platform[platform], self._candidate[candidate]), count

    def _faded(self, network: bytes, candidate: int) -> list[float]:
        """The counts of a pair by span, faded to now; the minute is kept behind them."""
        networks = self._pairs.setdefault(candidate, {})
        counts = networks.get(network)
        if counts is None:
            counts = networks[network] = [*(0.0 for _ in NETWORK_SPANS), float(self.at)]
        passed = self.at - counts[-1]
        if passed:
            for span, minutes in enumerate(NETWORK_SPANS):
                counts[span] *= exp(-passed / minutes)
            counts[-1] = self.at
        return counts

    def _forget(self, at: int) -> None:
        """Lets go of pairs that have faded away, and of the weakest when there are too many."""
        floor = _FORGOTTEN
        while True:
            for candidate, networks in self._pairs.items():
                self._pairs[candidate] = {
                    network: counts
                    for network, counts in networks.items()
                    if counts[-2] * exp((counts[-1] - at) / NETWORK_SPANS[-1]) >= floor
                }
            if sum(map(len, self._pairs.values())) <= _MOST_PAIRS:
                return
            floor *= 2

    def _expected(self, past: Floats) -> Floats:
        """By span, platform and candidate: what as many ballots of each platform bring."""
        everywhere = past.sum(axis=0)
        usual = everywhere / everywhere[0]
        rates = (past + _PRIOR * usual) / (past[:, :1] + _PRIOR)
        return np.asarray(self._counts[:-1, :, :1] * rates)

    def _candidates(self, past: Floats) -> Iterator[Alarm]:
        expected, observed = self._expected(past).sum(axis=1), self._counts[:-1].sum(axis=1)
        scores = _two_rates(observed, CANDIDATE_SLACK * expected, past.sum(axis=0))
        for number, place in self._candidate.items():
            span = int(scores[:, place].argmax())
            score = float(scores[span, place])
            if number != BALLOTS and score >= CANDIDATE_SCORE:
                yield Alarm(
                    self.at,
                    Subject("candidate", candidate=number),
                    SPANS[span],
                    float(observed[span, place]),
                    float(expected[span, place]),
                    score,
                    "swell",
                )

    def _platforms(self, past: Floats) -> Iterator[Alarm]:
        ballots = self._counts[:-1, :, 0]
        share = past[:, 0] / past[:, 0].sum()
        expected = ballots.sum(axis=1, keepdims=True) * share
        scores = _two_rates(ballots, PLATFORM_SLACK * expected, past[:, 0])
        for platform, place in self._platform.items():
            span = int(scores[:, place].argmax())
            if scores[span, place] >= PLATFORM_SCORE:
                yield Alarm(
                    self.at,
                    Subject("platform", platform=platform),
                    SPANS[span],
                    float(ballots[span, place]),
                    float(expected[span, place]),
                    float(scores[span, place]),
                    "one_platform",
                )

    def _networks(self, past: Floats, minute: Minute) -> Iterator[Alarm]:
        """Of the pairs that voted in this minute. What is usual is the larger of the candidate's
        share in the past and elsewhere now: a broadcast is no network's doing."""
        everywhere = past.sum(axis=0)
        usual = everywhere / everywhere[0]
        now = self._counts[:-1].sum(axis=1)
        for network, candidate in minute.networks:
            if candidate == BALLOTS or candidate not in self._candidate:
                continue
            place = self._candidate[candidate]
            votes = self._faded(network, candidate)
            if votes[-2] < LEAST_VOTES:
                continue
            ballots = self._faded(network, BALLOTS)
            best = (0.0, 0, 0.0)
            for span in range(len(NETWORK_SPANS)):
                if votes[span] < LEAST_VOTES:
                    continue
                others = now[span, 0] - ballots[span]
                elsewhere = (now[span, place] - votes[span]) / others if others >= 1 else 0.0
                rate = max(float(usual[place]), float(elsewhere))
                score = _one_rate(votes[span], ballots[span], min(NETWORK_SLACK * rate, 0.95))
                best = max(best, (score, span, ballots[span] * rate))
            score, span, expected = best
            if score >= NETWORK_SCORE:
                subject = Subject("network", candidate=candidate, network=network)
                yield Alarm(
                    minute.at, subject, SPANS[span], votes[span], expected, score, "one_network"
                )

    def _seen_closer(self, alarm: Alarm, past: Floats) -> Alarm:
        """With where a candidate's additional votes come from: one network, one platform, or
        everywhere; and then whether at once or for a while."""
        number = alarm.subject.candidate
        if alarm.subject.what != "candidate" or number is None:
            return alarm
        span, place = SPANS.index(alarm.span), self._candidate[number]
        expected = self._expected(past)[span, :, place]
        excess = np.maximum(self._counts[span, :, place] - expected, 0)
        most = int(excess.argmax())
        looks: Looks = "broadcast" if alarm.span < NETWORK_SPANS[2] else "swell"
        if excess[most] >= 0.8 * excess.sum() and past[most, 0] <= past[:, 0].sum() / 2:
            looks = "one_platform"
        if self._most_from_one(number, span) >= max(excess.sum() / 2, LEAST_VOTES):
            looks = "one_network"
        return alarm._replace(looks=looks)

    def _most_from_one(self, candidate: int, span: int) -> float:
        """The most votes that one network has cast for a candidate within a span."""
        if span >= len(NETWORK_SPANS):
            return 0.0
        networks = self._pairs.get(candidate, {})
        return max((self._faded(network, candidate)[span] for network in networks), default=0.0)

    def _news(self, at: int, found: Sequence[Alarm]) -> list[Alarm]:
        """Those that were not above their threshold within the last while."""
        news = []
        for alarm in sorted(found, key=lambda alarm: -alarm.score):
            source = alarm.subject.source
            before = self._above.get(source)
            self._above[source] = at if before is None else max(at, before)
            if before is None or at - before > QUIET:
                news.append(alarm)
        self._above = {s: last for s, last in self._above.items() if at - last <= QUIET}
        return news[:MOST_AT_ONCE]


def _two_rates(observed: Floats, expected: Floats, past: Floats) -> Floats:
    """The log-likelihood ratio of two Poisson rates against one: `observed` where `expected` were
    usual, as `past` events say (Dunning, Computational Linguistics 19, 1993); 0 where there are
    fewer than usual. With an endless past n·ln(n/e) − (n − e)."""
    one = (observed + past) / np.maximum(expected + past, 1e-9)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = observed * np.log(observed / (one * expected)) - past * np.log(one)
    return np.where((observed > expected) & (observed >= LEAST_VOTES), ratio, 0.0)


def _one_rate(votes: float, ballots: float, rate: float) -> float:
    """The log-likelihood ratio of the share that `votes` have of `ballots` against `rate`; 0
    where it is smaller. Faded counts may differ by rounding."""
    share = min(votes / ballots, 1.0)
    if share <= rate:
        return 0.0
    rest = 0.0 if share >= 1.0 else (1 - share) * log((1 - share) / (1 - rate))
    return ballots * (share * log(share / rate) + rest)
