"""What a verification found, in sentences for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from voting_service.errors import Fault, Note
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text

LineKind = Literal["shown", "note", "fault"]


class ReportLine(NamedTuple):
    """A sentence: what is shown to be so, what a reader should know, or what is wrong."""

    kind: LineKind
    text: Text
    code: str


class Report:
    """The sentences of a verification, in the order of its checks."""

    def __init__(self) -> None:
        self.lines: list[ReportLine] = []

    def show(self, name: str, /, **params: Any) -> None:
        """Add what is shown: the text `public_log.verification.NAME` of the catalogue `voting`."""
        shown = load_text("voting", f"public_log.verification.{name}", **params)
        self.lines.append(ReportLine("shown", shown, name))

    def add(self, faults: Iterable[Fault]) -> bool:
        """Add faults and notes; return whether no fault is among them."""
        is_right = True
        for broken in faults:
            kind: LineKind = "note" if isinstance(broken, Note) else "fault"
            is_right &= kind == "note"
            code = broken.code.rpartition(".")[2]
            self.lines.append(ReportLine(kind, Text(zh=broken.zh, en=str(broken)), code))
        return is_right

    @property
    def faults(self) -> list[ReportLine]:
        """The sentences about what is wrong."""
        return [line for line in self.lines if line.kind == "fault"]
