"""What a person does with a draft: create, change, fill, discard, and announce it by two people.

One person is enough for everything that stays inside. Every change carries the revision of the
draft that was read, so that nobody overwrites what a colleague saved since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from voting_service.contests.candidate_list.picture_files import (
    CandidatePicture,
    PictureFile,
    RejectedFile,
    assign_pictures,
)
from voting_service.contests.candidate_list.reader import CandidateList
from voting_service.contests.drafts.approval_kinds import ANNOUNCEMENT
from voting_service.contests.drafts.model import (
    Content,
    ContestDraft,
    DraftChecks,
    DraftPicture,
    changed_content,
    check_draft,
    find_section_faults,
    keeps_pictures,
    new_content,
    require_no_faults,
    with_candidates,
)
from voting_service.contests.drafts.repository import (
    DraftChanged,
    end_announced,
    end_discarded,
    insert_draft,
    load_draft,
    load_draft_logo,
    load_draft_pictures,
    load_encoded_logo,
    load_shown_pictures,
    load_slugs_taken,
    lock_draft,
    remove_pictures,
    store_draft_logo,
    store_picture,
    update_draft,
)
from voting_service.contests.pictures.model import MAX_PICTURES, Picture
from voting_service.contests.service import create_contest
from voting_service.errors import Fault, Refused
from voting_service.i18n.text import Text
from voting_service.infrastructure.crypto.canonical_json import digest
from voting_service.infrastructure.images.encoding_pool import PictureToEncode, encode_all
from voting_service.infrastructure.images.model import EncodedPicture
from voting_service.infrastructure.postgres.pool import domain_errors
from voting_service.staff.accounts.model import require_role
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.model import DECIDERS, ApprovalRequest, check_approver
from voting_service.staff.approvals.repository import find_approval, load_approvals
from voting_service.staff.approvals.service import decline, propose, record_approval


class LoadedPictures(NamedTuple):
    """The pictures of an upload, encoded, with whom they show; what was wrong with others, and
    which files are nobody's."""

    encoded: Sequence[tuple[CandidatePicture, EncodedPicture]]
    refused: Sequence[Fault]
    rejected: Sequence[RejectedFile]


async def create_draft(actor: Actor, names: Mapping[str, Any]) -> int:
    """Store a new draft with title, slug and time zone, and return its id. Raises InvalidInput with
    every fault of these, also when another draft has the slug."""
    require_role(actor.account, *DECIDERS)
    require_no_faults(find_section_faults(dict(names), ("title", "slug", "time_zone")))
    content = new_content(names, actor.now)
    with domain_errors():
        async with actor.connection.transaction():
            draft_id = await insert_draft(actor, content)
            await actor.record("draft_saved", content["slug"], f"draft {draft_id}", what="created")
    return draft_id


async def save_section(actor: Actor, draft: ContestDraft, changes: Mapping[str, Any]) -> None:
    """Change some keys of a draft. Raises InvalidInput with the faults of these keys, and
    DraftChanged."""
    content = changed_content(draft.content, changes)
    require_no_faults(find_section_faults(content, changes))
    with domain_errors():
        async with actor.connection.transaction():
            await _save(actor, draft, content, sorted(changes))


async def replace_candidates(
    actor: Actor, draft: ContestDraft, listed: CandidateList
) -> frozenset[int]:
    """Store the candidates of a list instead of those of the draft. Pictures stay with a number
    that has the same name as before; return the numbers that lost theirs. Raises ListRefused with
    every fault, and DraftChanged."""
    content = with_candidates(draft.content, listed)
    with domain_errors():
        async with actor.connection.transaction():
            await _save(actor, draft, content, "candidates")
            keep = keeps_pictures(draft.content, content)
            return await remove_pictures(actor.connection, draft.id, keep)


async def prepare_pictures(draft: ContestDraft, files: Iterable[PictureFile]) -> LoadedPictures:
    """Encode the pictures that belong to a candidate. It takes a second for each: hold no
    connection while it lasts."""
    resolved = assign_pictures(files, draft.people)
    kept = [picture for picture in resolved.pictures if picture.order <= MAX_PICTURES]
    results = await encode_all(
        PictureToEncode(
            picture.file.name,
            picture.file.name,
            picture.file.content,
            "portrait" if picture.caption is None else "picture",
        )
        for picture in kept
    )
    return LoadedPictures(
        [
            (picture, result)
            for picture, result in zip(kept, results, strict=True)
            if not isinstance(result, Fault)
        ],
        [
            *(result for result in results if isinstance(result, Fault)),
            *(
                Fault(picture.file.name, "contests.drafts.too_many_pictures", most=MAX_PICTURES)
                for picture in resolved.pictures
                if picture.order > MAX_PICTURES
            ),
        ],
        resolved.rejected,
    )


