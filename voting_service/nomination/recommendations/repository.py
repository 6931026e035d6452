"""Recommendations in Postgres: forms, files and reasons are encrypted on the way in and decrypted
on the way out. Showing a form or a file to somebody is recorded by the service.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from voting_service.errors import NotFound
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.constraint_errors import register_constraint_errors
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.model import (
    RecommendingBody,
    Selection,
    Slot,
    State,
)
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.recommendations.constraints import CONSTRAINTS
from voting_service.nomination.recommendations.form_encryption import (
    decrypt_form,
    decrypt_sources,
    encrypt_form,
    encrypt_sources,
    file_label,
    review_label,
)
from voting_service.nomination.recommendations.model import (
    MAX_DRAFTS,
    Conflict,
    File,
    FileInfo,
    OfBody,
    Recommendation,
    Review,
    Submission,
    Verdict,
)

QUERIES = Queries(__package__)
register_constraint_errors(CONSTRAINTS)


class LockedRecommendation(NamedTuple):
    """What is stored while others wait; `form` is encrypted."""

    body_id: int
    revision: int
    form: bytes


class Holder(NamedTuple):
    """The recommendation that has a person, and the name of its body."""

    id: int
    body: Text


class UnsubmittedRecommendation(NamedTuple):
    """A recommendation that may still be submitted, without its form."""

    id: int
    body_id: int
    state: State
    saved_at: datetime


# Loading


async def load_recommendations(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    *,
    body: RecommendingBody | None = None,
    ids: Collection[int] | None = None,
) -> tuple[Recommendation, ...]:
    """Return every recommendation of a selection, of one body, or those with these ids, newest
    last. Raises Refused when a form cannot be decrypted."""
    return await _load(connection, keys, selection, body.id if body else None, ids)


async def load_drafts(
    connection: AnyConnection, keys: PersonalKeys, selection: Selection
) -> tuple[Recommendation, ...]:
    """Return the drafts of every body. Raises Refused when a form cannot be decrypted."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["recommendations"], selection.id, None, None, "draft")
    return await _read(connection, keys, selection, rows)


async def load_recommendation(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    recommendation_id: int,
    *,
    body: RecommendingBody | None = None,
) -> Recommendation:
    """Return one recommendation; with `body` only one of that body. Raises NotFound."""
    body_id = body.id if body else None
    for recommendation in await _load(connection, keys, selection, body_id, [recommendation_id]):
        return recommendation
    raise NotFound(
        "nomination.recommendations.no_such_recommendation", recommendation_id=recommendation_id
    )


async def _load(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    body_id: int | None,
    ids: Collection[int] | None,
) -> tuple[Recommendation, ...]:
    with domain_errors():
        rows = await connection.fetch(QUERIES["recommendations"], selection.id, body_id, ids, None)
    return await _read(connection, keys, selection, rows)


async def _read(
    connection: AnyConnection, keys: PersonalKeys, selection: Selection, rows: Sequence[Any]
) -> tuple[Recommendation, ...]:
    with domain_errors():
        files = await connection.fetch(QUERIES["files"], [row["id"] for row in rows])
    attached = _group_files(keys, files)
    return tuple(
        msgspec.convert(
            {
                **row,
                "form": decrypt_form(keys, row["body_id"], selection.slug, row["form"]),
                "files": attached.get(row["id"], {}),
            },
            Recommendation,
        )
        for row in rows
    )


def _group_files(keys: PersonalKeys, rows: Iterable[Any]) -> Mapping[int, dict[Slot, FileInfo]]:
    files: dict[int, dict[Slot, FileInfo]] = {}
    for row in rows:
        values = {name: row[name] for name in FileInfo.__struct_fields__}
        values["sources"] = decrypt_sources(
            keys, row["slot"], row["recommendation_id"], row["sources"]
        )
        info = msgspec.convert(values, FileInfo)
        files.setdefault(row["recommendation_id"], {})[info.slot] = info
    return files


async def load_submitted_file(
    connection: AnyConnection, keys: PersonalKeys, recommendation_id: int, slot: Slot
) -> File:
    """Return the file attached now. Raises NotFound."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["file"], recommendation_id, slot)
    if row is None:
        raise NotFound(
            "nomination.recommendations.no_such_file",
            recommendation_id=recommendation_id,
            slot=slot,
        )
    content = keys.decrypt(file_label(slot, recommendation_id), row["content"])
    sources = decrypt_sources(keys, slot, recommendation_id, row["sources"])
    return File(row["media_type"], row["pages"], row["sha256"], content, sources, row["is_coarse"])


async def has_coarse_photo(connection: AnyConnection, recommendation_id: int) -> bool:
    """Return whether the photo attached now prints, but not sharply."""
    with domain_errors():
        return bool(await connection.fetchval(QUERIES["has_coarse_photo"], recommendation_id))


async def load_submissions(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    recommendation: OfBody,
) -> tuple[Submission, ...]:
    """Return every submission of a recommendation, oldest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["submissions"], recommendation.id)
    body_id = recommendation.body_id
    return tuple(
        msgspec.convert(
            {**row, "form": decrypt_form(keys, body_id, selection.slug, row["form"])}, Submission
        )
        for row in rows
    )


async def load_reviews(
    connection: AnyConnection, keys: PersonalKeys, recommendation_id: int
) -> tuple[Review, ...]:
    """Return the verdicts and the withdrawal of a recommendation, oldest first."""
    label = review_label(recommendation_id)
    with domain_errors():
        rows = await connection.fetch(QUERIES["reviews"], recommendation_id)
    return tuple(
        msgspec.convert({**row, "reason": keys.decrypt(label, row["reason"]).decode()}, Review)
        for row in rows
    )


