"""`python -m loadtests.fraud`: the benchmark; `… simulate`: a ballot file with its truth."""

from __future__ import annotations

from pathlib import Path

import click

from loadtests.fraud.attacks import attacked
from loadtests.fraud.files import write_ballots, write_labels
from loadtests.fraud.records import ATTACKS, Truth
from loadtests.fraud.scene import HONEST_BALLOTS, make_scene


@click.group()
def fraud() -> None:
    """The fraud benchmark and its simulator."""


@fraud.command()
@click.option("--seed", type=int, required=True, help="1-5 are for tuning, 6-25 for reports.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option("--labels", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option("--ballots", type=click.IntRange(min=5_000), default=HONEST_BALLOTS, help="Honest.")
@click.option(
    "--attack", type=click.Choice([truth.name for truth in ATTACKS]), help="None without it."
)
@click.option("--multiple", type=click.FloatRange(min=0.01), default=2.0, help="Of the margin.")
def simulate(
    *, seed: int, out: Path, labels: Path, ballots: int, attack: str | None, multiple: float
) -> None:
    """Write a ballot file, and a file that says who really cast each ballot."""
    scene = make_scene(seed, ballots)
    everything = scene.honest
    if attack:
        everything = attacked(scene, Truth[attack], scene.ballots_of(multiple))
    with click.progressbar(length=len(everything), label="Writing ballots") as bar:
        write_ballots(everything, seed, out, bar.update)
    write_labels(everything, seed, labels)
    click.echo(
        f"{len(everything):,} ballots, {len(everything) - len(scene.honest):,} of them bought. "
        f"Bought candidate {scene.bought}, last seat {scene.rival}, margin {scene.margin:,}."
    )


if __name__ == "__main__":
    fraud()
