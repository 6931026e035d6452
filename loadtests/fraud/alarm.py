"""The alarm compared with counting per candidate and minute: delay and false alarms."""

from __future__ import annotations

import inspect
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise, takewhile
from math import inf
from pathlib import Path
from statistics import median

import msgspec
import numpy as np

from loadtests.fraud.attacks import with_attack
from loadtests.fraud.city import CANDIDATES
from loadtests.fraud.networks import prefixes
from loadtests.fraud.records import FIRST_ATTACK, Ballots, Ints, Truth, names
from loadtests.fraud.runs import REPORTS
from loadtests.fraud.scene import make_scene
from loadtests.fraud.voting_times import DAYS, MINUTE_MILLISECONDS, MINUTES
from loadtests.report import Section
from voting_service.antifraud.alarms.detection import (
    BALLOTS,
    QUIET_MINUTES,
    Alarm,
    AlarmSubject,
    BurstDetector,
    MinuteCounts,
)

OURS = "alarm"
ATTACKS = tuple(
    (attack, multiple) for attack in (Truth.A1, Truth.A2, Truth.A3) for multiple in (1.0, 2.0, 5.0)
)
_SIMULATOR = (
    *("alarm", "attacks", "city", "voting_times", "devices"),
    *("honest", "networks", "records", "scene"),
)
_DEPENDS_ON = (
    "voting_service.antifraud.alarms.detection",
    *(f"loadtests.fraud.{n}" for n in _SIMULATOR),
)
CAUSES = {"nobody": "nobody's doing", "television": "television", "employer": "employers"}
FACTORS = (2, 3, 4, 5, 6, 8, 10, 12, 15, 20)
ALLOWANCE = 3.0
"""The baseline alarms when a candidate has more than so many times its usual votes a minute, and
a few; usual is the mean of the whole contest, which gives it more than it could know."""


class LabelledAlarm(msgspec.Struct, frozen=True):
    """An alarm, and the cause of most of its excess votes: `attack`, `television`, `employer` or
    `nobody`."""

    minute: int
    what: str
    looks: str
    cause: str


class HonestRun(msgspec.Struct, frozen=True):
    """The alarms of a method about an honest vote."""

    seed: int
    method: str
    raised: tuple[LabelledAlarm, ...]


class AttackRun(msgspec.Struct, frozen=True):
    """Minutes from an attack's first ballot to the first alarm of a method; None: no alarm."""

    seed: int
    attack: str
    multiple: float
    ballots: int
    method: str
    minutes: float | None


@dataclass(slots=True)
class ContestByMinute:
    """The ballots of a contest, by minute."""

    ballots: Ballots
    minute: Ints
    prefix: Ints
    votes: tuple[Ints, ...]
    """By candidate, of each minute."""

    @classmethod
    def of(cls, ballots: Ballots) -> ContestByMinute:
        minute = ballots.cast_at // MINUTE_MILLISECONDS
        votes = tuple(
            np.bincount(minute[names(ballots.choices, number)], minlength=DAYS * MINUTES)
            for number in range(1, CANDIDATES + 1)
        )
        return cls(ballots, minute, prefixes(ballots.address), votes)

    @property
    def attacked_at(self) -> int:
        """The minute of the first bought ballot."""
        return int(self.minute[self.ballots.truth >= FIRST_ATTACK][0])

    def minutes(self, begins: int = 0) -> Iterator[MinuteCounts]:
        """Yield the counts of each minute from `begins` on."""
        ends = np.searchsorted(self.minute, np.arange(begins, DAYS * MINUTES + 1))
        numbers = _numbers(self.ballots)
        for at, (first, last) in enumerate(pairwise(ends.tolist()), start=begins):
            votes: Counter[tuple[int, int]] = Counter()
            networks: Counter[tuple[bytes, int]] = Counter()
            platform = self.ballots.platform[first:last].tolist()
            prefix = [total.to_bytes(8, "big") for total in self.prefix[first:last].tolist()]
            for row, chosen in enumerate(numbers[first:last]):
                for number in chosen:
                    votes[platform[row], number] += 1
                    networks[prefix[row], number] += 1
            yield MinuteCounts(at, votes, networks)

    def cause(self, alarm: Alarm) -> str:
        """Return the cause of at least half of the excess votes, weighted by their decay."""
        first, last = np.searchsorted(self.minute, (alarm.at - 4 * alarm.span, alarm.at + 1))
        some = self.ballots.take(slice(first, last))
        which = np.ones(len(some), dtype=np.bool_)
        subject = alarm.subject
        if subject.candidate is not None:
            which &= names(some.choices, subject.candidate)
        if subject.platform is not None:
            which &= some.platform == subject.platform
        if subject.network is not None:
            which &= self.prefix[first:last] == int.from_bytes(subject.network, "big")
        truth = some.truth[which]
        faded = np.exp((self.minute[first:last][which] - alarm.at) / alarm.span)
        half = (alarm.observed - alarm.expected) / 2
        for name, of_it in (
            ("attack", truth >= FIRST_ATTACK),
            ("television", truth == Truth.TELEVISION),
            ("employer", truth == Truth.EMPLOYER),
        ):
            if faded[of_it].sum() >= half:
                return name
        return "nobody"

    def raised(self, alarm: Alarm) -> LabelledAlarm:
        return LabelledAlarm(alarm.at, alarm.subject.what, alarm.looks, self.cause(alarm))


