"""A selection's own wording of a kind of message."""

from __future__ import annotations

from typing import Protocol

import msgspec

from voting_service.errors import InvalidInput, NotFound
from voting_service.infrastructure.postgres.pool import domain_errors
from voting_service.staff.actor import Actor
from voting_service.staff.messages.model import WORDED, MessageKind, Wording, wording_faults
from voting_service.staff.messages.service import QUERIES


def worded_kind(name: str) -> MessageKind:
    """Return the kind whose wording can be changed. Raises NotFound."""
    for kind in WORDED:
        if kind == name:
            return kind
    raise NotFound("staff.messages.no_such_kind")


class SelectionTarget(Protocol):
    """The selection whose messages are worded."""

    @property
    def id(self) -> int: ...
    @property
    def slug(self) -> str: ...


async def save_wording(
    actor: Actor, selection: SelectionTarget, kind: MessageKind, wording: Wording | None
) -> None:
    """Store a selection's wording, or with None go back to the catalogue's. Messages that wait are
    sent with it. Raises InvalidInput with every fault."""
    if wording is not None and (faults := wording_faults(kind, wording)):
        raise InvalidInput(*faults)
    with domain_errors():
        async with actor.connection.transaction():
            if wording is None:
                await actor.connection.execute(QUERIES["remove_wording"], selection.id, kind)
            else:
                await actor.connection.execute(
                    QUERIES["save_wording"],
                    selection.id,
                    kind,
                    msgspec.to_builtins(wording),
                    actor.account.id,
                    actor.now,
                )
            await actor.record(
                "wording_changed", selection.slug, f"message {kind}", own=wording is not None
            )
