"""What is asked of the database for the safety report, against a slow, obvious account."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable

import pytest

from tests.cut_data import (
    DRAINED,
    OPENS,
    StoredBallot,
    closed_contest,
    insert_ballots,
    member,
)
from voting_service.contests.model import CutRules
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.staff.actor import Actor
from voting_service.voting.cut.examination import examine, kept_counts
from voting_service.voting.cut.open_questions import load_open_questions
from voting_service.voting.cut.safety import LooseBallots, OpenQuestion
from voting_service.voting.rulings.model import HoldEvidence, Verdict
from voting_service.voting.rulings.repository import NewHold, create_hold
from voting_service.voting.rulings.service import RulingProposal, approve_rulings, propose_rulings
from voting_service.voting.tally.recount import BALLOTS

EVIDENCE = HoldEvidence(sentence=Text(zh="证据", en="evidence"))
CANDIDATES = 5
RULED: tuple[Verdict, ...] = ("void", "count")
"""The first holds of five; the others stay open."""


def votes_on(ballots: Iterable[tuple[int, ...]]) -> dict[int, int]:
    return dict(Counter(number for choices in ballots for number in choices))


@pytest.mark.parametrize("seed", range(3))
async def test_questions_and_loose_votes_are_what_the_ballots_say(
    database: Connection, seed: int
) -> None:
    chance = random.Random(seed)  # a test's dice
    contest = await closed_contest(
        database, cut=CutRules(size=2, tie="committee"), votes=dict.fromkeys(range(1, 6), 1)
    )
    await insert_ballots(
        database,
        contest,
        [
            StoredBallot(
                sorted(chance.sample(range(1, CANDIDATES + 1), chance.randint(1, 3))),
                cast_at=OPENS,
                held=chance.random() < 0.4,
            )
            for _ in range(60)
        ],
    )
    clerk, second = await member(database, "clerk"), await member(database, "second")
    rows = await database.fetch("select ballot_id, choices, disposition from ballots")
    ballots = {row["ballot_id"]: (tuple(row["choices"]), row["disposition"] == 1) for row in rows}
    holds: dict[int, set[bytes]] = {}
    verdicts: dict[int, Verdict] = {}
    for number in range(5):
        members = set(chance.sample(sorted(ballots), chance.randint(15, 25)))
        hold = await create_hold(
            database,
            contest,
            NewHold(
                members, kind="campaign", source="test", label=f"hold {number}", evidence=EVIDENCE
            ),
            actor="test",
            now=DRAINED,
        )
        holds[hold] = members
        if number < len(RULED):
            verdicts[hold] = RULED[number]
            made = await propose_rulings(
                Actor(database, clerk, DRAINED),
                contest,
                [hold],
                RulingProposal(verdict=verdicts[hold], reason="other", words="dice"),
            )
            await approve_rulings(Actor(database, second, DRAINED), contest, made)

    open_holds = [hold for hold in holds if hold not in verdicts]
    held_votes: dict[int, list[tuple[int, ...]]] = {hold: [] for hold in open_holds}
    counted_votes: dict[int, list[tuple[int, ...]]] = {hold: [] for hold in open_holds}
    loose_held: list[tuple[int, ...]] = []
    loose_counted: list[tuple[int, ...]] = []
    for ballot, (choices, was_held) in ballots.items():
        ruled = [verdicts[hold] for hold in verdicts if ballot in holds[hold]]
        if "void" in ruled:
            continue
        is_held = was_held and not ruled
        inside = [hold for hold in open_holds if ballot in holds[hold]]
        if len(inside) == 1:
            (held_votes if is_held else counted_votes)[inside[0]].append(choices)
        elif is_held:
            loose_held.append(choices)
        elif inside:
            loose_counted.append(choices)

    counts = await kept_counts(database, contest)
    candidates = {number: count for number, count in counts.items() if number != BALLOTS}
    questions, loose = await load_open_questions(
        database, contest.id, candidates, counts[BALLOTS].held
    )
    labels = {hold: f"hold {number}" for number, hold in enumerate(holds)}
    assert list(questions) == [
        OpenQuestion(
            hold,
            labels[hold],
            len(held_votes[hold]) + len(counted_votes[hold]),
            votes_on(held_votes[hold]),
            votes_on(counted_votes[hold]),
        )
        for hold in open_holds
    ]
    assert loose == LooseBallots(
        len(loose_held) + len(loose_counted), votes_on(loose_held), votes_on(loose_counted)
    )
    examination = await examine(database, contest, DRAINED)
    assert examination.safety.open_holds == len(open_holds)
    assert {check.name: check.done for check in examination.checks}["reconciled"]
