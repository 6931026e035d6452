"""What happened in a rehearsal, as it is noted: who saw or did what when, and what failed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any, Literal

import msgspec

from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text
from voting_service.rehearsal.findings import Finding, in_words

Side = Literal["public", "platforms", "staff", "attackers"]
"""Whose point of view an entry is from."""

Echo = Callable[[str], None]
"""Prints a line on the terminal."""


class DiaryEntry(msgspec.Struct, frozen=True):
    """One thing that somebody saw or did; `name` is that of its sentence in the catalogue."""

    at: datetime
    side: Side
    name: str
    params: dict[str, Any] = {}

    def sentence(self, zone: tzinfo) -> Text:
        """Return the entry in words, with its moments in a zone."""
        return load_text("rehearsal", f"entries.{self.name}", **in_words(self.params, zone))


class Diary:
    """The entries and findings so far, each also printed as progress."""

    def __init__(self, zone: tzinfo, echo: Echo) -> None:
        self.entries: list[DiaryEntry] = []
        self.findings: list[Finding] = []
        self._zone = zone
        self._echo = echo

    def note(self, at: datetime, side: Side, name: str, /, **params: Any) -> None:
        """Note what somebody saw or did."""
        entry = DiaryEntry(at, side, name, params)
        self.entries.append(entry)
        self._print(at, entry.sentence(self._zone).en)

    def fail(self, finding: Finding) -> None:
        """Note what failed; the same failure is noted once."""
        if all((it.name, it.params) != (finding.name, finding.params) for it in self.findings):
            self.findings.append(finding)
            self._print(finding.at, f"! {finding.sentence(self._zone).en}")

    def _print(self, at: datetime, words: str) -> None:
        self._echo(f"{at.astimezone(self._zone):%m-%d %H:%M}  {words}")
