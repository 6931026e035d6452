"""What staff do about the shortlist: propose, approve, decline, publish the notice.

Every function opens its transaction and writes the audit log. What is said here of two people is
enforced by the database too (migrations/schema/nomination/shortlist.sql).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec

from voting_service.errors import (
    Fault,
    InvalidInput,
    NotFound,
    Refused,
)
from voting_service.i18n.text import Text
from voting_service.infrastructure.crypto.public_draw import plain_drawn
from voting_service.infrastructure.postgres.pool import domain_errors
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.declining import reject
from voting_service.nomination.notices.repository import (
    Draw,
    Notice,
    PublishedNotice,
    find_notice,
    load_notice,
    publish_notice,
)
from voting_service.nomination.officer_messages import RecommendationMessage, tell_officers
from voting_service.nomination.privacy.disclosure import disclosures
from voting_service.nomination.review.repository import (
    load_submitted_file,
    load_submitted_recommendations,
)
from voting_service.nomination.shortlist.approval_kinds import DRAW, SHORTLIST
from voting_service.nomination.shortlist.contest_publication import approve_contest_publication
from voting_service.nomination.shortlist.model import (
    APPROVAL_KINDS,
    SEED,
    SHORTLIST_SUBJECT,
    SOURCE,
    Replacement,
    drawn_recommendations,
    find_approved,
)
from voting_service.nomination.shortlist.objections import load_objections
from voting_service.nomination.shortlist.pages import load_shortlisted
from voting_service.nomination.shortlist.profiles import Profile, profile_faults, save_profile
from voting_service.nomination.shortlist.public_notices import (
    build_draw,
    draw_notice,
    notice_slug,
    shortlist_notice,
)
from voting_service.nomination.shortlist.repository import load_shortlist
from voting_service.staff.approvals.model import ApprovalRequest
from voting_service.staff.approvals.repository import find_approval, load_selection_approvals
from voting_service.staff.approvals.service import propose, record_approval

MAX_SOURCE_CHARACTERS = 300


def check_choice(actor: SelectionActor, recommendations: Collection[int]) -> None:
    """Raise InvalidInput unless it is exactly the announced number of people, and Refused before
    the close of recommending."""
    required, chosen = actor.selection.rules.shortlist_size, len(set(recommendations))
    if chosen != required:
        raise InvalidInput(
            Fault(
                "recommendation",
                f"nomination.shortlist.{'too_few' if chosen < required else 'too_many'}",
                required=required,
                chosen=chosen,
                difference=abs(required - chosen),
            )
        )
    if actor.now < actor.selection.closes_at:
        raise Refused("nomination.shortlist.recommending_still_open")


async def propose_shortlist(actor: SelectionActor, recommendations: Collection[int]) -> int:
    """Propose who is shortlisted and return the request's id. Raises as `check_choice`. The
    database checks at the approval that all are accepted."""
    check_choice(actor, recommendations)
    return await propose(
        actor.actor,
        actor.selection,
        kind=SHORTLIST,
        subject=SHORTLIST_SUBJECT,
        payload={"recommendations": sorted(set(recommendations))},
    )


async def propose_replacement(actor: SelectionActor, replacement: Replacement) -> int:
    """Propose who replaces the subject of an upheld objection; returns the request's id. Raises
    NotFound unless the objection is about the person to remove."""
    objections = await load_objections(actor.connection, actor.keys, actor.selection)
    subjects = {(objection.id, objection.recommendation_id) for objection in objections}
    if (replacement.objection, replacement.remove) not in subjects:
        raise NotFound("nomination.shortlist.no_such_objection")
    return await propose(
        actor.actor,
        actor.selection,
        kind=SHORTLIST,
        subject=f"objection/{replacement.objection}",
        payload={"remove": replacement.remove, "add": replacement.add},
    )


async def propose_source(actor: SelectionActor, source: Text, known_at: datetime) -> int:
    """Propose the source of the draw, which nobody can know before `known_at`; returns the
    request's id. The source becomes public. Raises InvalidInput."""
    texts = {"source_zh": source.zh, "source_en": source.en}
    faults = [
        Fault(field, "nomination.shortlist.source_length", limit=MAX_SOURCE_CHARACTERS)
        for field, text in texts.items()
        if not 1 <= len(text.strip()) <= MAX_SOURCE_CHARACTERS
    ]
    faults.extend(disclosures(texts))
    if known_at <= actor.now:
        faults.append(Fault("known_at", "nomination.shortlist.source_already_known"))
    if faults:
        raise InvalidInput(*faults)
    return await propose(
        actor.actor,
        actor.selection,
        kind=DRAW,
        subject=SOURCE,
        payload={**msgspec.to_builtins(source), "known_at": known_at.isoformat()},
    )


async def propose_seed(actor: SelectionActor, drawn: str) -> int:
    """Propose the digits that the source gave; returns the request's id. Raises InvalidInput for
    anything but digits, and Refused before the source is approved and known."""
    approvals = await load_selection_approvals(actor.connection, actor.selection.id)
    source = find_approved(approvals, "draw", SOURCE)
    if source is None or actor.now < datetime.fromisoformat(source.payload["known_at"]):
        raise Refused("nomination.shortlist.source_not_known")
    return await propose(
        actor.actor, actor.selection, kind=DRAW, subject=SEED, payload={"seed": plain_drawn(drawn)}
    )


