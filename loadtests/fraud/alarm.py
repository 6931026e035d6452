"""The alarm beside counting per candidate and minute: how soon, and how often for nothing."""

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

from loadtests.fraud.attacks import attacked
from loadtests.fraud.city import CANDIDATES
from loadtests.fraud.clock_face import DAYS, MINUTE_MILLISECONDS, MINUTES
from loadtests.fraud.networks import prefixes
from loadtests.fraud.records import FIRST_ATTACK, Ballots, Ints, Truth, names
from loadtests.fraud.runs import REPORTS
from loadtests.fraud.scene import make_scene
from loadtests.report import Section
from voting_service.antifraud.alarm import BALLOTS, QUIET, Alarm, Minute, Subject, Watch

OURS = "alarm"
ATTACKS = tuple(
    (attack, multiple) for attack in (Truth.A1, Truth.A2, Truth.A3) for multiple in (1.0, 2.0, 5.0)
)
_SIMULATOR = (
    *("alarm", "attacks", "city", "clock_face", "devices"),
    *("honest", "networks", "records", "scene"),
)
_DEPENDS_ON = ("voting_service.antifraud.alarm", *(f"loadtests.fraud.{n}" for n in _SIMULATOR))
CAUSES = {"nobody": "nobody's doing", "television": "television", "employer": "employers"}
FACTORS = (2, 3, 4, 5, 6, 8, 10, 12, 15, 20)
ALLOWANCE = 3.0
"""The baseline alarms when a candidate has more than so many times its usual votes a minute, and
a few; usual is the mean of the whole contest, which gives it more than it could know."""


class Raised(msgspec.Struct, frozen=True):
    """An alarm, and by whom most of its additional votes were cast: `attack`, `television`,
    `employer` or `nobody`."""

    minute: int
    what: str
    looks: str
    cause: str


class Honest(msgspec.Struct, frozen=True):
    """What a method said about an honest vote."""

    seed: int
    method: str
    raised: tuple[Raised, ...]


class Found(msgspec.Struct, frozen=True):
    """How many minutes after an attack's first ballot a method noticed it; None: not at all."""

    seed: int
    attack: str
    multiple: float
    ballots: int
    method: str
    minutes: float | None


@dataclass(slots=True)
class Day:
    """A contest's ballots, by the minute."""

    ballots: Ballots
    minute: Ints
    prefix: Ints
    votes: tuple[Ints, ...]
    """By candidate, of each minute."""

    @classmethod
    def of(cls, ballots: Ballots) -> Day:
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

    def minutes(self, begins: int = 0) -> Iterator[Minute]:
        """From a minute on."""
        ends = np.searchsorted(self.minute, np.arange(begins, DAYS * MINUTES + 1))
        numbers = _numbers(self.ballots)
        for at, (first, last) in enumerate(pairwise(ends.tolist()), start=begins):
            votes: Counter[tuple[int, int]] = Counter()
            networks: Counter[tuple[bytes, int]] = Counter()
            platform = self.ballots.platform[first:last].tolist()
            prefix = [each.to_bytes(8, "big") for each in self.prefix[first:last].tolist()]
            for row, chosen in enumerate(numbers[first:last]):
                for number in chosen:
                    votes[platform[row], number] += 1
                    networks[prefix[row], number] += 1
            yield Minute(at, votes, networks)

    def cause(self, alarm: Alarm) -> str:
        """Who cast at least half of the additional votes, by what they have faded to."""
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

    def raised(self, alarm: Alarm) -> Raised:
        return Raised(alarm.at, alarm.subject.what, alarm.looks, self.cause(alarm))


def _numbers(ballots: Ballots) -> list[list[int]]:
    """BALLOTS and what each ballot names."""
    bits = np.unpackbits(
        ballots.choices.astype("<u8").view(np.uint8).reshape(-1, 8), axis=1, bitorder="little"
    )
    row, place = np.nonzero(bits)
    ends = np.searchsorted(row, np.arange(len(ballots) + 1)).tolist()
    numbers = (place + 1).tolist()
    return [[BALLOTS, *numbers[first:last]] for first, last in pairwise(ends)]


def counted(day: Day, factor: int) -> Iterator[Alarm]:
    """What counting per candidate and minute says, with the same rest after an alarm."""
    for number, counts in enumerate(day.votes, start=1):
        usual = float(counts.sum() / len(counts))
        before = -QUIET - 1
        for at in np.flatnonzero(counts > factor * usual + ALLOWANCE).tolist():
            if at - before > QUIET:
                subject = Subject("candidate", candidate=number)
                yield Alarm(at, subject, 1, float(counts[at]), usual, 0.0, "broadcast")
            before = at


