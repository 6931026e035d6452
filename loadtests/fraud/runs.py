"""The runs of the benchmark, two at a time; finished runs are stored, so that a run can continue.

Finished runs are lines of a file in loadtests/reports/ for one version of the code: a change of the
simulator, of the methods or of the forensics begins a new file.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import lru_cache
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import msgspec

from loadtests.fraud.attacks import with_attack
from loadtests.fraud.methods import METHODS
from loadtests.fraud.records import ATTACKS, Truth
from loadtests.fraud.scene import MULTIPLES, Scene, make_scene
from loadtests.fraud.scoring import Case, Score, score

_FOLDER = Path(__file__).resolve().parent
_PACKAGES = ("loadtests.fraud.", "voting_service.antifraud.forensics.")
REPORTS = _FOLDER.parent / "reports" / "fraud"
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")
_PRESENTATION_FILES = {
    *("__main__.py", "alarm.py", "double.py", "figures.py", "intervals.py"),
    *("rings.py", "runs.py", "scale.py", "table.py", "warnings.py"),
}


def cases(seeds: Iterable[int], multiples: Iterable[float] = MULTIPLES) -> list[Case]:
    """Return every attack in every size, and the honest vote alone, by seed."""
    sizes = list(multiples)
    return [
        case
        for seed in seeds
        for case in (
            Case(seed, "", 0.0),
            *(Case(seed, attack.name, multiple) for attack in ATTACKS for multiple in sizes),
        )
    ]


def run_case(case: Case, ballots: int) -> list[Score]:
    """Run all methods on one contest."""
    scene = _scene(case.seed, ballots)
    everything = scene.honest
    if case.attack:
        everything = with_attack(scene, Truth[case.attack], scene.attack_size(case.multiple))
    scores = []
    for name, method in METHODS.items():
        started_at = time.perf_counter()
        verdict = method(everything)
        scores.append(score(case, name, everything, verdict, time.perf_counter() - started_at))
    return scores


@lru_cache(maxsize=1)
def _scene(seed: int, ballots: int) -> Scene:
    return make_scene(seed, ballots)


class ScoreStore:
    """The scores of finished runs, for one version of the code and one size of electorate."""

    def __init__(self, ballots: int, folder: Path = REPORTS) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{fingerprint()}-{ballots}.jsonl"
        self.scores: list[Score] = []
        if self._path.exists():
            for line in self._path.read_bytes().splitlines():
                try:
                    self.scores.append(msgspec.json.decode(line, type=Score))
                except msgspec.DecodeError:  # a line cut off when a run was killed
                    continue

    def done(self) -> set[Case]:
        counts: dict[Case, int] = {}
        for stored in self.scores:
            counts[stored.case] = counts.get(stored.case, 0) + 1
        return {case for case, count in counts.items() if count >= len(METHODS)}

    def add(self, scores: list[Score]) -> None:
        with self._path.open("ab") as file:
            file.write(b"".join(msgspec.json.encode(score) + b"\n" for score in scores))
        self.scores += scores


def fingerprint() -> str:
    """Return a hash of the code that results depend on: the modules that a run has loaded."""
    digest = hashlib.sha256()
    for name in sorted(name for name in sys.modules if name.startswith(_PACKAGES)):
        source = sys.modules[name].__file__
        if source and Path(source).name not in _PRESENTATION_FILES:
            digest.update(name.encode() + b"\0" + Path(source).read_bytes())
    return digest.hexdigest()[:12]


def run_all(
    cases: list[Case],
    store: ScoreStore,
    ballots: int,
    processes: int,
    seconds: float | None,
    progress: Callable[[int], None],
) -> bool:
    """Run the cases that the store lacks; False if the time was over before all were done."""
    done = store.done()
    left = [case for case in cases if case not in done]
    progress(len(cases) - len(left))
    ends_at = None if seconds is None else time.monotonic() + seconds
    for name in _ONE_THREAD:
        os.environ.setdefault(name, "1")  # the processes share the cores among themselves
    finished = 0
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        for scores in _in_turn(pool, iter(left), ballots, processes, ends_at):
            store.add(scores)
            finished += 1
            progress(1)
    return finished == len(left)


def _in_turn(
    pool: ProcessPoolExecutor,
    left: Iterator[Case],
    ballots: int,
    processes: int,
    ends_at: float | None,
) -> Iterator[list[Score]]:
    """Keep every process busy; begin no case after `ends_at`."""
    running: set[Future[list[Score]]] = {
        pool.submit(run_case, case, ballots) for case in islice(left, processes)
    }
    while running:
        finished, running = wait(running, return_when=FIRST_COMPLETED)
        for future in finished:
            if ends_at is None or time.monotonic() < ends_at:
                running |= {pool.submit(run_case, case, ballots) for case in islice(left, 1)}
            yield future.result()
