"""Add, change and switch platforms: one person while no contest is announced, two afterwards.

Somebody who can add a key, or a platform, can sign in any number of voters, so both take two
people while any contest is announced or open, and so does switching a platform on. One person can
switch a platform off, at once: attacks happen at night. What people vote through is announced on
the rules page of every contest that is not closed; origins and ceilings are only in the audit log.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from voting_service.contests.model import Contest, Platform
from voting_service.contests.pictures.repository import store_logo_file
from voting_service.contests.repository import (
    NewPlatform,
    insert_platform,
    load_contests,
    load_platforms,
)
from voting_service.contests.settings.approval_kinds import PLATFORM, PlatformPayload
from voting_service.contests.settings.model import NOTICE, people_needed
from voting_service.contests.settings.platform_terms import PlatformTerms, read_terms
from voting_service.contests.settings.proposal import check_reason
from voting_service.contests.settings.repository import (
    ChangeOrigin,
    PlatformKeys,
    PlatformState,
    SettingChange,
    announce,
    store_platform_terms,
)
from voting_service.errors import Fault, InvalidInput, NotFound, Refused
from voting_service.i18n.text import Text
from voting_service.infrastructure.images.model import EncodedPicture
from voting_service.infrastructure.postgres.database_clock import MAX_OFFSET_SECONDS
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.accounts.model import require_role
from voting_service.staff.accounts.repository import load_accounts
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.model import DECIDERS, ApprovalRequest, check_approver
from voting_service.staff.approvals.repository import load_contest_approvals
from voting_service.staff.approvals.service import propose, record_approval
from voting_service.staff.audit_log.record import record

END_SESSIONS_AFTER = NOTICE + timedelta(seconds=MAX_OFFSET_SECONDS)
"""Sessions end this long after the change: a worker that has not loaded it yet still accepts the
old keys, and its clock may be ahead."""


class PlatformChange(NamedTuple):
    """The terms that a platform is to have; `end_sessions` also ends the sessions opened so far.
    `logo_file` is the picture of a new logo. `is_new`: the slug must still be free."""

    slug: str
    terms: PlatformTerms
    end_sessions: bool = False
    logo_file: EncodedPicture | None = None
    is_new: bool = False


class ChangeResult(NamedTuple):
    """The outcome of a change; `approval_id` is the request that waits or was approved. Of a
    proposal: what was proposed, and what others proposed for the platform and waits, too."""

    state: Literal["done", "unchanged", "proposed", "approved"]
    approval_id: int | None = None
    proposed: PlatformPayload | None = None
    others: tuple[ApprovalRequest, ...] = ()


def switch_on(platform: Platform, *, end_sessions: bool = False) -> PlatformChange:
    """Return the change that switches a platform on. Raises Refused when it is on."""
    if platform.enabled:
        raise Refused("contests.settings.platform_already_on", slug=platform.slug)
    terms = replace(read_terms(platform), enabled=True)
    return PlatformChange(platform.slug, terms, end_sessions)


async def change_platform(actor: Actor, change: PlatformChange, *, reason: Text) -> ChangeResult:
    """Add or change a platform if one person can; else propose it, or, where somebody else
    proposed the same, approve that.

    Raises InvalidInput, SecondPersonRequired for one's own proposal, or Refused when nothing would
    change or nobody else could approve.
    """
    require_role(actor.account, *DECIDERS)
    check_reason(reason)
    connection = actor.connection
    payload = await _payload(connection, change, reason)
    await _store_logo(connection, change)
    running = await contests_that_need_two(connection, actor.now)
    if not running:
        with domain_errors():
            async with connection.transaction():
                await carry_out(
                    connection, payload, ChangeOrigin(actor.account.name, actor.now, reason)
                )
        return ChangeResult("done")
    _check_identity(payload)
    for contest in running:
        waiting = await _same_proposal(actor, contest, payload)
        if waiting is not None:
            await approve_platform_change(actor, contest, waiting)
            return ChangeResult("approved", waiting.id)
    await _require_second_decider(actor, change.slug)
    subject = f"{payload.slug}/{payload.revision}"
    others = tuple(
        request
        for request in await waiting_changes(connection, actor.now, subject)
        if request.proposed_by != actor.account.id
    )
    proposed = await propose(
        actor,
        running[0],
        kind=PLATFORM,
        subject=subject,
        payload=msgspec.to_builtins(payload),
    )
    return ChangeResult("proposed", proposed, payload, others)


async def change_platform_alone(
    connection: AnyConnection, change: PlatformChange, origin: ChangeOrigin
) -> None:
    """Add or change a platform while no contest is announced or open, without an account.

    Raises InvalidInput, or Refused when nothing would change or it takes two people.
    """
    check_reason(origin.reason)
    payload = await _payload(connection, change, origin.reason)
    if await contests_that_need_two(connection, origin.at):
        raise Refused("contests.settings.platform_needs_two_people")
    await _store_logo(connection, change)
    with domain_errors():
        async with connection.transaction():
            await carry_out(connection, payload, origin)


async def switch_platform_off(
    connection: AnyConnection, slug: str, *, by: str, reason: Text, now: datetime
) -> None:
    """Stop sign-in through a platform and refuse its sessions; ballots already cast stay. One
    person can do it, at once.

    Raises NotFound, or Refused when it is already off.
    """
    check_reason(reason)
    off = replace(read_terms(await load_platform(connection, slug)), enabled=False)
    payload = await _payload(connection, PlatformChange(slug, off), reason)
    with domain_errors():
        async with connection.transaction():
            await carry_out(connection, payload, ChangeOrigin(by, now, reason))


async def approve_platform_change(actor: Actor, contest: Contest, request: ApprovalRequest) -> None:
    """Approve a pending change; approval and change are one transaction.

    Raises SecondPersonRequired if the proposer approves, and Refused when the platform has changed
    since the proposal.
    """
    check_approver(request, actor.account)
    payload = PLATFORM.read(request)
    origin = ChangeOrigin(actor.account.name, actor.now, payload.reason, request.id)
    with domain_errors():
        async with actor.connection.transaction():
            await carry_out(actor.connection, payload, origin)
            await record_approval(actor, contest, request)


async def contests_that_need_two(connection: AnyConnection, now: datetime) -> tuple[Contest, ...]:
    """Load the contests whose rules are announced and that are not closed."""
    return tuple(
        contest
        for contest in await load_contests(connection)
        if contest.phase(now) != "closed" and people_needed(contest, now) == 2
    )


async def waiting_changes(
    connection: AnyConnection, now: datetime, subject: str
) -> list[ApprovalRequest]:
    """Load the changes of a platform that wait for a second person; `subject` is its slug and
    revision, as `daily/3`."""
    return [
        request
        for contest in await contests_that_need_two(connection, now)
        for request in await load_contest_approvals(connection, contest.id)
        if request.kind == PLATFORM.name
        and request.state == "waiting"
        and request.subject == subject
    ]


async def find_platform(connection: AnyConnection, slug: str) -> Platform | None:
    """Load a platform; None if there is none."""
    platforms = {platform.slug: platform for platform in await load_platforms(connection)}
    return platforms.get(slug)


async def load_platform(connection: AnyConnection, slug: str) -> Platform:
    """Load a platform. Raises NotFound."""
    platform = await find_platform(connection, slug)
    if platform is None:
        raise NotFound("contests.settings.no_such_platform", slug=slug)
    return platform


async def carry_out(
    connection: AnyConnection, payload: PlatformPayload, origin: ChangeOrigin
) -> None:
    """Store, announce and record a change; call it in a transaction.

    Raises Refused when the platform has another revision, InvalidInput when a new slug is taken.
    """
    if payload.before is None:
        fields = msgspec.structs.asdict(payload.after)
        del fields["enabled"]  # a new platform is
        await insert_platform(connection, NewPlatform(payload.slug, **fields))
    else:
        await store_platform_terms(
            connection, payload, END_SESSIONS_AFTER if payload.end_sessions else None
        )
    for change in _public_changes(payload):
        await _announce(connection, change, origin)
    await _record(connection, payload, origin)


def check_slug_free(platform: Platform | None, change: PlatformChange) -> None:
    """Raises Refused when a platform that is to be added exists: adding never replaces one."""
    if change.is_new and platform is not None:
        raise Refused("contests.settings.platform_exists", slug=change.slug)


async def _store_logo(connection: AnyConnection, change: PlatformChange) -> None:
    if change.logo_file is not None:
        await store_logo_file(connection, change.logo_file)


async def _payload(
    connection: AnyConnection, change: PlatformChange, reason: Text
) -> PlatformPayload:
    platform = await find_platform(connection, change.slug)
    check_slug_free(platform, change)
    before = read_terms(platform) if platform else None
    payload = PlatformPayload(
        change.slug,
        platform.revision if platform else 0,
        before,
        change.terms,
        change.end_sessions,
        reason,
    )
    if before is not None and before.kind != change.terms.kind:
        raise InvalidInput(Fault("kind", "contests.settings.platform_kind_fixed", kind=before.kind))
    if before == change.terms and not change.end_sessions:
        raise Refused(
            "contests.settings.platform_already_off"
            if not change.terms.enabled
            else "contests.settings.platform_unchanged",
            slug=change.slug,
        )
    return payload


def _check_identity(payload: PlatformPayload) -> None:
    """Raises Refused if users of the platform could become other voters (platform_terms.py)."""
    before, after = payload.before, payload.after
    if before is not None and before.kind != "jwt" and before.config != after.config:
        raise Refused("contests.settings.platform_identity_fixed", slug=payload.slug)


async def _same_proposal(
    actor: Actor, contest: Contest, payload: PlatformPayload
) -> ApprovalRequest | None:
    """Return the pending request for the same change, whatever its reason; if several, not the
    actor's own."""
    same = [
        request
        for request in await load_contest_approvals(actor.connection, contest.id)
        if request.kind == PLATFORM.name
        and request.state == "waiting"
        and replace(PLATFORM.read(request), reason=payload.reason) == payload
    ]
    return min(same, key=lambda request: request.proposed_by == actor.account.id, default=None)


