"""The locust files against a live service, and the check that comes after them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests import curves
from loadtests.check import check_record
from loadtests.load import FOLDER
from loadtests.stand import Stand

_SECONDS = 5


@pytest.mark.parametrize("curve", [curves.evening, curves.television, curves.closing, curves.storm])
def test_a_curve_is_a_share_of_the_peak(curve: curves.Curve) -> None:
    shares = [curve(step / 100) for step in range(101)]
    assert min(shares) > 0
    assert max(shares) == pytest.approx(1.0)


async def _run_locust(stand: Stand, profile: str, confirmed: Path) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("locust")),
        *("--locustfile", str(FOLDER / "profiles" / f"{profile}.py")),
        *("--headless", "--only-summary", "--host", stand.address()),
        *("--users", "6", "--run-time", f"{_SECONDS}s", "--stop-timeout", "10"),
        *("--confirmed", str(confirmed), "--signing-key", str(stand.platform_key)),
        env=os.environ | {"PYTHONPATH": str(FOLDER.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


@pytest.mark.parametrize("profile", ["television", "storm"])
async def test_a_profile_runs_and_everything_it_was_promised_is_stored(
    stand: Stand, profile: str, tmp_path: Path
) -> None:
    async with stand.database() as connection:
        before = (await check_record(connection, [])).stored
        exit_code, output = await _run_locust(stand, profile, tmp_path / "confirmed")
        assert exit_code == 0, output
        confirmed = (tmp_path / "confirmed").read_text().split()
        verdict = await check_record(connection, confirmed)
    assert verdict.faults == []
    assert len(confirmed) == verdict.stored - before > 0


async def test_the_check_finds_what_is_missing_and_what_was_confirmed_twice(stand: Stand) -> None:
    nowhere = "00" * 16
    async with stand.database() as connection:
        verdict = await check_record(connection, [nowhere, nowhere])
    assert verdict.faults == [
        "1 ballots were confirmed as new more than once",
        "1 confirmed ballots are not in Postgres",
    ]
