"""The second verifier as readers save it, and logs for it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE_SECONDS
from tests.project.test_script_floor import node
from tests.voting.public_log.log_builder import LogBuilder, LogPlan, build_log

ROOT = Path(__file__).resolve().parents[4]
SCRIPT = ROOT / "voting_service/sites/public/pages/static/log_verifier.js"
CASES = Path(__file__).with_name("verifier.mjs")

Ask = Callable[..., list[Any]]
Verify = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The verifier under the name with which it is downloaded."""
    return Path(shutil.copyfile(SCRIPT, tmp_path / "verify.mjs"))


@pytest.fixture
def ask(script: Path) -> Ask:
    """Answers many cases in one process."""

    def answers(cases: list[dict[str, Any]], folder: Path | None = None) -> list[Any]:
        done = subprocess.run(
            [node(), str(CASES), str(script), *([str(folder)] if folder else [])],
            check=False, input=json.dumps(cases), capture_output=True, text=True,
            timeout=PATIENCE_SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        result: list[Any] = json.loads(done.stdout)
        return result

    return answers


@pytest.fixture
def verify(script: Path) -> Verify:
    """Runs the command."""

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [node(), str(script), *map(str, words), "--language", "en"],
            check=False, capture_output=True, text=True, timeout=PATIENCE_SECONDS,
        )  # fmt: skip

    return run


@pytest.fixture(scope="session")
def log() -> LogBuilder:
    """A whole log of five bundles; not to be changed."""
    return build_log(LogPlan(ballots=600, seed=7))


@pytest.fixture
def folder(log: LogBuilder, tmp_path: Path) -> Path:
    """Its public files."""
    log.write(tmp_path / "log")
    return tmp_path / "log"
