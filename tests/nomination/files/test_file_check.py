"""`voting-service file check` decides as the intake does, without database or settings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.nomination.files.pdf_files import pdf
from tests.patience import PATIENCE_SECONDS
from tests.picture_files import halves, saved
from voting_service.cli import root


def check(*words: object) -> Result:
    return CliRunner().invoke(root, ["file", "check", *map(str, words)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "below").mkdir()
    (tmp_path / "a.pdf").write_bytes(pdf(3))
    (tmp_path / "below" / "too long.pdf").write_bytes(pdf(11))
    (tmp_path / "b.heic").write_bytes(saved(halves(300, 420), "HEIF"))
    return tmp_path


def test_a_file_is_one_line(folder: Path) -> None:
    """In a process of its own, with nothing in its environment."""
    words = ["file", "check", "a.pdf", "--as", "evidence", "--format", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "voting_service", *words],
        capture_output=True,
        check=True,
        cwd=folder,
        env={},
        timeout=PATIENCE_SECONDS,
    )
    verdict = json.loads(done.stdout)
    assert (verdict["accepted"], verdict["pages"], len(verdict["sha256"])) == (True, 3, 64)
    assert done.stderr == b""


def test_a_refusal_has_its_reason_and_the_exit_code(folder: Path) -> None:
    long = folder / "below" / "too long.pdf"
    refused = check(long, "--as", "evidence", "--format", "json")
    verdict = json.loads(refused.stdout)
    assert refused.exit_code == 1
    assert verdict.keys() == {"accepted", "reason", "message"}
    assert (verdict["accepted"], verdict["reason"]) == (False, "too_many_pages")
    assert "more than 10 pages" in verdict["message"]
    plain = check(long, "--as", "scan")
    assert (plain.exit_code, plain.stdout) == (1, "")
    assert "too long.pdf: more than 5 pages" in plain.stderr
    assert check(folder / "missing.pdf", "--as", "scan").exit_code == 2


def test_a_folder_is_a_line_for_each_file(folder: Path) -> None:
    result = check(folder, "--as", "photo", "--format", "json")
    assert result.exit_code == 1
    verdicts = {
        Path(line["file"]).name: line for line in map(json.loads, result.stdout.splitlines())
    }
    assert [name for name, line in verdicts.items() if line["accepted"]] == ["b.heic"]
    assert verdicts["b.heic"]["coarse"]
    assert verdicts["a.pdf"]["reason"] == "picture"
