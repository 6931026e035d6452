"""What a line of the journal is about: words for it, and the page that shows it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
_SELECTION_PATTERNS = {
    "recommendation": ("recommendation ([0-9]+)", "review/{}"),
    "queue": ("review queue()", "review"),
    "choice": ("the choice()", "picks"),
    "panel": ("scores of the panel()", "panel"),
    "judged": ("panel, candidate ([0-9]+)", "panel/candidates/{}"),
    "objection": ("objection ([0-9]+)", "notice"),
}
"""The same of a selection."""
_DECIDED_ON: Mapping[str, str] = {
    "late_submission": "late", "picks": "picks", "draw": "picks", "hand_over": "picks",
    "panel": "panel", "result": "result",
}  # fmt: skip
"""Where a selection's decisions are taken, by their kind."""


class Subject(NamedTuple):
    """`kind` is empty for what is shown as it was recorded; `path` where no page shows it."""

    kind: str
    which: str
    path: str


def read_subject(about: str | None, subject: str, decided: object = None) -> Subject:
    """From what was recorded `about` a contest or a selection; `decided` is the kind of decision
    that stands with it, where there is one, of whatever type it was recorded."""
    if about is None:
        return Subject("", subject, "")
    decision = re.fullmatch(_PATTERNS["decision"][0], subject)
    if decision and isinstance(decided, str) and decided in _DECIDED_ON:
        page = _DECIDED_ON[decided]
        return Subject("decision", decision[1], f"/selections/{about}/{page}")
    for place, patterns in (("contests", _PATTERNS), ("selections", _SELECTION_PATTERNS)):
        for kind, (pattern, page) in patterns.items():
            if match := re.fullmatch(pattern, subject):
                path = f"/{place}/{about}/{page.format(match[1])}" if page else ""
                return Subject(kind, match[1], path)
    return Subject("", subject, "")
