"""ARCHITECTURE.md draws the life of a vote; the files it names are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STEPS = "①②③④⑤⑥⑦⑧⑨⑩⑪"

_ROW = re.compile(r"^\|\s*([①-⑪])[^|]*\|(.*)$", re.MULTILINE)
_PATH = re.compile(r"`([\w./-]+(?:\.[a-z]+|/))`")


def rows() -> list[tuple[str, list[str]]]:
    """(step, the paths its row names), in the order of the table."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    return [(step, _PATH.findall(rest)) for step, rest in _ROW.findall(text)]


def exists(path: str) -> bool:
    """Paths start at the project's root or at the package's."""
    return (ROOT / path).exists() or (ROOT / "voting_service" / path).exists()


def test_the_table_tells_the_steps_in_order() -> None:
    assert [step for step, _ in rows()] == list(STEPS)


@pytest.mark.parametrize("step", STEPS)
def test_a_step_names_files_that_exist(step: str) -> None:
    paths = dict(rows())[step]
    assert paths, f"the row of {step} names no file in backticks"
    assert [path for path in paths if not exists(path)] == []


def test_no_file_that_is_named_anywhere_in_the_table_is_missing() -> None:
    assert [path for _, paths in rows() for path in paths if not exists(path)] == []
