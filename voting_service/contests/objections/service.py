"""Make an online objection, look its answer up, read it and answer it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from voting_service.contests.model import Contest
from voting_service.contests.objections.model import (
    ObjectionState,
    ObjectionTarget,
    OnlineObjection,
    SubmittedObjection,
    check_answer,
    new_number,
    read_number,
)
from voting_service.contests.objections.repository import (
    find_objection,
    has_sent,
    insert_objection,
    load_attachment,
    load_objection,
    store_answer,
)
from voting_service.errors import NotFound, Refused, SlowDown
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.accounts.model import Role, require_role
from voting_service.staff.actor import Actor
from voting_service.staff.audit_log.record import record

READERS: tuple[Role, ...] = ("tally_clerk", "supervisor", "reviewer", "auditor")
ANSWERERS: tuple[Role, ...] = ("tally_clerk", "supervisor", "reviewer")
LIMIT = 5
"""Objections from one network in an hour. None altogether: a flood would refuse everybody else. Who
has more to object to can write to the organiser."""
OBJECTIONS_AFTER_CUT = timedelta(days=30)
"""How long objections are taken after the publication of the cut, where no panel follows."""
RETRY_SECONDS = 3600


async def submit_objection(
    connection: AnyConnection, master_key: bytes, new: SubmittedObjection
) -> str:
    """Store an objection and return its number. Raises InvalidInput, or SlowDown over a limit."""
    new.written.check()
    number = new_number()
    if not await insert_objection(connection, master_key, number, new, LIMIT):
        raise SlowDown(RETRY_SECONDS)
    return number


async def check_objection_limit(connection: AnyConnection, sender: bytes) -> None:
    """Raise SlowDown when a network has sent its objections of this hour, before its files are
    looked at."""
    if await has_sent(connection, sender, LIMIT):
        raise SlowDown(RETRY_SECONDS)


async def look_up_objection(
    connection: AnyConnection, master_key: bytes, typed: str
) -> ObjectionState:
    """Return the state of the objection with a number as a person typed it. Raises Refused for a
    mistyped number, NotFound for an unknown one."""
    number = read_number(typed)
    if number is None:
        raise Refused("contests.objections.mistyped_number")
    state = await find_objection(connection, master_key, number)
    if state is None:
        raise NotFound("contests.objections.no_such_objection")
    return state


async def read_objection(
    actor: Actor, master_key: bytes, objection_id: int, contests: Iterable[Contest]
) -> OnlineObjection:
    """Load an objection with what was written, and record that it was read. Raises NotFound."""
    require_role(actor.account, *READERS)
    with domain_errors():
        async with actor.connection.transaction():
            objection = await load_objection(actor.connection, master_key, objection_id)
            await record(
                actor.connection,
                actor.account.name,
                "viewed",
                contest=_slug(objection.state.target, contests),
                subject=_subject(objection),
            )
    return objection


async def read_attachment(
    actor: Actor, master_key: bytes, objection_id: int, contests: Iterable[Contest]
) -> bytes:
    """Load the PDF that came with an objection, and record that it was read. Raises NotFound."""
    objection = await read_objection(actor, master_key, objection_id, contests)
    return await load_attachment(actor.connection, master_key, objection.id)


async def answer_online_objection(
    actor: Actor,
    master_key: bytes,
    objection_id: int,
    answer: str,
    contests: Iterable[Contest],
) -> None:
    """Store the answer, which the objector can look up from now on. Raises InvalidInput, NotFound,
    or Refused when it has one."""
    require_role(actor.account, *ANSWERERS)
    check_answer(answer)
    with domain_errors():
        async with actor.connection.transaction():
            objection = await load_objection(actor.connection, master_key, objection_id)
            if not await store_answer(
                actor.connection, master_key, objection, answer, actor.account.id
            ):
                raise Refused("contests.objections.already_answered")
            await record(
                actor.connection,
                actor.account.name,
                "objection_answered",
                contest=_slug(objection.state.target, contests),
                subject=_subject(objection),
            )


def _slug(target: ObjectionTarget, contests: Iterable[Contest]) -> str | None:
    return next((c.slug for c in contests if c.id == target.contest_id), None)


def _subject(objection: OnlineObjection) -> str:
    return f"online objection {objection.id}"
