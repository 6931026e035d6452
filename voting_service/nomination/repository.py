"""Selections and recommending bodies in Postgres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from voting_service.errors import (
    Fault,
    InvalidInput,
    NotFound,
)
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.constraint_errors import register_constraint_errors
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.nomination.constraints import CONSTRAINTS
from voting_service.nomination.model import (
    BodyKind,
    NewSelection,
    RecommendingBody,
    Selection,
)
from voting_service.staff.accounts.model import Account
from voting_service.staff.accounts.sessions import hash_token

QUERIES = Queries(__package__)
register_constraint_errors(CONSTRAINTS)


async def insert_selection(connection: AnyConnection, new: NewSelection) -> int:
    """Store a new selection and return its id. Raises InvalidInput when the slug is taken."""
    if not new.opens_at < new.closes_at:
        raise InvalidInput(Fault("closes_at", "nomination.closes_before_opening"))
    with domain_errors():
        selection_id: int = await connection.fetchval(
            QUERIES["insert_selection"],
            new.slug,
            msgspec.to_builtins(new.rules),
            new.opens_at,
            new.closes_at,
            new.district_quota,
            new.department_quota,
        )
    return selection_id


async def load_selections(connection: AnyConnection) -> tuple[Selection, ...]:
    """Return every selection, newest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["selections"])
    return tuple(msgspec.convert(dict(row), Selection) for row in rows)


async def load_selection(connection: AnyConnection, slug: str) -> Selection:
    """Return the selection with this slug. Raises NotFound."""
    for selection in await load_selections(connection):
        if selection.slug == slug:
            return selection
    raise NotFound("nomination.no_such_selection", slug=slug)


async def insert_body(connection: AnyConnection, slug: str, kind: BodyKind, name: Text) -> int:
    """Store a body and return its id. Raises InvalidInput when the slug is taken."""
    with domain_errors():
        body_id: int = await connection.fetchval(
            QUERIES["insert_body"], slug, kind, msgspec.to_builtins(name)
        )
    return body_id


async def load_bodies(connection: AnyConnection) -> tuple[RecommendingBody, ...]:
    """Return every body, districts first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["bodies"])
    return tuple(msgspec.convert(dict(row), RecommendingBody) for row in rows)


async def load_officer_body(connection: AnyConnection, account: Account) -> RecommendingBody:
    """Return the body that an account recommends for. Raises NotFound."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["body_of_officer"], account.id)
    if row is None:
        raise NotFound("nomination.not_an_officer", name=account.name)
    return msgspec.convert(dict(row), RecommendingBody)


async def insert_body_invitation(
    connection: AnyConnection, token: str, body: RecommendingBody
) -> None:
    """Store that the account made with an invitation becomes an officer of the body."""
    with domain_errors():
        await connection.execute(
            QUERIES["insert_body_invitation"], hash_token(token), body.id, body.name.zh
        )


async def load_officers(connection: AnyConnection) -> Mapping[int, list[tuple[int, str, bool]]]:
    """Return account id, name and whether disabled of every officer, by body."""
    officers: dict[int, list[tuple[int, str, bool]]] = {}
    with domain_errors():
        for row in await connection.fetch(QUERIES["officers"]):
            officers.setdefault(row["body_id"], []).append(
                (row["id"], row["name"], row["disabled"])
            )
    return officers


async def insert_earlier_winners(
    connection: AnyConnection, person_hashes: Sequence[bytes], year: int
) -> int:
    """Store winners of earlier years and return how many were new."""
    with domain_errors():
        inserted: int = await connection.fetchval(
            QUERIES["insert_earlier_winners"], list(person_hashes), year
        )
    return inserted


async def count_places_taken(connection: AnyConnection, selection: Selection) -> Mapping[int, int]:
    """Return the number of quota places taken, by body; bodies without any are left out."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["places_taken"], selection.id)
    return {row["body_id"]: row["taken"] for row in rows}
