"""What reviewers do with submitted recommendations: view, give verdicts, write notes, assign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from voting_service.errors import Fault, InvalidInput, NotFound
from voting_service.infrastructure.postgres.pool import domain_errors
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import RecommendingBody, Selection, Slot
from voting_service.nomination.officer_messages import RecommendationMessage, tell_officers
from voting_service.nomination.recommendations.model import File, Verdict, audit_subject
from voting_service.nomination.recommendations.repository import insert_review
from voting_service.nomination.review.filtering import QueueFilter, apply_filter
from voting_service.nomination.review.repository import (
    HistoryEntry,
    SubmittedRecommendation,
    insert_note,
    load_accepted_ids,
    load_conflicting_bodies,
    load_file_list,
    load_history,
    load_notes,
    load_reviewers,
    load_shortlisted_ids,
    load_submitted_file,
    load_submitted_recommendation,
    load_submitted_recommendations,
    update_assignee,
)

MAX_TEXT_CHARACTERS = 2000
TERM_WORKING_DAYS = 3
TERM_HOUR = 18
"""Of the last day of a term, in the time zone of the selection."""
_SATURDAY = 5


class ReviewQueue(NamedTuple):
    """Every submitted recommendation, those that match the filter, and who may be assigned."""

    all_submitted: tuple[SubmittedRecommendation, ...]
    shown: tuple[SubmittedRecommendation, ...]
    reviewers: tuple[tuple[int, str], ...]


class ReviewedRecommendation(NamedTuple):
    """One submitted recommendation with everything a reviewer sees of it."""

    submitted: SubmittedRecommendation
    files: Mapping[Slot, tuple[str, int]]
    notes: tuple[HistoryEntry, ...]
    history: tuple[HistoryEntry, ...]
    reviewers: tuple[tuple[int, str], ...]
    conflicts: tuple[RecommendingBody, ...]


async def view_queue(actor: SelectionActor, queue_filter: QueueFilter) -> ReviewQueue:
    """Return the queue and record that it was viewed."""
    all_submitted = await load_submitted_recommendations(
        actor.connection, actor.keys, actor.selection
    )
    reviewers = await load_reviewers(actor.connection)
    shown = apply_filter(all_submitted, queue_filter)
    await actor.record("viewed", "review queue", recommendations=len(shown))
    return ReviewQueue(all_submitted, shown, reviewers)


async def view_recommendation(
    actor: SelectionActor, recommendation_id: int
) -> ReviewedRecommendation:
    """Return one recommendation and record that its form was viewed. Raises NotFound."""
    connection, keys = actor.connection, actor.keys
    with domain_errors():
        async with connection.transaction():
            submitted = await load_submitted_recommendation(
                connection, keys, actor.selection, recommendation_id
            )
            await actor.record("viewed", audit_subject(submitted.id), what="form")
            return ReviewedRecommendation(
                submitted,
                files=await load_file_list(connection, submitted.id),
                notes=await load_notes(connection, keys, submitted.id),
                history=await load_history(connection, keys, submitted.id),
                reviewers=await load_reviewers(connection),
                conflicts=await load_conflicting_bodies(connection, submitted.id),
            )


async def open_file(
    actor: SelectionActor,
    recommendation_id: int,
    slot: Slot,
    act: Literal["viewed", "exported"],
    page: int | None = None,
) -> File:
    """Return a submitted file and record that it, or one page of it, was viewed or exported.
    Raises NotFound."""
    with domain_errors():
        async with actor.connection.transaction():
            submitted = await load_submitted_recommendation(
                actor.connection, actor.keys, actor.selection, recommendation_id
            )
            file = await load_submitted_file(actor.connection, actor.keys, submitted.id, slot)
            details = {"what": slot} if page is None else {"what": slot, "page": page}
            await actor.record(act, audit_subject(submitted.id), **details)
    return file


def default_term(selection: Selection, now: datetime) -> datetime:
    """Return until when a recommendation that is returned now can be corrected, unless a reviewer
    sets another term: the evening of the third working day, and not before the deadline. Working
    days are Monday to Friday; public holidays are not known."""
    day = now.astimezone(selection.zone)
    left = TERM_WORKING_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < _SATURDAY
    return max(day.replace(hour=TERM_HOUR, minute=0, second=0, microsecond=0), selection.closes_at)


async def give_verdict(
    actor: SelectionActor,
    recommendation_id: int,
    verdict: Verdict,
    reason: str,
    correct_until: datetime | None = None,
) -> None:
    """Accept, return, reject or reopen a recommendation; only accepting needs no reason. A return
    has a term until which the body can submit it again, also after the deadline, `default_term`
    unless given. Raises InvalidInput, NotFound, and Refused for what the state does not allow."""
    reason = _checked_text("reason", reason, is_optional=verdict == "accepted")
    term = correct_until or default_term(actor.selection, actor.now)
    with domain_errors():
        async with actor.connection.transaction():
            submitted = await load_submitted_recommendation(
                actor.connection, actor.keys, actor.selection, recommendation_id
            )
            if verdict == "returned":
                await insert_review(actor, submitted.id, verdict, reason, term)
                details = {"verdict": verdict, "until": term.isoformat()}
            else:
                await insert_review(actor, submitted.id, verdict, reason)
                details = {"verdict": verdict}
            if verdict in ("accepted", "returned"):
                message = RecommendationMessage(
                    kind="accepted" if verdict == "accepted" else "returned",
                    recommendations=[submitted.id],
                    once=actor.now.isoformat(),
                    until=term if verdict == "returned" else None,
                )
                await tell_officers(actor.connection, actor.selection, message, actor.now)
            await actor.record("reviewed", audit_subject(submitted.id), **details)


async def view_accepted(
    actor: SelectionActor,
) -> tuple[tuple[SubmittedRecommendation, ...], list[int]]:
    """Return the accepted recommendations and the numbers of the shortlisted among them, and record
    that they were viewed."""
    ids = sorted(await load_accepted_ids(actor.connection, actor.selection))
    accepted = await load_submitted_recommendations(
        actor.connection, actor.keys, actor.selection, ids
    )
    if accepted:
        await actor.record("viewed", "review queue", recommendations=len(accepted))
    shortlisted = await load_shortlisted_ids(actor.connection, actor.selection)
    return accepted, [number for number in ids if number in shortlisted]


async def add_note(actor: SelectionActor, recommendation_id: int, text: str) -> None:
    """Add a note that only the joint office sees. Raises InvalidInput, NotFound."""
    text = _checked_text("note", text)
    with domain_errors():
        async with actor.connection.transaction():
            submitted = await load_submitted_recommendation(
                actor.connection, actor.keys, actor.selection, recommendation_id
            )
            await insert_note(actor, submitted.id, text)
            await actor.record("note_added", audit_subject(submitted.id))


async def assign(
    actor: SelectionActor, recommendation_ids: Sequence[int], assignee: int | None
) -> None:
    """Assign recommendations to a reviewer, or to nobody. Raises NotFound for an account that
    does not review."""
    with domain_errors():
        async with actor.connection.transaction():
            reviewers = dict(await load_reviewers(actor.connection))
            if assignee is not None and assignee not in reviewers:
                raise NotFound("nomination.review.no_such_reviewer")
            name = None if assignee is None else reviewers[assignee]
            for changed in await update_assignee(actor, recommendation_ids, assignee):
                await actor.record("assigned", audit_subject(changed), to=name)


def _checked_text(field: str, text: str, *, is_optional: bool = False) -> str:
    text = text.strip()
    if len(text) > MAX_TEXT_CHARACTERS or not (text or is_optional):
        raise InvalidInput(Fault(field, "nomination.review.text_length", limit=MAX_TEXT_CHARACTERS))
    return text
