"""The entries of a contest's log. No I/O.

An entry is canonical JSON (RFC 8785); its bytes are the leaf of the tree. Moments are in UTC with
whole seconds. Roots and commitments are in base64, as in checkpoints; a document is named by its
SHA-256 in hexadecimal, under which it is the public file `documents/HASH`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import msgspec

from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.crypto.canonical_json import canonical, read_strictly


class LogEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """What all entries have: when the sequencer wrote it."""

    at: str

    @property
    def data(self) -> bytes:
        """The bytes that are hashed."""
        return canonical(msgspec.to_builtins(self))


class OpenEntry(LogEntry, frozen=True, tag="open"):
    """The first entry: the contest as announced, the log's verifier key and its witnesses'.

    `rules` and `candidates` are documents.
    """

    contest: str
    rules: str
    candidates: str
    numbers: tuple[int, ...]
    max_choices: int
    cut_size: int
    opens_at: str
    closes_at: str
    key: str
    witnesses: tuple[str, ...]
    format: Literal["voting-log/1"] = "voting-log/1"


class Bundle(LogEntry, frozen=True, tag="ballots"):
    """Ballots in the order in which they were stored. `held` of them were held when they were cast.

    `tags` is the root of the tree over the sorted tags in the file `bundles/NUMBER`, `commitment`
    is to the votes of each candidate, and to each ballot for auditors (commitments.py). With
    `replaces` it holds all ballots of that bundle too, whose commitment is never opened.
    """

    bundle: int
    ballots: int
    held: int
    tags: str
    commitment: str
    replaces: int | msgspec.UnsetType = msgspec.UNSET


class RulingEntry(LogEntry, frozen=True, tag="ruling"):
    """Two people ruled on ballots. `released` of them were waiting for a ruling, and the number of
    void ballots changed by `voided`. `commitment` is to the void votes of each candidate after this
    ruling."""

    ruling: int
    verdict: Literal["void", "count"]
    hold_kind: str
    reason: str
    ballots: int
    released: int
    voided: int
    commitment: str


class CorrectionEntry(LogEntry, frozen=True, tag="correction"):
    """A profile was corrected; `document` is what was announced of it."""

    number: int
    document: str


class WithdrawalEntry(LogEntry, frozen=True, tag="withdrawal"):
    """A candidate withdrew; `document` is what was announced of it."""

    number: int
    document: str


class SettingsEntry(LogEntry, frozen=True, tag="settings"):
    """The rules, the window or the platforms changed; `rules` is the document as it is now. The
    numbers of names on a ballot and of those who advance change before the opening only."""

    rules: str
    opens_at: str
    closes_at: str
    max_choices: int
    cut_size: int


class Statement(LogEntry, frozen=True, tag="statement"):
    """What a platform signed about a local day: how many people it signed in. `stored` are its
    ballots that count for that day when the entry is written; `document` is the signed JWT."""

    platform: str
    day: str
    signed_in: int
    stored: int
    document: str


class CloseEntry(LogEntry, frozen=True, tag="close"):
    """Voting closed and every ballot is in a bundle before this entry."""

    closes_at: str
    bundles: int
    ballots: int
    held: int


class Openings(LogEntry, frozen=True, tag="openings"):
    """The counts and salts of all bundles that are not replaced, and of the newest of the
    rulings."""

    document: str
    rulings: int


class Cut(LogEntry, frozen=True, tag="cut"):
    """A version of the signed result; `document` is its file."""

    version: int
    document: str


AnyEntry = (
    OpenEntry
    | Bundle
    | RulingEntry
    | CorrectionEntry
    | WithdrawalEntry
    | SettingsEntry
    | Statement
    | CloseEntry
    | Openings
    | Cut
)


def read_entry(data: bytes) -> AnyEntry:
    """Read an entry. Raises InvalidInput for anything but the canonical form of one."""
    try:
        entry: AnyEntry = msgspec.convert(read_strictly(data), AnyEntry)
    except msgspec.ValidationError as error:
        raise InvalidInput(Fault("entry", "voting.public_log.not_an_entry", error=error)) from None
    if entry.data != data:
        raise InvalidInput(Fault("entry", "voting.public_log.not_canonical"))
    return entry


def written(moment: datetime) -> str:
    """Return a moment as entries state it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
