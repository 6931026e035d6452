"""`python -m loadtests.fraud`: the benchmark; `… simulate`: a ballot file with its truth."""

from __future__ import annotations

import os
import re
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import click
import uvloop

from loadtests.fraud import alarm, double, rings, scale, table, warnings
from loadtests.fraud.attacks import with_attack
from loadtests.fraud.files import write_ballots, write_labels
from loadtests.fraud.records import ATTACKS, Truth
from loadtests.fraud.runs import ScoreStore, cases, run_all
from loadtests.fraud.scene import HONEST_BALLOTS, make_scene
from loadtests.fraud.scoring import Score
from loadtests.fraud.voting_times import DAYS
from loadtests.report import RESULTS, save

_QUICK_SEEDS, _QUICK_MULTIPLES = 3, (2.0,)
_SCALES = (1_000_000, 10_000_000)
_REPORT_SECONDS = 15.0


class Seeds(click.ParamType[list[int]]):
    """`7`, `6-25` or `1,3,6-8`."""

    name = "seeds"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[int]:
        text = str(value)
        if not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", text):
            self.fail(f"{text} is not a list of seeds such as 6-25", param, ctx)
        seeds: list[int] = []
        for part in text.split(","):
            first, _, last = part.partition("-")
            seeds += range(int(first), int(last or first) + 1)
        return seeds


