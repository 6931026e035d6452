"""Pages of holds, ballots and approvals. Every view of evidence is recorded in the audit log."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.contests.model import Contest
from voting_service.errors import NotFound
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.sites.console.approval_descriptions import describe_approval
from voting_service.sites.console.contests import contest_from_path
from voting_service.sites.console.rulings.ranking_preview import prospect
from voting_service.sites.console.tally_reads import platform_names
from voting_service.sites.console.time_ranges import hour_path, window_path
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import (
    StaffState,
    get_state,
)
from voting_service.staff.accounts.model import Role
from voting_service.staff.accounts.sessions import is_confirmed
from voting_service.staff.approvals.model import DECIDERS, ApprovalRequest
from voting_service.staff.approvals.repository import load_contest_approvals
from voting_service.staff.audit_log.service import record_view
from voting_service.voting.rulings.effect import load_effect
from voting_service.voting.rulings.model import (
    HOLD_KINDS,
    HOLD_STATES,
    REASONS,
    VERDICTS,
    Hold,
)
from voting_service.voting.rulings.repository import (
    load_ballot_history,
    load_hold_ballots,
    load_holds,
    load_last_sweep,
    load_overlaps,
    load_rulings,
)
from voting_service.voting.tally.live_figures import load_figures
from voting_service.voting.tally.time_window import MAX_LENGTH

CONTEST = "/contests/{slug}"
HOLDS = f"{CONTEST}/holds"
READERS: tuple[Role, ...] = ("tally_clerk", "supervisor", "auditor")
"""Roles that may see evidence."""
BALLOTS_SHOWN = 20
LARGE = 200_000
"""Up to this many ballots a hold is added up within a short statement's time."""
LONG_SECONDS = 60.0
DECIDED_SHOWN = 100
_BALLOT_ID = re.compile(r"[0-9a-f]{32}")


@signed_in(*READERS)
async def holds_page(request: Request) -> Response:
    """Show all holds, or those of `?state=` and `?kind=`, and the form to rule on several."""
    contest = contest_from_path(request)
    async with get_state(request).connection() as connection:
        holds = await load_holds(connection, contest)
        sweep = await load_last_sweep(connection, contest.id)
    states = {state: sum(hold.state == state for hold in holds) for state in HOLD_STATES}
    kinds = {kind: sum(hold.kind == kind for hold in holds) for kind in HOLD_KINDS}
    state, kind = _chosen(request, "state", states), _chosen(request, "kind", kinds)
    shown = [hold for hold in holds if state in ("", hold.state) and kind in ("", hold.kind)]
    return page(
        request,
        "rulings/holds.html",
        contest=contest,
        holds=shown,
        total=len(holds),
        sweep=sweep,
        states=states,
        kinds=kinds,
        state=state,
        kind=kind,
        **_deciding(request),
    )


def _chosen(request: Request, name: str, allowed: Collection[str]) -> str:
    """Return the filters of the address; nothing for all."""
    chosen = request.query_params.get(name, "")
    if chosen and chosen not in allowed:
        raise NotFound("sites.console.rulings.unknown_filter", name=name, wanted=chosen)
    return chosen


def _deciding(request: Request) -> dict[str, Any]:
    """Return what pages need to offer actions: whether the user may act, and the reasons."""
    user = current_user(request)
    return {
        "may_decide": user.account.role in DECIDERS,
        "confirmed": is_confirmed(user.session, get_state(request).clock()),
        "reasons": REASONS,
        "verdicts": VERDICTS,
    }


@asynccontextmanager
async def _enough_time(state: StaffState, hold: Hold) -> AsyncIterator[AnyConnection]:
    if hold.ballots > LARGE:
        async with state.long_connection(LONG_SECONDS) as own:
            yield own
    else:
        async with state.connection() as pooled:
            yield pooled


