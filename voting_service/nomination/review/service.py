"""What reviewers do with submitted recommendations: view, give verdicts, write notes, assign; also
with many at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from voting_service.errors import Fault, InvalidInput, NotFound
from voting_service.infrastructure.postgres.pool import domain_errors
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import RecommendingBody, Selection, Slot
from voting_service.nomination.officer_messages import RecommendationMessage, tell_officers
from voting_service.nomination.recommendations.model import (
    File,
    Submission,
    Verdict,
    audit_subject,
)
from voting_service.nomination.recommendations.repository import insert_review, load_submissions
from voting_service.nomination.review.assignment import Assignments
from voting_service.nomination.review.filtering import (
    QueueFilter,
    QueuePlace,
    apply_filter,
    find_place,
)
from voting_service.nomination.review.repository import (
    HistoryEntry,
    PreliminaryScore,
    SubmittedRecommendation,
    insert_note,
    load_accepted_ids,
    load_conflicting_bodies,
    load_file_list,
    load_history,
    load_notes,
    load_preliminary_scores,
    load_reviewers,
    load_shortlisted_ids,
    load_submitted_file,
    load_submitted_recommendation,
    load_submitted_recommendations,
    save_assignments,
    save_preliminary_score,
)

MAX_TEXT_CHARACTERS = 2000
TERM_WORKING_DAYS = 3
TERM_HOUR = 18
"""Of the last day of a term, in the time zone of the selection."""
_SATURDAY = 5


class ReviewQueue(NamedTuple):
    """Every submitted recommendation, those that match the filter, and who may be assigned."""

    filter: QueueFilter
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
    scores: tuple[PreliminaryScore, ...]
    submissions: tuple[Submission, ...]
    """Oldest first."""


class Decision(NamedTuple):
    """A verdict with its reason, which only an acceptance may lack. `correct_until` is the term of
    a return, `default_term` where it is None; `score` is a preliminary score, if one is given."""

    verdict: Verdict
    reason: str = ""
    correct_until: datetime | None = None
    score: int | None = None


async def view_queue(actor: SelectionActor, queue_filter: QueueFilter) -> ReviewQueue:
    """Return the queue and record that it was viewed."""
    all_submitted = await load_submitted_recommendations(
        actor.connection, actor.keys, actor.selection
    )
    reviewers = await load_reviewers(actor.connection)
    shown = apply_filter(all_submitted, queue_filter)
    await actor.record("viewed", "review queue", recommendations=len(shown))
    return ReviewQueue(queue_filter, all_submitted, shown, reviewers)


async def export_list(
    actor: SelectionActor, queue_filter: QueueFilter, *, with_contacts: bool
) -> tuple[SubmittedRecommendation, ...]:
    """Return what the filter shows for the list of recommendations, and record the export;
    `with_contacts` is whether it has ID numbers and telephones."""
    async with actor.connection.transaction():
        people = apply_filter(
            await load_submitted_recommendations(actor.connection, actor.keys, actor.selection),
            queue_filter,
        )
        await actor.record(
            "exported",
            "list of recommendations",
            people=[submitted.id for submitted in people],
            contacts=with_contacts,
        )
    return people


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
                scores=await load_preliminary_scores(connection, submitted.id),
                submissions=await load_submissions(connection, keys, actor.selection, submitted),
            )


async def view_place(
    actor: SelectionActor, recommendation_id: int, queue_filter: QueueFilter
) -> QueuePlace:
    """Return where a recommendation stands in the filtered queue. Raises NotFound."""
    all_submitted = await load_submitted_recommendations(
        actor.connection, actor.keys, actor.selection
    )
    return find_place(all_submitted, queue_filter, recommendation_id)


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


async def decide(actor: SelectionActor, recommendation_id: int, decision: Decision) -> None:
    """Give a verdict and, with it, a preliminary score. Raises as `give_verdict` and `give_score`,
    with the faults of both; then neither is stored."""
    faults = _text_faults("reason", decision.reason, is_optional=decision.verdict == "accepted")
    if decision.score is not None:
        faults += _score_faults(actor, decision.score)
    if faults:
        raise InvalidInput(*faults)
    with domain_errors():
        async with actor.connection.transaction():
            if decision.score is not None:
                await give_score(actor, recommendation_id, decision.score)
            await give_verdict(
                actor,
                recommendation_id,
                decision.verdict,
                decision.reason,
                decision.correct_until,
            )


async def give_score(actor: SelectionActor, recommendation_id: int, score: int) -> None:
    """Give a preliminary score, or change one's own. Raises InvalidInput, NotFound, and Refused for
    what the state does not allow."""
    if faults := _score_faults(actor, score):
        raise InvalidInput(*faults)
    with domain_errors():
        async with actor.connection.transaction():
            submitted = await load_submitted_recommendation(
                actor.connection, actor.keys, actor.selection, recommendation_id
            )
            await save_preliminary_score(actor, submitted.id, score)
            await actor.record("scored", audit_subject(submitted.id), score=score)


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


async def view_for_bulk(
    actor: SelectionActor, recommendation_ids: Sequence[int] | None
) -> ReviewQueue:
    """Return the queue, `shown` being the recommendations of these numbers, or where none are given
    those that wait for review. It is recorded that these were viewed."""
    all_submitted = await load_submitted_recommendations(
        actor.connection, actor.keys, actor.selection
    )
    shown = tuple(
        submitted
        for submitted in all_submitted
        if (
            submitted.state == "submitted"
            if recommendation_ids is None
            else submitted.id in recommendation_ids
        )
    )
    await actor.record("viewed", "review queue", recommendations=len(shown))
    return ReviewQueue(QueueFilter(), all_submitted, shown, await load_reviewers(actor.connection))


def acceptance_faults(
    all_submitted: Iterable[SubmittedRecommendation], recommendation_ids: Iterable[int]
) -> tuple[Fault, ...]:
    """Return why some of these cannot be accepted; nothing when all can."""
    states = {submitted.id: submitted.state for submitted in all_submitted}
    return tuple(
        Fault(
            "recommendation",
            f"nomination.review.not_acceptable.{states.get(number, 'unknown')}",
            number=number,
        )
        for number in recommendation_ids
        if states.get(number) != "submitted"
    )


def assignment_faults(
    all_submitted: Iterable[SubmittedRecommendation], recommendation_ids: Iterable[int]
) -> tuple[Fault, ...]:
    """Return why an assignment left these as they were: withdrawn, or with enough reviewers or
    the same ones."""
    states = {submitted.id: submitted.state for submitted in all_submitted}
    return tuple(
        Fault(
            "recommendation",
            "nomination.review.not_acceptable.withdrawn"
            if states[number] == "withdrawn"
            else "nomination.review.reviewers_unchanged",
            number=number,
        )
        for number in recommendation_ids
        if number in states
    )


async def accept_all(actor: SelectionActor, recommendation_ids: Sequence[int]) -> None:
    """Accept all of these, or none. Raises InvalidInput with everything that cannot be accepted."""
    with domain_errors():
        async with actor.connection.transaction():
            all_submitted = await load_submitted_recommendations(
                actor.connection, actor.keys, actor.selection, recommendation_ids
            )
            if faults := acceptance_faults(all_submitted, recommendation_ids):
                raise InvalidInput(*faults)
            for number in recommendation_ids:
                await give_verdict(actor, number, "accepted", "")


async def assign(actor: SelectionActor, assignments: Assignments) -> tuple[int, ...]:
    """Give each recommendation these reviewers and no others, and return those that were changed.
    Raises NotFound for an account that does not review; what was never submitted, or is withdrawn,
    stays as it is."""
    with domain_errors():
        async with actor.connection.transaction():
            reviewers = dict(await load_reviewers(actor.connection))
            if not reviewers.keys() >= {n for ids in assignments.values() for n in ids}:
                raise NotFound("nomination.review.no_such_reviewer")
            changed = await save_assignments(actor, assignments)
            for number in changed:
                names = [reviewers[account_id] for account_id in assignments[number]]
                await actor.record("assigned", audit_subject(number), to=names)
    return changed


def _checked_text(field: str, text: str, *, is_optional: bool = False) -> str:
    if faults := _text_faults(field, text, is_optional=is_optional):
        raise InvalidInput(*faults)
    return text.strip()


def _text_faults(field: str, text: str, *, is_optional: bool) -> list[Fault]:
    text = text.strip()
    if len(text) > MAX_TEXT_CHARACTERS or not (text or is_optional):
        return [Fault(field, "nomination.review.text_length", limit=MAX_TEXT_CHARACTERS)]
    return []


def _score_faults(actor: SelectionActor, score: int) -> list[Fault]:
    highest = actor.selection.rules.preliminary_score_max
    if 0 <= score <= highest:
        return []
    return [Fault("score", "nomination.review.score_range", highest=highest)]
