"""Detection of bursts: the counts of the last minutes compared with a baseline. No I/O.

As in MIDAS (Bhatia et al., AAAI 2020) counts decay exponentially, over several spans at once.
Unlike there the expectation is not the past count but the past rate times the present ballots: on
a busy evening all counts grow, and no alarm is raised.

Three tests are made every minute, over every span: has a candidate more votes than as many ballots
of these platforms bring; has a platform more than its share of the ballots; has a candidate more
votes from one network than as many ballots bring elsewhere. An alarm asks staff to review the
ballots. It holds none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import exp, log
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

SPANS_MINUTES = (2, 15, 60, 6 * 60, 24 * 60)
"""Minutes in which a count decays to 1/e."""
NETWORK_SPANS_MINUTES = SPANS_MINUTES[:4]
"""The same for counts by network."""
BASELINE_MINUTES = 5 * 24 * 60
"""The same for the baseline."""
QUIET_MINUTES = 60
"""Minutes without an alarm after which the same subject raises a new one."""
MAX_ALARMS_AT_ONCE = 10
BALLOTS = 0
"""The candidate number under which ballots are counted."""

MIN_BASELINE_BALLOTS = 300.0
"""Ballots in the baseline below which no alarm is raised."""
CANDIDATE_SCORE = PLATFORM_SCORE = NETWORK_SCORE = 10.0
CANDIDATE_SLACK, PLATFORM_SLACK, NETWORK_SLACK = 1.15, 1.5, 1.5
"""Factors on the expectation that raise no alarm: preferences drift, platforms have hours of their
own, districts have favourites."""
MIN_VOTES = 5.0
_PRIOR_BALLOTS = 50.0
"""Prior ballots, with the preferences of all platforms, in the rates of each platform."""
_MIN_FADED_COUNT = 0.3
_MAX_PAIRS = 300_000

SubjectKind = Literal["candidate", "platform", "network"]
BurstPattern = Literal["broadcast", "swell", "one_platform", "one_network"]
Floats = npt.NDArray[np.float64]


class MinuteCounts(NamedTuple):
    """The votes of one minute, `at` minutes after 1970: `votes` by platform and candidate,
    `networks` by network and candidate; candidate BALLOTS counts ballots."""

    at: int
    votes: Mapping[tuple[int, int], int]
    networks: Mapping[tuple[bytes, int], int]


class AlarmSubject(NamedTuple):
    """The subject of an alarm: a candidate, a platform, or a candidate from a network."""

    what: SubjectKind
    candidate: int | None = None
    platform: int | None = None
    network: bytes | None = None

    @property
    def source(self) -> AlarmSubject:
        """The subject without the candidate, if it is a network."""
        return self if self.network is None else self._replace(candidate=None)


class Alarm(NamedTuple):
    """`observed` votes or ballots over about `span` minutes until the end of minute `at`, and how
    many were `expected`; both decay. `looks` is the pattern of the burst, not its cause. `score` is
    a log-likelihood ratio in nats."""

    at: int
    subject: AlarmSubject
    span: int
    observed: float
    expected: float
    score: float
    looks: BurstPattern


class BurstDetector:
    """The decaying counts of one contest."""

    def __init__(self, candidates: Iterable[int]) -> None:
        self._candidate = {number: index for index, number in enumerate((BALLOTS, *candidates))}
        self._platform: dict[int, int] = {}
        self._spans = np.array([*SPANS_MINUTES, BASELINE_MINUTES], dtype=np.float64)
        self._counts = np.zeros((len(self._spans), 0, len(self._candidate)))
        self._pairs: dict[int, dict[bytes, list[float]]] = {}
        self._above: dict[AlarmSubject, int] = {}
        self.at = 0
        """The last minute that was added."""

    def add_hour(self, start: int, votes: Mapping[tuple[int, int], int]) -> None:
        """Add the stored aggregates of an hour from minute `start` on, before any minute is
        added. They have no networks."""
        self._decay_to(start + 59)
        # Votes are spread evenly over the hour: the mean of the decay of its minutes.
        weight = np.expm1(-60 / self._spans) / np.expm1(-1 / self._spans) / 60
        for index, count in self._positions(votes):
            self._counts[:, *index] += weight * count

    def suppress(self, subject: AlarmSubject, at: int) -> None:
        """Add an alarm that was raised before, so that it is not raised again at once."""
        source = subject.source
        self._above[source] = max(at, self._above.get(source, at))

    def add_minute(self, minute: MinuteCounts) -> list[Alarm]:
        """Count the next minute and return the alarms it raises, the highest score first."""
        self._decay_to(minute.at)
        for index, count in self._positions(minute.votes):
            self._counts[:, *index] += count
        for (network, candidate), count in minute.networks.items():
            counts = self._network_counts(network, candidate)
            for span in range(len(NETWORK_SPANS_MINUTES)):
                counts[span] += count
        if minute.at % QUIET_MINUTES == 0:
            self._evict(minute.at)
        baseline = self._counts[-1] - self._counts[-2]
        if baseline[:, 0].sum() < MIN_BASELINE_BALLOTS:
            return []
        raised = [
            *self._candidates(baseline),
            *self._platforms(baseline),
            *self._networks(baseline, minute),
        ]
        return [
            self._with_pattern(alarm, baseline) for alarm in self._new_alarms(minute.at, raised)
        ]

    def _decay_to(self, at: int) -> None:
        self._counts *= np.exp(-max(at - self.at, 0) / self._spans)[:, None, None]
        self.at = at

    def _positions(
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

    def _network_counts(self, network: bytes, candidate: int) -> list[float]:
        """Return the counts of a network and candidate by span, decayed to now; the last
        element is the minute."""
        networks = self._pairs.setdefault(candidate, {})
        counts = networks.get(network)
        if counts is None:
            counts = networks[network] = [*(0.0 for _ in NETWORK_SPANS_MINUTES), float(self.at)]
        passed = self.at - counts[-1]
        if passed:
            for span, minutes in enumerate(NETWORK_SPANS_MINUTES):
                counts[span] *= exp(-passed / minutes)
            counts[-1] = self.at
        return counts

    def _evict(self, at: int) -> None:
        """Drop the pairs whose counts have decayed, and the smallest if there are too many."""
        floor = _MIN_FADED_COUNT
        while True:
            for candidate, networks in self._pairs.items():
                self._pairs[candidate] = {
                    network: counts
                    for network, counts in networks.items()
                    if counts[-2] * exp((counts[-1] - at) / NETWORK_SPANS_MINUTES[-1]) >= floor
                }
            if sum(map(len, self._pairs.values())) <= _MAX_PAIRS:
                return
            floor *= 2

    def _expected(self, baseline: Floats) -> Floats:
        """Return the expected votes by span, platform and candidate for as many ballots."""
        everywhere = baseline.sum(axis=0)
        overall_rates = everywhere / everywhere[0]
        rates = (baseline + _PRIOR_BALLOTS * overall_rates) / (baseline[:, :1] + _PRIOR_BALLOTS)
        return np.asarray(self._counts[:-1, :, :1] * rates)

    def _candidates(self, baseline: Floats) -> Iterator[Alarm]:
        expected, observed = self._expected(baseline).sum(axis=1), self._counts[:-1].sum(axis=1)
        scores = _two_rates(observed, CANDIDATE_SLACK * expected, baseline.sum(axis=0))
        for number, index in self._candidate.items():
            span = int(scores[:, index].argmax())
            score = float(scores[span, index])
            if number != BALLOTS and score >= CANDIDATE_SCORE:
                yield Alarm(
                    self.at,
                    AlarmSubject("candidate", candidate=number),
                    SPANS_MINUTES[span],
                    float(observed[span, index]),
                    float(expected[span, index]),
                    score,
                    "swell",
                )

    def _platforms(self, baseline: Floats) -> Iterator[Alarm]:
        ballots = self._counts[:-1, :, 0]
        share = baseline[:, 0] / baseline[:, 0].sum()
        expected = ballots.sum(axis=1, keepdims=True) * share
        scores = _two_rates(ballots, PLATFORM_SLACK * expected, baseline[:, 0])
        for platform, index in self._platform.items():
            span = int(scores[:, index].argmax())
            if scores[span, index] >= PLATFORM_SCORE:
                yield Alarm(
                    self.at,
                    AlarmSubject("platform", platform=platform),
                    SPANS_MINUTES[span],
                    float(ballots[span, index]),
                    float(expected[span, index]),
                    float(scores[span, index]),
                    "one_platform",
                )

    def _networks(self, baseline: Floats, minute: MinuteCounts) -> Iterator[Alarm]:
        """Test the networks with votes in this minute. The expected rate is the larger of the
        candidate's share in the baseline and elsewhere now, so that a broadcast raises no alarm."""
        everywhere = baseline.sum(axis=0)
        overall_rates = everywhere / everywhere[0]
        now = self._counts[:-1].sum(axis=1)
        for network, candidate in minute.networks:
            if candidate == BALLOTS or candidate not in self._candidate:
                continue
            index = self._candidate[candidate]
            votes = self._network_counts(network, candidate)
            if votes[-2] < MIN_VOTES:
                continue
            ballots = self._network_counts(network, BALLOTS)
            best = (0.0, 0, 0.0)
            for span in range(len(NETWORK_SPANS_MINUTES)):
                if votes[span] < MIN_VOTES:
                    continue
                others = now[span, 0] - ballots[span]
                elsewhere = (now[span, index] - votes[span]) / others if others >= 1 else 0.0
                rate = max(float(overall_rates[index]), float(elsewhere))
                score = _one_rate(votes[span], ballots[span], min(NETWORK_SLACK * rate, 0.95))
                best = max(best, (score, span, ballots[span] * rate))
            score, span, expected = best
            if score >= NETWORK_SCORE:
                subject = AlarmSubject("network", candidate=candidate, network=network)
                yield Alarm(
                    minute.at,
                    subject,
                    SPANS_MINUTES[span],
                    votes[span],
                    expected,
                    score,
                    "one_network",
                )

    def _with_pattern(self, alarm: Alarm, baseline: Floats) -> Alarm:
        """Return the alarm with its pattern: where a candidate's excess votes come from (one
        network, one platform, everywhere), and in the last case over which span."""
        number = alarm.subject.candidate
        if alarm.subject.what != "candidate" or number is None:
            return alarm
        span, index = SPANS_MINUTES.index(alarm.span), self._candidate[number]
        expected = self._expected(baseline)[span, :, index]
        excess = np.maximum(self._counts[span, :, index] - expected, 0)
        most = int(excess.argmax())
        looks: BurstPattern = "broadcast" if alarm.span < NETWORK_SPANS_MINUTES[2] else "swell"
        if excess[most] >= 0.8 * excess.sum() and baseline[most, 0] <= baseline[:, 0].sum() / 2:
            looks = "one_platform"
        if self._most_from_one_network(number, span) >= max(excess.sum() / 2, MIN_VOTES):
            looks = "one_network"
        return alarm._replace(looks=looks)

    def _most_from_one_network(self, candidate: int, span: int) -> float:
        """Return the most votes of one network for a candidate within a span."""
        if span >= len(NETWORK_SPANS_MINUTES):
            return 0.0
        networks = self._pairs.get(candidate, {})
        return max(
            (self._network_counts(network, candidate)[span] for network in networks), default=0.0
        )

    def _new_alarms(self, at: int, raised: Sequence[Alarm]) -> list[Alarm]:
        """Return the alarms whose subject was below its threshold for QUIET_MINUTES."""
        new = []
        for alarm in sorted(raised, key=lambda alarm: -alarm.score):
            source = alarm.subject.source
            last_above = self._above.get(source)
            self._above[source] = at if last_above is None else max(at, last_above)
            if last_above is None or at - last_above > QUIET_MINUTES:
                new.append(alarm)
        self._above = {s: last for s, last in self._above.items() if at - last <= QUIET_MINUTES}
        return new[:MAX_ALARMS_AT_ONCE]


def _two_rates(observed: Floats, expected: Floats, past: Floats) -> Floats:
    """Return the log-likelihood ratio of two Poisson rates against one: `observed` events where
    `expected` is estimated from `past` events (Dunning, Computational Linguistics 19, 1993); 0
    where there are fewer than expected. Tends to n·ln(n/e) − (n − e) as `past` grows."""
    shared_ratio = (observed + past) / np.maximum(expected + past, 1e-9)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = observed * np.log(observed / (shared_ratio * expected)) - past * np.log(
            shared_ratio
        )
    return np.where((observed > expected) & (observed >= MIN_VOTES), ratio, 0.0)


def _one_rate(votes: float, ballots: float, rate: float) -> float:
    """Return the log-likelihood ratio of the share of `votes` in `ballots` against `rate`; 0 where
    it is smaller. Decayed counts may differ by rounding."""
    share = min(votes / ballots, 1.0)
    if share <= rate:
        return 0.0
    rest = 0.0 if share >= 1.0 else (1 - share) * log((1 - share) / (1 - rate))
    return ballots * (share * log(share / rate) + rest)
