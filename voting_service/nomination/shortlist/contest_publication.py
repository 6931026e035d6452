"""Publication of the shortlist to the contest: public texts and portraits become candidates.

What is approved is what was proposed, to the byte: the request carries the SHA-256 of the whole
contest file. The contest is created in the transaction of the approval, or not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures.process import BrokenProcessPool
from hashlib import sha256

from voting_service.contests.contest_file.reader import ContestFile
from voting_service.contests.service import ShownPicture, create_contest
from voting_service.errors import (
    Fault,
    InvalidInput,
    Refused,
)
from voting_service.infrastructure.images.encoding import (
    PictureRefused,
    encode_picture,
    workers,
)
from voting_service.infrastructure.images.model import EncodedPicture
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import Selection
from voting_service.nomination.privacy.disclosure import disclosures
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.review.repository import (
    load_submitted_file,
    load_submitted_recommendations,
)
from voting_service.nomination.shortlist.approval_kinds import CONTEST_PUBLICATION
from voting_service.nomination.shortlist.constraints import CONSTRAINTS
from voting_service.nomination.shortlist.contest_file import ShortlistedCandidate, read_contest
from voting_service.nomination.shortlist.model import CONTEST
from voting_service.nomination.shortlist.profiles import load_profiles, profile_faults
from voting_service.nomination.shortlist.public_notices import locate_fault
from voting_service.nomination.shortlist.repository import (
    link_contest,
    load_numbers,
    load_publication_blocker,
)
from voting_service.staff.approvals.model import ApprovalRequest, check_approver
from voting_service.staff.approvals.service import propose, record_approval

Candidates = tuple[ShortlistedCandidate, ...]


async def load_candidates(
    connection: AnyConnection, keys: PersonalKeys, selection: Selection
) -> Candidates:
    """Load the candidates by number. Raises Refused before the numbers are drawn."""
    numbers = await load_numbers(connection, selection)
    if not numbers or None in numbers.values():
        raise Refused("nomination.shortlist.choose_and_draw_first")
    all_submitted = {
        submitted.id: submitted
        for submitted in await load_submitted_recommendations(
            connection, keys, selection, list(numbers)
        )
    }
    profiles = await load_profiles(connection, keys, selection, all_submitted)
    candidates = []
    for recommendation_id, number in numbers.items():
        photo = await load_submitted_file(connection, keys, recommendation_id, "photo")
        candidates.append(
            ShortlistedCandidate(
                number=number or 0,
                submitted=all_submitted[recommendation_id],
                profile=profiles[recommendation_id],
                photo=photo.content,
            )
        )
    return tuple(sorted(candidates, key=lambda candidate: candidate.number))


async def propose_contest_publication(actor: SelectionActor, settings: str) -> int:
    """Propose the contest and return the request's id. Raises InvalidInput with everything that
    must not become public or is wrong in the settings. The notice period is checked at the
    approval."""
    candidates = await load_candidates(actor.connection, actor.keys, actor.selection)
    await _refuse_faults(candidates)
    contest, file_sha256 = read_contest(actor.selection, settings, candidates)
    return await propose(
        actor.actor,
        actor.selection,
        kind=CONTEST_PUBLICATION,
        subject=CONTEST,
        payload={"contest": contest.slug, "settings": settings, "file_sha256": file_sha256},
    )


async def approve_contest_publication(
    actor: SelectionActor, proposal: ApprovalRequest, master_key: bytes
) -> int:
    """Approve the request, create the contest and return its id.

    Raises SecondPersonRequired; Refused during a notice period, with an open objection, or when
    anything changed since the proposal; InvalidInput for what must not become public.
    """
    connection = actor.connection
    check_approver(proposal, actor.account)
    blocker = await load_publication_blocker(connection, actor.selection)
    if blocker is not None:
        # The error that the database would raise, before the long work instead of after it.
        refusal = CONSTRAINTS[f"contest_publication_{blocker}"]
        raise Refused(refusal.code, **refusal.params)
    candidates = await load_candidates(connection, actor.keys, actor.selection)
    _approved_contest(actor.selection, proposal, candidates)
    await _refuse_faults(candidates)
    portraits = await encode_portraits(candidates)
    with domain_errors():
        async with connection.transaction():
            await record_approval(actor.actor, actor.selection, proposal)
            # Loaded again inside the transaction: refused unless it is what was checked above.
            candidates = await load_candidates(connection, actor.keys, actor.selection)
            contest = _approved_contest(actor.selection, proposal, candidates)
            pictures = [
                ShownPicture(candidate.number, portraits[sha256(candidate.photo).digest()])
                for candidate in candidates
            ]
            contest_id = await create_contest(connection, master_key, contest, pictures)
            await link_contest(connection, actor.selection, contest_id)
            await actor.record(
                "published_to_contest",
                f"contest {contest.slug}",
                candidates=len(candidates),
                decision=proposal.id,
            )
    return contest_id


async def _refuse_faults(candidates: Candidates) -> None:
    """In a thread, because checking fifty stories takes seconds."""
    faults = await asyncio.to_thread(_faults, candidates)
    if faults:
        raise InvalidInput(*faults)


def _faults(candidates: Candidates) -> tuple[Fault, ...]:
    return tuple(
        locate_fault(candidate.submitted, fault)
        for candidate in candidates
        for fault in profile_faults(candidate.profile, candidate.submitted, candidate.photo)
    )


def _approved_contest(
    selection: Selection, proposal: ApprovalRequest, candidates: Candidates
) -> ContestFile:
    """Return the contest. Raises Refused unless its file is the proposed one, to the byte."""
    contest, file_sha256 = read_contest(selection, proposal.payload["settings"], candidates)
    if file_sha256 != proposal.payload["file_sha256"]:
        raise Refused("nomination.shortlist.changed_since_proposal")
    return contest


async def encode_portraits(candidates: Candidates) -> Mapping[bytes, EncodedPicture]:
    """Return every portrait in every size, by the SHA-256 of the photo; encoded in processes of
    their own. Raises InvalidInput that names whose photo cannot be read, or holds metadata even
    after encoding."""
    photos = {sha256(candidate.photo).digest(): candidate for candidate in candidates}
    loop = asyncio.get_running_loop()
    encoded: dict[bytes, EncodedPicture] = {}
    faults: list[Fault] = []
    with workers() as pool:
        encodings = {
            digest: loop.run_in_executor(
                pool, encode_picture, candidate.photo, "photo.jpg", "portrait"
            )
            for digest, candidate in photos.items()
        }
        for digest, encoding in encodings.items():
            field = f"recommendation {photos[digest].submitted.id}: photo"
            try:
                encoded[digest] = await encoding
            except PictureRefused as refused:
                faults.append(Fault.verbatim(field, str(refused), refused.zh))
            except BrokenProcessPool:
                faults.append(Fault(field, "nomination.shortlist.unreadable_photo"))
            else:
                files = {
                    f"{field} ({file.width} {file.format})": file.data
                    for file in encoded[digest].files
                }
                faults.extend(disclosures({}, files))
    if faults:
        raise InvalidInput(*faults)
    return encoded
