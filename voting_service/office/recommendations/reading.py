"""Recommendations as they stand in Postgres, opened.

Whoever shows a form or a file writes into the journal that it was looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from voting_service.errors import NotFound
from voting_service.office.model import Body, Selection, Slot
from voting_service.office.recommendations.model import (
    Conflict,
    File,
    FileInfo,
    Recommendation,
    Review,
    Submission,
)
from voting_service.office.recommendations.sealed_form import (
    file_label,
    open_form,
    review_label,
)
from voting_service.office.sealing import PersonalKeys
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__)


async def load_recommendations(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    *,
    body: Body | None = None,
) -> tuple[Recommendation, ...]:
    """All of a selection, or of one body, the newest last. Raises Refused for what cannot be
    opened."""
    return await _load(connection, keys, selection, body.id if body else None, None)


async def load_recommendation(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    recommendation_id: int,
    *,
    body: Body | None = None,
) -> Recommendation:
    """One of a selection; with `body` only its own. Raises NotFound."""
    body_id = body.id if body else None
    for found in await _load(connection, keys, selection, body_id, recommendation_id):
        return found
    raise NotFound(f"there is no recommendation {recommendation_id}", zh="没有这份推荐。")


async def _load(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    body_id: int | None,
    recommendation_id: int | None,
) -> tuple[Recommendation, ...]:
    with domain_errors():
        rows = await connection.fetch(
            QUERIES["recommendations"], selection.id, body_id, recommendation_id
        )
        files = await connection.fetch(QUERIES["files"], [row["id"] for row in rows])
    attached = _files_of(files)
    return tuple(
        msgspec.convert(
            {
                **row,
                "form": open_form(keys, row["body_id"], selection.slug, row["form"]),
                "files": attached.get(row["id"], {}),
            },
            Recommendation,
        )
        for row in rows
    )


def _files_of(rows: Iterable[Any]) -> Mapping[int, dict[Slot, FileInfo]]:
    found: dict[int, dict[Slot, FileInfo]] = {}
    for row in rows:
        info = msgspec.convert({name: row[name] for name in FileInfo.__struct_fields__}, FileInfo)
        found.setdefault(row["recommendation_id"], {})[info.slot] = info
    return found


async def load_file(
    connection: AnyConnection, keys: PersonalKeys, recommendation_id: int, slot: Slot
) -> File:
    """What is attached now. Raises NotFound."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["file"], recommendation_id, slot)
    if row is None:
        raise NotFound(f"recommendation {recommendation_id} has no {slot}", zh="没有上传这个文件。")
    content = keys.open(file_label(slot, recommendation_id), row["content"])
    return File(row["media_type"], row["pages"], row["sha256"], content)


async def load_submissions(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    recommendation: Recommendation,
) -> tuple[Submission, ...]:
    """Every time it was handed in, oldest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["submissions"], recommendation.id)
    body_id = recommendation.body_id
    return tuple(
        msgspec.convert(
            {**row, "form": open_form(keys, body_id, selection.slug, row["form"])}, Submission
        )
        for row in rows
    )


async def load_reviews(
    connection: AnyConnection, keys: PersonalKeys, recommendation_id: int
) -> tuple[Review, ...]:
    """What became of it, oldest first."""
    label = review_label(recommendation_id)
    with domain_errors():
        rows = await connection.fetch(QUERIES["reviews"], recommendation_id)
    return tuple(
        msgspec.convert({**row, "reason": keys.open(label, row["reason"]).decode()}, Review)
        for row in rows
    )


async def load_conflicts(connection: AnyConnection, selection: Selection) -> tuple[Conflict, ...]:
    """Persons whom two bodies want to recommend, the newest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["conflicts"], selection.id)
    return tuple(msgspec.convert(dict(row), Conflict) for row in rows)
