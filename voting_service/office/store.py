"""Selections and bodies in Postgres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from voting_service.accounts.invitations import invite
from voting_service.accounts.model import Account
from voting_service.accounts.sessions import hash_token
from voting_service.contests.model import Text
from voting_service.errors import Fault, InvalidInput, NotFound
from voting_service.office.model import Body, BodyKind, Selection, SelectionRules
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__)


async def insert_selection(
    connection: AnyConnection,
    *,
    slug: str,
    rules: SelectionRules,
    opens_at: datetime,
    closes_at: datetime,
    district_quota: int = 6,
    department_quota: int = 3,
) -> int:
    """Stores a new selection. Raises InvalidInput when the slug is taken."""
    if not opens_at < closes_at:
        raise InvalidInput(Fault("closes_at", "must be after opens_at", "须晚于开始时间。"))
    with domain_errors():
        selection_id: int = await connection.fetchval(
            QUERIES["insert_selection"],
            slug,
            msgspec.to_builtins(rules),
            opens_at,
            closes_at,
            district_quota,
            department_quota,
        )
    return selection_id


async def load_selections(connection: AnyConnection) -> tuple[Selection, ...]:
    """The newest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["selections"])
    return tuple(msgspec.convert(dict(row), Selection) for row in rows)


async def load_selection(connection: AnyConnection, slug: str) -> Selection:
    """Raises NotFound."""
    for selection in await load_selections(connection):
        if selection.slug == slug:
            return selection
    raise NotFound(f"there is no selection {slug!r}", zh="没有这次选树。")


async def insert_body(connection: AnyConnection, slug: str, kind: BodyKind, name: Text) -> int:
    """Raises InvalidInput when the slug is taken."""
    with domain_errors():
        body_id: int = await connection.fetchval(
            QUERIES["insert_body"], slug, kind, msgspec.to_builtins(name)
        )
    return body_id


async def load_bodies(connection: AnyConnection) -> tuple[Body, ...]:
    """Districts first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["bodies"])
    return tuple(msgspec.convert(dict(row), Body) for row in rows)


async def body_of(connection: AnyConnection, account: Account) -> Body:
    """The body whose officer somebody is. Raises NotFound."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["body_of_officer"], account.id)
    if row is None:
        raise NotFound(
            f"{account.name} recommends for no district or department; ask for an invitation",
            zh="该账号不属于任何推荐单位，请向市高技办索取邀请。",
        )
    return msgspec.convert(dict(row), Body)


async def invite_officer(
    connection: AnyConnection, inviter: Account, body: Body, note: str, now: datetime
) -> str:
    """The token of a link by which somebody makes an account of the body. Raises as
    `accounts.invitations.invite`."""
    with domain_errors():
        async with connection.transaction():
            token = await invite(connection, inviter, "recommender", note, now)
            await connection.execute(QUERIES["insert_body_invitation"], hash_token(token), body.id)
    return token


async def load_officers(connection: AnyConnection) -> Mapping[int, list[tuple[int, str, bool]]]:
    """By body: account, name, and whether it is disabled."""
    found: dict[int, list[tuple[int, str, bool]]] = {}
    with domain_errors():
        for row in await connection.fetch(QUERIES["officers"]):
            found.setdefault(row["body_id"], []).append((row["id"], row["name"], row["disabled"]))
    return found


async def insert_earlier_winners(
    connection: AnyConnection, person_hashes: Sequence[bytes], year: int
) -> int:
    """How many were not known yet."""
    with domain_errors():
        entered: int = await connection.fetchval(
            QUERIES["insert_earlier_winners"], list(person_hashes), year
        )
    return entered


async def places_taken(connection: AnyConnection, selection: Selection) -> Mapping[int, int]:
    """By body; bodies of which nobody was submitted are left out."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["places_taken"], selection.id)
    return {row["body_id"]: row["taken"] for row in rows}
