"""Check 4, second part: the documents that entries name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.text import Text
from voting_service.infrastructure.crypto.canonical_json import canonical, read_strictly
from voting_service.infrastructure.transparency_log.sources import LogSource
from voting_service.voting.cut.document import ContestFacts
from voting_service.voting.public_log.entries import (
    CorrectionEntry,
    OpenEntry,
    SettingsEntry,
    WithdrawalEntry,
    written,
)
from voting_service.voting.public_log.verification.contents import LogContents
from voting_service.voting.public_log.verification.faults import fault

DOCUMENT_BYTES = 256 * 1024 * 1024
"""Ten times the openings of ten million ballots."""


class NamedPlatform(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A platform as announced."""

    name: Text
    slug: str


class RulesDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules as announced."""

    contest: dict[str, Any]
    platforms: tuple[NamedPlatform, ...]


class NamedCandidate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A candidate as announced; `profile` is the hash of the profile."""

    name: Text
    number: int
    profile: str


def document_path(name: str) -> str:
    """Return the path of a document."""
    return f"documents/{name}"


def read_document(source: LogSource, name: str) -> bytes:
    """Return a document. Raises InvalidInput if its bytes do not have the hash that names it."""
    data = source.read(document_path(name), DOCUMENT_BYTES)
    if sha256(data).hexdigest() != name:
        raise InvalidInput(fault("wrong_document", name=name))
    return data


def check_documents(log: LogContents, source: LogSource) -> Iterator[list[Fault]]:
    """Every named document is there with its hash; yield for each what is wrong."""
    names = list(log.documents)
    files = source.read_many(map(document_path, names), DOCUMENT_BYTES)
    for name, data in zip(names, files, strict=True):
        wrong = sha256(data).hexdigest() != name
        yield [fault("wrong_document", name=name)] if wrong else []


def check_announced(log: LogContents, source: LogSource) -> list[Fault]:
    """What was announced is canonical, and agrees with the entries that name it."""
    faults: list[Fault] = []
    for place, entry in enumerate(log.entries):
        try:
            match entry:
                case OpenEntry():
                    faults += _check_rules(log, place, entry, read_document(source, entry.rules))
                    faults += _check_candidates(entry, read_document(source, entry.candidates))
                case SettingsEntry():
                    faults += _check_rules(log, place, entry, read_document(source, entry.rules))
                case CorrectionEntry() | WithdrawalEntry():
                    read_canonical(read_document(source, entry.document))
                case _:
                    pass
        except (InvalidInput, msgspec.ValidationError):
            faults.append(fault("unreadable_document", place=place))
    return faults


def read_canonical(data: bytes) -> Any:
    """Return the value of canonical JSON. Raises InvalidInput for anything else."""
    value = read_strictly(data)
    if canonical(value) != data:
        raise InvalidInput(fault("not_canonical"))
    return value


def read_rules(data: bytes) -> ContestFacts:
    """Return the contest of a document of rules, as the signed result repeats it. Raises
    InvalidInput or msgspec.ValidationError."""
    document = msgspec.convert(read_canonical(data), RulesDocument)
    return msgspec.convert(document.contest, ContestFacts)


def _check_rules(
    log: LogContents, place: int, entry: OpenEntry | SettingsEntry, data: bytes
) -> list[Fault]:
    """The document agrees with the entry, and what the count depends on changes before the opening
    only."""
    rules, before = read_rules(data), log.rules_at(place)
    sizes = (entry.max_choices, entry.cut_size)
    if sizes != (before.max_choices, before.cut_size) and entry.at >= before.opens_at:
        return [fault("other_rules", name=entry.rules)]
    stated = (log.opened.contest, *sizes, entry.opens_at, entry.closes_at)
    announced = (
        rules.slug,
        rules.ballot.max_choices,
        rules.cut.size,
        _whole_seconds(rules.opens_at),
        _whole_seconds(rules.closes_at),
    )
    return [] if announced == stated else [fault("other_rules", name=entry.rules)]


def _whole_seconds(moment: str) -> str:
    """Return a moment of the rules as entries state it. Raises InvalidInput."""
    try:
        return written(datetime.fromisoformat(moment))
    except ValueError:
        raise InvalidInput(fault("not_canonical")) from None


def _check_candidates(entry: OpenEntry, data: bytes) -> list[Fault]:
    candidates = msgspec.convert(read_canonical(data), tuple[NamedCandidate, ...])
    numbers = tuple(candidate.number for candidate in candidates)
    return [] if numbers == entry.numbers else [fault("other_candidates")]
