"""Messages to officers about the recommendations of their body, and their wording.

A message names recommendations by number, never a person: it lies in mailboxes and telephones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.formatting import written_deadline, written_list
from voting_service.i18n.text import LANGUAGES, Text
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import Selection
from voting_service.nomination.privacy.personal_data import find_personal_data
from voting_service.nomination.privacy.text_normalization import PlainText
from voting_service.nomination.repository import QUERIES, load_selections
from voting_service.staff.messages.model import (
    CATALOGUE,
    MessageKind,
    NewMessage,
    Wording,
    wording_faults,
)
from voting_service.staff.messages.service import tell
from voting_service.staff.messages.wordings import save_wording

REMINDED_BEFORE = timedelta(days=3)
"""How long before a deadline officers are reminded of it."""


class RecommendationMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message about recommendations. `once` is different where two of a kind may be sent about
    the same ones."""

    kind: MessageKind
    recommendations: Collection[int]
    once: str = ""
    until: datetime | None = None
    due_at: datetime | None = None


async def tell_officers(
    connection: AnyConnection, selection: Selection, message: RecommendationMessage, now: datetime
) -> None:
    """Store a message to the officers of every body whose recommendations these are, each about
    its own. Call it in the transaction of what it tells of."""
    with domain_errors():
        rows = await connection.fetch(
            QUERIES["officers_of_recommendations"], list(message.recommendations)
        )
    for row in rows:
        numbers = [str(number) for number in row["recommendations"]]
        listed = Text(written_list(numbers, "zh"), written_list(numbers, "en"))
        path = f"/selections/{selection.slug}/recommendations"
        new = NewMessage(
            kind=message.kind,
            key=f"{message.kind}/{selection.id}/{message.once}/{'-'.join(numbers)}",
            params={
                "selection": selection.title,
                "number": listed,
                "numbers": listed,
                **_until(selection, message.until),
            },
            path=path,
            selection_id=selection.id,
            due_at=message.due_at,
        )
        await tell(connection, row["accounts"], new, now)


def _until(selection: Selection, until: datetime | None) -> Mapping[str, Text]:
    if until is None:
        return {}
    zone = selection.zone
    return {"until": Text(written_deadline(until, zone, "zh"), written_deadline(until, zone, "en"))}


async def tell_of_extension(
    actor: SelectionActor, before: datetime, until: datetime, request_id: int
) -> None:
    """Store a message to the officers of all bodies that the deadline moves to `until`. Call it in
    the transaction that moves it."""
    selection = actor.selection
    with domain_errors():
        rows = await actor.connection.fetch(QUERIES["officers"])
    message = NewMessage(
        kind="extended",
        key=f"extended/{selection.id}/{request_id}",
        params={
            "selection": selection.title,
            "before": _until(selection, before)["until"],
            **_until(selection, until),
        },
        path=f"/selections/{selection.slug}/recommendations",
        selection_id=selection.id,
    )
    await tell(actor.connection, [row["id"] for row in rows], message, actor.now)


async def remind_of_deadlines(connection: AnyConnection, now: datetime) -> None:
    """Remind the officers of every body that has drafts or submitted nothing, once for each
    deadline that is less than REMINDED_BEFORE away."""
    for selection in await load_selections(connection):
        if not selection.closes_at - REMINDED_BEFORE <= now < selection.closes_at:
            continue
        with domain_errors():
            async with connection.transaction():
                for row in await connection.fetch(QUERIES["officers_to_remind"], selection.id):
                    await tell(
                        connection, row["accounts"], _reminder(selection, row["drafts"]), now
                    )


def _reminder(selection: Selection, drafts: int) -> NewMessage:
    situation = "deadline.drafts" if drafts else "deadline.nothing"
    return NewMessage(
        kind="deadline",
        key=f"deadline/{selection.id}/{selection.closes_at.timestamp():.0f}",
        params={
            "selection": selection.title,
            "situation": load_text(CATALOGUE, situation, count=drafts),
            **_until(selection, selection.closes_at),
        },
        path=f"/selections/{selection.slug}/recommendations",
        selection_id=selection.id,
    )


async def change_wording(actor: SelectionActor, kind: MessageKind, wording: Wording | None) -> None:
    """Store the selection's wording of a kind, None for the catalogue's. Raises InvalidInput, also
    for an ID or card number in it; the joint office's own telephone may stand there."""
    if wording is not None:
        check_wording(kind, wording)
    selection = actor.selection
    await save_wording(actor.actor, selection, kind, wording)


def check_wording(kind: MessageKind, wording: Wording) -> None:
    """Raises InvalidInput with every fault of a wording."""
    if faults := (*wording_faults(kind, wording), *_numbers_of_people(wording)):
        raise InvalidInput(*faults)


def _numbers_of_people(wording: Wording) -> Iterator[Fault]:
    for name, text in (("subject", wording.subject), ("text", wording.text)):
        for language in LANGUAGES:
            for trace in find_personal_data(PlainText.of(getattr(text, language))):
                if trace.kind in ("id_number", "bank_card"):
                    yield Fault(
                        f"{name}_{language}",
                        "nomination.privacy.personal_data",
                        first=trace.start + 1,
                        last=trace.end,
                        kind=load_text(
                            "errors_nomination", f"nomination.privacy.kinds.{trace.kind}"
                        ),
                    )
