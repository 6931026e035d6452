"""The approvals that wait for somebody, each in words, with the page where it is decided."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import NamedTuple

from starlette.requests import Request

from voting_service.contests.drafts.repository import load_drafts
from voting_service.contests.model import Contest
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Language, Text
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.model import Selection
from voting_service.sites.console.approval_descriptions import describe_approval
from voting_service.sites.console.contests import contest_cache
from voting_service.sites.nomination.settings.descriptions import describe_change
from voting_service.sites.shared.signed_in.access import current_user
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.approvals.model import (
    CATALOGUE,
    ApprovalRequest,
    WaitingRequest,
    approval_kind,
)
from voting_service.staff.approvals.repository import load_waiting
from voting_service.voting.rulings.model import Hold
from voting_service.voting.rulings.repository import load_holds

WAITING_SHOWN = 5
"""How many requests about one contest are shown; a link leads to the others."""
_DESCRIBED = ("shortlist", "panel")
"""Kinds about a selection whose description is a line to read; others go by the kind's name."""


class RequestRow(NamedTuple):
    """A request in words, and where it is decided."""

    request: ApprovalRequest
    words: str
    href: str


class RequestTable(NamedTuple):
    """The requests about one contest, selection or draft; `more` are shown at `more_href`."""

    title: Text
    zone: tzinfo
    rows: tuple[RequestRow, ...]
    more: int = 0
    more_href: str = ""


async def load_tables(
    request: Request, connection: AnyConnection, selections: Mapping[int, Selection]
) -> list[RequestTable]:
    """Return what waits for the user's approval, oldest first."""
    grouped: dict[tuple[str, int], list[WaitingRequest]] = {}
    for proposal in await load_waiting(connection, current_user(request).account):
        grouped.setdefault((proposal.target, proposal.target_id), []).append(proposal)
    contests = {contest.id: contest for contest in contest_cache(request).contests.values()}
    drafts = {}
    if any(target == "draft" for target, _ in grouped):
        drafts = {draft.id: draft for draft in await load_drafts(connection)}
    tables, reader = [], language(request)
    for (target, target_id), waiting in grouped.items():
        requests = [proposal.request for proposal in waiting]
        if target == "contest" and target_id in contests:
            contest = contests[target_id]
            shown = requests[:WAITING_SHOWN]
            holds = await _holds(connection, contest, shown)
            rows = tuple(
                RequestRow(
                    r,
                    describe_approval(request, contest, r, holds),
                    _place(r, contest.slug, target_id),
                )
                for r in shown
            )
            more, every = len(requests) - len(shown), f"/contests/{contest.slug}/approvals"
            tables.append(RequestTable(contest.rules.title, contest.zone, rows, more, every))
        elif target == "selection" and target_id in selections:
            selection = selections[target_id]
            rows = tuple(
                RequestRow(r, _words(selection, r, reader), _place(r, selection.slug, target_id))
                for r in requests
            )
            tables.append(RequestTable(selection.title, selection.zone, rows))
        elif target == "draft" and target_id in drafts:
            rows = tuple(
                RequestRow(r, r.describe(reader), _place(r, "", target_id)) for r in requests
            )
            zone = get_state(request).default_zone()
            tables.append(RequestTable(_draft_title(drafts[target_id].title), zone, rows))
    return tables


def _draft_title(title: Mapping[str, str]) -> Text:
    return Text(title["zh"], title["en"])


async def _holds(
    connection: AnyConnection, contest: Contest, requests: list[ApprovalRequest]
) -> Mapping[int, Hold]:
    if not any(request.kind == "ruling" for request in requests):
        return {}
    return {hold.id: hold for hold in await load_holds(connection, contest)}


def _words(selection: Selection, request: ApprovalRequest, reader: Language) -> str:
    if request.subject.startswith("body_contacts/"):
        return str(getattr(load_text(CATALOGUE, "names.selection_settings_body_contacts"), reader))
    if request.kind in ("selection_settings", "earlier_winners"):
        lines = describe_change(selection, request, reader).lines
        return " · ".join(
            f"{line.label}: {line.before + ' → ' if line.before else ''}{line.after}".rstrip(": ")
            for line in lines
        )
    if request.kind in _DESCRIBED:
        return request.describe(reader)
    return str(getattr(load_text(CATALOGUE, f"names.{request.kind}"), reader))


def _place(request: ApprovalRequest, slug: str, target_id: int) -> str:
    return approval_kind(request.kind).path(slug, target_id, request.subject)
