"""Seats that are given away with and without a warning, and warnings in contests without attack."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from statistics import fmean

import msgspec

from loadtests.fraud import figures
from loadtests.fraud.attacks import with_attack
from loadtests.fraud.figures import select
from loadtests.fraud.intervals import upper_bound
from loadtests.fraud.methods import FORENSICS, forensics
from loadtests.fraud.records import Truth
from loadtests.fraud.runs import REPORTS, fingerprint
from loadtests.fraud.scene import make_scene
from loadtests.fraud.scoring import Case, Score, score
from loadtests.report import Section

ATTACKS = (Truth.A4, Truth.A7, Truth.A8, Truth.A13)
"""Attacks that are not held ballot by ballot."""
MULTIPLES = (2.0, 5.0)


def run_seed(seed: int, ballots: int) -> list[Score]:
    """Return the scores of the seed's contests; those of an earlier run of the same code."""
    path = REPORTS / f"{fingerprint()}-warnings-{ballots}-{seed}.json"
    if path.exists():
        return msgspec.json.decode(path.read_bytes(), type=list[Score])
    scene = make_scene(seed, ballots)
    scores = []
    for case in (
        Case(seed, "", 0.0),
        *(Case(seed, attack.name, multiple) for attack in ATTACKS for multiple in MULTIPLES),
    ):
        everything = scene.honest
        if case.attack:
            everything = with_attack(scene, Truth[case.attack], scene.attack_size(case.multiple))
        started_at = time.perf_counter()
        verdict = forensics(everything)
        seconds = time.perf_counter() - started_at
        scores.append(score(case, FORENSICS, everything, verdict, seconds))
    REPORTS.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(scores))
    return scores


def run_seeds(seeds: Sequence[int], ballots: int, processes: int) -> Iterator[list[Score]]:
    """Yield the scores of each seed as it is finished."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
        os.environ.setdefault(name, "1")
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        for done in as_completed([pool.submit(run_seed, seed, ballots) for seed in seeds]):
            yield done.result()


def sections(scores: Sequence[Score]) -> list[Section]:
    """Return the table of warnings."""
    table = Section(
        "Wrong seats and warnings",
        ["contests", "size", "number", "wrong seats", "without a warning", "with a warning"],
        notes=[
            "Wrong seats of 30 after removing what the forensics hold; share of the contests with "
            "one that seats.json calls certifiable; share of the contests in which it calls any "
            "seat not certifiable, which without an attack is a false warning. Means over seeds, "
            "with the one-sided 95% upper bound of these two shares.",
        ],
    )
    kinds = [("", 0.0), *((attack.name, size) for attack in ATTACKS for size in MULTIPLES)]
    for attack, size in kinds:
        runs = select(scores, attacks=[attack], exactly=size)
        unwarned = figures.by_seed(runs, _without_a_warning)
        warned = figures.by_seed(runs, figures.not_certifiable)
        table.rows.append(
            [
                attack or "no attack",
                f"{size:g} × margin" if attack else "–",
                str(len(runs)),
                f"{figures.mean(runs, figures.wrong_seats).mean:.2f}",
                _shown(unwarned),
                _shown(warned),
            ]
        )
        table.figures[f"{attack or 'none'} {size:g}"] = {
            "contests": len(runs),
            "unwarned": fmean(unwarned),
            "warned": fmean(warned),
        }
    return [table]


def _without_a_warning(runs: Sequence[Score]) -> float:
    """Return the share of the contests with a wrong seat that seats.json calls certifiable."""
    return sum(score.unwarned_seats > 0 for score in runs) / len(runs)


def _shown(shares: Sequence[float]) -> str:
    """Show the mean share, one contest a seed, and its upper bound."""
    return f"{fmean(shares):.2f} (≤ {min(upper_bound(shares, 1.0), 1.0):.2f})"
