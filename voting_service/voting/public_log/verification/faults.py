"""How a check names what is wrong: sentences of the catalogue `errors_voting`."""

from __future__ import annotations

from typing import Any

from voting_service.errors import Fault, Note

_SECTION = "voting.public_log.verification"


def fault(name: str, /, **params: Any) -> Fault:
    """Return what is wrong."""
    return Fault("", f"{_SECTION}.{name}", **params)


def note(name: str, /, **params: Any) -> Note:
    """Return what a reader should know and what is no fault."""
    return Note("", f"{_SECTION}.{name}", **params)
