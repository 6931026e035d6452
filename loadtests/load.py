"""Run locust against a new demo: `python -m loadtests.load --profile television`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

import click

from loadtests.curves import DEFAULT_PEAK_USERS, DEFAULT_SECONDS
from voting_service.demo.embedded_server import HOST, free_port

Profile = Literal["evening", "television", "closing", "storm", "canteen", "farm"]
SCREENED = ("canteen", "farm")
"""Profiles that arrive through a proxy on this machine, which is not exempt from the screening."""
_BEHIND_A_PROXY = {"VOTING_TRUSTED_PROXIES": "127.0.0.0/8", "VOTING_EXEMPT_NETWORKS": ""}
FOLDER = Path(__file__).resolve().parent
REPORTS = FOLDER / "reports"
_STOP_SECONDS = 60


@contextmanager
def running_demo(
    data: Path,
    *,
    crowd: float = 0,
    settings: Mapping[str, str] | None = None,
    staff_port: int | None = None,
    stage: str | None = None,
) -> Iterator[str]:
    """Run `voting-service demo` on free ports and yield its address once it answers.

    Raises RuntimeError if it does not start.
    """
    port = free_port()
    command = [_tool("voting-service"), "demo", "--data", str(data)]
    demo = subprocess.Popen(
        [
            *(*command, "--port", str(port), "--console-port", str(staff_port or free_port())),
            *(("--crowd", str(crowd)) if crowd else ()),
            *(("--stage", stage) if stage else ()),
        ],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | dict(settings or {}),
    )
    try:
        assert demo.stdout is not None
        # Iteration ends at the ready line, or with the demo.
        for line in demo.stdout:
            if line.startswith("ready "):
                break
        else:
            raise RuntimeError("the demo did not start; it says why above")
        yield f"http://{HOST}:{port}"
    finally:
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=_STOP_SECONDS)


def run_locust(
    address: str,
    profile: str,
    *,
    users: int,
    seconds: int,
    confirmed: Path,
    report: Path,
    environment: Mapping[str, str],
) -> int:
    """Run locust without its page in a new process. Return its exit code, 1 if a request failed."""
    command = [
        _tool("locust"),
        *("--locustfile", str(FOLDER / "profiles" / f"{profile}.py")),
        *("--headless", "--only-summary", "--host", address),
        *("--users", str(users), "--run-time", f"{seconds}s", "--stop-timeout", "20"),
        *("--confirmed", str(confirmed), "--html", str(report)),
    ]
    return subprocess.run(command, env=environment, check=False, cwd=FOLDER.parent).returncode


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _load(profile: Profile, users: int, seconds: int) -> int:
    REPORTS.mkdir(exist_ok=True)
    report = REPORTS / f"{profile}-{datetime.now(UTC):%Y%m%d-%H%M%S}.html"
    with tempfile.TemporaryDirectory(prefix="voting-load-", ignore_cleanup_errors=True) as folder:
        data, confirmed = Path(folder) / "data", Path(folder) / "confirmed"
        environment = os.environ | {"VOTING_DATA": str(data), "PYTHONPATH": str(FOLDER.parent)}
        settings = _BEHIND_A_PROXY if profile in SCREENED else {}
        with running_demo(data, settings=settings) as address:
            click.echo(f"{profile}: {users} users at most, {seconds} s, against {address}")
            failed = run_locust(
                address,
                profile,
                users=users,
                seconds=seconds,
                confirmed=confirmed,
                report=report,
                environment=environment,
            )
            checked = subprocess.run(
                [sys.executable, "-m", "loadtests.check", str(confirmed)],
                env=environment,
                check=False,
                cwd=FOLDER.parent,
            )
    click.echo(f"report: {report}")
    return failed or checked.returncode


@click.command()
@click.option("--profile", type=click.Choice(get_args(Profile)), default="television")
@click.option("--users", type=click.IntRange(min=1), default=DEFAULT_PEAK_USERS, show_default=True)
@click.option("--seconds", type=click.IntRange(min=1), default=DEFAULT_SECONDS, show_default=True)
def load(*, profile: Profile, users: int, seconds: int) -> None:
    """Run a profile against a new demo, then compare every 201 with the stored ballots.

    Exits with 1 if a request failed or a confirmed ballot is not stored exactly once.
    """
    sys.exit(_load(profile, users, seconds))


if __name__ == "__main__":
    load()
