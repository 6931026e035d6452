"""A contest's settings: changed by one person before they were announced, by two afterwards.

What may be changed when is in contests/changes.py. Every change stands in the journal and on the
public rules page, in the transaction that carries it out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from voting_service.accounts.model import Account, require_role
from voting_service.contests.announced_changes import store_changed
from voting_service.contests.changes import Setting, changed, people_needed, value_of
from voting_service.contests.model import Contest, Text
from voting_service.contests.store import load_contest
from voting_service.decisions.model import DECIDERS, Decision, check_approver
from voting_service.decisions.platforms import PLATFORM, carry_out_switch
from voting_service.decisions.settings_proposal import check_reason, payload_of
from voting_service.decisions.store import (
    find_decision,
    load_decisions,
    propose,
    record_approval,
)
from voting_service.errors import NotFound, Refused
from voting_service.journal.record import record
from voting_service.storage.postgres import AnyConnection, domain_errors


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
    """Carries the change out where one person may; else proposes it, and returns the decision.

    `value` is as `changes.value_of` gives it. Raises ChangeRefused, InvalidInput or Refused.
    """
    require_role(account, *DECIDERS)
    check_reason(reason)
    after = changed(contest, setting, value, now, by=account.name)
    if people_needed(contest, now) == 2:
        payload = payload_of(setting, contest.revision, value_of(contest, setting),
                           value_of(after, setting), reason)  # fmt: skip
        subject = f"{setting}/{contest.revision}"
        return await propose(
            connection, contest, account, kind="settings", subject=subject, payload=payload,
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
            "from": value_of(before, setting),
            "to": value_of(after, setting),
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
) -> Decision:
    """The second person agrees, and the change is carried out with it or not at all.

    Raises ChangeRefused or Refused when the contest has moved on since the proposal,
    SecondPersonRequired, NotFound.
    """
    require_role(account, *DECIDERS)
    contest = await load_contest(connection, slug)
    decision = find_decision(await load_decisions(connection, contest.id), decision_id)
    if decision.kind != "settings":
        raise NotFound(f"decision {decision_id} is about something else than settings")
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
            # Last, though it may refuse and undo the rest: who waits for the journal holds
            # nothing that others wait for.
            await record_approval(connection, contest, decision, account, now)
    return decision


def _as_proposed(contest: Contest, decision: Decision, now: datetime) -> Contest:
    payload = decision.payload
    if payload["revision"] != contest.revision:
        raise Refused(
            f"{contest.slug} was changed since this was proposed; decline it, and propose it "
            "anew if it is still right",
            zh="提议之后设置又有变化。请否决这项提议；如仍有必要，请重新提议。",
        )
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
    """A supervisor ends the window at `moment`, alone. Raises Refused unless it is open."""
    require_role(account, "supervisor")
    check_reason(reason)
    phase = contest.phase(now)
    if phase != "open" or moment >= contest.closes_at:
        raise Refused(f"{contest.slug} is {phase}, only an open contest can be closed")
    after = changed(contest, "closes_at", moment, now, by=account.name)
    with domain_errors():
        async with connection.transaction():
            await _carry_out(connection, contest, after, by=account.name, reason=reason, now=now)
