"""What the pages of the shortlist show. Each load is recorded in the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from voting_service.errors import Fault, NotFound
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import Selection
from voting_service.nomination.notices.repository import Draw, PublishedNotice, find_notice
from voting_service.nomination.recommendations.model import audit_subject
from voting_service.nomination.review.repository import (
    SubmittedRecommendation,
    load_submitted_file,
    load_submitted_recommendation,
    load_submitted_recommendations,
)
from voting_service.nomination.shortlist.draft import ShortlistDraft, load_draft
from voting_service.nomination.shortlist.model import (
    SHORTLIST_SUBJECT,
    ShortlistEntry,
    drawn_recommendations,
)
from voting_service.nomination.shortlist.objections import Objection, load_objections
from voting_service.nomination.shortlist.profiles import Profile, load_profiles, profile_faults
from voting_service.nomination.shortlist.public_notices import build_draw, notice_slug
from voting_service.nomination.shortlist.repository import (
    load_numbers,
    load_publication_blocker,
    load_shortlist,
)
from voting_service.staff.approvals.model import ApprovalRequest
from voting_service.staff.approvals.repository import load_selection_approvals


class ShortlistPage(NamedTuple):
    """The shortlist page: `people` are all submitted recommendations by id, `draft` who is ticked
    until the shortlist is decided, `notices` the newest versions by kind, `blocker` what keeps the
    shortlist from the contest."""

    entries: tuple[ShortlistEntry, ...]
    people: Mapping[int, SubmittedRecommendation]
    draft: ShortlistDraft
    profiles: Mapping[int, Profile]
    approvals: tuple[ApprovalRequest, ...]
    draw: Draw | None
    notices: Mapping[str, PublishedNotice | None]
    blocker: str | None

    @property
    def accepted(self) -> list[SubmittedRecommendation]:
        """The accepted recommendations."""
        return [person for person in self.people.values() if person.state == "accepted"]

    @property
    def shortlisted(self) -> list[SubmittedRecommendation]:
        """The people on the shortlist who were not removed."""
        return [self.people[e.recommendation_id] for e in self.entries if not e.is_removed]

    @property
    def profiles_are_ready(self) -> bool:
        """Whether every profile was saved without faults."""
        profiles = [self.profiles[person.id] for person in self.shortlisted]
        return all(profile.revision and not profile.faults_left for profile in profiles)

    @property
    def proposed(self) -> dict[int, list[SubmittedRecommendation]]:
        """The people whom each waiting proposal of a shortlist names, by the proposal's id."""
        return {
            approval.id: [
                self.people[id_]
                for id_ in approval.payload["recommendations"]
                if id_ in self.people
            ]
            for approval in self.approvals
            if (approval.kind, approval.subject, approval.state)
            == ("shortlist", SHORTLIST_SUBJECT, "waiting")
        }


async def load_shortlist_page(actor: SelectionActor) -> ShortlistPage:
    """Load the shortlist page. Raises Refused when a form cannot be decrypted."""
    connection, selection, keys = actor.connection, actor.selection, actor.keys
    async with connection.transaction():
        entries = await load_shortlist(connection, selection)
        approvals = await load_selection_approvals(connection, selection.id)
        people = {
            submitted.id: submitted
            for submitted in await load_submitted_recommendations(connection, keys, selection)
        }
        chosen = {e.recommendation_id: people[e.recommendation_id] for e in entries}
        tickets = [people[id_].form_sha256.hex() for id_ in drawn_recommendations(entries)]
        page = ShortlistPage(
            entries=entries,
            people=people,
            draft=await load_draft(connection, selection),
            profiles=await load_profiles(connection, keys, selection, chosen),
            approvals=approvals,
            draw=build_draw(selection, approvals, tickets),
            notices={
                "draw": await find_notice(connection, notice_slug(selection, "draw"), actor.now),
                "shortlist": await find_notice(
                    connection, notice_slug(selection, "shortlist"), actor.now
                ),
            },
            blocker=await _blocker(connection, selection, entries),
        )
        await actor.record("viewed", "the choice", recommendations=len(people))
    return page