def _numbers(ballots: Ballots) -> list[list[int]]:
    """Return BALLOTS and the choices of each ballot."""
    bits = np.unpackbits(
        ballots.choices.astype("<u8").view(np.uint8).reshape(-1, 8), axis=1, bitorder="little"
    )
    row, place = np.nonzero(bits)
    ends = np.searchsorted(row, np.arange(len(ballots) + 1)).tolist()
    numbers = (place + 1).tolist()
    return [[BALLOTS, *numbers[first:last]] for first, last in pairwise(ends)]


def counted(day: ContestByMinute, factor: int) -> Iterator[Alarm]:
    """The alarms of counting per candidate and minute, with the same quiet time after an alarm."""
    for number, counts in enumerate(day.votes, start=1):
        usual = float(counts.sum() / len(counts))
        before = -QUIET_MINUTES - 1
        for at in np.flatnonzero(counts > factor * usual + ALLOWANCE).tolist():
            if at - before > QUIET_MINUTES:
                subject = AlarmSubject("candidate", candidate=number)
                yield Alarm(at, subject, 1, float(counts[at]), usual, 0.0, "broadcast")
            before = at


def examine(
    seed: int,
    electorate: int,
    attacks: Sequence[tuple[Truth, float]] = ATTACKS,
    days: int = DAYS,
) -> tuple[list[HonestRun], list[AttackRun]]:
    """Run every method on the honest vote of a seed, and on each attack. An attack begins with
    the detector's state after the honest vote before it."""
    scene = make_scene(seed, electorate)
    honest = ContestByMinute.of(scene.honest)
    begun = []
    for attack, multiple in attacks:
        size = scene.attack_size(multiple)
        begun.append(
            (ContestByMinute.of(with_attack(scene, attack, size)), attack.name, multiple, size)
        )
    raised_by = {f"count × {factor}": [*counted(honest, factor)] for factor in FACTORS}
    raised_by[OURS] = []
    attack_runs: list[AttackRun] = []
    detector = BurstDetector(range(1, CANDIDATES + 1))
    for minute in takewhile(lambda item: item.at < days * MINUTES, honest.minutes()):
        for day, name, multiple, size in begun:
            if day.attacked_at == minute.at:
                heard = _until_noticed(day, deepcopy(detector))
                attack_runs.append(AttackRun(seed, name, multiple, size, OURS, heard))
        raised_by[OURS] += detector.add_minute(minute)
    for day, name, multiple, size in begun:
        for factor in FACTORS:
            since = sorted(a for a in counted(day, factor) if a.at >= day.attacked_at)
            first = next((a.at for a in since if day.cause(a) == "attack"), None)
            minutes = None if first is None else first + 1.0 - day.attacked_at
            attack_runs.append(AttackRun(seed, name, multiple, size, f"count × {factor}", minutes))
    return [
        HonestRun(seed, method, tuple(honest.raised(alarm) for alarm in alarms))
        for method, alarms in raised_by.items()
    ], attack_runs