def examine(
    seed: int,
    electorate: int,
    attacks: Sequence[tuple[Truth, float]] = ATTACKS,
    days: int = DAYS,
) -> tuple[list[Honest], list[Found]]:
    """Every method on the honest vote of a seed, and on each attack upon it. What the alarm knows
    when an attack begins it learnt from the honest vote, so each is tried from there on."""
    scene = make_scene(seed, electorate)
    honest = Day.of(scene.honest)
    begun = []
    for attack, multiple in attacks:
        size = scene.ballots_of(multiple)
        begun.append((Day.of(attacked(scene, attack, size)), attack.name, multiple, size))
    said = {f"count × {factor}": [*counted(honest, factor)] for factor in FACTORS}
    said[OURS] = []
    found: list[Found] = []
    watch = Watch(range(1, CANDIDATES + 1))
    for minute in takewhile(lambda each: each.at < days * MINUTES, honest.minutes()):
        for day, name, multiple, size in begun:
            if day.attacked_at == minute.at:
                heard = _until_noticed(day, deepcopy(watch))
                found.append(Found(seed, name, multiple, size, OURS, heard))
        said[OURS] += watch.add(minute)
    for day, name, multiple, size in begun:
        for factor in FACTORS:
            since = sorted(a for a in counted(day, factor) if a.at >= day.attacked_at)
            first = next((a.at for a in since if day.cause(a) == "attack"), None)
            minutes = None if first is None else first + 1.0 - day.attacked_at
            found.append(Found(seed, name, multiple, size, f"count × {factor}", minutes))
    return [
        Honest(seed, method, tuple(honest.raised(alarm) for alarm in alarms))
        for method, alarms in said.items()
    ], found


def examined(seed: int, electorate: int) -> tuple[list[Honest], list[Found]]:
    """The same for all attacks, kept in loadtests/reports/ as long as the code stays the same."""
    code = blake2b(digest_size=6)
    for module in _DEPENDS_ON:
        code.update(Path(inspect.getfile(sys.modules[module])).read_bytes())
    kept = REPORTS / f"alarm-{code.hexdigest()}-{electorate}-{seed}.json"
    if kept.exists():
        return msgspec.json.decode(kept.read_bytes(), type=tuple[list[Honest], list[Found]])
    run = examine(seed, electorate)
    REPORTS.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(msgspec.json.encode(run))
    return run


def _until_noticed(day: Day, watch: Watch) -> float | None:
    for minute in day.minutes(day.attacked_at):
        for alarm in watch.add(minute):
            if day.cause(alarm) == "attack":
                return alarm.at + 1.0 - day.attacked_at
    return None


def sections(honest: Sequence[Honest], found: Sequence[Found]) -> list[Section]:
    """The tables: what is raised for nothing, and how soon attacks are noticed."""
    seeds = len({one.seed for one in honest})
    rates = {
        method: Counter(r.cause for one in honest if one.method == method for r in one.raised)
        for method in dict.fromkeys(one.method for one in honest)
    }
    quiet = Section("Alarms a day on honest votes", ["method", *map(str, CAUSES.values())])
    for method, causes in sorted(rates.items(), key=lambda each: each[1]["nobody"]):
        row = [f"{causes[cause] / (seeds * DAYS):.2f}" for cause in CAUSES]
        quiet.rows.append([method, *row])
        quiet.figures[method] = {c: causes[c] / (seeds * DAYS) for c in CAUSES}
    ours = [r for one in honest if one.method == OURS for r in one.raised]
    named = Counter((r.cause, r.looks) for r in ours)
    quiet.notes.append(
        "What the alarm called them: "
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
            f"Of {seeds} contests each; the median counts what was never found as endless. "
            f"`{as_quiet}` is the loudest baseline with no more false alarms than ours, "
            f"`{noisier}` the loudest with ten times as many."
        ],
    )
    for attack, multiple in ATTACKS:
        these = [o for o in found if (o.attack, o.multiple) == (attack.name, multiple)]
        if not these:
            continue
        row = [f"{attack.name}, {multiple:g} × margin", _range([o.ballots for o in these])]
        for method in methods:
            times = [o.minutes for o in these if o.method == method]
            row += [f"{sum(t is not None for t in times)} of {len(times)}", _median(times)]
        soon.rows.append(row)
    soon.figures["found"] = msgspec.to_builtins(list(found))
    return [quiet, soon]


def _noisiest(rates: Mapping[str, Counter[str]], allowed: float) -> str:
    """The baseline with the most false alarms up to so many; the quietest if all have more."""
    counts = {method: causes["nobody"] for method, causes in rates.items() if method != OURS}
    fit = [method for method, count in counts.items() if count <= allowed]
    return max(fit, key=lambda m: counts[m]) if fit else min(counts, key=lambda m: counts[m])


def _median(times: Sequence[float | None]) -> str:
    middle = median(inf if t is None else t for t in times)
    return "–" if middle == inf else f"{middle:,.0f}"


def _range(values: Sequence[int]) -> str:
    return f"{min(values):,}–{max(values):,}"
