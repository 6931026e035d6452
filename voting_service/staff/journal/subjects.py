"""What a line of the journal is about: words for it, and the page that shows it. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

_PATTERNS = {
    "hold": ("hold ([0-9]+)", "holds/{}"),
    "picture": ("picture of hold ([0-9]+)", "holds/{}"),
    "ballot": ("ballot ([0-9a-f]{32})", "ballots/{}"),
    "decision": ("decision ([0-9]+)", "decisions"),
    "signed": ("version ([0-9]+), signed document", "publication"),
    "announcement": ("version ([0-9]+), announcement", "publication"),
    "version": ("version ([0-9]+)", "publication"),
    "alarm": ("alarm ([0-9]+)", "alarms"),
    "candidate": ("candidate ([0-9]+)", "candidates/{}"),
    "stretch": ("ballots of a stretch of time()", ""),
}
"""By the name of its words in texts/journal.*.toml: what is recorded, and the page below the
contest's."""


class Subject(NamedTuple):
    """`kind` is empty for what is shown as it was recorded; `path` where no page shows it."""

    kind: str
    which: str
    path: str


def read_subject(contest: str | None, subject: str) -> Subject:
    """From what was recorded."""
    for kind, (pattern, page) in _PATTERNS.items():
        if contest and (match := re.fullmatch(pattern, subject)):
            path = f"/contests/{contest}/{page.format(match[1])}" if page else ""
            return Subject(kind, match[1], path)
    return Subject("", subject, "")
