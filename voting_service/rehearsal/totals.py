"""The sums at the end of a rehearsal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import msgspec

from voting_service.rehearsal.diary import Diary
from voting_service.rehearsal.observations import FinalTotals, check_totals
from voting_service.rehearsal.staff import QUERIES
from voting_service.rehearsal.stores import RehearsalStage
from voting_service.rehearsal.visits import SIGNED_IN, VisitFigures
from voting_service.voting.rulings.model import BallotState


class DayFigures(msgspec.Struct, frozen=True):
    """The ballots cast on a local day, by what they are in the end."""

    day: date
    counted: int = 0
    held: int = 0
    void: int = 0

    @property
    def ballots(self) -> int:
        return self.counted + self.held + self.void


async def load_states(stage: RehearsalStage, ballots: Iterable[bytes]) -> dict[BallotState, int]:
    """Load how many of some ballots are in each state."""
    rows = await stage.owner.fetch(QUERIES["states_of"], stage.contest.id, list(ballots))
    return {row["state"]: row["ballots"] for row in rows}


async def load_attack_states(
    stage: RehearsalStage, figures: VisitFigures
) -> dict[str, dict[BallotState, int]]:
    """Load the states of the ballots of each attack."""
    return {
        attack: await load_states(stage, ballots) for attack, ballots in figures.attackers.items()
    }


async def load_days(stage: RehearsalStage) -> tuple[DayFigures, ...]:
    """Load the ballots of every day on which there were some."""
    contest = stage.contest
    rows = await stage.owner.fetch(QUERIES["ballots_by_day"], contest.id, contest.rules.time_zone)
    by_day: dict[date, dict[str, int]] = {}
    for row in rows:
        by_day.setdefault(row["day"], {})[row["state"]] = row["ballots"]
    return tuple(DayFigures(day, **states) for day, states in by_day.items())


async def check_figures(stage: RehearsalStage, figures: VisitFigures, diary: Diary) -> None:
    """Note what the sums show: on each platform how many could sign in, and what failed."""
    opens_at, closes_at = stage.contest.opens_at, stage.contest.closes_at
    for platform in stage.platforms:
        accepted = figures.sign_ins[platform.slug, SIGNED_IN]
        refused = sum(
            count
            for (slug, status), count in figures.sign_ins.items()
            if slug == platform.slug and status != SIGNED_IN
        )
        name = "sign_ins" if accepted else "no_sign_in"
        diary.note(
            closes_at, "platforms", name, name=platform.name, accepted=accepted, refused=refused
        )
    rows = await stage.owner.fetch(QUERIES["ballot_states"], stage.contest.id)
    stored = {row["state"]: row["ballots"] for row in rows}
    totals = FinalTotals(figures, stored, await load_attack_states(stage, figures))
    for finding in check_totals(totals, opens_at, closes_at):
        diary.fail(finding)
