"""What is looked at before anybody rules. Whoever looks at evidence stands in the journal."""

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

from voting_service.accounts.model import Role
from voting_service.accounts.sessions import is_confirmed
from voting_service.contests.model import Contest
from voting_service.decisions.model import DECIDERS, Decision
from voting_service.decisions.store import load_decisions
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.rendering import page
from voting_service.desk.state import Desk, contest_of, desk_of
from voting_service.errors import NotFound
from voting_service.journal.record import record
from voting_service.rulings.effect import load_effect
from voting_service.rulings.holds import (
    load_ballot_history,
    load_hold_ballots,
    load_holds,
    load_last_sweep,
    load_overlaps,
    load_rulings,
)
from voting_service.rulings.model import HOLD_KINDS, HOLD_STATES, REASONS, VERDICTS, Hold
from voting_service.staff.decision_words import decision_in_words
from voting_service.staff.rulings.prospect import prospect
from voting_service.staff.tally.moments import hour_path, window_path
from voting_service.staff.tally.reading import platform_names
from voting_service.storage.postgres import AnyConnection
from voting_service.tally.desk_figures import load_figures
from voting_service.tally.desk_window import MAX_LENGTH

CONTEST = "/contests/{slug}"
HOLDS = f"{CONTEST}/holds"
READERS: tuple[Role, ...] = ("tally_clerk", "supervisor", "auditor")
"""As for the tally."""
BALLOTS_SHOWN = 20
LARGE = 200_000
"""So many ballots of a hold are added up within a short statement's time, not more."""
LONG_SECONDS = 60.0
DECIDED_SHOWN = 100
_BALLOT_ID = re.compile(r"[0-9a-f]{32}")


@signed_in(*READERS)
async def holds_page(request: Request) -> Response:
    """All holds, by `?state=` and `?kind=` those wanted, and the form to rule on several."""
    contest = contest_of(request)
    async with desk_of(request).connection() as connection:
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
        done=request.query_params.get("done", ""),
        **_deciding(request),
    )


def _chosen(request: Request, name: str, known: Collection[str]) -> str:
    """Which of them the address asks for; nothing for all."""
    wanted = request.query_params.get(name, "")
    if wanted and wanted not in known:
        raise NotFound(f"holds have no {name} {wanted!r}")
    return wanted


def _deciding(request: Request) -> dict[str, Any]:
    """What pages need to offer acts: whether the visitor may act, and the reasons."""
    known = visitor(request)
    return {
        "may_decide": known.account.role in DECIDERS,
        "confirmed": is_confirmed(known.session, desk_of(request).clock()),
        "reasons": REASONS,
        "verdicts": VERDICTS,
    }


@asynccontextmanager
async def _enough_time(desk: Desk, hold: Hold) -> AsyncIterator[AnyConnection]:
    if hold.ballots > LARGE:
        async with desk.long_connection(LONG_SECONDS) as own:
            yield own
    else:
        async with desk.connection() as pooled:
            yield pooled


@signed_in(*READERS)
async def hold_page(request: Request) -> Response:
    """One hold: evidence, votes, what a ruling would change, ballots, rulings."""
    desk, contest = desk_of(request), contest_of(request)
    hold_id: int = request.path_params["hold"]
    async with desk.connection() as connection:
        holds = await load_holds(connection, contest)
        hold = next((each for each in holds if each.id == hold_id), None)
        if hold is None:
            raise NotFound(f"{contest.slug} has no hold {hold_id}")
        await _viewed(request, connection, contest, f"hold {hold.id}")
        rulings = await load_rulings(connection, contest, hold.id)
        ballots = await load_hold_ballots(
            connection, contest, hold.id, after=_after(request), limit=BALLOTS_SHOWN + 1
        )
        figures = await load_figures(connection, contest, desk.clock())
    async with _enough_time(desk, hold) as connection:
        effects = await load_effect(connection, contest, hold, holds)
        overlaps = await load_overlaps(connection, hold.id) if len(holds) > 1 else {}
    net = {number: count.net for number, count in figures.votes.items()}
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
        prospect=prospect(net, effects, contest.rules.cut.size),
        size=contest.rules.cut.size,
        names={candidate.number: candidate.name for candidate in contest.candidates},
        done=request.query_params.get("done", ""),
        **_deciding(request),
    )


def _window(contest: Contest, hold: Hold) -> str:
    """Where the ballots of the hold's time are looked through; the first day of a long one."""
    first, last = hold.evidence.first_at, hold.evidence.last_at
    if first is None or last is None:
        return ""
    ends = min(max(last, first) + timedelta(seconds=1), first + MAX_LENGTH)
    return window_path(contest, first, ends)


def _after(request: Request) -> bytes:
    text = request.query_params.get("after", "")
    if text and not _BALLOT_ID.fullmatch(text):
        raise NotFound("a ballot's id is 32 hexadecimal digits")
    return bytes.fromhex(text)


async def _viewed(
    request: Request, connection: AnyConnection, contest: Contest, subject: str
) -> None:
    """Evidence is shown to nobody whose look is not recorded."""
    await record(
        connection,
        visitor(request).account.name,
        "viewed",
        contest=contest.slug,
        subject=subject,
    )


@signed_in(*READERS)
async def ballot_page(request: Request) -> Response:
    """One ballot: its state, the holds it is in, and every ruling about them."""
    contest = contest_of(request)
    ballot: str = request.path_params["ballot"]
    if not _BALLOT_ID.fullmatch(ballot):
        raise NotFound("a ballot's id is 32 hexadecimal digits")
    async with desk_of(request).connection() as connection:
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
async def decisions_page(request: Request) -> Response:
    """What waits for the visitor, what the visitor waits for, and what was decided."""
    contest, known = contest_of(request), visitor(request)
    async with desk_of(request).connection() as connection:
        decisions = await load_decisions(connection, contest.id)
        holds = await load_holds(connection, contest, decisions=decisions)
    waiting = [decision for decision in decisions if decision.state == "waiting"]
    decided = [decision for decision in decisions if decision.state != "waiting"]

    def is_mine(decision: Decision) -> bool:
        return decision.proposed_by == known.account.id

    return page(
        request,
        "rulings/decisions.html",
        contest=contest,
        in_words=partial(decision_in_words, request, holds={hold.id: hold for hold in holds}),
        for_me=[d for d in waiting if not is_mine(d)],
        mine=[d for d in waiting if is_mine(d)],
        decided=decided[: -DECIDED_SHOWN - 1 : -1],
        left_out=max(0, len(decided) - DECIDED_SHOWN),
        done=request.query_params.get("done", ""),
        **_deciding(request),
    )


@signed_in(*DECIDERS)
async def selection_page(request: Request) -> Response:
    """The form to put single ballots in question."""
    wanted = request.query_params.get("ballot", "")
    return page(
        request,
        "rulings/selection.html",
        contest=contest_of(request),
        ballots=wanted if _BALLOT_ID.fullmatch(wanted) else "",
    )


ROUTES = [
    Route(HOLDS, holds_page),
    Route(f"{HOLDS}/new", selection_page),
    Route(f"{HOLDS}/{{hold:int}}", hold_page),
    Route(f"{CONTEST}/ballots/{{ballot}}", ballot_page),
    Route(f"{CONTEST}/decisions", decisions_page),
]