async def _blocker(
    connection: AnyConnection, selection: Selection, entries: tuple[ShortlistEntry, ...]
) -> str | None:
    return await load_publication_blocker(connection, selection) if entries else "numbers"


class NoticePage(NamedTuple):
    """The page of the public notices and their objections; fields as of ShortlistPage."""

    entries: tuple[ShortlistEntry, ...]
    people: Mapping[int, SubmittedRecommendation]
    objections: tuple[Objection, ...]
    approvals: tuple[ApprovalRequest, ...]
    notices: Mapping[str, PublishedNotice | None]
    blocker: str | None

    @property
    def is_numbered(self) -> bool:
        """Whether the numbers are drawn."""
        standing = [entry for entry in self.entries if not entry.is_removed]
        return bool(standing) and all(entry.number for entry in standing)

    @property
    def to_replace(self) -> list[Objection]:
        """The upheld objections about people who are still on the shortlist."""
        standing = {e.recommendation_id for e in self.entries if not e.is_removed}
        return [
            objection
            for objection in self.objections
            if objection.notice == "shortlist"
            and objection.verdict == "upheld"
            and objection.recommendation_id in standing
        ]

    @property
    def substitutes(self) -> list[SubmittedRecommendation]:
        """The accepted people who were never on the shortlist."""
        ever = {entry.recommendation_id for entry in self.entries}
        return [p for p in self.people.values() if p.state == "accepted" and p.id not in ever]


async def load_notice_page(actor: SelectionActor) -> NoticePage:
    """Load the notice page with every objection, decrypted."""
    connection, selection, keys = actor.connection, actor.selection, actor.keys
    async with connection.transaction():
        entries = await load_shortlist(connection, selection)
        objections = await load_objections(connection, keys, selection)
        page = NoticePage(
            entries=entries,
            people={
                submitted.id: submitted
                for submitted in await load_submitted_recommendations(connection, keys, selection)
            },
            objections=objections,
            approvals=await load_selection_approvals(connection, selection.id),
            notices={
                "shortlist": await find_notice(
                    connection, notice_slug(selection, "shortlist"), actor.now
                ),
                "result": await find_notice(
                    connection, notice_slug(selection, "result"), actor.now
                ),
            },
            blocker=await _blocker(connection, selection, entries),
        )
        await actor.record("viewed", "objections", objections=len(objections))
    return page


class ShortlistProfilePage(NamedTuple):
    """The page of one public profile; `number` is None before the draw."""

    submitted: SubmittedRecommendation
    number: int | None
    profile: Profile
    faults: tuple[Fault, ...]


async def load_profile_page(actor: SelectionActor, recommendation_id: int) -> ShortlistProfilePage:
    """Load a profile with its faults. Raises NotFound for somebody who is not shortlisted."""
    connection, selection, keys = actor.connection, actor.selection, actor.keys
    async with connection.transaction():
        submitted, number = await load_shortlisted(actor, recommendation_id)
        profiles = await load_profiles(connection, keys, selection, {submitted.id: submitted})
        photo = await load_submitted_file(connection, keys, submitted.id, "photo")
        await actor.record("viewed", audit_subject(submitted.id), what="profile")
    profile = profiles[submitted.id]
    faults = profile_faults(profile, submitted, photo.content)
    return ShortlistProfilePage(submitted, number, profile, faults)


async def load_shortlisted(
    actor: SelectionActor, recommendation_id: int
) -> tuple[SubmittedRecommendation, int | None]:
    """Load a recommendation and its number. Raises NotFound when it is not on the shortlist."""
    numbers = await load_numbers(actor.connection, actor.selection)
    if recommendation_id not in numbers:
        raise NotFound("nomination.shortlist.not_shortlisted")
    submitted = await load_submitted_recommendation(
        actor.connection, actor.keys, actor.selection, recommendation_id
    )
    return submitted, numbers[recommendation_id]
