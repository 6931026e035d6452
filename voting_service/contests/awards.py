"""Who was chosen in the end, for citizens: the published result, what is told of each person, and
the certificates that anybody can verify."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from voting_service.contests.model import Language, Text
from voting_service.errors import Refused
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries
from voting_service.storage.signed_file import read_signed_file

QUERIES = Queries(__package__, "awards.sql")

FORMAT = "voting-service/result/1"
Award = Literal["winner", "nominee"]
CODE_BYTES = 16


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the document; names of fields are names in the JSON."""


class Awarded(Value, frozen=True):
    """One person, as in the vote."""

    number: int
    name: Text
    trade: Text
    district: Text


class Weighed(Value, frozen=True):
    """A criterion by which the panel judged."""

    name: Text
    weight: int
    max_points: int


class Panel(Value, frozen=True):
    """How it was decided: `method` and `trim` as of office/panel/aggregation.py; `experts` handed
    in scores."""

    criteria: tuple[Weighed, ...]
    method: str
    trim: int
    experts: int


class LeftOut(Value, frozen=True):
    """Whom an upheld objection, or their own wish, took out after an earlier version."""

    numbers: tuple[int, ...]
    reason: Text


class ResultDocument(Value, frozen=True, omit_defaults=True):
    """Winners and nominees by number: within an award nobody stands before another. `cut_sha256`
    is of the signed file that the panel began with."""

    format: str
    version: int
    contest: str
    title: Text
    cut_sha256: str
    panel: Panel
    winners: tuple[Awarded, ...]
    nominees: tuple[Awarded, ...]
    objections_until: str
    left_out: tuple[LeftOut, ...] = ()

    def builtins(self) -> dict[str, Any]:
        """As a reader of the JSON gets it."""
        value: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return value

    def award_of(self, number: int) -> Award | None:
        """What somebody was chosen for; None for others."""
        if any(one.number == number for one in self.winners):
            return "winner"
        return "nominee" if any(one.number == number for one in self.nominees) else None

    @property
    def awarded(self) -> tuple[Awarded, ...]:
        """Winners, then nominees."""
        return (*self.winners, *self.nominees)


class Result(msgspec.Struct, frozen=True):
    """A version as stored: the signed file, and from when on citizens see it."""

    version: int
    document: bytes
    published_at: datetime
    visible_at: datetime

    def read(self) -> ResultDocument:
        return msgspec.convert(read_signed_file(self.document).document, ResultDocument)


class Publicity(msgspec.Struct, frozen=True):
    """What is told of a person; the portrait is the contest's. Empty texts: nothing yet."""

    number: int
    story: Text = Text("", "")
    quotation: Text = Text("", "")
    video_url: str | None = None
    revision: int = 0


class Certificate(msgspec.Struct, frozen=True):
    """One paper. `code` cannot be guessed and stands in its QR code."""

    contest_id: int
    serial: str
    number: int
    award: Award
    code: bytes
    issued_at: datetime

    @property
    def path(self) -> str:
        """Where it is verified, below the public address."""
        return f"/certificates/{self.serial}?code={self.code.hex()}"


# The result


async def publish_result(
    connection: AnyConnection,
    contest_id: int,
    *,
    version: int,
    document: bytes,
    decision_id: int,
    now: datetime,
    visible_from: datetime | None,
) -> None:
    """In the transaction of the approval. Raises SecondPersonRequired for anything else than two
    people approved."""
    with domain_errors():
        await connection.execute(
            QUERIES["insert_result"], contest_id, version, document, decision_id, now, visible_from
        )


async def load_results(connection: AnyConnection, contest_id: int) -> tuple[Result, ...]:
    """Every version, oldest first, shown already or not."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["results"], contest_id)
    return tuple(msgspec.convert(dict(row), Result) for row in rows)


async def shown_result(connection: AnyConnection, contest_id: int, now: datetime) -> Result | None:
    """What citizens see at `now`; None before the announcement."""
    shown = [one for one in await load_results(connection, contest_id) if one.visible_at <= now]
    return shown[-1] if shown else None


# Publicity


async def load_publicity(connection: AnyConnection, contest_id: int) -> Mapping[int, Publicity]:
    """By number; nobody of whom nothing was written is in it."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["publicity"], contest_id)
    return {row["number"]: msgspec.convert(dict(row), Publicity) for row in rows}


