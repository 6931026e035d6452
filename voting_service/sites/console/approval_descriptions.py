"""Approval requests about a contest in one line, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.requests import Request

from voting_service.contests.candidate_changes.approval_kinds import KINDS
from voting_service.contests.candidate_changes.descriptions import describe_change
from voting_service.contests.model import Contest
from voting_service.contests.settings.approval_kinds import PLATFORM, SETTINGS
from voting_service.contests.settings.descriptions import setting_name
from voting_service.i18n.formatting import written_number
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.approvals.model import ApprovalRequest
from voting_service.voting.rulings.approval_kinds import RULING, RulingPayload
from voting_service.voting.rulings.model import REASONS, Hold


def describe_approval(
    request: Request, contest: Contest, approval: ApprovalRequest, holds: Mapping[int, Hold]
) -> str:
    """Return what is proposed; `holds` are those of the contest, by id.

    A ruling names its hold, a change its setting, platform or candidate; other kinds, and requests
    whose payload does not have the fields of its kind, describe themselves.
    """
    reader = language(request)
    if approval.kind == RULING.name and (ruling := _readable_ruling(approval, holds)):
        payload, hold = ruling
        texts = get_state(request).theme.texts(reader)["rulings"]
        text: str = texts["approvals"]["ruling"]
        return text.format(
            hold=hold.id,
            label=hold.label,
            ballots=written_number(hold.ballots, reader),
            verdict=texts["verdicts"][payload.verdict],
            reason=getattr(REASONS[payload.reason].words, reader),
        )
    if not approval.is_readable:
        return approval.describe(reader)
    subject = approval.subject.partition("/")[0]
    if approval.kind == SETTINGS.name:
        return SETTINGS.describe(approval, reader, subject=setting_name(subject, reader))
    if approval.kind == PLATFORM.name:
        return PLATFORM.describe(approval, reader, subject=subject)
    if approval.kind in KINDS:
        return describe_change(contest, approval, reader)
    return approval.describe(reader)


def _readable_ruling(
    approval: ApprovalRequest, holds: Mapping[int, Hold]
) -> tuple[RulingPayload, Hold] | None:
    """Return the payload and its hold; None if it names no hold, verdict or reason that exists."""
    try:
        payload = RULING.read(approval)
    except msgspec.ValidationError:
        return None
    hold = holds.get(payload.hold)
    return (payload, hold) if hold and payload.reason in REASONS else None
