"""What the documents for developers call by name exists in the code."""

from __future__ import annotations

import re

import pytest

from tests.project.stats import ROOT

ROOMS = ("voting_service", "migrations", "loadtests", "tests", "locale")
SOURCES = {".py", ".sql", ".lua", ".js", ".html", ".po", ".toml", ".typ"}
OTHERS = {"cn.ric"}
"""Names of other people's code."""
_NAME = re.compile(r"`([A-Za-z_][\w.]*)(?:\(\))?`")


def code() -> str:
    files = [ROOT / "Makefile", ROOT / "pyproject.toml", ROOT / "hatch_build.py"]
    for room in ROOMS:
        files += [
            path
            for path in (ROOT / room).rglob("*")
            if path.suffix in SOURCES and "vendor" not in path.parts
        ]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_names_exist(document: str) -> None:
    text = code()
    words = set(re.findall(r"\w+", text))
    named = set(_NAME.findall((ROOT / document).read_text(encoding="utf-8"))) - OTHERS
    assert len(named) > 20
    assert [n for n in sorted(named) if n.split(".")[-1] not in words and n not in text] == []
