"""The entries of a log, read and sorted by what they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TypeVar

from voting_service.errors import InvalidInput
from voting_service.voting.public_log.entries import (
    AnyEntry,
    Bundle,
    CloseEntry,
    CorrectionEntry,
    Cut,
    OpenEntry,
    Openings,
    RulingEntry,
    SettingsEntry,
    Statement,
    WithdrawalEntry,
    read_entry,
)
from voting_service.voting.public_log.verification.faults import fault

T = TypeVar("T")


def read_entries(entries: Iterable[bytes]) -> list[AnyEntry]:
    """Read all entries. Raises InvalidInput with everything that is none."""
    read: list[AnyEntry] = []
    faults = []
    for place, data in enumerate(entries):
        try:
            read.append(read_entry(data))
        except InvalidInput as error:
            broken = error.faults[0]
            faults.append(
                fault("not_an_entry", place=place, zh_error=broken.zh, error=broken.message)
            )
    if faults:
        raise InvalidInput(*faults)
    return read


class LogContents:
    """What the entries of a log say. LogEntry 0 is an `open` entry."""

    def __init__(self, entries: Sequence[AnyEntry]) -> None:
        self.entries = entries

    def every(self, kind: type[T]) -> Iterator[tuple[int, T]]:
        """Yield the entries of a kind, each with its place."""
        return ((place, e) for place, e in enumerate(self.entries) if isinstance(e, kind))

    @cached_property
    def opened(self) -> OpenEntry:
        first = self.entries[0]
        assert isinstance(first, OpenEntry)
        return first

    @cached_property
    def bundles(self) -> dict[int, Bundle]:
        """The bundles by number, also those that are replaced."""
        return {bundle.bundle: bundle for _, bundle in self.every(Bundle)}

    @cached_property
    def counting(self) -> dict[int, Bundle]:
        """The bundles that no later one replaces."""
        replaced = {bundle.replaces for bundle in self.bundles.values()}
        return {number: b for number, b in self.bundles.items() if number not in replaced}

    @cached_property
    def rulings(self) -> list[RulingEntry]:
        return [ruling for _, ruling in self.every(RulingEntry)]

    @cached_property
    def close(self) -> CloseEntry | None:
        return next((entry for _, entry in self.every(CloseEntry)), None)

    @cached_property
    def openings(self) -> list[tuple[int, Openings]]:
        return list(self.every(Openings))

    @cached_property
    def cuts(self) -> list[tuple[int, Cut]]:
        return list(self.every(Cut))

    def rules_at(self, place: int) -> OpenEntry | SettingsEntry:
        """Return the entry whose `rules` are in force at a place."""
        changes = [entry for before, entry in self.every(SettingsEntry) if before < place]
        return changes[-1] if changes else self.opened

    def withdrawn_at(self, place: int) -> set[int]:
        """Return the numbers of the candidates who withdrew before a place."""
        return {entry.number for before, entry in self.every(WithdrawalEntry) if before < place}

    @cached_property
    def documents(self) -> dict[str, int]:
        """The names of all documents, each with the place of the first entry that names it."""
        names: dict[str, int] = {}
        for place, entry in enumerate(self.entries):
            match entry:
                case OpenEntry():
                    here = [entry.rules, entry.candidates]
                case SettingsEntry():
                    here = [entry.rules]
                case CorrectionEntry() | WithdrawalEntry() | Statement() | Openings() | Cut():
                    here = [entry.document]
                case _:
                    here = []
            for name in here:
                names.setdefault(name, place)
        return names
