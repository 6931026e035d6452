"""The fifty: chosen, numbered, described, handed over; each page shows what is next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.accounts.sessions import is_confirmed
from voting_service.decisions.model import Decision
from voting_service.decisions.store import load_selection_decisions
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.journal.record import record
from voting_service.office.asked import selection_of
from voting_service.office.model import READERS, REVIEWERS, Selection
from voting_service.office.picks.hand_over import default_settings
from voting_service.office.picks.profiles import load_profiles
from voting_service.office.picks.public_notices import draw_of, notice_slug, shown_notice
from voting_service.office.picks.store import (
    FIFTY,
    SEED,
    SOURCE,
    approved,
    drawn_set,
    hand_over_blocked,
    load_picks,
)
from voting_service.office.review.coverage import traits
from voting_service.office.review.pages import coverage_values
from voting_service.office.review.reading import Dossier, load_dossiers
from voting_service.office.sealing import PersonalKeys

PICKS = "/selections/{slug}/picks"
KINDS = frozenset({"picks", "draw", "hand_over"})


def waiting(decisions: tuple[Decision, ...], *kinds: str) -> list[Decision]:
    """What somebody proposed and nobody decided yet."""
    return [each for each in decisions if each.kind in kinds and each.state == "waiting"]


def deciding_values(request: Request) -> dict[str, Any]:
    """What `picks/parts.html` needs: whether the visitor decides, and must confirm first."""
    known = visitor(request)
    may_decide = known.account.role in REVIEWERS
    return {
        "may_decide": may_decide,
        "must_confirm": may_decide and not is_confirmed(known.session, desk_of(request).clock()),
        "own_account": known.account.id,
        "done": request.query_params.get("done", ""),
        "parsed": datetime.fromisoformat,
    }


@signed_in(*READERS)
async def picks_page(request: Request) -> Response:
    """To choose from before the choice, and the chosen after it, with what is to do next."""
    desk = desk_of(request)
    keys = PersonalKeys.of(desk.settings)
    async with desk.connection() as connection:
        selection = await selection_of(request, connection)
        picks = await load_picks(connection, selection)
        decisions = await load_selection_decisions(connection, selection.id)
        everything = await load_dossiers(connection, keys, selection)
        await record(
            connection, visitor(request).account.name, "viewed", contest=selection.slug,
            subject="the choice", details={"recommendations": len(everything)},
        )  # fmt: skip
        by_id = {dossier.id: dossier for dossier in everything}
        chosen = {p.recommendation_id: by_id[p.recommendation_id] for p in picks}
        profiles = await load_profiles(connection, keys, selection, chosen)
        slugs = {kind: notice_slug(selection, kind) for kind in ("draw", "fifty")}
        shown = {
            kind: await shown_notice(connection, slug, desk.clock()) for kind, slug in slugs.items()
        }
        blocked = await hand_over_blocked(connection, selection) if picks else "numbers"
    now = desk.clock()
    accepted = [dossier for dossier in everything if dossier.state == "accepted"]
    standing = [by_id[pick.recommendation_id] for pick in picks if not pick.is_removed]
    today = now.astimezone(selection.zone).date()
    return page(
        request,
        "picks/picks.html" if picks else "picks/choose.html",
        selection=selection,
        picks=picks,
        dossiers=by_id,
        accepted=accepted,
        open_reviews=sum(dossier.state == "submitted" for dossier in everything),
        is_over=now >= selection.closes_at,
        traits={dossier.id: traits(dossier, today) for dossier in accepted},
        proposed=_proposed(decisions, by_id),
        waiting=waiting(decisions, *KINDS),
        source=approved(decisions, "draw", SOURCE),
        seed=approved(decisions, "draw", SEED),
        draw=draw_of(
            selection, decisions, [by_id[one].form_sha256.hex() for one in drawn_set(picks)]
        ),
        profiles=profiles,
        are_ready=all(
            profiles[dossier.id].revision and not profiles[dossier.id].faults_left
            for dossier in standing
        ),
        notices=shown,
        blocked=blocked,
        now=now,
        settings_text=default_settings(selection, now),
        public_url=desk.settings.public_url.rstrip("/"),
        **coverage_values(request, selection, standing or accepted, today),
        **deciding_values(request),
    )


def _proposed(
    decisions: tuple[Decision, ...], dossiers: Mapping[int, Dossier]
) -> dict[int, list[Dossier]]:
    """By proposal of a choice, whom it names."""
    return {
        decision.id: [
            dossiers[number] for number in decision.payload["recommendations"] if number in dossiers
        ]
        for decision in decisions
        if decision.kind == "picks" and decision.subject == FIFTY and decision.state == "waiting"
    }


def picks_address(selection: Selection) -> str:
    return f"/selections/{selection.slug}/picks"


ROUTES = [Route(PICKS, picks_page)]