async def _require_second_decider(actor: Actor, slug: str) -> None:
    """Raises Refused, with what to do, when nobody but the proposer could approve."""
    others = [
        account
        for account in await load_accounts(actor.connection)
        if account.role in DECIDERS and not account.disabled and account.id != actor.account.id
    ]
    if not others:
        raise Refused("contests.settings.nobody_else_decides", slug=slug)


def _public_changes(payload: PlatformPayload) -> list[SettingChange]:
    before, after = payload.before, payload.after
    changes = []
    if before is None or (before.enabled, before.name) != (after.enabled, after.name):
        changes.append(
            SettingChange(
                "platform",
                before and _plain(PlatformState(payload.slug, before.name, before.enabled)),
                _plain(PlatformState(payload.slug, after.name, after.enabled)),
            )
        )
    if before is not None and (before.keys != after.keys or payload.end_sessions):
        changes.append(
            SettingChange(
                "platform_keys",
                _plain(PlatformKeys(payload.slug, before.name, before.keys)),
                _plain(PlatformKeys(payload.slug, after.name, after.keys, payload.end_sessions)),
            )
        )
    return changes


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


async def _announce(connection: AnyConnection, change: SettingChange, origin: ChangeOrigin) -> None:
    for contest in await load_contests(connection):
        if contest.phase(origin.at) != "closed":
            await announce(connection, contest.id, change, origin)


async def _record(
    connection: AnyConnection, payload: PlatformPayload, origin: ChangeOrigin
) -> None:
    after = payload.after
    if payload.before is None:
        details = origin.details(kind=after.kind, keys=list(after.keys))
        await record(connection, origin.by, "platform_added", subject=payload.slug, details=details)
        return
    before = payload.before
    if before.enabled != after.enabled:
        details = origin.details(enabled=after.enabled)
        await record(
            connection, origin.by, "platform_switched", subject=payload.slug, details=details
        )
    old, new = _plain(before), _plain(after)
    fields = [name for name in new if name != "enabled" and old[name] != new[name]]
    if fields or payload.end_sessions:
        details = origin.details(
            **{"from": {name: old[name] for name in fields}},
            to={name: new[name] for name in fields},
            sessions_ended=payload.end_sessions,
        )
        await record(
            connection, origin.by, "platform_changed", subject=payload.slug, details=details
        )
