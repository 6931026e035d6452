"""The published result in Postgres, its publicity, certificates and albums: what the public site
reads and the nomination site writes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from voting_service.errors import Refused
from voting_service.i18n.text import Language, Text
from voting_service.infrastructure.crypto.signed_document import read_signed_file
from voting_service.infrastructure.postgres.constraint_errors import register_constraint_errors
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.nomination.awards.certificate_numbers import format_serial_number, serial_place
from voting_service.nomination.awards.constraints import CONSTRAINTS

QUERIES = Queries(__package__, "published_result.sql")
register_constraint_errors(CONSTRAINTS)

FORMAT = "voting-service/result/1"
Award = Literal["winner", "nominee"]
CODE_BYTES = 16


class ResultValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the signed document; field names are the names in the JSON."""


class PublishedAward(ResultValue, frozen=True):
    """One winner or nominee, as in the vote."""

    number: int
    name: Text
    trade: Text
    district: Text


class PublishedCriterion(ResultValue, frozen=True):
    """A criterion of the panel."""

    name: Text
    weight: int
    max_points: int


class PanelSummary(ResultValue, frozen=True):
    """How the panel decided: `method` and `trim` as in nomination/panel/aggregation.py; the number
    of `experts` who submitted scores."""

    criteria: tuple[PublishedCriterion, ...]
    method: str
    trim: int
    experts: int


class Removal(ResultValue, frozen=True):
    """People removed after an earlier version: an objection was upheld, or they withdrew."""

    numbers: tuple[int, ...]
    reason: Text


class ResultDocument(ResultValue, frozen=True, omit_defaults=True):
    """Winners and nominees by number, in no order of merit. `cut_sha256` is of the signed cut that
    the panel started from; `award` and `year` name what they receive."""

    format: str
    version: int
    contest: str
    title: Text
    cut_sha256: str
    panel: PanelSummary
    winners: tuple[PublishedAward, ...]
    nominees: tuple[PublishedAward, ...]
    objections_until: str
    left_out: tuple[Removal, ...] = ()
    award: Text | None = None
    year: int = 0

    def builtins(self) -> dict[str, Any]:
        """Return the document as its JSON is read."""
        value: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return value

    def find_award(self, number: int) -> Award | None:
        """Return the award of a number; None for anybody else."""
        if any(person.number == number for person in self.winners):
            return "winner"
        return "nominee" if any(person.number == number for person in self.nominees) else None

    @property
    def objections_end(self) -> datetime:
        """When objections to this version end."""
        return datetime.fromisoformat(self.objections_until)

    @property
    def awarded(self) -> tuple[PublishedAward, ...]:
        """Winners, then nominees."""
        return (*self.winners, *self.nominees)


class Result(msgspec.Struct, frozen=True):
    """A stored version: the signed file, and when it becomes public."""

    version: int
    document: bytes
    published_at: datetime
    visible_at: datetime

    def read(self) -> ResultDocument:
        """Return the document of the signed file."""
        return msgspec.convert(read_signed_file(self.document).document, ResultDocument)


class Publicity(msgspec.Struct, frozen=True):
    """Texts about one person, empty before they are written. The portrait is the contest's."""

    number: int
    story: Text = Text("", "")
    quotation: Text = Text("", "")
    video_url: str | None = None
    revision: int = 0


class PublishedCertificate(msgspec.Struct, frozen=True):
    """One certificate. `code` cannot be guessed; it is in the QR code."""

    contest_id: int
    serial: str
    number: int
    award: Award
    code: bytes
    issued_at: datetime

    @property
    def path(self) -> str:
        """The address path at which it is verified."""
        return f"/certificates/{self.serial}?code={self.code.hex()}"


# The result


class NewResult(msgspec.Struct, frozen=True, kw_only=True):
    """A version to store, with its approval; `visible_from` None for at once."""

    version: int
    document: bytes
    approval_id: int
    published_at: datetime
    visible_from: datetime | None
    objections_until: datetime


async def insert_result(connection: AnyConnection, contest_id: int, result: NewResult) -> None:
    """Store a version in the transaction of its approval. Raises SecondPersonRequired unless it is
    what two people approved."""
    with domain_errors():
        await connection.execute(
            QUERIES["insert_result"],
            contest_id,
            result.version,
            result.document,
            result.approval_id,
            result.published_at,
            result.visible_from,
            result.objections_until,
        )


async def load_results(connection: AnyConnection, contest_id: int) -> tuple[Result, ...]:
    """Load every version, oldest first, whether or not it is public yet."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["results"], contest_id)
    return tuple(msgspec.convert(dict(row), Result) for row in rows)


async def shown_result(connection: AnyConnection, contest_id: int, now: datetime) -> Result | None:
    """Load the version that is public at `now`; None before the announcement."""
    results = await load_results(connection, contest_id)
    public = [result for result in results if result.visible_at <= now]
    return public[-1] if public else None


# Publicity


async def load_publicity(connection: AnyConnection, contest_id: int) -> Mapping[int, Publicity]:
    """Load the publicity by number, where anything was written."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["publicity"], contest_id)
    return {row["number"]: msgspec.convert(dict(row), Publicity) for row in rows}