async def load_conflicts(connection: AnyConnection, selection: Selection) -> tuple[Conflict, ...]:
    """Return the persons that two bodies want to recommend, newest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["conflicts"], selection.id)
    return tuple(msgspec.convert(dict(row), Conflict) for row in rows)


async def load_submission_ends(
    connection: AnyConnection, selection: Selection, body: RecommendingBody
) -> dict[int, datetime]:
    """Return when submission ends for each draft and returned recommendation of a body: at the
    deadline, or later by a late exception or the term of a return."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["submission_ends"], selection.id, body.id)
    return {row["id"]: row["ends_at"] for row in rows}


async def load_unsubmitted(
    connection: AnyConnection, selection: Selection
) -> tuple[UnsubmittedRecommendation, ...]:
    """Return the drafts and returned recommendations of every body."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["unsubmitted"], selection.id)
    return tuple(UnsubmittedRecommendation(*row) for row in rows)


async def find_holder(
    connection: AnyConnection, selection: Selection, person_hash: bytes
) -> Holder | None:
    """Return the recommendation that has a person now."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["holder"], selection.id, person_hash)
    return None if row is None else Holder(row["id"], msgspec.convert(row["name"], Text))


# Storing


async def insert_draft(
    actor: SelectionActor, body: RecommendingBody, form: RecommendationForm
) -> int | None:
    """Store a draft and return its number; None when the body has MAX_DRAFTS drafts."""
    encrypted = encrypt_form(actor.keys, body.id, actor.selection.slug, form)
    with domain_errors():
        number: int | None = await actor.connection.fetchval(
            QUERIES["insert_draft"],
            actor.selection.id,
            body.id,
            encrypted,
            actor.account.id,
            MAX_DRAFTS,
        )
    return number


async def delete_draft_rows(actor: SelectionActor, recommendation_id: int) -> None:
    """Delete a draft with its files. Raises Refused for what was ever submitted."""
    with domain_errors():
        await actor.connection.execute(QUERIES["delete_draft"], recommendation_id, actor.account.id)


async def lock_recommendation(
    connection: AnyConnection, recommendation_id: int
) -> LockedRecommendation | None:
    """Make others wait who save, attach or submit until the transaction ends."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["lock_recommendation"], recommendation_id)
    return None if row is None else LockedRecommendation(**row)


async def update_form(
    actor: SelectionActor, recommendation: Recommendation, form: RecommendationForm
) -> int | None:
    """Replace the loaded form and return the new revision; None when it was saved since."""
    encrypted = encrypt_form(actor.keys, recommendation.body_id, actor.selection.slug, form)
    with domain_errors():
        revision: int | None = await actor.connection.fetchval(
            QUERIES["save_form"],
            recommendation.id,
            recommendation.revision,
            encrypted,
            actor.account.id,
        )
    return revision


async def clear_slot(connection: AnyConnection, recommendation_id: int, slot: Slot) -> bool:
    """Detach the file of a slot; whether there was one."""
    with domain_errors():
        removed = await connection.fetchval(QUERIES["replace_file"], recommendation_id, slot)
    return removed is not None


async def insert_file(
    actor: SelectionActor,
    recommendation_id: int,
    slot: Slot,
    file: File,
    printed: bytes | None = None,
) -> None:
    """Store a file in an empty slot; with stamped pages the fingerprint of what was stamped."""
    encrypted = actor.keys.encrypt(file_label(slot, recommendation_id), file.content)
    with domain_errors():
        await actor.connection.execute(
            QUERIES["insert_file"],
            recommendation_id,
            slot,
            file.sha256,
            file.media_type,
            file.pages,
            encrypted,
            actor.account.id,
            encrypt_sources(actor.keys, slot, recommendation_id, file.sources),
            file.is_coarse,
            printed,
        )


async def insert_submission(
    actor: SelectionActor, recommendation: Recommendation, person_hash: bytes, form_sha256: bytes
) -> None:
    """Submit the stored form; the database sets time and turn and enforces the rules."""
    photo, evidence = recommendation.files["photo"], recommendation.files["evidence"]
    with domain_errors():
        await actor.connection.fetchval(
            QUERIES["insert_submission"],
            recommendation.id,
            person_hash,
            form_sha256,
            photo.sha256,
            evidence.sha256,
            evidence.pages,
            actor.account.id,
        )


async def insert_review(
    actor: SelectionActor,
    recommendation_id: int,
    verdict: Verdict,
    reason: str,
    correct_until: datetime | None = None,
) -> None:
    """Store a verdict or a withdrawal, a return with its term; the database changes the state.
    Raises Refused for what the state or the deadline does not allow."""
    encrypted = actor.keys.encrypt(review_label(recommendation_id), reason.encode())
    with domain_errors():
        await actor.connection.execute(
            QUERIES["insert_review"],
            recommendation_id,
            verdict,
            encrypted,
            actor.account.id,
            correct_until,
        )


async def insert_conflict(
    connection: AnyConnection, recommendation_id: int, holder_id: int
) -> bool:
    """Store that two recommendations are of the same person; whether it was new."""
    with domain_errors():
        inserted = await connection.fetchval(
            QUERIES["insert_conflict"], recommendation_id, holder_id
        )
    return inserted is not None