async def save_publicity(
    connection: AnyConnection, contest_id: int, told: Publicity, account_id: int, now: datetime
) -> None:
    """`told.revision` is the one that was edited. Raises Refused when somebody else saved
    meanwhile."""
    with domain_errors():
        saved = await connection.fetchval(
            QUERIES["save_publicity"],
            contest_id,
            told.number,
            msgspec.to_builtins(told.story),
            msgspec.to_builtins(told.quotation),
            told.video_url,
            account_id,
            now,
            told.revision,
        )
    if saved is None:
        raise Refused(
            "somebody else saved this meanwhile; load the page anew and enter it again",
            zh="其他同事刚刚已保存，请刷新页面后重新填写。",
        )


async def save_print_portrait(
    connection: AnyConnection,
    contest_id: int,
    number: int,
    *,
    content: bytes,
    account_id: int,
    now: datetime,
) -> None:
    """Keeps a JPEG at the resolution of print, in place of an earlier one."""
    with domain_errors():
        await connection.execute(
            QUERIES["save_portrait"], contest_id, number, content, account_id, now
        )


async def load_print_portrait(
    connection: AnyConnection, contest_id: int, number: int
) -> bytes | None:
    """None when nobody sent one."""
    with domain_errors():
        content: bytes | None = await connection.fetchval(QUERIES["portrait"], contest_id, number)
    return content


# Certificates


async def load_certificates(connection: AnyConnection, contest_id: int) -> tuple[Certificate, ...]:
    """By serial number."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["certificates"], contest_id)
    return tuple(msgspec.convert(dict(row), Certificate) for row in rows)


async def number_certificates(
    connection: AnyConnection,
    contest_id: int,
    awarded: Iterable[tuple[int, Award]],
    year: int,
    now: datetime,
) -> tuple[Certificate, ...]:
    """Gives those a serial number and a code who have none for their award yet; returns the new
    ones. Call it in a transaction. Raises Refused for whom no result names."""
    known = await load_certificates(connection, contest_id)
    taken = {(one.number, one.award) for one in known}
    last = max((int(one.serial.rpartition("-")[2]) for one in known), default=0)
    made = []
    for number, award in awarded:
        if (number, award) in taken:
            continue
        last += 1
        serial, code = f"{year:04}-{last:03}", os.urandom(CODE_BYTES)
        with domain_errors():
            await connection.execute(
                QUERIES["insert_certificate"], contest_id, serial, number, award, code, now
            )
        made.append(Certificate(contest_id, serial, number, award, code, now))
    return tuple(made)


async def find_certificate(connection: AnyConnection, serial: str, code: str) -> Certificate | None:
    """The certificate that carries both; None for anything else. The code is looked up, and never
    compared byte by byte, so an answer's time tells nothing of it."""
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
    return msgspec.convert(dict(row), Certificate)


# The album


async def show_album(
    connection: AnyConnection,
    contest_id: int,
    language: Language,
    *,
    version: int,
    content: bytes,
    now: datetime,
) -> None:
    """Puts it online, in place of an earlier one, for as long as citizens see the `version` of
    the result that it was made from."""
    with domain_errors():
        await connection.execute(QUERIES["show_album"], contest_id, language, version, content, now)


async def load_album(
    connection: AnyConnection, contest_id: int, language: Language, version: int
) -> bytes | None:
    """The PDF of this version of the result; None when there is none."""
    with domain_errors():
        content: bytes | None = await connection.fetchval(
            QUERIES["album"], contest_id, language, version
        )
    return content


async def album_since(
    connection: AnyConnection, contest_id: int, language: Language, version: int
) -> datetime | None:
    """Since when the album is the one that `load_album` gives; None when there is none."""
    with domain_errors():
        since: datetime | None = await connection.fetchval(
            QUERIES["album_since"], contest_id, language, version
        )
    return since


async def album_languages(
    connection: AnyConnection, contest_id: int, version: int
) -> frozenset[str]:
    """In which languages there is an album of this version of the result."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["albums"], contest_id, version)
    return frozenset(row["language"] for row in rows)
