"""Put ballots in question: those of a filtered time window, or those named one by one.

They keep their state until two people rule. What a window selects, and what a ruling would change,
is shown before; the form is about exactly these ballots.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.contests.model import Contest
from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.sites.console.contests import contest_from_path
from voting_service.sites.console.rulings.ranking_preview import prospect
from voting_service.sites.console.rulings.views import HOLDS, LONG_SECONDS
from voting_service.sites.console.tally_reads import candidate_names, platform_names
from voting_service.sites.console.time_ranges import window_path
from voting_service.sites.console.window_requests import CONDITIONS, WindowRequest, read_window
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import moment_text, page, redirect_done
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.approvals.model import DECIDERS
from voting_service.staff.audit_log.service import record_view
from voting_service.voting.rulings.effect import Effect, load_selection_effect
from voting_service.voting.rulings.model import HoldAttribute, HoldEvidence, ballots_hash
from voting_service.voting.rulings.repository import NewHold, create_hold, find_hold_by_ballots
from voting_service.voting.tally.live_figures import load_figures
from voting_service.voting.tally.time_window import load_ballot_ids

MAX_WHY_CHARACTERS = 1000
_BALLOT_ID = re.compile(r"[0-9a-f]{32}")
_WINDOW = ("from", "to", *CONDITIONS)


@signed_in(*DECIDERS)
async def selection_page(request: Request) -> Response:
    """Show the form: for the window of `?from=&to=` with its filters, or for ballots by number."""
    contest = contest_from_path(request)
    if "from" in request.query_params:
        return await _window_page(request, contest)
    ballot = request.query_params.get("ballot", "")
    return page(
        request,
        "rulings/selection.html",
        contest=contest,
        requested=None,
        label="",
        ballots=ballot if _BALLOT_ID.fullmatch(ballot) else "",
    )


async def _window_page(request: Request, contest: Contest) -> Response:
    """Show how many ballots the filters select and what a ruling would change. Looking at them is
    recorded, as on the page of the window."""
    state = get_state(request)
    requested = read_window(request, contest, request.query_params)
    query = request.query_params
    fields = {name: query[name] for name in _WINDOW if query.get(name)}
    async with state.long_connection(LONG_SECONDS) as connection:
        ids = await load_ballot_ids(connection, contest, requested.window, requested.state)
        effects = await load_selection_effect(connection, contest, ids)
        figures = await load_figures(connection, contest, state.clock())
        same = await find_hold_by_ballots(connection, contest, ids) if ids else None
        account = current_user(request).account.name
        await record_view(connection, account, contest.slug, "ballots of a stretch of time", fields)
    window = requested.window
    return page(
        request,
        "rulings/selection.html",
        contest=contest,
        requested=requested,
        fields=fields,
        selected=ballots_hash(ids),
        total=effects.get(0, Effect(0, 0, 0, 0)),
        prospect=prospect(figures.standing(), effects, contest.rules.cut.size),
        size=contest.rules.cut.size,
        same=same,
        label=_label(request, contest, requested),
        names={candidate.number: candidate.name for candidate in contest.candidates},
        back=window_path(contest, window.begins, window.ends, **requested.conditions),
    )


def _label(request: Request, contest: Contest, requested: WindowRequest) -> str:
    """Return a name for the hold: what was selected."""
    window, given = requested.window, requested.conditions
    texts = get_state(request).theme.texts(language(request))
    words = {
        "network": given.get("network", "")[:8],
        "platform": platform_names(request).get(window.platform_id or 0, ""),
        "candidate": candidate_names(request, contest).get(window.candidate or 0, ""),
        "state": texts["layout"]["states"].get(given.get("state", ""), ""),
    }
    conditions = texts["tally"]["conditions"]
    parts = [f"{conditions[name]} {value}" for name, value in words.items() if value]
    first, last = (moment_text(request, m, contest.zone) for m in (window.begins, window.ends))
    return " · ".join([*parts, texts["rulings"]["hold"]["to"].format(first=first, last=last)])


@signed_in(*DECIDERS)
async def select(request: Request) -> Response:
    """Put ballots in question."""
    form = await read_form(request)
    state, contest = get_state(request), contest_from_path(request)
    why = form.get("why", "").strip()
    if not 1 <= len(why) <= MAX_WHY_CHARACTERS:
        code = "sites.console.rulings.reason_length"
        raise InvalidInput(Fault("why", code, max_why_characters=MAX_WHY_CHARACTERS))
    account = current_user(request).account
    async with state.long_connection(LONG_SECONDS) as connection:
        if "from" in form:
            ids, evidence = await _window_ballots(request, connection, form)
        else:
            ids, evidence = _named_ballots(form.get("ballots", "")), HoldEvidence(Text("", ""))
        evidence = msgspec.structs.replace(evidence, sentence=Text(zh=why, en=why))
        label = form.get("label", "")
        hold_id = await create_hold(
            connection,
            contest,
            NewHold(ids, "selection", account.name, label, evidence),
            actor=account.name,
            now=state.clock(),
        )
    return redirect_done(request, f"{HOLDS}/{hold_id}", "made")


async def _window_ballots(
    request: Request, connection: AnyConnection, form: Mapping[str, str]
) -> tuple[list[bytes], HoldEvidence]:
    """Return the ballots that a window's form is about, with what selected them. Raises Refused
    when they are others than it showed."""
    contest = contest_from_path(request)
    requested = read_window(request, contest, form)
    window = requested.window
    ids = await load_ballot_ids(connection, contest, window, requested.state)
    if ballots_hash(ids) != form.get("selected"):
        raise Refused("sites.console.rulings.selection_changed", ballots=len(ids))
    shared = {"prefix": "network", "platform": "platform"}
    return ids, HoldEvidence(
        sentence=Text("", ""),
        first_at=window.begins,
        last_at=window.ends - timedelta(seconds=1),
        candidates=() if window.candidate is None else (window.candidate,),
        attributes=tuple(
            HoldAttribute(attribute, requested.conditions[name], len(ids))
            for attribute, name in shared.items()
            if name in requested.conditions
        ),
    )


def _named_ballots(text: str) -> list[bytes]:
    """Return the ballots whose numbers were typed. Raises InvalidInput."""
    words = text.split()
    faults = [
        Fault("ballots", "sites.console.rulings.not_a_ballot_number", word=word[:40])
        for word in words
        if not _BALLOT_ID.fullmatch(word)
    ]
    if faults:
        raise InvalidInput(*faults[:5])
    return [bytes.fromhex(word) for word in words]


ROUTES = [
    Route(f"{HOLDS}/new", selection_page),
    Route(f"{HOLDS}/new", select, methods=["POST"]),
]