def examine_stored(seed: int, electorate: int) -> tuple[list[HonestRun], list[AttackRun]]:
    """Run all attacks; results are stored in loadtests/reports/ while the code stays the same."""
    code = blake2b(digest_size=6)
    for module in _DEPENDS_ON:
        code.update(Path(inspect.getfile(sys.modules[module])).read_bytes())
    kept = REPORTS / f"alarm-{code.hexdigest()}-{electorate}-{seed}.json"
    if kept.exists():
        return msgspec.json.decode(kept.read_bytes(), type=tuple[list[HonestRun], list[AttackRun]])
    run = examine(seed, electorate)
    REPORTS.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(msgspec.json.encode(run))
    return run


def _until_noticed(day: ContestByMinute, detector: BurstDetector) -> float | None:
    for minute in day.minutes(day.attacked_at):
        for alarm in detector.add_minute(minute):
            if day.cause(alarm) == "attack":
                return alarm.at + 1.0 - day.attacked_at
    return None


def sections(honest: Sequence[HonestRun], attack_runs: Sequence[AttackRun]) -> list[Section]:
    """Return the tables: false alarms, and the delay of alarms about attacks."""
    seeds = len({run.seed for run in honest})
    rates = {
        method: Counter(r.cause for run in honest if run.method == method for r in run.raised)
        for method in dict.fromkeys(run.method for run in honest)
    }
    quiet = Section("Alarms a day on honest votes", ["method", *map(str, CAUSES.values())])
    for method, causes in sorted(rates.items(), key=lambda rate: rate[1]["nobody"]):
        row = [f"{causes[cause] / (seeds * DAYS):.2f}" for cause in CAUSES]
        quiet.rows.append([method, *row])
        quiet.figures[method] = {c: causes[c] / (seeds * DAYS) for c in CAUSES}
    ours = [r for run in honest if run.method == OURS for r in run.raised]
    named = Counter((r.cause, r.looks) for r in ours)
    quiet.notes.append(
        "SubjectKind the alarm called them: "
        + "; ".join(f"{cause}: {looks} {count}×" for (cause, looks), count in named.most_common())
        + "."
    )
    # As quiet as ours, and one that is allowed ten times as much.
    allowed = rates[OURS]["nobody"]
    as_quiet = _noisiest(rates, allowed)
    noisier = _noisiest(rates, 10 * max(allowed, 1))
    methods = list(dict.fromkeys((OURS, as_quiet, noisier)))
    soon = Section(
        "Minutes from an attack's first ballot to the alarm",
        ["attack", "ballots", *(f"{m}: {what}" for m in methods for what in ("found", "median"))],
        notes=[
            f"Of {seeds} contests each; the median counts attacks without an alarm as endless. "
            f"`{as_quiet}` is the loudest baseline with no more false alarms than ours, "
            f"`{noisier}` the loudest with ten times as many."
        ],
    )
    for attack, multiple in ATTACKS:
        these = [o for o in attack_runs if (o.attack, o.multiple) == (attack.name, multiple)]
        if not these:
            continue
        row = [f"{attack.name}, {multiple:g} × margin", _range([o.ballots for o in these])]
        for method in methods:
            times = [o.minutes for o in these if o.method == method]
            row += [f"{sum(t is not None for t in times)} of {len(times)}", _median(times)]
        soon.rows.append(row)
    soon.figures["found"] = msgspec.to_builtins(list(attack_runs))
    return [quiet, soon]


def _noisiest(rates: Mapping[str, Counter[str]], allowed: float) -> str:
    """Return the baseline with the most false alarms up to `allowed`, else the quietest."""
    counts = {method: causes["nobody"] for method, causes in rates.items() if method != OURS}
    fit = [method for method, count in counts.items() if count <= allowed]
    return max(fit, key=lambda m: counts[m]) if fit else min(counts, key=lambda m: counts[m])


def _median(times: Sequence[float | None]) -> str:
    middle = median(inf if t is None else t for t in times)
    return "–" if middle == inf else f"{middle:,.0f}"


def _range(values: Sequence[int]) -> str:
    return f"{min(values):,}–{max(values):,}"
