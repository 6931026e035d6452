"""The runs of the benchmark, two at a time; what is done is kept, so that a run can go on later.

Finished runs are lines of a journal in loadtests/reports/, which belongs to the code that made
them: a change of the simulator, of the methods or of the forensics begins a new one.
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

from loadtests.fraud.attacks import attacked
from loadtests.fraud.methods import METHODS
from loadtests.fraud.records import ATTACKS, Truth
from loadtests.fraud.scene import MULTIPLES, Scene, make_scene
from loadtests.fraud.scoring import Case, Score, score

_FOLDER = Path(__file__).resolve().parent
_PACKAGES = ("loadtests.fraud.", "voting_service.antifraud.forensics.")
REPORTS = _FOLDER.parent / "reports" / "fraud"
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")
_ONLY_SHOWS = {
    *("__main__.py", "alarm.py", "double.py", "figures.py", "intervals.py"),
    *("runs.py", "scale.py", "table.py"),
}


def cases(seeds: Iterable[int], multiples: Iterable[float] = MULTIPLES) -> list[Case]:
    """Every attack in every size, and the honest vote alone, seed by seed."""
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
    """All methods on one contest."""
    scene = _scene(case.seed, ballots)
    everything = scene.honest
    if case.attack:
        everything = attacked(scene, Truth[case.attack], scene.ballots_of(case.multiple))
    scores = []
    for name, method in METHODS.items():
        begins_at = time.perf_counter()
        verdict = method(everything)
        scores.append(score(case, name, everything, verdict, time.perf_counter() - begins_at))
    return scores


@lru_cache(maxsize=1)
def _scene(seed: int, ballots: int) -> Scene:
    return make_scene(seed, ballots)


class Journal:
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
        for one in self.scores:
            counts[one.case] = counts.get(one.case, 0) + 1
        return {case for case, count in counts.items() if count >= len(METHODS)}

    def add(self, scores: list[Score]) -> None:
        with self._path.open("ab") as file:
            file.write(b"".join(msgspec.json.encode(one) + b"\n" for one in scores))
        self.scores += scores


def fingerprint() -> str:
    """Names the code that results depend on: the modules that a run has loaded, by content."""
    digest = hashlib.sha256()
    for name in sorted(name for name in sys.modules if name.startswith(_PACKAGES)):
        source = sys.modules[name].__file__
        if source and Path(source).name not in _ONLY_SHOWS:
            digest.update(name.encode() + b"\0" + Path(source).read_bytes())
    return digest.hexdigest()[:12]


def run_all(
    wanted: list[Case],
    journal: Journal,
    ballots: int,
    processes: int,
    seconds: float | None,
    progress: Callable[[int], None],
) -> bool:
    """Runs what the journal lacks; True when nothing is left, False when time ran out first."""
    done = journal.done()
    left = [case for case in wanted if case not in done]
    progress(len(wanted) - len(left))
    ends_at = None if seconds is None else time.monotonic() + seconds
    for name in _ONE_THREAD:
        os.environ.setdefault(name, "1")  # the processes share the cores among themselves
    finished = 0
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        for scores in _in_turn(pool, iter(left), ballots, processes, ends_at):
            journal.add(scores)
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
    """Keeps every process busy and begins nothing after `ends_at`."""
    running: set[Future[list[Score]]] = {
        pool.submit(run_case, case, ballots) for case in islice(left, processes)
    }
    while running:
        finished, running = wait(running, return_when=FIRST_COMPLETED)
        for future in finished:
            if ends_at is None or time.monotonic() < ends_at:
                running |= {pool.submit(run_case, case, ballots) for case in islice(left, 1)}
            yield future.result()
