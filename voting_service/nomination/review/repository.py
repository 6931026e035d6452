"""Submitted recommendations in Postgres: forms, files, history and notes, decrypted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from statistics import mean
from typing import NamedTuple, get_args

import msgspec

from voting_service.errors import NotFound
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
from voting_service.nomination.recommendations.form_encryption import decrypt_form, file_label
from voting_service.nomination.recommendations.model import File
from voting_service.nomination.recommendations.repository import load_reviews
from voting_service.nomination.repository import load_bodies
from voting_service.nomination.review.constraints import CONSTRAINTS

QUERIES = Queries(__package__)
register_constraint_errors(CONSTRAINTS)
SLOTS: tuple[Slot, ...] = get_args(Slot)
MAX_ID = 2**31 - 1
"""The largest number the table can have; an address may contain any."""


class SubmittedRecommendation(msgspec.Struct, frozen=True, kw_only=True):
    """A recommendation as it was last submitted; `reviewers` are the id and name of each account
    that it is assigned to."""

    id: int
    body: RecommendingBody
    state: State
    form: RecommendationForm
    reviewers: tuple[tuple[int, str], ...]
    turn: int
    submitted_at: datetime
    is_late: bool
    form_sha256: bytes
    photo_sha256: bytes
    evidence_pages: int
    reviewed_at: datetime | None
    """When its newest verdict was given, or it was withdrawn."""
    preliminary_scores: Sequence[int]
    """Lowest first, one of each reviewer who scored it."""

    @property
    def body_id(self) -> int:
        return self.body.id

    @property
    def assignee(self) -> str:
        """The names of its reviewers."""
        return ", ".join(name for _, name in self.reviewers)

    @property
    def average_score(self) -> float | None:
        """The mean of the preliminary scores; None where there is none."""
        return mean(self.preliminary_scores) if self.preliminary_scores else None


class PreliminaryScore(NamedTuple):
    """The preliminary score that an account gave."""

    account_id: int
    name: str
    score: int


class JointOfficeStamp(NamedTuple):
    """The picture of the joint office's stamp, a PNG with a transparent ground."""

    sha256: bytes
    content: bytes


class HistoryEntry(msgspec.Struct, frozen=True):
    """One line of a recommendation's history; `text` is empty where none was written. A return has
    a term, `correct_until`."""

    at: datetime
    name: str
    event: str
    text: str = ""
    correct_until: datetime | None = None


async def load_submitted_recommendations(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    ids: Sequence[int] | None = None,
) -> tuple[SubmittedRecommendation, ...]:
    """Return every recommendation that was ever submitted, or those of `ids`, in the order of ids.
    Showing them to somebody is recorded by the service. Raises Refused when a form cannot be
    decrypted."""
    bodies = {body.id: body for body in await load_bodies(connection)}
    with domain_errors():
        rows = await connection.fetch(QUERIES["submitted_recommendations"], selection.id, ids)
    recommendations = []
    for row in rows:
        values = dict(row)
        body = bodies[values.pop("body_id")]
        form = decrypt_form(keys, body.id, selection.slug, values.pop("form"))
        values.pop("evidence_sha256")
        values["reviewers"] = tuple(map(tuple, values["reviewers"]))
        recommendations.append(SubmittedRecommendation(**values, body=body, form=form))
    return tuple(recommendations)


async def load_submitted_recommendation(
    connection: AnyConnection, keys: PersonalKeys, selection: Selection, recommendation_id: int
) -> SubmittedRecommendation:
    """Return one recommendation. Raises NotFound, also for one that was never submitted."""
    ids = [recommendation_id] if recommendation_id <= MAX_ID else []
    for submitted in await load_submitted_recommendations(connection, keys, selection, ids):
        return submitted
    raise NotFound("nomination.review.no_such_recommendation")


async def load_submitted_file(
    connection: AnyConnection, keys: PersonalKeys, recommendation_id: int, slot: Slot
) -> File:
    """Return a file as it was last submitted. Raises NotFound."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["file"], recommendation_id, slot)
    if row is None:
        raise NotFound("nomination.review.no_such_file")
    content = keys.decrypt(file_label(slot, recommendation_id), row["content"])
    return File(row["media_type"], row["pages"], row["sha256"], content)


async def load_file_list(
    connection: AnyConnection, recommendation_id: int
) -> dict[Slot, tuple[str, int]]:
    """Return media type and number of pages of each file that was last submitted."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["files"], recommendation_id)
    return {row["slot"]: (row["media_type"], row["pages"]) for row in rows}


