"""How far a selection is, and how far the people of a body came: only what is public already."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from voting_service.contests.published_cut import published_cut
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.nomination.model import RecommendingBody, Selection
from voting_service.nomination.repository import QUERIES

StageName = Literal["recommended", "shortlisted", "cut", "awarded"]


class Stage(NamedTuple):
    """A stage of a selection, and how many people come, or will come, into it: winners and nominees
    are two numbers, all others one. `is_reached` once that is public."""

    name: StageName
    people: tuple[int, ...]
    is_reached: bool


class Progress(msgspec.Struct, frozen=True):
    """How many people came into each stage; None before it is public."""

    recommended: int
    shortlisted: int | None
    is_cut_public: bool
    winners: int | None
    nominees: int | None

    def stages(self, selection: Selection) -> tuple[Stage, ...]:
        """Return the stages in their order; the planned numbers of those not reached. The vote ends
        with exactly as many as the rules say, or with all where they are fewer."""
        rules = selection.rules
        shortlisted = rules.shortlist_size if self.shortlisted is None else self.shortlisted
        awarded = (rules.winners, rules.nominees)
        if self.winners is not None and self.nominees is not None:
            awarded = (self.winners, self.nominees)
        return (
            Stage("recommended", (self.recommended,), True),
            Stage("shortlisted", (shortlisted,), self.shortlisted is not None),
            Stage("cut", (min(rules.cut, shortlisted),), self.is_cut_public),
            Stage("awarded", awarded, self.winners is not None),
        )


async def load_stages(
    connection: AnyConnection, selection: Selection, now: datetime
) -> tuple[Stage, ...]:
    """Return how far a selection is, as `Progress.stages`."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["progress"], selection.id, now)
    return msgspec.convert(dict(row or {}), Progress).stages(selection)


class PublicStanding(NamedTuple):
    """How far a shortlisted person came: number in the vote, rank in the cut, award; None what is
    not public, or not theirs."""

    number: int
    rank: int | None
    award: Literal["winner", "nominee"] | None


async def load_public_standings(
    connection: AnyConnection, selection: Selection, body: RecommendingBody, now: datetime
) -> Mapping[int, PublicStanding]:
    """Return how far each publicly shortlisted person of a body came, by recommendation."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["publicly_shortlisted"], selection.id, body.id, now)
    cut: tuple[int, ...] = ()
    if rows and selection.contest_id is not None:
        cut = await published_cut(connection, selection.contest_id, now) or ()
    ranks = {number: rank for rank, number in enumerate(cut, 1)}
    return {
        row["recommendation_id"]: PublicStanding(
            row["number"], ranks.get(row["number"]), row["award"]
        )
        for row in rows
    }
