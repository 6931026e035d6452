"""How the recommended people are distributed: by recommending body against its quota, by industry
and by what else is on the form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.nomination.model import READERS, Selection
from voting_service.nomination.recommendations.service import check_drafts
from voting_service.nomination.review.coverage import (
    coverage,
    coverage_by_body,
    coverage_by_industry,
    dimension_labels,
)
from voting_service.nomination.review.repository import SubmittedRecommendation
from voting_service.nomination.shortlist.draft import load_coverage_page
from voting_service.sites.nomination.context import load_texts, selection_actor
from voting_service.sites.nomination.review.views import REVIEW
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state


@signed_in(*READERS)
async def show_coverage(request: Request) -> Response:
    """Show the places of each body and industry as a grid, and the tables of the distribution."""
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        shown = await load_coverage_page(actor)
        drafts = await check_drafts(actor)
    present = [submitted for submitted in shown.all_submitted if submitted.state != "withdrawn"]
    bodies = coverage_by_body(present, shown.bodies, actor.selection, shown.chosen, drafts)
    return page(
        request,
        "review/coverage_page.html",
        selection=actor.selection,
        by_kind={
            kind: [places for places in bodies if places.body.kind == kind]
            for kind in ("district", "department")
        },
        by_industry=coverage_by_industry(present, actor.selection, shown.chosen),
        is_draft=shown.is_draft,
        completeness=Counter(places.completeness for places in bodies),
        **coverage_values(request, actor.selection, present, actor.today),
    )


def coverage_values(
    request: Request, selection: Selection, people: Iterable[SubmittedRecommendation], today: date
) -> dict[str, Any]:
    """Return the values of the template `review/coverage.html`."""
    people = list(people)
    reader = language(request)
    texts = load_texts(request, "review")
    names = {submitted.body.slug: str(getattr(submitted.body.name, reader)) for submitted in people}
    dimension_texts: Mapping[str, Mapping[str, str]] = {
        "central_unit": texts["central_units"],
        "sex": texts["sexes"],
        "qualification": texts["qualifications"],
        "front_line": texts["front_line"],
        "age": texts["ages"],
        "not_stated": {"not_stated": texts["not_stated"]},
    }
    return {
        "coverage": coverage(people, selection, today),
        "coverage_label": dimension_labels(selection, names, dimension_texts, reader),
    }


ROUTES = [Route(f"{REVIEW}/coverage", show_coverage)]
