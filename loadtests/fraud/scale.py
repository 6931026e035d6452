"""Time and memory of an examination of a large file, in a process of its own."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import msgspec
import numpy as np

from loadtests.fraud.attacks import with_attack
from loadtests.fraud.files import write_ballots
from loadtests.fraud.methods import HOLD
from loadtests.fraud.records import Truth
from loadtests.fraud.runs import REPORTS, fingerprint
from loadtests.fraud.scene import make_scene
from voting_service.antifraud.forensics.columns import read_ballot_file
from voting_service.antifraud.forensics.examine import Options, examine

_SEED = 6
_MULTIPLE = 2.0


class ScaleMeasurement(msgspec.Struct, frozen=True):
    ballots: int
    reading: float
    examining: float
    processor: float  # seconds of both together
    mebibytes: float
    held: int

    @property
    def seconds(self) -> float:
        return self.reading + self.examining


def measure(ballots: int) -> ScaleMeasurement:
    """Simulate a file, examine it in a child process, store its time and memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ballots.csv"
        _in_child("write", path, ballots)
        measured = msgspec.json.decode(_in_child("examine", path, ballots), type=ScaleMeasurement)
    REPORTS.mkdir(parents=True, exist_ok=True)
    _measurement_path(ballots).write_bytes(msgspec.json.encode(measured))
    return measured


def load_measurements() -> list[ScaleMeasurement]:
    """Load the measurements of this version of the code, smallest first."""
    kept = REPORTS.glob(f"{fingerprint()}-scale-*.json")
    measurements = [msgspec.json.decode(path.read_bytes(), type=ScaleMeasurement) for path in kept]
    return sorted(measurements, key=lambda measurement: measurement.ballots)


def _measurement_path(ballots: int) -> Path:
    return REPORTS / f"{fingerprint()}-scale-{ballots}.json"


def _in_child(task: str, path: Path, ballots: int) -> bytes:
    command = [sys.executable, "-m", "loadtests.fraud.scale", task, str(path), str(ballots)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def _write(path: Path, ballots: int) -> None:
    scene = make_scene(_SEED, ballots)
    write_ballots(with_attack(scene, Truth.A2, scene.attack_size(_MULTIPLE)), _SEED, path)


def _examine(path: Path) -> ScaleMeasurement:
    started_at = time.perf_counter()
    columns = read_ballot_file(path)
    read_at = time.perf_counter()
    findings = examine(columns, Options(seed=0))
    return ScaleMeasurement(
        ballots=len(columns),
        reading=read_at - started_at,
        examining=time.perf_counter() - read_at,
        processor=time.process_time(),
        mebibytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        held=int(np.count_nonzero(findings.verdict == HOLD)),
    )


@click.command()
@click.argument("task", type=click.Choice(["write", "examine"]))
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("ballots", type=int)
def child(task: str, path: Path, ballots: int) -> None:
    """Run a task of `measure` in a process of its own."""
    if task == "write":
        _write(path, ballots)
    else:
        click.echo(msgspec.json.encode(_examine(path)))


if __name__ == "__main__":
    child()
