"""What git tracks names no place that files are downloaded from, and no machine of ours."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Put together from parts, so that this file may be tracked too.
HOSTS = [
    r"\b" + name + r"\." + domain + r"\b"
    for name, domain in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmmirror", "com"),
        ("debian", "org"),
        ("docker", "io"),
        ("ghcr", "io"),
    ]
]
MACHINE_PATHS = [re.escape("/" + folder + "/") for folder in ("work", "opt/" + "wheels")]
FORBIDDEN = re.compile("|".join([*HOSTS, *(r"(?<![\w.])" + path for path in MACHINE_PATHS)]))


def tracked_texts() -> Iterator[tuple[str, str]]:
    """(path, text) of every tracked file that is text."""
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    for name in filter(None, names):
        path = ROOT / name
        if not path.is_file():
            continue
        try:
            yield name, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def test_no_file_names_a_download_host_or_a_path_of_a_machine() -> None:
    texts = list(tracked_texts())
    assert len(texts) > 20
    result = [
        f"{name}:{number}: {line.strip()[:80]}"
        for name, text in texts
        for number, line in enumerate(text.splitlines(), 1)
        if FORBIDDEN.search(line)
    ]
    assert result == []


@pytest.mark.parametrize(
    "line",
    [
        "--extra-index-url https://" + "pypi" + ".org/simple",
        '"resolved": "https://registry.' + "npmjs" + '.org/x.tgz"',
        "FROM ghcr" + ".io/someone/image",
        "cd /" + "work" + "/main",
    ],
)
def test_the_pattern_finds_what_it_is_meant_to_find(line: str) -> None:
    assert FORBIDDEN.search(line)
