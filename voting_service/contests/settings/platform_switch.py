"""Switch platforms off and on.

One person can switch a platform off at once, as attacks happen at night. Switching it on takes two
people while any contest is announced or open. Both are announced on the rules page of every contest
that is not closed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from voting_service.contests.model import Contest, Platform
from voting_service.contests.repository import load_contests, load_platforms
from voting_service.contests.settings.approval_kinds import SETTINGS
from voting_service.contests.settings.model import people_needed
from voting_service.contests.settings.proposal import change_payload, check_reason
from voting_service.contests.settings.repository import (
    ChangeOrigin,
    PlatformState,
    SettingChange,
    announce,
    store_switched,
)
from voting_service.errors import NotFound, Refused
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.accounts.model import require_role
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.model import DECIDERS
from voting_service.staff.approvals.repository import load_contest_approvals
from voting_service.staff.approvals.service import propose
from voting_service.staff.audit_log.record import record

PLATFORM: Final = "platform"


async def switch_platform_off(
    connection: AnyConnection, slug: str, *, by: str, reason: Text, now: datetime
) -> None:
    """Stop sign-in through a platform; ballots already cast stay.

    Raises NotFound, or Refused when it is already off.
    """
    check_reason(reason)
    with domain_errors():
        async with connection.transaction():
            await carry_out_switch(connection, slug, ChangeOrigin(by, now, reason), enabled=False)


async def switch_platform_on(
    connection: AnyConnection, slug: str, *, by: str, reason: Text, now: datetime
) -> None:
    """Switch a platform on with one person, while no contest is announced or open.

    Raises NotFound, or Refused when it is on or takes two people.
    """
    check_reason(reason)
    running = await contests_that_need_two(connection, now)
    if running:
        raise Refused("contests.settings.platform_on_needs_two_people", slug=running[0].slug)
    with domain_errors():
        async with connection.transaction():
            await carry_out_switch(connection, slug, ChangeOrigin(by, now, reason), enabled=True)


async def contests_that_need_two(connection: AnyConnection, now: datetime) -> tuple[Contest, ...]:
    """Load the contests whose rules are announced and that are not closed."""
    return tuple(
        contest
        for contest in await load_contests(connection)
        if contest.phase(now) != "closed" and people_needed(contest, now) == 2
    )


async def propose_platform_on(actor: Actor, contest: Contest, slug: str, *, reason: Text) -> int:
    """Propose to switch a platform on; return the request's id. `service.approve_change` carries it
    out. Raises NotFound, Refused."""
    require_role(actor.account, *DECIDERS)
    check_reason(reason)
    platform = await _platform(actor.connection, slug)
    if platform.enabled:
        raise Refused("contests.settings.platform_already_on", slug=slug)
    payload = change_payload(_switch(platform, enabled=True), platform.revision, reason)
    return await propose(actor, contest, kind=SETTINGS, subject=_subject(platform), payload=payload)


async def find_waiting_switch(connection: AnyConnection, contest: Contest, slug: str) -> int | None:
    """Return the id of the pending request to switch the platform on; None without one."""
    platform = await _platform(connection, slug)
    for decision in await load_contest_approvals(connection, contest.id):
        if decision.state == "waiting" and decision.subject == _subject(platform):
            return decision.id
    return None


def _subject(platform: Platform) -> str:
    return f"{PLATFORM} {platform.slug}/{platform.revision}"


async def announce_new_platform(
    connection: AnyConnection, slug: str, *, by: str, reason: Text, now: datetime
) -> None:
    """Record and announce a platform that was just added; call it in that transaction."""
    platform = await _platform(connection, slug)
    added = SettingChange(PLATFORM, None, _state(platform, enabled=True))
    await _announce(connection, added, ChangeOrigin(by, now, reason))
    await record(connection, by, "platform_added", subject=slug, details={"kind": platform.kind})


async def carry_out_switch(
    connection: AnyConnection,
    slug: str,
    origin: ChangeOrigin,
    *,
    enabled: bool,
    revision: int | None = None,
) -> None:
    """Switch a platform, announce and record it; call it in a transaction.

    Raises NotFound, or Refused when nothing would change or the platform has another revision.
    """
    platform = await _platform(connection, slug)
    if platform.enabled == enabled:
        raise Refused(
            "contests.settings.platform_already_on"
            if enabled
            else "contests.settings.platform_already_off",
            slug=slug,
        )
    await store_switched(
        connection, platform, enabled=enabled, revision=revision or platform.revision
    )
    await _announce(connection, _switch(platform, enabled=enabled), origin)
    await record(
        connection,
        origin.by,
        "platform_switched",
        subject=slug,
        details=origin.details(enabled=enabled),
    )


async def _announce(connection: AnyConnection, change: SettingChange, origin: ChangeOrigin) -> None:
    for contest in await load_contests(connection):
        if contest.phase(origin.at) != "closed":
            await announce(connection, contest.id, change, origin)


async def _platform(connection: AnyConnection, slug: str) -> Platform:
    for platform in await load_platforms(connection):
        if platform.slug == slug:
            return platform
    raise NotFound("contests.settings.no_such_platform", slug=slug)


def _switch(platform: Platform, *, enabled: bool) -> SettingChange:
    return SettingChange(
        PLATFORM, _state(platform, enabled=not enabled), _state(platform, enabled=enabled)
    )


def _state(platform: Platform, *, enabled: bool) -> dict[str, Any]:
    state: dict[str, Any] = msgspec.to_builtins(
        PlatformState(platform.slug, platform.name, enabled)
    )
    return state
