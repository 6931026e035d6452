"""The notices of the draw and of the shortlist. No I/O.

Everything in a notice is checked for personal data before it is published
(nomination/notices/repository.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Literal

from voting_service.errors import (
    Fault,
    InvalidInput,
    Refused,
)
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text
from voting_service.infrastructure.crypto.public_draw import lot_order
from voting_service.nomination.model import Selection
from voting_service.nomination.notices.repository import (
    Draw,
    Notice,
    NoticeRow,
)
from voting_service.nomination.privacy.disclosure import disclosures
from voting_service.nomination.review.repository import SubmittedRecommendation
from voting_service.nomination.shortlist.model import SEED, SOURCE, find_approved
from voting_service.staff.approvals.model import ApprovalRequest


def notice_slug(selection: Selection, kind: Literal["draw", "shortlist", "result"]) -> str:
    """Return the address part under which a notice of the selection is published."""
    return f"{selection.slug}-{kind}"


def build_draw(
    selection: Selection, approvals: Sequence[ApprovalRequest], tickets: Iterable[str]
) -> Draw | None:
    """Return the draw as far as it is approved, or None before its source is. The tickets are
    sorted; once the seed is approved they are in the order of the numbers."""
    source = find_approved(approvals, "draw", SOURCE)
    approved_seed = find_approved(approvals, "draw", SEED)
    if source is None:
        return None
    seed = None if approved_seed is None else str(approved_seed.payload["seed"])
    ordered = sorted(tickets) if seed is None else lot_order(seed, selection.slug, tickets)
    return Draw(
        source=Text(source.payload["zh"], source.payload["en"]),
        known_at=datetime.fromisoformat(source.payload["known_at"]),
        selection=selection.slug,
        seed=seed,
        tickets=tuple(ordered),
    )


def draw_notice(selection: Selection, draw: Draw, now: datetime) -> Notice:
    """Return the notice that announces the source of the draw, and later its seed."""
    return Notice(
        slug=notice_slug(selection, "draw"),
        kind="draw",
        title=load_text("shortlist", "public_notice.draw_title", selection=selection.title),
        rows=(),
        visible_from=now,
        draw=draw,
        time_zone=selection.rules.time_zone,
    )


def shortlist_notice(
    selection: Selection,
    people: Mapping[int, SubmittedRecommendation],
    draw: Draw | None,
    now: datetime,
) -> Notice:
    """Return the notice of the `people` on the shortlist, who are given by number.

    Raises Refused for an empty shortlist, and InvalidInput when something in the notice must not
    become public.
    """
    if not people:
        raise Refused("nomination.shortlist.nobody_shortlisted")
    faults = [
        locate_fault(submitted, fault)
        for submitted in people.values()
        for fault in _faults(submitted)
    ]
    if faults:
        raise InvalidInput(*faults)
    rules = selection.rules
    return Notice(
        slug=notice_slug(selection, "shortlist"),
        kind="shortlist",
        title=load_text("shortlist", "public_notice.title", selection=selection.title),
        text=load_text(
            "shortlist", "public_notice.text", days=rules.notice_days, office=rules.office
        ),
        rows=tuple(_row(number, submitted, draw) for number, submitted in sorted(people.items())),
        visible_from=now,
        objections_until=end_of_notice_period(selection, now),
        how_to_object=rules.contact
        or load_text("shortlist", "public_notice.how_to_object", office=rules.office),
        draw=draw,
        time_zone=rules.time_zone,
    )


def _row(number: int, submitted: SubmittedRecommendation, draw: Draw | None) -> NoticeRow:
    """A replacement has no ticket of its own: it has the number of the one it replaced."""
    form, ticket = submitted.form, submitted.form_sha256.hex()
    return NoticeRow(
        number=number,
        name=form.name,
        trade=form.trade,
        employer=form.employer,
        body=submitted.body.name,
        ticket=ticket if draw is None or ticket in draw.tickets else None,
    )


def _faults(submitted: SubmittedRecommendation) -> tuple[Fault, ...]:
    form = submitted.form
    texts = {"name": form.name, "trade": form.trade, "employer": form.employer}
    return disclosures(texts, form=form)


def locate_fault(submitted: SubmittedRecommendation, fault: Fault) -> Fault:
    """Return a fault of one recommendation in a check of the whole shortlist: it names the
    recommendation."""
    return Fault(
        f"recommendation {submitted.id}: {fault.field}",
        "nomination.shortlist.fault_of_recommendation",
        id=submitted.id,
        field=fault.field,
        zh_fault=fault.zh,
        en_fault=fault.message,
    )


def end_of_notice_period(selection: Selection, start: datetime) -> datetime:
    """Return local midnight after as many whole days as were announced."""
    day = start.astimezone(selection.zone).date() + timedelta(days=selection.rules.notice_days + 1)
    return datetime.combine(day, time(), selection.zone)
