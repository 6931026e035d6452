"""Honest files as programs, scanners and phones write them: what the intake has to accept.

Every module `*_samples.py` beside this one has its part in `SAMPLES`, made when asked for.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from voting_service.nomination.files.model import Kind


class Sample(NamedTuple):
    """A file by the name it comes with; `make` returns its bytes, `kind` is what it is sent as."""

    name: str
    make: Callable[[], bytes]
    kind: Kind = "evidence"


def samples() -> Iterator[Sample]:
    """Yield the samples of every module."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name.endswith("_samples"):
            for entry in import_module(f"{__package__}.{module.name}").SAMPLES:
                yield Sample(*entry)
