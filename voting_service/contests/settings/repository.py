"""Stores changes of contests and platforms together with their public announcement."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec

from voting_service.contests.model import Contest
from voting_service.contests.pictures.repository import change_logo
from voting_service.contests.settings.approval_kinds import PlatformPayload
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
AnnouncedSetting = Setting | Literal["platform", "platform_keys"]


class PlatformState(msgspec.Struct, frozen=True):
    """The value of the setting `platform`."""

    slug: str
    name: Text
    enabled: bool


class PlatformKeys(msgspec.Struct, frozen=True):
    """The value of `platform_keys`: what the platform's sign-in is checked with; `sessions_ended`
    if its voters had to sign in again."""

    slug: str
    name: Text
    keys: tuple[str, ...]
    sessions_ended: bool = False


class AnnouncedChange(msgspec.Struct, frozen=True):
    """An entry of the public list. `before` and `after` have the form of `model.setting_value`; for
    a platform, of PlatformState, None before it existed, or of PlatformKeys."""

    id: int
    changed_at: datetime
    setting: AnnouncedSetting
    before: Any
    after: Any
    reason: Text
    approval_id: int | None


class SettingChange(NamedTuple):
    """A setting with its values as in AnnouncedChange."""

    setting: AnnouncedSetting
    before: Any
    after: Any


class ChangeOrigin(NamedTuple):
    """Who makes a change, when, and why; `approval_id` is the approved request, None where one
    person was enough."""

    by: str
    at: datetime
    reason: Text
    approval_id: int | None = None

    def details(self, **details: Any) -> dict[str, Any]:
        """Return the details of the change's entry in the audit log."""
        decision = {} if self.approval_id is None else {"decision": self.approval_id}
        return {**details, "reason": msgspec.to_builtins(self.reason), **decision}


async def store_changed(
    connection: AnyConnection, before: Contest, after: Contest, origin: ChangeOrigin
) -> tuple[SettingChange, ...]:
    """Store the changed contest, announce and return the change of every setting that differs.

    Raises Refused when the contest no longer has the revision of `before`.
    """
    all_values = (
        SettingChange(s, setting_value(before, s), setting_value(after, s)) for s in SETTINGS
    )
    changes = tuple(change for change in all_values if change.before != change.after)
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
            if before.logo != after.logo:
                await change_logo(connection, before.id, after.logo)
            for change in changes:
                await announce(connection, before.id, change, origin)
    return changes


async def store_platform_terms(
    connection: AnyConnection, change: PlatformPayload, end_sessions_after: timedelta | None
) -> None:
    """Store the terms of a platform, and when its sessions end. Raises Refused when it has another
    revision."""
    terms = change.after
    with domain_errors():
        changed = await connection.fetchval(
            QUERIES["change_platform"],
            change.slug,
            change.revision,
            msgspec.to_builtins(terms.name),
            terms.config,
            list(terms.origins),
            terms.daily_ceiling,
            terms.enabled,
            end_sessions_after,
            terms.person_policy,
            terms.entrance,
            msgspec.to_builtins(terms.app_name),
            msgspec.to_builtins(terms.logo),
        )
    if changed is None:
        raise Refused("contests.settings.platform_changed_since", slug=change.slug)


async def announce(
    connection: AnyConnection, contest_id: int, change: SettingChange, origin: ChangeOrigin
) -> None:
    """Add an entry to the public list of changes."""
    with domain_errors():
        await connection.execute(
            QUERIES["insert_change"],
            contest_id,
            origin.at,
            *change,
            msgspec.to_builtins(origin.reason),
            origin.approval_id,
        )


async def load_changes(connection: AnyConnection, contest_id: int) -> tuple[AnnouncedChange, ...]:
    """Load all changes, oldest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["changes"], contest_id)
    return tuple(msgspec.convert(dict(row), AnnouncedChange) for row in rows)