class ProgressReport:
    """Prints the progress of a run every 15 seconds, also into a log file."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0
        self._known: int | None = None
        self._begins_at = self._reported_at = time.monotonic()

    def add(self, count: int) -> None:
        if self._known is None:
            self._known = count  # stored by an earlier run: not part of the speed
        self._done += count
        now = time.monotonic()
        if now - self._reported_at < _REPORT_SECONDS and self._done < self._total:
            return
        self._reported_at = now
        pace = (now - self._begins_at) / max(self._done - self._known, 1)
        minutes = pace * (self._total - self._done) / 60
        click.echo(f"{self._done:,} of {self._total:,} contests, about {minutes:.0f} minutes left")


@click.group(invoke_without_command=True)
@click.option(
    "--seeds", type=Seeds(), default="6-25", show_default=True, help="1-5 are for tuning."
)
@click.option("--quick", is_flag=True, help="Three seeds, twice the margin, nothing saved.")
@click.option("--ballots", type=click.IntRange(min=5_000), default=HONEST_BALLOTS)
@click.option("--minutes", type=float, help="Stop after this time; the next call continues.")
@click.option("--processes", type=click.IntRange(min=1), default=os.cpu_count() or 1)
@click.option(
    "--scale/--no-scale", "with_scale", default=True, help="Time and memory of 1 and 10 million."
)
@click.pass_context
def fraud(
    context: click.Context,
    *,
    seeds: list[int],
    quick: bool,
    ballots: int,
    minutes: float | None,
    processes: int,
    with_scale: bool,
) -> None:
    """Run the fraud benchmark, print its tables, save them in results/fraud.md.

    Finished contests are stored in reports/, so that an interrupted run continues.
    """
    if context.invoked_subcommand:
        return
    planned = cases(seeds[:_QUICK_SEEDS], _QUICK_MULTIPLES) if quick else cases(seeds)
    store = ScoreStore(ballots)
    seconds = None if minutes is None else minutes * 60
    complete = run_all(
        planned, store, ballots, processes, seconds, ProgressReport(len(planned)).add
    )
    if with_scale and complete and not quick:
        measure_scales()
    planned_cases = set(planned)
    chosen = [score for score in store.scores if score.case in planned_cases]
    if quick or not complete or ballots != HONEST_BALLOTS:
        for section in table.sections(chosen, scale.load_measurements(), double.load_last_race()):
            click.echo(section.markdown())
        click.echo(
            "Not saved: this was not a full run."
            if complete
            else "Run the command again to continue."
        )
        return
    click.echo(
        table.save(RESULTS, chosen, scale.load_measurements(), double.load_last_race(), ballots)
    )


def measure_scales() -> None:
    """Measure time and memory of the large files that have no measurement yet."""
    measured = {scale_run.ballots for scale_run in scale.load_measurements()}
    for ballots in _SCALES:
        if not any(ballots <= size < 2 * ballots for size in measured):
            click.echo(f"Examining a file of {ballots:,} ballots…")
            scale.measure(ballots)


@fraud.command("double")
@click.option("--tries", type=click.IntRange(min=20_000), default=1_000_000)
def race_double(*, tries: int) -> None:
    """Race double submissions through the vote path, on a PostgreSQL and a Valkey it starts."""
    with click.progressbar(length=tries, label="Tries", show_pos=True) as bar:
        doubled = uvloop.run(double.race(tries, bar.update))
    click.echo(doubled)
    if doubled.accepted_twice or doubled.stored != doubled.accepted:
        raise SystemExit(1)


@fraud.command("alarm")
@click.option("--seeds", type=Seeds(), default="1-5", show_default=True)
@click.option("--processes", type=click.IntRange(min=1), default=os.cpu_count() or 1)
def try_alarm(*, seeds: list[int], processes: int) -> None:
    """Measure how soon the alarm is raised in attacks and how often without one, compared with
    counting per candidate and minute; saved in results/alarm.md. Finished contests are stored."""
    honest, attacked = [], []
    with ProcessPoolExecutor(processes) as pool:
        runs = [pool.submit(alarm.examine_stored, seed, HONEST_BALLOTS) for seed in seeds]
        with click.progressbar(as_completed(runs), length=len(runs), label="Contests") as done:
            for run in done:
                honest_runs, attack_runs = run.result()
                honest += honest_runs
                attacked += attack_runs
    preface = [
        f"Seeds {', '.join(map(str, seeds))} of the simulator, {HONEST_BALLOTS:,} honest ballots "
        f"in {DAYS} days each. An alarm is counted once until its subject has been quiet for an "
        "hour, for every method alike."
    ]
    tables = alarm.sections(honest, sorted(attacked, key=lambda run: (run.seed, run.method)))
    click.echo(save("alarm", "The alarm beside counting per candidate and minute", preface, tables))


@fraud.command("seats")
@click.option("--seeds", type=Seeds(), default="6-25", show_default=True)
@click.option("--processes", type=click.IntRange(min=1), default=os.cpu_count() or 1)
def try_seats(*, seeds: list[int], processes: int) -> None:
    """Measure which wrong seats nobody is warned of, and warnings in contests without attack; saved
    in results/seats.md. Finished seeds are stored."""
    scores: list[Score] = []
    with click.progressbar(length=len(seeds), label="Seeds", show_pos=True) as bar:
        for of_seed in warnings.run_seeds(seeds, HONEST_BALLOTS, processes):
            scores += of_seed
            bar.update(1)
    click.echo(save("seats", "Seats and warnings", _preface(seeds), warnings.sections(scores)))


@fraud.command("rings")
@click.option("--seeds", type=Seeds(), default="6-25", show_default=True)
def try_rings(*, seeds: list[int]) -> None:
    """Measure which accounts of merchants are held (A12); saved in results/rings.md."""
    click.echo(save("rings", "Rings of accounts", _preface(seeds), rings.sections(seeds)))


def _preface(seeds: list[int]) -> list[str]:
    return [f"Seeds {', '.join(map(str, seeds))}. Thresholds were chosen on seeds 1–5 alone."]


@fraud.command()
@click.option("--seed", type=int, required=True, help="1-5 are for tuning, 6-25 for reports.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option("--labels", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option(
    "--ballots", type=click.IntRange(min=5_000), default=HONEST_BALLOTS, help="Honest ballots."
)
@click.option(
    "--attack", type=click.Choice([truth.name for truth in ATTACKS]), help="None without it."
)
@click.option("--multiple", type=click.FloatRange(min=0.01), default=2.0, help="Of the margin.")
def simulate(
    *, seed: int, out: Path, labels: Path, ballots: int, attack: str | None, multiple: float
) -> None:
    """Write a ballot file, and a file with the truth about each ballot."""
    scene = make_scene(seed, ballots)
    everything = scene.honest
    if attack:
        everything = with_attack(scene, Truth[attack], scene.attack_size(multiple))
    with click.progressbar(length=len(everything), label="Writing ballots") as bar:
        write_ballots(everything, seed, out, bar.update)
    write_labels(everything, seed, labels)
    click.echo(
        f"{len(everything):,} ballots, {len(everything) - len(scene.honest):,} of them bought. "
        f"Bought candidate {scene.bought}, last seat {scene.rival}, margin {scene.margin:,}."
    )


if __name__ == "__main__":
    fraud()