async def store_pictures(actor: Actor, draft: ContestDraft, prepared: LoadedPictures) -> None:
    """Store encoded pictures, in place of earlier ones. Raises DraftChanged."""
    with domain_errors():
        async with actor.connection.transaction():
            await _save(actor, draft, draft.content, f"{len(prepared.encoded)} pictures")
            for assigned, picture in prepared.encoded:
                caption = Text(assigned.caption, assigned.caption) if assigned.caption else None
                shown = Picture(picture.hash, picture.width, picture.height, caption)
                named = DraftPicture(assigned.number, assigned.order, assigned.file.name, shown)
                await store_picture(actor.connection, draft.id, named, picture)
            await remove_pictures(
                actor.connection, draft.id, [person.number for person in draft.people]
            )


async def change_logo(actor: Actor, draft: ContestDraft, logo: EncodedPicture | None) -> None:
    """Set the logo, or remove it. Raises DraftChanged."""
    with domain_errors():
        async with actor.connection.transaction():
            await _save(actor, draft, draft.content, "logo")
            await store_draft_logo(actor.connection, draft.id, logo)


async def _save(actor: Actor, draft: ContestDraft, content: Content, what: object) -> None:
    require_role(actor.account, *DECIDERS)
    await update_draft(actor, draft, content)
    await actor.record("draft_saved", content["slug"], f"draft {draft.id}", what=what)


async def discard_draft(actor: Actor, draft: ContestDraft) -> None:
    """Remove a draft with its candidates and pictures for good. Raises DraftChanged."""
    require_role(actor.account, *DECIDERS)
    with domain_errors():
        async with actor.connection.transaction():
            await end_discarded(actor, draft)
            await actor.record("draft_discarded", draft.slug, f"draft {draft.id}")


async def examine_draft(actor: Actor, draft: ContestDraft) -> DraftChecks:
    """Return what keeps a draft from being announced now."""
    pictures = await load_draft_pictures(actor.connection, draft.id)
    return check_draft(
        draft,
        {named.number for named in pictures if named.place == 0},
        taken=await load_slugs_taken(actor.connection),
        now=actor.now,
    )


async def propose_announcement(actor: Actor, draft: ContestDraft) -> int:
    """Propose to make a draft public as it is now, and return the request's id. Raises InvalidInput
    with everything that is missing or wrong."""
    checked = await examine_draft(actor, draft)
    require_no_faults(checked.faults)
    return await propose(
        actor,
        draft,
        kind=ANNOUNCEMENT,
        subject=f"{draft.slug}/{draft.revision}",
        payload=await _payload(actor, draft, checked),
    )


async def _payload(actor: Actor, draft: ContestDraft, checked: DraftChecks) -> dict[str, Any]:
    """Return what two people approve; the hash covers every text and every picture."""
    contest = checked.contest
    assert contest is not None  # without faults there is one
    pictures = await load_draft_pictures(actor.connection, draft.id)
    logo = await load_draft_logo(actor.connection, draft.id)
    shown = [draft.content, *(msgspec.to_builtins(part) for part in (pictures, logo))]
    return {
        "contest": contest.slug,
        "revision": draft.revision,
        "opens_at": contest.opens_at.isoformat(),
        "closes_at": contest.closes_at.isoformat(),
        "candidates": len(contest.candidates),
        "content_sha256": digest(shown),
    }


async def approve_announcement(
    actor: Actor, draft_id: int, request_id: int, master_key: bytes
) -> str:
    """Approve an announcement: the contest is created in the same transaction, or not at all.
    Return its slug.

    Raises SecondPersonRequired if the proposer approves, Refused when the draft changed since, and
    InvalidInput when it can no longer be announced.
    """
    connection = actor.connection
    with domain_errors():
        async with connection.transaction():
            draft = await lock_draft(connection, draft_id)
            request = find_approval(await load_approvals(connection, "draft", draft.id), request_id)
            check_approver(request, actor.account)
            checked = await examine_draft(actor, draft)
            if request.payload["revision"] != draft.revision:
                raise DraftChanged("contests.drafts.changed_since_proposed")
            require_no_faults(checked.faults)
            if await _payload(actor, draft, checked) != request.payload:
                raise Refused("contests.drafts.changed_since_proposed")
            assert checked.contest is not None
            pictures = await load_shown_pictures(
                connection, draft.id, await load_draft_pictures(connection, draft.id)
            )
            contest_id = await create_contest(
                connection,
                master_key,
                checked.contest,
                pictures,
                await load_encoded_logo(connection, draft.id),
            )
            await end_announced(connection, draft.id, contest_id)
            await record_approval(actor, draft, request)
            await actor.record(
                "contest_announced",
                draft.slug,
                f"draft {draft.id}",
                candidates=len(checked.contest.candidates),
                pictures=len(pictures),
            )
    return draft.slug


async def decline_announcement(
    actor: Actor, draft_id: int, request_id: int, because: str
) -> ApprovalRequest:
    """Decline an announcement, or withdraw one's own. Raises as `approvals.service.decline`."""
    draft = await load_draft(actor.connection, draft_id)
    requests = await load_approvals(actor.connection, "draft", draft.id)
    return await decline(actor, draft, find_approval(requests, request_id), because)
