"""The subject of an audit log entry: its words and the page that shows it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_PATTERNS = {
    "hold": ("hold ([0-9]+)", "holds/{}"),
    "picture": ("picture of hold ([0-9]+)", "holds/{}"),
    "ballot": ("ballot ([0-9a-f]{32})", "ballots/{}"),
    "approval": ("approval ([0-9]+)", "approvals"),
    "signed": ("version ([0-9]+), signed document", "publication"),
    "announcement": ("version ([0-9]+), announcement", "publication"),
    "version": ("version ([0-9]+)", "publication"),
    "alarm": ("alarm ([0-9]+)", "alarms"),
    "candidate": ("candidate ([0-9]+)", "candidates/{}"),
    "stretch": ("ballots of a stretch of time()", ""),
}
"""By the name of its text in the catalogue `audit_log`: the recorded subject, and the page below
the contest's."""
_SELECTION_PATTERNS = {
    "recommendation": ("recommendation ([0-9]+)", "review/{}"),
    "queue": ("review queue()", "review"),
    "list": ("list of recommendations()", "review/download"),
    "document_pack": ("document pack ([0-9]+)", "review/download"),
    "stamp": ("stamp of the joint office()", "opinion"),
    "choice": ("the choice()", "shortlist"),
    "panel": ("scores of the panel()", "panel"),
    "judged": ("panel, candidate ([0-9]+)", "panel/candidates/{}"),
    "body_recommendations": ("recommendations of ([a-z0-9-]+)", "review?body={}"),
    "notice": ("notice ([a-z0-9-]+)", "notice"),
    "objections": ("objections()", "notice"),
    "objection": ("objection ([0-9]+)", "notice"),
    "contacts": ("contacts()", "settings"),
}
"""The same of a selection."""
_DRAFT = re.compile("draft ([0-9]+)")
_DECIDED_ON: Mapping[str, str] = {
    "late_submission": "late",
    "shortlist": "shortlist",
    "draw": "shortlist",
    "contest_publication": "shortlist",
    "panel": "panel",
    "result": "result",
    "joint_office_opinion": "opinion",
    "selection_settings": "settings",
    "earlier_winners": "settings",
}
"""The page of a selection's approval requests, by their kind."""


class Subject(NamedTuple):
    """`kind` is empty for a subject that is shown as recorded; `path` is empty where no page shows
    it."""

    kind: str
    which: str
    path: str


def read_subject(about: str | None, subject: str, decided: object = None) -> Subject:
    """Return the subject that was recorded `about` a contest or a selection; `decided` is the
    entry's approval kind, if it has one, of any type."""
    if about is None:
        return Subject("", subject, "")
    if draft := _DRAFT.fullmatch(subject):
        return Subject("draft", draft[1], f"/drafts/{draft[1]}")
    approval = re.fullmatch(_PATTERNS["approval"][0], subject)
    if approval and decided == "contest_announcement":
        return Subject("approval", approval[1], "/drafts")
    if approval and isinstance(decided, str) and decided in _DECIDED_ON:
        page = _DECIDED_ON[decided]
        return Subject("approval", approval[1], f"/selections/{about}/{page}")
    for place, patterns in (("contests", _PATTERNS), ("selections", _SELECTION_PATTERNS)):
        for kind, (pattern, page) in patterns.items():
            if match := re.fullmatch(pattern, subject):
                path = f"/{place}/{about}/{page.format(match[1])}" if page else ""
                return Subject(kind, match[1], path)
    return Subject("", subject, "")
