"""What was handed in, opened: forms, files, history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import get_args

import msgspec

from voting_service.errors import NotFound
from voting_service.office.form import Form
from voting_service.office.model import Body, Selection, Slot, State
from voting_service.office.recommendations.reading import load_reviews
from voting_service.office.recommendations.sealed_form import file_label, open_form
from voting_service.office.sealing import PersonalKeys
from voting_service.office.store import load_bodies
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__)
SLOTS: tuple[Slot, ...] = get_args(Slot)
MAX_ID = 2**31 - 1
"""What the table's numbers can be; addresses may hold any."""


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """A recommendation as it was handed in last."""

    id: int
    body: Body
    state: State
    form: Form
    assigned_to: int | None
    assignee: str | None
    turn: int
    submitted_at: datetime
    is_late: bool
    form_sha256: bytes
    photo_sha256: bytes
    evidence_pages: int


class KeptFile(msgspec.Struct, frozen=True):
    """A file of a recommendation, opened."""

    media_type: str
    pages: int
    content: bytes


class Moment(msgspec.Struct, frozen=True):
    """One line of a recommendation's history; `words` is empty where nothing was said."""

    at: datetime
    name: str
    what: str
    words: str = ""


async def load_dossiers(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    wanted: Sequence[int] | None = None,
) -> tuple[Dossier, ...]:
    """Everything that was ever submitted, or `wanted` of it, by id. Whoever shows it to somebody
    writes that into the journal. Raises Refused when a form cannot be opened."""
    bodies = {body.id: body for body in await load_bodies(connection)}
    with domain_errors():
        rows = await connection.fetch(QUERIES["dossiers"], selection.id, wanted)
    found = []
    for row in rows:
        values = dict(row)
        body = bodies[values.pop("body_id")]
        form = open_form(keys, body.id, selection.slug, values.pop("form"))
        values.pop("evidence_sha256")
        found.append(Dossier(**values, body=body, form=form))
    return tuple(found)


async def load_dossier(
    connection: AnyConnection, keys: PersonalKeys, selection: Selection, recommendation_id: int
) -> Dossier:
    """Raises NotFound, also for what was never submitted."""
    is_possible = recommendation_id <= MAX_ID
    wanted = [recommendation_id] if is_possible else []
    found = await load_dossiers(connection, keys, selection, wanted)
    if not found:
        raise NotFound("there is no such recommendation", zh="没有这份推荐，或尚未提交。")
    return found[0]


async def load_file(
    connection: AnyConnection, keys: PersonalKeys, recommendation_id: int, slot: Slot
) -> KeptFile:
    """A file as it was handed in last. Raises NotFound."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["file"], recommendation_id, slot)
    if row is None:
        raise NotFound("there is no such file", zh="没有这个文件。")
    content = keys.open(file_label(slot, recommendation_id), row["content"])
    return KeptFile(row["media_type"], row["pages"], content)


async def files_there_are(
    connection: AnyConnection, recommendation_id: int
) -> dict[Slot, tuple[str, int]]:
    """Media type and number of pages of each file that was handed in last."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["files"], recommendation_id)
    return {row["slot"]: (row["media_type"], row["pages"]) for row in rows}


async def load_history(
    connection: AnyConnection, keys: PersonalKeys, recommendation_id: int
) -> tuple[Moment, ...]:
    """Submissions and verdicts, oldest first."""
    with domain_errors():
        submissions = await connection.fetch(QUERIES["submissions"], recommendation_id)
    reviews = await load_reviews(connection, keys, recommendation_id)
    moments = [
        *(Moment(row["submitted_at"], row["name"], "submitted") for row in submissions),
        *(Moment(each.at, each.by, each.verdict, each.reason) for each in reviews),
    ]
    return tuple(sorted(moments, key=lambda moment: moment.at))


async def load_notes(
    connection: AnyConnection, keys: PersonalKeys, recommendation_id: int
) -> tuple[Moment, ...]:
    """Oldest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["notes"], recommendation_id)
    label = note_label(recommendation_id)
    return tuple(
        Moment(row["written_at"], row["name"], "note", keys.open(label, row["content"]).decode())
        for row in rows
    )


def note_label(recommendation_id: int) -> str:
    return f"note of recommendation {recommendation_id}"


async def load_reviewers(connection: AnyConnection) -> tuple[tuple[int, str], ...]:
    """Who may be assigned: id and name."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["reviewers"])
    return tuple((row["id"], row["name"]) for row in rows)


async def conflicting_bodies(connection: AnyConnection, recommendation_id: int) -> tuple[Body, ...]:
    """Other bodies that wanted to recommend this person."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["conflicts"], recommendation_id)
    bodies = {body.id: body for body in await load_bodies(connection)}
    return tuple(bodies[row["body_id"]] for row in rows)
