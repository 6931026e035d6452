"""The sums at the end of a rehearsal, and what they show to have failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date

import msgspec

from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text
from voting_service.rehearsal.attacks import ATTACKS
from voting_service.rehearsal.crowd import HONEST_KINDS
from voting_service.rehearsal.diary import Diary
from voting_service.rehearsal.findings import Finding
from voting_service.rehearsal.staff import QUERIES
from voting_service.rehearsal.stores import Stage
from voting_service.rehearsal.visits import SIGNED_IN, Figures
from voting_service.voting.rulings.model import BallotState

OUTCOMES = ("asked", "same_again")
"""Answers to a ballot that are no refusals."""
UNNOTICED_SHARE = 0.1
"""Of a campaign that only the sweep can find, so much may stay: it looks for what is certain."""
HONEST_VOID_SHARE = 0.02
"""So many honest ballots may be void: a campaign shares telephones and lists with honest people."""


class DayFigures(msgspec.Struct, frozen=True):
    """The ballots cast on a local day, by what they are in the end."""

    day: date
    counted: int = 0
    held: int = 0
    void: int = 0

    @property
    def ballots(self) -> int:
        return self.counted + self.held + self.void


async def load_states(stage: Stage, ballots: Iterable[bytes]) -> dict[BallotState, int]:
    """Load how many of some ballots are in each state."""
    rows = await stage.owner.fetch(QUERIES["states_of"], stage.contest.id, list(ballots))
    return {row["state"]: row["ballots"] for row in rows}


async def load_attack_states(stage: Stage, figures: Figures) -> dict[str, dict[BallotState, int]]:
    """Load the states of the ballots of each attack."""
    return {
        attack: await load_states(stage, ballots) for attack, ballots in figures.attackers.items()
    }


async def load_days(stage: Stage) -> tuple[DayFigures, ...]:
    """Load the ballots of every day on which there were some."""
    contest = stage.contest
    rows = await stage.owner.fetch(QUERIES["ballots_by_day"], contest.id, contest.rules.time_zone)
    by_day: dict[date, dict[str, int]] = {}
    for row in rows:
        by_day.setdefault(row["day"], {})[row["state"]] = row["ballots"]
    return tuple(DayFigures(day, **states) for day, states in by_day.items())


async def check_figures(stage: Stage, figures: Figures, diary: Diary) -> None:
    """Note what the sums show: on each platform how many could sign in, and what failed."""
    closes_at = stage.contest.closes_at

    def fail(name: str, **params: object) -> None:
        diary.fail(Finding(name, closes_at, params))

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
    if not figures.confirmed:
        fail("no_ballot", opens=stage.contest.opens_at)
    states = await stage.owner.fetch(QUERIES["ballot_states"], stage.contest.id)
    all_states = {row["state"]: row["ballots"] for row in states}
    stored = sum(all_states.values())
    if stored != figures.confirmed:
        fail("ballots_missing", confirmed=figures.confirmed, stored=stored)
    for kind in HONEST_KINDS:
        for outcome, count in figures.outcomes(kind).items():
            if outcome != "cast":
                fail("honest_refused", count=count, outcome=_in_words(outcome))
    for kind in ("early", "late"):
        if count := figures.visits[kind, "cast"]:
            fail(f"taken_{kind}", count=count)
    attacks = await load_attack_states(stage, figures)
    guilty_void = sum(by_state.get("void", 0) for by_state in attacks.values())
    honest_void = all_states.get("void", 0) - guilty_void
    if honest_void > HONEST_VOID_SHARE * figures.confirmed:
        fail("honest_void", count=honest_void)
    _check_attacks(figures, attacks, fail)


def _in_words(outcome: str) -> Text:
    """Return an outcome in words: for a refusal the title of its problem document."""
    if outcome in OUTCOMES:
        return load_text("rehearsal", f"outcomes.{outcome}")
    name = outcome.replace("_", "-")
    return load_text("problems", f"titles.{name}")


def _check_attacks(
    figures: Figures,
    attacks: Mapping[str, Mapping[BallotState, int]],
    fail: Callable[..., None],
) -> None:
    """Note the attacks of which more counts in the end than is expected."""
    for attack in (*ATTACKS, "second_ballots"):
        is_found = attack in ATTACKS and ATTACKS[attack].expected == "found"
        counted, tried = attacks.get(attack, {}).get("counted", 0), figures.tried(attack)
        if counted > (UNNOTICED_SHARE * tried if is_found else 0):
            name = load_text("rehearsal", f"attacks.{attack}")
            fail("attack_counted", attack=name, count=counted, tried=tried)