async def save_publicity(
    connection: AnyConnection,
    contest_id: int,
    publicity: Publicity,
    account_id: int,
    now: datetime,
) -> None:
    """Store the publicity of a person. Raises Refused when somebody else saved since
    `publicity.revision` was loaded."""
    with domain_errors():
        saved = await connection.fetchval(
            QUERIES["save_publicity"],
            contest_id,
            publicity.number,
            msgspec.to_builtins(publicity.story),
            msgspec.to_builtins(publicity.quotation),
            publicity.video_url,
            account_id,
            now,
            publicity.revision,
        )
    if saved is None:
        raise Refused("nomination.awards.publicity_changed_elsewhere")


class PrintPortrait(msgspec.Struct, frozen=True, kw_only=True):
    """A JPEG at print resolution, and who uploaded it when."""

    number: int
    content: bytes
    account_id: int
    saved_at: datetime


async def save_print_portrait(
    connection: AnyConnection, contest_id: int, portrait: PrintPortrait
) -> None:
    """Store a portrait for print in place of an earlier one."""
    with domain_errors():
        await connection.execute(
            QUERIES["save_portrait"],
            contest_id,
            portrait.number,
            portrait.content,
            portrait.account_id,
            portrait.saved_at,
        )


async def load_print_portrait(
    connection: AnyConnection, contest_id: int, number: int
) -> bytes | None:
    """Load a portrait for print; None when none was uploaded."""
    with domain_errors():
        content: bytes | None = await connection.fetchval(QUERIES["portrait"], contest_id, number)
    return content


# Certificates


async def load_certificates(
    connection: AnyConnection, contest_id: int
) -> tuple[PublishedCertificate, ...]:
    """Load every certificate by serial number."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["certificates"], contest_id)
    return tuple(msgspec.convert(dict(row), PublishedCertificate) for row in rows)


async def number_certificates(
    connection: AnyConnection,
    contest_id: int,
    awarded: Iterable[tuple[int, Award]],
    year: int,
    now: datetime,
) -> tuple[PublishedCertificate, ...]:
    """Store a certificate with serial number and code for everybody who has none for their award;
    returns the new ones. Call it in a transaction. Raises Refused for anybody no result names."""
    issued = await load_certificates(connection, contest_id)
    taken = {(certificate.number, certificate.award) for certificate in issued}
    last = max((serial_place(certificate.serial) for certificate in issued), default=0)
    new = []
    for number, award in awarded:
        if (number, award) in taken:
            continue
        last += 1
        serial, code = format_serial_number(year, last), os.urandom(CODE_BYTES)
        with domain_errors():
            await connection.execute(
                QUERIES["insert_certificate"], contest_id, serial, number, award, code, now
            )
        new.append(PublishedCertificate(contest_id, serial, number, award, code, now))
    return tuple(new)


async def find_certificate(
    connection: AnyConnection, serial: str, code: str
) -> PublishedCertificate | None:
    """Load the certificate with this serial number and code, or None. The code is looked up, never
    compared byte by byte, so that the response time reveals nothing about it."""
    try:
        raw = bytes.fromhex(code)
    except ValueError:
        return None
    if len(raw) != CODE_BYTES or len(code) != 2 * CODE_BYTES:
        return None
    with domain_errors():
        row = await connection.fetchrow(QUERIES["find_certificate"], raw)
    if row is None or row["serial"] != serial:
        return None
    return msgspec.convert(dict(row), PublishedCertificate)


# The album


class PublishedAlbum(msgspec.Struct, frozen=True, kw_only=True):
    """An album for the web of one `version` of the result."""

    language: Language
    version: int
    content: bytes
    shown_from: datetime


async def save_album(connection: AnyConnection, contest_id: int, album: PublishedAlbum) -> None:
    """Publish an album in place of an earlier one. It is public as long as its version of the
    result is."""
    with domain_errors():
        await connection.execute(
            QUERIES["save_album"],
            contest_id,
            album.language,
            album.version,
            album.content,
            album.shown_from,
        )


async def load_album(
    connection: AnyConnection, contest_id: int, language: Language, version: int
) -> bytes | None:
    """Load the album of a version of the result; None when there is none."""
    with domain_errors():
        content: bytes | None = await connection.fetchval(
            QUERIES["album"], contest_id, language, version
        )
    return content


async def album_since(
    connection: AnyConnection, contest_id: int, language: Language, version: int
) -> datetime | None:
    """Load since when the album is the one that `load_album` returns; None when there is none."""
    with domain_errors():
        since: datetime | None = await connection.fetchval(
            QUERIES["album_since"], contest_id, language, version
        )
    return since


async def album_languages(
    connection: AnyConnection, contest_id: int, version: int
) -> frozenset[str]:
    """Load the languages that have an album of this version of the result."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["albums"], contest_id, version)
    return frozenset(row["language"] for row in rows)
