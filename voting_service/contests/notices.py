"""Public notices (公示): what is announced about a selection, for anybody to object to.

Whoever gives one hands in the whole of it, and the citizens' face shows it from `visible_from` on.
A notice is never changed: what is to be different is a newer version, and the older ones stay
readable.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from voting_service.contests.model import Text
from voting_service.errors import Fault, InvalidInput, NotFound
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__, "notices.sql")

NoticeKind = Literal["draw", "fifty", "result"]


class NoticeRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One person. `number` is the one of the vote; `award` is said of a result; `ticket` is what
    the draw orders by."""

    number: int | None = None
    name: str
    trade: str
    employer: str
    body: Text
    award: Text | None = None
    ticket: str | None = None


class Draw(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How numbers are drawn (contests/lots.py): by what `source` gives at `known_at`; `seed` is
    what it gave, None before. `matter` stands in every hash. Each of `tickets` is somebody's, the
    SHA-256 of the form on their receipt; once drawn, in the order of the numbers."""

    source: Text
    known_at: datetime
    matter: str
    seed: str | None = None
    tickets: tuple[str, ...] = ()


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What everybody reads. Objections are taken until `objections_until`; None: there is nothing
    to object to. `how_to_object` says where they are sent."""

    slug: str
    kind: NoticeKind
    title: Text
    rows: tuple[NoticeRow, ...]
    visible_from: datetime
    text: Text | None = None
    objections_until: datetime | None = None
    how_to_object: Text | None = None
    draw: Draw | None = None
    time_zone: str = "Asia/Shanghai"

    @property
    def zone(self) -> tzinfo:
        return ZoneInfo(self.time_zone)


class PublishedNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A notice as stored; `versions` are all that are shown."""

    notice: Notice
    version: int
    published_at: datetime
    versions: tuple[int, ...]


async def publish_notice(
    connection: AnyConnection, notice: Notice, keys: Iterable[int] = ()
) -> int:
    """Hands a notice in, as the next version under its slug; returns the version. `keys` are what
    its giver knows the rows by; they are never shown. Raises InvalidInput."""
    until = notice.objections_until
    if until is not None and until <= notice.visible_from:
        raise InvalidInput(
            Fault("objections_until", "must be after visible_from", "须晚于公示开始时间。")
        )
    with domain_errors():
        version: int = await connection.fetchval(
            QUERIES["insert_notice"],
            notice.slug,
            msgspec.to_builtins(notice),
            list(keys),
            notice.visible_from,
            until,
        )
    return version


async def load_notice(
    connection: AnyConnection, slug: str, now: datetime, version: int | None = None
) -> PublishedNotice:
    """The newest version that is visible at `now`, or the one asked for. Raises NotFound."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["notice_versions"], slug, now)
    for row in reversed(rows):
        if version in (None, row["version"]):
            return PublishedNotice(
                notice=msgspec.convert(row["content"], Notice),
                version=row["version"],
                published_at=row["published_at"],
                versions=tuple(each["version"] for each in rows),
            )
    raise NotFound(f"there is no notice {slug!r}", zh="没有这份公示。")


async def load_notices(connection: AnyConnection, now: datetime) -> tuple[Notice, ...]:
    """The newest version of each that is visible, the latest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["notices"], now)
    return tuple(msgspec.convert(row["content"], Notice) for row in rows)
