"""Random single-bit changes of a log's public files, all of which the second verifier must find.

    python -m tests.voting.public_log.log_builder --ballots 2000 FOLDER
    python -m loadtests.second_verifier --count 10000 FOLDER

Half of them hit any byte with the same probability, half any file, so that the small ones are hit,
too. Each is verified with the whole log. Exit code 1 if one is missed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

import click

from tests.project.test_script_floor import node

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "voting_service/sites/public/pages/static/log_verifier.js"
CASES = ROOT / "tests/sites/public/log/verifier.mjs"
AT_ONCE = 250
"""How many changes one process of Node examines."""


class Flip(NamedTuple):
    """The bit of a file, counted from its first byte's lowest."""

    path: str
    bit: int


def random_flips(folder: Path, count: int, seed: int) -> list[Flip]:
    """Return changes of the files below a folder."""
    random = Random(seed)
    sizes = {
        str(path.relative_to(folder)): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    chosen = [
        *random.choices(list(sizes), list(sizes.values()), k=count // 2),
        *random.choices(list(sizes), k=count - count // 2),
    ]
    return [Flip(path, random.randrange(8 * sizes[path])) for path in chosen]


def missed(folder: Path, flips: Sequence[Flip]) -> list[Flip]:
    """Return the changes in which the verifier finds no fault."""
    cases = [{"ask": "flip", **flip._asdict()} for flip in flips]
    with tempfile.TemporaryDirectory() as beside:
        script = shutil.copyfile(SCRIPT, Path(beside) / "verify.mjs")
        done = subprocess.run(
            [node(), str(CASES), str(script), str(folder)],
            check=True, input=json.dumps(cases), stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
    results = json.loads(done.stdout)
    return [flip for flip, result in zip(flips, results, strict=True) if not result["faults"]]


@click.command(help=__doc__)
@click.option("--count", default=10_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
def main(count: int, seed: int, folder: Path) -> None:
    flips = random_flips(folder, count, seed)
    lost: list[Flip] = []
    for start in range(0, len(flips), AT_ONCE):
        lost += missed(folder, flips[start : start + AT_ONCE])
        click.echo(f"\r{min(start + AT_ONCE, count)} changes, {len(lost)} missed", nl=False)
    click.echo("".join(f"\n{flip.path}, bit {flip.bit}" for flip in lost))
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