@signed_in(*READERS)
async def hold_page(request: Request) -> Response:
    """Show a hold: evidence, votes, effect of a ruling, ballots, rulings."""
    state, contest = get_state(request), contest_from_path(request)
    hold_id: int = request.path_params["hold"]
    async with state.connection() as connection:
        holds = await load_holds(connection, contest)
        hold = next((listed for listed in holds if listed.id == hold_id), None)
        if hold is None:
            raise NotFound("sites.console.rulings.no_such_hold", slug=contest.slug, hold_id=hold_id)
        await _viewed(request, connection, contest, f"hold {hold.id}")
        rulings = await load_rulings(connection, contest, hold.id)
        ballots = await load_hold_ballots(
            connection, contest, hold.id, after=_after(request), limit=BALLOTS_SHOWN + 1
        )
        figures = await load_figures(connection, contest, state.clock())
    async with _enough_time(state, hold) as connection:
        effects = await load_effect(connection, contest, hold, holds)
        overlaps = await load_overlaps(connection, hold.id) if len(holds) > 1 else {}
    return page(
        request,
        "rulings/hold.html",
        contest=contest,
        hold=hold,
        rulings=rulings,
        ballots=ballots[:BALLOTS_SHOWN],
        more=ballots[BALLOTS_SHOWN - 1].ballot_id.hex() if len(ballots) > BALLOTS_SHOWN else "",
        platforms=platform_names(request),
        overlaps=overlaps,
        window=_window(contest, hold),
        total=effects[0],
        prospect=prospect(figures.standing(), effects, contest.rules.cut.size),
        size=contest.rules.cut.size,
        names={candidate.number: candidate.name for candidate in contest.candidates},
        **_deciding(request),
    )


def _window(contest: Contest, hold: Hold) -> str:
    """Return the address of the hold's time window; of the first day of a long one."""
    first, last = hold.evidence.first_at, hold.evidence.last_at
    if first is None or last is None:
        return ""
    ends = min(max(last, first) + timedelta(seconds=1), first + MAX_LENGTH)
    return window_path(contest, first, ends)


def _after(request: Request) -> bytes:
    text = request.query_params.get("after", "")
    if text and not _BALLOT_ID.fullmatch(text):
        raise NotFound("sites.console.rulings.ballot_number_format")
    return bytes.fromhex(text)


async def _viewed(
    request: Request, connection: AnyConnection, contest: Contest, subject: str
) -> None:
    """Record that the user views evidence."""
    await record_view(
        connection,
        current_user(request).account.name,
        contest.slug,
        subject,
    )


@signed_in(*READERS)
async def ballot_page(request: Request) -> Response:
    """Show a ballot: its state, its holds, and every ruling about them."""
    contest = contest_from_path(request)
    ballot: str = request.path_params["ballot"]
    if not _BALLOT_ID.fullmatch(ballot):
        raise NotFound("sites.console.rulings.ballot_number_format")
    async with get_state(request).connection() as connection:
        history = await load_ballot_history(connection, contest, bytes.fromhex(ballot))
        await _viewed(request, connection, contest, f"ballot {ballot}")
    return page(
        request,
        "rulings/ballot.html",
        contest=contest,
        history=history,
        hour=hour_path(contest, history.ballot.cast_at),
        platforms=platform_names(request),
        names={candidate.number: candidate.name for candidate in contest.candidates},
        **_deciding(request),
    )


@signed_in(*READERS)
async def approvals_page(request: Request) -> Response:
    """Show what waits for the user, what the user proposed, and what is closed."""
    contest, account = contest_from_path(request), current_user(request)
    async with get_state(request).connection() as connection:
        approvals = await load_contest_approvals(connection, contest.id)
        holds = await load_holds(connection, contest, decisions=approvals)
    waiting = [approval for approval in approvals if approval.state == "waiting"]
    decided = [approval for approval in approvals if approval.state != "waiting"]

    def is_mine(approval: ApprovalRequest) -> bool:
        return approval.proposed_by == account.account.id

    return page(
        request,
        "rulings/approvals.html",
        contest=contest,
        in_words=partial(
            describe_approval, request, contest, holds={hold.id: hold for hold in holds}
        ),
        for_me=[d for d in waiting if not is_mine(d)],
        mine=[d for d in waiting if is_mine(d)],
        decided=decided[: -DECIDED_SHOWN - 1 : -1],
        left_out=max(0, len(decided) - DECIDED_SHOWN),
        **_deciding(request),
    )


ROUTES = [
    Route(HOLDS, holds_page),
    Route(f"{HOLDS}/{{hold:int}}", hold_page),
    Route(f"{CONTEST}/ballots/{{ballot}}", ballot_page),
    Route(f"{CONTEST}/approvals", approvals_page),
]
