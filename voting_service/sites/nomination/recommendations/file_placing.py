"""Where newly chosen pages go when a slot has pages already: none is replaced unasked.

Evidence is added behind what is there unless `replace` is chosen; a stamped page is replaced
only on that word. A photo takes the place of the last, which the officer sees while cropping it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from voting_service.errors import Fault
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.model import Slot
from voting_service.nomination.recommendations.model import File, FileInfo, Recommendation
from voting_service.nomination.recommendations.repository import load_submitted_file
from voting_service.sites.nomination.recommendations.context import RecommendationContext

PLACING = "placing."
"""With the name of a slot: `add` or `replace`."""


async def load_earlier_pages(
    connection: AnyConnection, context: RecommendationContext, added: Collection[Slot]
) -> dict[Slot, File]:
    """Return the stored files of the slots that pages are added to."""
    number, keys = context.recommendation.id, context.actor.keys
    return {
        slot: await load_submitted_file(connection, keys, number, slot)
        for slot in added
        if slot in context.recommendation.files
    }


def unasked(recommendation: Recommendation, slots: Sequence[Slot]) -> list[Fault]:
    """Return a fault for each stamped page that would be replaced."""
    return [
        Fault(slot, "sites.nomination.recommendations.already_uploaded")
        for slot in slots
        if slot not in {"photo", "evidence"} and slot in recommendation.files
    ]


def overtaken(before: Recommendation, now: Recommendation, slots: Collection[Slot]) -> list[Fault]:
    """Return a fault for each slot that got other pages while the new ones were examined."""
    return [
        Fault(slot, "sites.nomination.recommendations.file_changed_meanwhile")
        for slot in slots
        if _mark(before.files.get(slot)) != _mark(now.files.get(slot))
    ]


def _mark(info: FileInfo | None) -> bytes:
    return info.sha256 if info else b""
