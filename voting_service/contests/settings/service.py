"""Change the settings of a contest: one person before they are announced, two afterwards.

contests/settings/model.py has the rules. Every change is recorded in the audit log and on the
public rules page, in the transaction that carries it out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from voting_service.contests.model import Contest
from voting_service.contests.repository import load_contest
from voting_service.contests.settings.approval_kinds import PLATFORM, SETTINGS
from voting_service.contests.settings.model import (
    Setting,
    changed,
    people_needed,
    setting_value,
)
from voting_service.contests.settings.platform_changes import approve_platform_change
from voting_service.contests.settings.proposal import change_payload, check_reason
from voting_service.contests.settings.repository import ChangeOrigin, SettingChange, store_changed
from voting_service.errors import NotFound, Refused
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.accounts.model import require_role
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.model import (
    DECIDERS,
    ApprovalRequest,
    check_approver,
)
from voting_service.staff.approvals.repository import find_approval, load_contest_approvals
from voting_service.staff.approvals.service import decline, propose, record_approval
from voting_service.staff.audit_log.record import record


async def change_setting(
    actor: Actor, contest: Contest, setting: Setting, value: Any, *, reason: Text
) -> int | None:
    """Carry out a change if one person can; otherwise propose it and return the request's id.

    `value` has the form of `model.setting_value`. Raises ChangeRefused, InvalidInput or Refused.
    """
    connection, account, now = actor
    require_role(account, *DECIDERS)
    check_reason(reason)
    after = changed(contest, setting, value, now, by=account.name)
    if people_needed(contest, now) == 2:
        change = SettingChange(
            setting, setting_value(contest, setting), setting_value(after, setting)
        )
        payload = change_payload(change, contest.revision, reason)
        subject = f"{setting}/{contest.revision}"
        return await propose(actor, contest, kind=SETTINGS, subject=subject, payload=payload)
    with domain_errors():
        async with connection.transaction():
            await _carry_out(connection, contest, after, ChangeOrigin(account.name, now, reason))
    return None


async def _carry_out(
    connection: AnyConnection, before: Contest, after: Contest, origin: ChangeOrigin
) -> None:
    for change in await store_changed(connection, before, after, origin):
        await record(
            connection,
            origin.by,
            "contest_changed",
            contest=before.slug,
            subject=change.setting,
            details=origin.details(**{"from": change.before, "to": change.after}),
        )


async def approve_change(actor: Actor, slug: str, approval_id: int) -> ApprovalRequest:
    """Approve a pending change of a setting or platform; approval and change are one transaction.

    Raises SecondPersonRequired if the proposer approves, NotFound, and ChangeRefused or Refused
    when the contest has changed since the proposal.
    """
    connection, account, now = actor
    require_role(account, *DECIDERS)
    contest = await load_contest(connection, slug)
    decision = find_approval(await load_contest_approvals(connection, contest.id), approval_id)
    if decision.kind == PLATFORM.name:
        await approve_platform_change(actor, contest, decision)
        return decision
    if decision.kind != SETTINGS.name:
        raise NotFound("contests.settings.not_a_settings_request", approval_id=approval_id)
    check_approver(decision, account)
    payload = decision.payload
    reason = msgspec.convert(payload["reason"], Text)
    origin = ChangeOrigin(account.name, now, reason, decision.id)
    with domain_errors():
        async with connection.transaction():
            await _carry_out(connection, contest, _as_proposed(contest, decision, now), origin)
            # Last, although it may refuse and undo the rest: while waiting for the audit log it
            # must hold no lock that others wait for.
            await record_approval(actor, contest, decision)
    return decision


async def decline_change(
    actor: Actor, contest: Contest, request_id: int, because: str
) -> ApprovalRequest:
    """Decline a proposed change, or withdraw one's own. Raises NotFound for any other request, and
    as `approvals.service.decline`."""
    request = find_approval(await load_contest_approvals(actor.connection, contest.id), request_id)
    if request.kind not in {SETTINGS.name, PLATFORM.name}:
        raise NotFound("contests.settings.not_a_settings_request", approval_id=request_id)
    return await decline(actor, contest, request, because)


def _as_proposed(contest: Contest, decision: ApprovalRequest, now: datetime) -> Contest:
    payload = decision.payload
    if payload["revision"] != contest.revision:
        raise Refused("contests.settings.changed_since_proposed", slug=contest.slug)
    return changed(contest, payload["setting"], payload["to"], now, by=decision.proposer)
