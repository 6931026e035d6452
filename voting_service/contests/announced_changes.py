"""Changes of a contest in Postgres: carried out and, in the same breath, announced for ever."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from voting_service.contests.changes import SETTINGS, Setting, value_of
from voting_service.contests.model import Contest, Platform, Text
from voting_service.errors import Refused
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__, "changes.sql")


class PlatformState(msgspec.Struct, frozen=True):
    """What a change of the setting `platform` is about."""

    slug: str
    name: Text
    enabled: bool


class AnnouncedChange(msgspec.Struct, frozen=True):
    """A line of the public list. `before` and `after` are what `changes.value_of` gives, for a
    platform a PlatformState, None before there was one."""

    id: int
    changed_at: datetime
    setting: Setting | Literal["platform"]
    before: Any
    after: Any
    reason: Text
    decision_id: int | None


async def store_changed(
    connection: AnyConnection,
    before: Contest,
    after: Contest,
    *,
    reason: Text,
    now: datetime,
    decision_id: int | None = None,
) -> tuple[Setting, ...]:
    """Stores the changed contest and announces every setting that differs; which those were.

    Raises Refused when the contest has another revision than `before` by now.
    """
    settings = tuple(s for s in SETTINGS if value_of(before, s) != value_of(after, s))
    with domain_errors():
        async with connection.transaction():
            revision = await connection.fetchval(
                QUERIES["update_contest"],
                before.id,
                before.revision,
                msgspec.to_builtins(after.rules),
                after.opens_at,
                after.closes_at,
            )
            if revision is None:
                raise Refused(
                    f"{before.slug} was changed meanwhile; look at its settings again, "
                    "and propose the change anew if it is still right",
                    zh="设置刚刚有变化。请重新查看；如仍有必要，请重新提议。",
                )
            for setting in settings:
                await announce(
                    connection,
                    before.id,
                    setting,
                    before=value_of(before, setting),
                    after=value_of(after, setting),
                    reason=reason,
                    now=now,
                    decision_id=decision_id,
                )
    return settings


async def store_switched(
    connection: AnyConnection, platform: Platform, *, enabled: bool, revision: int
) -> None:
    """Switches a platform. Raises Refused when it has another revision by now."""
    with domain_errors():
        switched = await connection.fetchval(
            QUERIES["switch_platform"], platform.id, revision, enabled
        )
    if switched is None:
        raise Refused(
            f"{platform.slug} was changed meanwhile; look at it again, and propose the switch "
            "anew if it is still right",
            zh=f"平台 {platform.slug} 刚刚有变化。请重新查看；如仍有必要，请重新提议。",
        )


async def announce(
    connection: AnyConnection,
    contest_id: int,
    setting: Setting | Literal["platform"],
    *,
    before: Any,
    after: Any,
    reason: Text,
    now: datetime,
    decision_id: int | None = None,
) -> None:
    """Adds a line to the public list of changes."""
    with domain_errors():
        await connection.execute(
            QUERIES["insert_change"],
            contest_id,
            now,
            setting,
            before,
            after,
            msgspec.to_builtins(reason),
            decision_id,
        )


async def load_changes(connection: AnyConnection, contest_id: int) -> tuple[AnnouncedChange, ...]:
    """Oldest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["changes"], contest_id)
    return tuple(msgspec.convert(dict(row), AnnouncedChange) for row in rows)