async def approve_proposal(
    actor: SelectionActor, proposal_id: int, master_key: bytes
) -> ApprovalRequest:
    """Approve a request about the shortlist and return it as it was proposed. A draw is announced,
    a contest created, in the same transaction.

    Raises NotFound, SecondPersonRequired or Refused; for a contest also as
    `approve_contest_publication`.
    """
    proposal = await _load_proposal(actor, proposal_id)
    if proposal.kind == "contest_publication":
        await approve_contest_publication(actor, proposal, master_key)
        return proposal
    with domain_errors():
        async with actor.connection.transaction():
            await record_approval(actor.actor, actor.selection, proposal)
            draw = await _load_draw(actor) if proposal.kind == "draw" else None
            if draw is not None:
                await publish_draw_notice(actor, draw)
    return proposal


async def decline_proposal(actor: SelectionActor, proposal_id: int, reason: str) -> None:
    """Decline a request about the shortlist, or withdraw one's own. Raises NotFound, Refused, or
    InvalidInput for a missing reason or personal data in it."""
    proposal = await _load_proposal(actor, proposal_id)
    await reject(actor.actor, actor.selection, proposal, reason)


async def _load_proposal(actor: SelectionActor, proposal_id: int) -> ApprovalRequest:
    approvals = await load_selection_approvals(actor.connection, actor.selection.id)
    proposal = find_approval(approvals, proposal_id)
    if proposal.kind not in APPROVAL_KINDS:
        raise NotFound("nomination.shortlist.not_a_shortlist_proposal")
    return proposal


async def _load_draw(actor: SelectionActor) -> Draw | None:
    drawn = drawn_recommendations(await load_shortlist(actor.connection, actor.selection))
    all_submitted = await load_submitted_recommendations(
        actor.connection, actor.keys, actor.selection, drawn
    )
    approvals = await load_selection_approvals(actor.connection, actor.selection.id)
    return build_draw(
        actor.selection, approvals, [submitted.form_sha256.hex() for submitted in all_submitted]
    )


async def publish_draw_notice(actor: SelectionActor, draw: Draw) -> None:
    """Publish the source of the draw, and later its seed, visible at once."""
    async with actor.connection.transaction():
        await _publish(actor, draw_notice(actor.selection, draw, actor.now), ())


async def publish_shortlist_notice(actor: SelectionActor) -> None:
    """Publish the notice of the shortlist as it stands, visible at once.

    Raises Refused before the numbers are drawn, or when the newest version is the same (a new
    one would only extend the notice period), and InvalidInput for personal data in it.
    """
    entries = await load_shortlist(actor.connection, actor.selection)
    all_submitted = {
        submitted.id: submitted
        for submitted in await load_submitted_recommendations(
            actor.connection,
            actor.keys,
            actor.selection,
            [entry.recommendation_id for entry in entries],
        )
    }
    people = {}
    for entry in entries:
        if entry.is_removed:
            continue
        if entry.number is None:
            raise Refused("nomination.shortlist.draw_numbers_first")
        people[entry.number] = all_submitted[entry.recommendation_id]
    approvals = await load_selection_approvals(actor.connection, actor.selection.id)
    tickets = [all_submitted[id_].form_sha256.hex() for id_ in drawn_recommendations(entries)]
    draw = build_draw(actor.selection, approvals, tickets)
    notice = shortlist_notice(actor.selection, people, draw, actor.now)
    newest = await find_notice(actor.connection, notice.slug, actor.now)
    if newest is not None and newest.notice.rows == notice.rows:
        raise Refused("nomination.shortlist.already_published")
    shortlisted = [submitted.id for submitted in people.values()]
    async with actor.connection.transaction():
        message = RecommendationMessage(kind="shortlisted", recommendations=shortlisted)
        await tell_officers(actor.connection, actor.selection, message, actor.now)
        await _publish(actor, notice, shortlisted)


async def _publish(actor: SelectionActor, notice: Notice, recommendations: Iterable[int]) -> None:
    version = await publish_notice(actor.connection, notice, recommendations)
    await actor.record(
        "notice_published", f"notice {notice.slug}", version=version, people=len(notice.rows)
    )


async def export_shortlist_notice(actor: SelectionActor) -> PublishedNotice:
    """Load the newest notice of the shortlist for printing. Raises NotFound."""
    slug = notice_slug(actor.selection, "shortlist")
    async with actor.connection.transaction():
        published = await load_notice(actor.connection, slug, actor.now)
        await actor.record("exported", f"notice {slug}", version=published.version)
    return published


async def edit_profile(actor: SelectionActor, recommendation_id: int, profile: Profile) -> None:
    """Store a profile with the number of its faults, which keep it from the contest. Raises
    NotFound for somebody who is not shortlisted, and as `save_profile`."""
    submitted, _ = await load_shortlisted(actor, recommendation_id)
    photo = await load_submitted_file(actor.connection, actor.keys, recommendation_id, "photo")
    faults = await asyncio.to_thread(profile_faults, profile, submitted, photo.content)
    counted = msgspec.structs.replace(profile, faults_left=len(faults))
    await save_profile(actor, recommendation_id, counted)


async def check_profile(
    actor: SelectionActor, recommendation_id: int, profile: Profile
) -> tuple[Fault, ...]:
    """Return the faults of unsaved texts, without the photo's; nothing is stored. Raises NotFound
    for somebody who is not shortlisted."""
    submitted, _ = await load_shortlisted(actor, recommendation_id)
    return await asyncio.to_thread(profile_faults, profile, submitted)
