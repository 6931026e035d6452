"""The documents that entries name: canonical JSON of what was announced. No I/O."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from voting_service.contests.candidate_changes.public_changes import public_changes
from voting_service.contests.model import Contest, Platform
from voting_service.infrastructure.crypto.canonical_json import canonical, digest
from voting_service.voting.cut.document import contest_facts
from voting_service.voting.public_log.secrets import LogSecrets


class Document(NamedTuple):
    """The bytes of a document."""

    content: bytes

    @property
    def hash(self) -> str:
        """Its name: the SHA-256 in hexadecimal."""
        return sha256(self.content).hexdigest()


def _document(value: Any) -> Document:
    return Document(canonical(_plain(value)))


def _plain(value: Any) -> Any:
    """Return a value as it is read from JSON."""
    return msgspec.json.decode(msgspec.json.encode(value))


def rules_document(contest: Contest, platforms: Iterable[Platform]) -> Document:
    """Return what the contest is and through which platforms citizens vote."""
    named = [
        {"slug": platform.slug, "name": platform.name}
        for platform in sorted(platforms, key=lambda platform: platform.slug)
        if platform.enabled
    ]
    return _document({"contest": contest_facts(contest), "platforms": named})


def candidates_document(contest: Contest) -> Document:
    """Return the candidates by number, each with the hash of the profile."""
    return _document(
        [
            {"number": c.number, "name": c.name, "profile": digest(_plain(c))}
            for c in sorted(contest.candidates, key=lambda candidate: candidate.number)
        ]
    )


class LogChange(NamedTuple):
    """A correction or a withdrawal of a candidate; `source` names it in the log."""

    source: str
    number: int
    document: Document


def announced_changes(contest: Contest) -> tuple[LogChange, ...]:
    """Return what was announced of the candidates since they were published, oldest first."""
    changes = public_changes(contest)
    turns: dict[int, int] = {}
    dated: list[tuple[datetime, str, int, Any]] = []
    for correction in changes.corrections:
        turns[correction.number] = turn = turns.get(correction.number, 0) + 1
        source = f"correction {correction.number}/{turn}"
        dated.append((correction.corrected_at, source, correction.number, correction))
    for withdrawal in changes.withdrawals:
        source = f"withdrawal {withdrawal.number}"
        dated.append((withdrawal.withdrawn_at, source, withdrawal.number, withdrawal))
    dated.sort(key=lambda change: change[:2])
    return tuple(LogChange(source, number, _document(value)) for _, source, number, value in dated)


class CommittedValue(NamedTuple):
    """What a bundle or a ruling committed to, in canonical form."""

    number: int
    value: bytes


def openings_document(
    secrets: LogSecrets, bundles: Sequence[CommittedValue], ruling: CommittedValue | None
) -> Document:
    """Return the salts and values of the bundles that count and of a ruling.

    The values are put together as they are, because they are canonical and may be thousands.
    """
    opened = ",".join(
        f'{{"bundle":{number},"salt":"{_base64(secrets.bundle_salt(number))}",'
        f'"value":{value.decode()}}}'
        for number, value in bundles
    )
    last = ""
    if ruling is not None:
        salt = _base64(secrets.ruling_salt(ruling.number))
        last = (
            f',"ruling":{{"ruling":{ruling.number},"salt":"{salt}",'
            f'"value":{ruling.value.decode()}}}'
        )
    return Document(f'{{"bundles":[{opened}]{last}}}'.encode())


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
