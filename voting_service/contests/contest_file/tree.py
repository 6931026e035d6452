"""A parsed contest file in which some values are faulty, and where each value stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voting_service.contests.candidate_list.reader import CandidateList
from voting_service.contests.contest_file import toml_lines
from voting_service.contests.contest_file.schema import DEFAULTS
from voting_service.contests.contest_file.value_check import spell_path
from voting_service.errors import Fault

_BEHIND = 1_000_000
"""The cells of a list come after the lines of the file that names it."""


class ContestFileContents:
    """The values of a contest file by path, and the faults so far.

    `lines` are those of a TOML text; empty for values that come from elsewhere. `listed` is the
    list that the candidates were read from, where they were.
    """

    def __init__(
        self,
        tree: dict[str, Any],
        lines: Mapping[toml_lines.Path, int],
        listed: CandidateList | None = None,
    ) -> None:
        self.tree = tree
        self.listed = listed
        self.faults: dict[tuple[toml_lines.Path, str], Fault] = {}
        self._lines = lines
        self._faulty: set[toml_lines.Path] = set()
        self._places: dict[Fault, tuple[int, int]] = {}

    def fault(self, path: toml_lines.Path, name: str, /, **params: Any) -> None:
        """Add a fault by the last part of its code."""
        self.add(path, Fault("", f"contests.contest_file.{name}", **params))

    def add(self, path: toml_lines.Path, fault: Fault) -> None:
        """Add a fault at a value, which is not used any further; what the list itself has is not
        listed twice."""
        if self.listed is not None and path[0] == "candidates" and self.listed.has_fault(path):
            self._faulty.add(path)
            return
        placed = fault.at(self.name(path))
        self._places[placed] = (self._line(path), len(self._places))
        self.faults[path, placed.message] = placed
        self._faulty.add(path)

    def place(self, fault: Fault) -> tuple[int, int]:
        """Return the sort key that puts faults in the order of the file."""
        return self._places[fault]

    def name(self, path: toml_lines.Path) -> str:
        """Return `candidates[3].number (line 212)`; a missing key has the line of its table, a
        value of a list its cell, `C5 (heading)`."""
        if self.listed is not None and path[0] == "candidates" and len(path) > 1:
            return str(self.listed.cell(path))
        line = self._line(path)
        return f"{spell_path(path)} (line {line})" if line else spell_path(path)

    def _line(self, path: toml_lines.Path) -> int:
        if self.listed is not None and path[0] == "candidates" and len(path) > 1:
            return _BEHIND + self.listed.cell(path).row
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 0)

    def get(self, *path: str | int) -> Any:
        """Return the value at `path` or its default; None if it is missing or faulty."""
        if any(path[:depth] in self._faulty for depth in range(1, len(path) + 1)):
            return None
        value: Any = self.tree
        for part in path:
            if isinstance(value, dict) and part not in value:
                return DEFAULTS.get(".".join(map(str, path)))
            value = value[part]
        return value

    def is_given(self, *path: str | int) -> bool:
        """Return whether the key is given, whatever its value."""
        value: Any = self.tree
        for part in path:
            if not isinstance(value, dict) or part not in value:
                return False
            value = value[part]
        return True

    def candidates(self) -> list[Any]:
        """Return every entry, faulty or not; empty when there is no list."""
        entries = self.tree.get("candidates")
        return entries if isinstance(entries, list) else []
