"""Stores changes of contests and platforms together with their public announcement."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from voting_service.contests.model import Contest, Platform
from voting_service.contests.settings.model import (
    SETTINGS,
    Setting,
    setting_value,
)
from voting_service.errors import Refused
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors

QUERIES = Queries(__package__)


class PlatformState(msgspec.Struct, frozen=True):
    """The value of the setting `platform`."""

    slug: str
    name: Text
    enabled: bool


class AnnouncedChange(msgspec.Struct, frozen=True):
    """An entry of the public list. `before` and `after` have the form of `model.setting_value`; for
    a platform, of PlatformState, None before it existed."""

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
    """Store the changed contest, announce every setting that differs, and return those settings.

    Raises Refused when the contest no longer has the revision of `before`.
    """
    settings = tuple(s for s in SETTINGS if setting_value(before, s) != setting_value(after, s))
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
                    "contests.settings.contest_changed_since",
                    slug=before.slug,
                )
            for setting in settings:
                await announce(
                    connection,
                    before.id,
                    setting,
                    before=setting_value(before, setting),
                    after=setting_value(after, setting),
                    reason=reason,
                    now=now,
                    decision_id=decision_id,
                )
    return settings


async def store_switched(
    connection: AnyConnection, platform: Platform, *, enabled: bool, revision: int
) -> None:
    """Switch a platform. Raises Refused when it has another revision."""
    with domain_errors():
        switched = await connection.fetchval(
            QUERIES["switch_platform"], platform.id, revision, enabled
        )
    if switched is None:
        raise Refused("contests.settings.platform_changed_since", slug=platform.slug)


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
    """Add an entry to the public list of changes."""
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
    """Load all changes, oldest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["changes"], contest_id)
    return tuple(msgspec.convert(dict(row), AnnouncedChange) for row in rows)
