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
from voting_service.contests.settings.approval_kinds import SETTINGS
from voting_service.contests.settings.model import (
    Setting,
    changed,
    people_needed,
    setting_value,
)
from voting_service.contests.settings.platform_switch import PLATFORM, carry_out_switch
from voting_service.contests.settings.proposal import check_reason, payload_of
from voting_service.contests.settings.repository import store_changed
from voting_service.errors import NotFound, Refused
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.accounts.model import Account, require_role
from voting_service.staff.approvals.model import (
    DECIDERS,
    ApprovalRequest,
    check_approver,
)
from voting_service.staff.approvals.repository import find_approval, load_contest_approvals
from voting_service.staff.approvals.service import decline, propose, record_approval
from voting_service.staff.audit_log.record import record


async def change_setting(
    connection: AnyConnection,
    contest: Contest,
    account: Account,
    setting: Setting,
    value: Any,
    *,
    reason: Text,
    now: datetime,
) -> int | None:
    """Carry out a change if one person can; otherwise propose it and return the request's id.

    `value` has the form of `model.setting_value`. Raises ChangeRefused, InvalidInput or Refused.
    """
    require_role(account, *DECIDERS)
    check_reason(reason)
    after = changed(contest, setting, value, now, by=account.name)
    if people_needed(contest, now) == 2:
        payload = payload_of(setting, contest.revision, setting_value(contest, setting),
                           setting_value(after, setting), reason)  # fmt: skip
        subject = f"{setting}/{contest.revision}"
        return await propose(
            connection, contest, account, kind=SETTINGS, subject=subject, payload=payload,
            now=now,
        )  # fmt: skip
    with domain_errors():
        async with connection.transaction():
            await _carry_out(connection, contest, after, by=account.name, reason=reason, now=now)
    return None


async def _carry_out(
    connection: AnyConnection,
    before: Contest,
    after: Contest,
    *,
    by: str,
    reason: Text,
    now: datetime,
    decision_id: int | None = None,
) -> None:
    settings = await store_changed(
        connection, before, after, reason=reason, now=now, decision_id=decision_id
    )
    for setting in settings:
        details = {
            "from": setting_value(before, setting),
            "to": setting_value(after, setting),
            "reason": msgspec.to_builtins(reason),
        }
        if decision_id is not None:
            details["decision"] = decision_id
        await record(
            connection, by, "contest_changed", contest=before.slug, subject=setting,
            details=details,
        )  # fmt: skip


async def approve_change(
    connection: AnyConnection, slug: str, account: Account, decision_id: int, *, now: datetime
) -> ApprovalRequest:
    """Approve a pending change; approval and change are one transaction.

    Raises SecondPersonRequired if the proposer approves, NotFound, and ChangeRefused or Refused
    when the contest has changed since the proposal.
    """
    require_role(account, *DECIDERS)
    contest = await load_contest(connection, slug)
    decision = find_approval(await load_contest_approvals(connection, contest.id), decision_id)
    if decision.kind != "settings":
        raise NotFound("contests.settings.not_a_settings_request", decision_id=decision_id)
    check_approver(decision, account)
    payload = decision.payload
    reason = msgspec.convert(payload["reason"], Text)
    with domain_errors():
        async with connection.transaction():
            if payload["setting"] == PLATFORM:
                await carry_out_switch(
                    connection,
                    payload["to"]["slug"],
                    by=account.name,
                    reason=reason,
                    now=now,
                    enabled=True,
                    revision=payload["revision"],
                    decision_id=decision.id,
                )
            else:
                after = _as_proposed(contest, decision, now)
                await _carry_out(
                    connection,
                    contest,
                    after,
                    by=account.name,
                    reason=reason,
                    now=now,
                    decision_id=decision.id,
                )
            # Last, although it may refuse and undo the rest: while waiting for the audit log it
            # must hold no lock that others wait for.
            await record_approval(connection, contest, decision, account, now)
    return decision


async def decline_change(
    connection: AnyConnection,
    contest: Contest,
    account: Account,
    request_id: int,
    because: str,
    *,
    now: datetime,
) -> ApprovalRequest:
    """Decline a proposed change, or withdraw one's own. Raises NotFound for any other request, and
    as `approvals.service.decline`."""
    request = find_approval(await load_contest_approvals(connection, contest.id), request_id)
    if request.kind != SETTINGS.name:
        raise NotFound("contests.settings.not_a_settings_request", decision_id=request_id)
    return await decline(connection, contest, account, request, because, now=now)


def _as_proposed(contest: Contest, decision: ApprovalRequest, now: datetime) -> Contest:
    payload = decision.payload
    if payload["revision"] != contest.revision:
        raise Refused("contests.settings.changed_since_proposed", slug=contest.slug)
    return changed(contest, payload["setting"], payload["to"], now, by=decision.proposer)


async def close_early(
    connection: AnyConnection,
    contest: Contest,
    account: Account,
    moment: datetime,
    *,
    reason: Text,
    now: datetime,
) -> None:
    """Close voting at `moment`; a supervisor can do it alone. Raises Refused unless it is open."""
    require_role(account, "supervisor")
    check_reason(reason)
    phase = contest.phase(now)
    if phase != "open" or moment >= contest.closes_at:
        raise Refused("contests.settings.not_open", slug=contest.slug, phase=phase)
    after = changed(contest, "closes_at", moment, now, by=account.name)
    with domain_errors():
        async with connection.transaction():
            await _carry_out(connection, contest, after, by=account.name, reason=reason, now=now)
