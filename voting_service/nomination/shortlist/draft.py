"""The draft of the shortlist: who is ticked, by whom and when, until two people decide.

Every tick is stored as it is set, so the shortlist can be chosen over days and by several people.
What a page posts is compared with what it showed: only what its reader changed is changed, and
what others have changed since stays, and is returned.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from voting_service.errors import Refused
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import RecommendingBody, Selection
from voting_service.nomination.repository import load_bodies
from voting_service.nomination.review.repository import (
    SubmittedRecommendation,
    load_shortlisted_ids,
    load_submitted_recommendations,
)
from voting_service.nomination.shortlist.repository import QUERIES, load_shortlist


class DraftChange(msgspec.Struct, frozen=True):
    """A recommendation that was ticked, or is no longer; `is_accepted` is whether it can still be
    chosen. `changed_by` is an account's name."""

    recommendation_id: int
    is_chosen: bool
    is_accepted: bool
    changed_by: str
    changed_at: datetime


class ShortlistDraft(NamedTuple):
    """Every tick that was ever changed, by recommendation."""

    ticks: Mapping[int, DraftChange]

    @property
    def chosen(self) -> frozenset[int]:
        """The recommendations that are ticked and accepted."""
        return frozenset(
            tick.recommendation_id
            for tick in self.ticks.values()
            if tick.is_chosen and tick.is_accepted
        )

    @property
    def newest(self) -> DraftChange | None:
        """The tick that was changed last."""
        return max(self.ticks.values(), key=lambda tick: tick.changed_at, default=None)

    @property
    def lapsed(self) -> tuple[DraftChange, ...]:
        """The ticks of recommendations that are not accepted any more."""
        return tuple(
            tick for tick in self.ticks.values() if tick.is_chosen and not tick.is_accepted
        )


class StoredDraft(NamedTuple):
    """The draft after a change, and the ticks that others changed since the page was shown."""

    draft: ShortlistDraft
    theirs: tuple[DraftChange, ...]


async def load_draft(connection: AnyConnection, selection: Selection) -> ShortlistDraft:
    """Load the draft of a selection."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["draft"], selection.id)
    ticks = [msgspec.convert(dict(row), DraftChange) for row in rows]
    return ShortlistDraft({tick.recommendation_id: tick for tick in ticks})


async def save_draft(
    actor: SelectionActor, ticked: Collection[int], seen: Collection[int]
) -> StoredDraft:
    """Tick and untick what differs between the page as it is posted, `ticked`, and as it was shown,
    `seen`; anything but accepted recommendations is left alone. Raises Refused once the shortlist
    is decided."""
    connection, selection = actor.connection, actor.selection
    added, removed = set(ticked) - set(seen), set(seen) - set(ticked)
    with domain_errors():
        async with connection.transaction():
            if await load_shortlist(connection, selection):
                raise Refused("nomination.shortlist.already_decided")
            before = await load_draft(connection, selection)
            for numbers, is_chosen in ((added, True), (removed, False)):
                changed = await connection.fetch(
                    QUERIES["save_draft"], selection.id, list(numbers), is_chosen, actor.account.id
                )
                if changed:
                    await actor.record(
                        "shortlist_draft_saved",
                        "the choice",
                        **{
                            "ticked" if is_chosen else "unticked": [
                                row["recommendation_id"] for row in changed
                            ]
                        },
                    )
            draft = await load_draft(connection, selection)
    theirs = (before.chosen ^ set(seen)) - added - removed
    return StoredDraft(draft, tuple(draft.ticks[n] for n in sorted(theirs) if n in draft.ticks))


class CoveragePage(NamedTuple):
    """Everybody submitted, every body, and the numbers of the shortlisted; `is_draft` while they
    are only ticked."""

    all_submitted: tuple[SubmittedRecommendation, ...]
    bodies: tuple[RecommendingBody, ...]
    chosen: frozenset[int]
    is_draft: bool


async def load_coverage_page(actor: SelectionActor) -> CoveragePage:
    """Load what the page of the distribution shows, and record that it was viewed."""
    connection, selection = actor.connection, actor.selection
    shortlisted = await load_shortlisted_ids(connection, selection)
    draft = await load_draft(connection, selection)
    all_submitted = await load_submitted_recommendations(connection, actor.keys, selection)
    await actor.record("viewed", "review queue", recommendations=len(all_submitted))
    return CoveragePage(
        all_submitted, await load_bodies(connection), shortlisted or draft.chosen, not shortlisted
    )
