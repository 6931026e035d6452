"""The locks: every file by its hash, no host, in step with pyproject.toml and each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = (
    "requirements",
    "requirements-traces",
    "requirements-build",
    "requirements-demo",
    "requirements-dev",
)

_SERVICE = PROJECT["project"]["dependencies"]
_DEMO = PROJECT["project"]["optional-dependencies"]["demo"]
_TRACES = PROJECT["project"]["optional-dependencies"]["traces"]
_BUILD = PROJECT["dependency-groups"]["build"]
_DEV = [entry for entry in PROJECT["dependency-groups"]["dev"] if isinstance(entry, str)]

ASKED_FOR = {
    "requirements": _SERVICE,
    "requirements-traces": [*_SERVICE, *_TRACES],
    "requirements-build": _BUILD,
    "requirements-demo": [*_SERVICE, *_DEMO, *_BUILD],
    "requirements-dev": [*_SERVICE, *_DEMO, *_TRACES, *_BUILD, *_DEV],
}


def get_text(lock: str) -> str:
    return (ROOT / f"{lock}.lock").read_text(encoding="utf-8")


def get_pins(lock: str) -> dict[str, str]:
    """name to version, of every package of a lock."""
    result = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", get_text(lock), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in result}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_pins_with_hashes_and_nothing_else(lock: str) -> None:
    entries = re.sub(r"\s*\\\n\s*", " ", get_text(lock)).splitlines()
    entries = [line for line in entries if line and not line.lstrip().startswith("#")]
    assert entries
    pin = re.compile(r"[\w.-]+==[\w.+!-]+( ;[^\\]+?)?( --hash=sha256:[0-9a-f]{64})+")
    assert [line[:80] for line in entries if not pin.fullmatch(line)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place(lock: str) -> None:
    assert re.findall(r"\w+://|--index|--find-links|--trusted-host|(?<= )@ ", get_text(lock)) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_what_pyproject_asks_for_is_locked(lock: str) -> None:
    pins = get_pins(lock)
    unmet = []
    for line in ASKED_FOR[lock]:
        requirement = Requirement(line)
        version = pins.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            unmet.append(line)
    assert unmet == [], "pyproject.toml has moved on; run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_the_shorter_locks_agree_with_the_developers(lock: str) -> None:
    assert get_pins(lock).items() <= get_pins("requirements-dev").items()


def test_the_build_backend_is_the_one_that_is_locked() -> None:
    required = {canonicalize_name(Requirement(r).name) for r in PROJECT["build-system"]["requires"]}
    assert required <= get_pins("requirements-build").keys()
