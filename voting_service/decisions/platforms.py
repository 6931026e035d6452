"""Switching a platform off and on.

Off is one person's act, at once: attacks come at night. On again takes two people while any
contest is announced or runs. Either is announced on the rules page of every contest that is not
over.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from voting_service.accounts.model import Account, require_role
from voting_service.contests.announced_changes import PlatformState, announce, store_switched
from voting_service.contests.changes import people_needed
from voting_service.contests.model import Contest, Platform, Text
from voting_service.contests.store import load_contests, load_platforms
from voting_service.decisions.model import DECIDERS
from voting_service.decisions.settings_proposal import check_reason, payload_of
from voting_service.decisions.store import load_decisions, propose
from voting_service.errors import NotFound, Refused
from voting_service.journal.record import record
from voting_service.storage.postgres import AnyConnection, domain_errors

PLATFORM: Final = "platform"


async def switch_platform_off(
    connection: AnyConnection, slug: str, *, by: str, reason: Text, now: datetime
) -> None:
    """Nobody is signed in from there any more; ballots already cast stay.

    Raises NotFound, or Refused when it is off.
    """
    check_reason(reason)
    with domain_errors():
        async with connection.transaction():
            await carry_out_switch(connection, slug, by=by, reason=reason, now=now, enabled=False)


async def switch_platform_on(
    connection: AnyConnection, slug: str, *, by: str, reason: Text, now: datetime
) -> None:
    """One person switches a platform on, while no contest is announced or runs.

    Raises NotFound, or Refused when it is on or takes two people.
    """
    check_reason(reason)
    running = await contests_that_need_two(connection, now)
    if running:
        raise Refused(
            f"{running[0].slug} has been announced, so switching a platform on takes two people: "
            "give your name with --as, and let a second person do the same"
        )
    with domain_errors():
        async with connection.transaction():
            await carry_out_switch(connection, slug, by=by, reason=reason, now=now, enabled=True)


async def contests_that_need_two(connection: AnyConnection, now: datetime) -> tuple[Contest, ...]:
    """Contests whose rules have been announced and that are not over."""
    return tuple(
        contest
        for contest in await load_contests(connection)
        if contest.phase(now) != "closed" and people_needed(contest, now) == 2
    )


async def propose_platform_on(
    connection: AnyConnection,
    contest: Contest,
    account: Account,
    slug: str,
    *,
    reason: Text,
    now: datetime,
) -> int:
    """The decision's id; `settings.approve_change` carries it out. Raises NotFound, Refused."""
    require_role(account, *DECIDERS)
    check_reason(reason)
    platform = await _platform(connection, slug)
    if platform.enabled:
        raise Refused(f"{slug} is on already", zh=f"平台 {slug} 已经开放。")
    payload = payload_of(
        PLATFORM,
        platform.revision,
        _state(platform, enabled=False),
        _state(platform, enabled=True),
        reason,
    )
    return await propose(
        connection,
        contest,
        account,
        kind="settings",
        subject=_subject(platform),
        payload=payload,
        now=now,
    )


async def waiting_switch(connection: AnyConnection, contest: Contest, slug: str) -> int | None:
    """The proposal to switch the platform on as it is now, while it waits for a second person."""
    platform = await _platform(connection, slug)
    for decision in await load_decisions(connection, contest.id):
        if decision.state == "waiting" and decision.subject == _subject(platform):
            return decision.id
    return None


def _subject(platform: Platform) -> str:
    return f"{PLATFORM} {platform.slug}/{platform.revision}"


async def announce_new_platform(
    connection: AnyConnection, slug: str, *, by: str, reason: Text, now: datetime
) -> None:
    """Tells journal and public of a platform that was just added; call it in that transaction."""
    platform = await _platform(connection, slug)
    await _announce(connection, None, _state(platform, enabled=True), reason=reason, now=now)
    await record(connection, by, "platform_added", subject=slug, details={"kind": platform.kind})


async def carry_out_switch(
    connection: AnyConnection,
    slug: str,
    *,
    by: str,
    reason: Text,
    now: datetime,
    enabled: bool,
    revision: int | None = None,
    decision_id: int | None = None,
) -> None:
    """Switches, announces and records; call it in a transaction.

    Raises NotFound, or Refused when nothing would change or the platform has another revision.
    """
    platform = await _platform(connection, slug)
    if platform.enabled == enabled:
        raise Refused(
            f"{slug} is {'on' if enabled else 'off'} already",
            zh=f"平台 {slug} 已经{'开放' if enabled else '关闭'}。",
        )
    await store_switched(
        connection, platform, enabled=enabled, revision=revision or platform.revision
    )
    await _announce(
        connection,
        _state(platform, enabled=not enabled),
        _state(platform, enabled=enabled),
        reason=reason,
        now=now,
        decision_id=decision_id,
    )
    details = {"enabled": enabled, "reason": msgspec.to_builtins(reason)}
    if decision_id is not None:
        details["decision"] = decision_id
    await record(connection, by, "platform_switched", subject=slug, details=details)


async def _announce(
    connection: AnyConnection,
    before: dict[str, Any] | None,
    after: dict[str, Any],
    *,
    reason: Text,
    now: datetime,
    decision_id: int | None = None,
) -> None:
    for contest in await load_contests(connection):
        if contest.phase(now) != "closed":
            await announce(
                connection,
                contest.id,
                PLATFORM,
                before=before,
                after=after,
                reason=reason,
                now=now,
                decision_id=decision_id,
            )


async def _platform(connection: AnyConnection, slug: str) -> Platform:
    for platform in await load_platforms(connection):
        if platform.slug == slug:
            return platform
    raise NotFound(f"there is no platform {slug!r}")


def _state(platform: Platform, *, enabled: bool) -> dict[str, Any]:
    state: dict[str, Any] = msgspec.to_builtins(
        PlatformState(platform.slug, platform.name, enabled)
    )
    return state
