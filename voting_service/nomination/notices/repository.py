"""Public notices in Postgres: what is announced about a selection and open to objections.

A notice is published as a whole; the public site shows it from `visible_from` on. It is never
changed: a correction is a newer version, and older versions stay readable.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from voting_service.errors import (
    Fault,
    InvalidInput,
    NotFound,
)
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.constraint_errors import register_constraint_errors
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.nomination.notices.constraints import CONSTRAINTS

QUERIES = Queries(__package__)
register_constraint_errors(CONSTRAINTS)

BEIJING = ZoneInfo("Asia/Shanghai")

NoticeKind = Literal["draw", "shortlist", "result"]


class NoticeRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One person: `number` in the vote, `award` in a result, `ticket` in a draw."""

    number: int | None = None
    name: str
    trade: str
    employer: str
    body: Text
    award: Text | None = None
    ticket: str | None = None


class Draw(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A draw of numbers (infrastructure/crypto/public_draw.py): `seed` are the digits that
    `source` gives at `known_at`, None before; `selection` enters every hash. A ticket is the
    SHA-256 of a submitted form, as on its receipt; once drawn, tickets are in the order of the
    numbers."""

    source: Text
    known_at: datetime
    selection: str
    seed: str | None = None
    tickets: tuple[str, ...] = ()


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A notice as it is published. Objections are accepted until `objections_until`; None where
    there is nothing to object to. `how_to_object` tells where to send them."""

    slug: str
    kind: NoticeKind
    title: Text
    rows: tuple[NoticeRow, ...]
    visible_from: datetime
    text: Text | None = None
    objections_until: datetime | None = None
    how_to_object: Text | None = None
    draw: Draw | None = None
    time_zone: str = BEIJING.key

    @property
    def zone(self) -> tzinfo:
        return ZoneInfo(self.time_zone)


class PublishedNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A stored version of a notice; `versions` are all visible versions."""

    notice: Notice
    version: int
    published_at: datetime
    versions: tuple[int, ...]


async def publish_notice(
    connection: AnyConnection, notice: Notice, keys: Iterable[int] = ()
) -> int:
    """Store a notice as the next version under its slug and return the version. `keys` are the
    publisher's own keys of the rows; they are never shown. Raises InvalidInput."""
    until = notice.objections_until
    if until is not None and until <= notice.visible_from:
        raise InvalidInput(
            Fault("objections_until", "nomination.notices.objections_end_before_start")
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
    """Load the newest version that is visible at `now`, or this `version`. Raises NotFound."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["notice_versions"], slug, now)
    for row in reversed(rows):
        if version in (None, row["version"]):
            return PublishedNotice(
                notice=msgspec.convert(row["content"], Notice),
                version=row["version"],
                published_at=row["published_at"],
                versions=tuple(visible["version"] for visible in rows),
            )
    raise NotFound("nomination.notices.no_such_notice", slug=slug)


async def find_notice(
    connection: AnyConnection, slug: str, now: datetime
) -> PublishedNotice | None:
    """Load the newest version that is visible at `now`; None when there is none."""
    try:
        return await load_notice(connection, slug, now)
    except NotFound:
        return None


async def load_notices(connection: AnyConnection, now: datetime) -> tuple[Notice, ...]:
    """Load the newest visible version of every notice, newest notice first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["notices"], now)
    return tuple(msgspec.convert(row["content"], Notice) for row in rows)