async def load_history(
    connection: AnyConnection, keys: PersonalKeys, recommendation_id: int
) -> tuple[HistoryEntry, ...]:
    """Return submissions and verdicts, oldest first."""
    with domain_errors():
        submissions = await connection.fetch(QUERIES["submissions"], recommendation_id)
    reviews = await load_reviews(connection, keys, recommendation_id)
    entries = [
        *(HistoryEntry(row["submitted_at"], row["name"], "submitted") for row in submissions),
        *(HistoryEntry(v.at, v.by, v.verdict, v.reason, v.correct_until) for v in reviews),
    ]
    return tuple(sorted(entries, key=lambda entry: entry.at))


async def load_notes(
    connection: AnyConnection, keys: PersonalKeys, recommendation_id: int
) -> tuple[HistoryEntry, ...]:
    """Return the reviewers' notes, oldest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["notes"], recommendation_id)
    label = note_label(recommendation_id)
    return tuple(
        HistoryEntry(
            row["written_at"], row["name"], "note", keys.decrypt(label, row["content"]).decode()
        )
        for row in rows
    )


def note_label(recommendation_id: int) -> str:
    """Label of an encrypted note."""
    return f"note of recommendation {recommendation_id}"


async def load_preliminary_scores(
    connection: AnyConnection, recommendation_id: int
) -> tuple[PreliminaryScore, ...]:
    """Return the preliminary scores of a recommendation, by name."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["preliminary_scores"], recommendation_id)
    return tuple(PreliminaryScore(*row) for row in rows)


async def save_preliminary_score(actor: SelectionActor, recommendation_id: int, score: int) -> None:
    """Store the account's preliminary score, or change it. Raises InvalidInput for a score beyond
    the selection's, Refused for what the state does not allow."""
    with domain_errors():
        await actor.connection.execute(
            QUERIES["save_preliminary_score"], recommendation_id, actor.account.id, score
        )


async def load_reviewers(connection: AnyConnection) -> tuple[tuple[int, str], ...]:
    """Return id and name of everyone who may be assigned."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["reviewers"])
    return tuple((row["id"], row["name"]) for row in rows)


async def load_conflicting_bodies(
    connection: AnyConnection, recommendation_id: int
) -> tuple[RecommendingBody, ...]:
    """Return the other bodies that wanted to recommend this person."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["conflicts"], recommendation_id)
    bodies = {body.id: body for body in await load_bodies(connection)}
    return tuple(bodies[row["body_id"]] for row in rows)


async def insert_note(actor: SelectionActor, recommendation_id: int, text: str) -> None:
    """Store a note for other reviewers."""
    encrypted = actor.keys.encrypt(note_label(recommendation_id), text.encode())
    with domain_errors():
        await actor.connection.execute(
            QUERIES["insert_note"], recommendation_id, encrypted, actor.account.id
        )


async def save_assignments(
    actor: SelectionActor, assignments: Mapping[int, Sequence[int]]
) -> tuple[int, ...]:
    """Give each recommendation these reviewers and no others; return those that were changed."""
    pairs = [
        (recommendation_id, account_id)
        for recommendation_id, account_ids in assignments.items()
        for account_id in account_ids or (None,)
    ]
    with domain_errors():
        rows = await actor.connection.fetch(
            QUERIES["assign"],
            actor.selection.id,
            [recommendation_id for recommendation_id, _ in pairs],
            [account_id for _, account_id in pairs],
            actor.account.id,
        )
    return tuple(row["recommendation_id"] for row in rows)


async def load_accepted_ids(connection: AnyConnection, selection: Selection) -> frozenset[int]:
    """Return the numbers of the accepted recommendations."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["accepted"], selection.id)
    return frozenset(row["id"] for row in rows)


async def load_shortlisted_ids(connection: AnyConnection, selection: Selection) -> frozenset[int]:
    """Return the numbers of the recommendations that are on the shortlist."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["shortlisted"], selection.id)
    return frozenset(row["recommendation_id"] for row in rows)


async def load_stamp(actor: SelectionActor, sha256: bytes | None = None) -> JointOfficeStamp | None:
    """Return the stamp with this hash, or the newest; None when there is none."""
    with domain_errors():
        row = await actor.connection.fetchrow(QUERIES["stamp"], actor.selection.id, sha256)
    if row is None:
        return None
    content = actor.keys.decrypt(stamp_label(actor.selection.slug), row["content"])
    return JointOfficeStamp(row["sha256"], content)


async def insert_stamp(actor: SelectionActor, stamp: JointOfficeStamp) -> None:
    """Store a stamp, which is the newest from now on."""
    encrypted = actor.keys.encrypt(stamp_label(actor.selection.slug), stamp.content)
    with domain_errors():
        await actor.connection.execute(
            QUERIES["insert_stamp"],
            actor.selection.id,
            stamp.sha256,
            encrypted,
            actor.account.id,
        )


def stamp_label(selection_slug: str) -> str:
    """Label of an encrypted stamp: a person who has its picture can print with it."""
    return f"stamp of {selection_slug}"
