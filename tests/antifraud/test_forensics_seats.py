"""Seats that hang on one slice of the vote, in a small contest of a tuning seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pytest

from loadtests.fraud.attacks import with_attack
from loadtests.fraud.city import SEATS
from loadtests.fraud.methods import to_columns
from loadtests.fraud.records import FIRST_ATTACK, Ballots, Truth
from loadtests.fraud.scene import Scene, make_scene
from voting_service.antifraud.forensics.columns import BallotColumns
from voting_service.antifraud.forensics.findings import BallotVerdict, Findings
from voting_service.antifraud.forensics.seats import Reason, ReasonKind, Seat, assess_seats
from voting_service.antifraud.forensics.sentences import seat_sentence

ZONE = ZoneInfo("Asia/Shanghai")
BALLOTS = 60_000
COLUMNS = (
    *("ballot_id", "cast_at", "platform", "voter", "ip", "prefix", "device", "user_agent"),
    "account_day",
)


@cache
def scene(seed: int) -> Scene:
    return make_scene(seed, BALLOTS)


def seats(ballots: Ballots, hold: bool = False) -> dict[int, Seat]:
    """The seats by number. Employers' ballots are blocs; what was bought is held or, as these
    attacks are not found ballot by ballot, clean."""
    verdict = np.select(
        [ballots.truth == Truth.EMPLOYER, (ballots.truth >= FIRST_ATTACK) & hold],
        [BallotVerdict.BLOC, BallotVerdict.HOLD],
        BallotVerdict.CLEAN,
    )
    return assess(to_columns(ballots), verdict.astype(np.int8))


def assess(columns: BallotColumns, verdict: npt.NDArray[np.int8]) -> dict[int, Seat]:
    none = np.full(len(columns), -1, dtype=np.int32)
    findings = Findings(verdict, np.zeros(len(columns), np.float32), none)
    return {seat.number: seat for seat in assess_seats(columns, findings, SEATS, ZONE)}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_seats_without_an_attack_are_certifiable(seed: int) -> None:
    """Television, employers, supporters and platforms with favourites of their own included."""
    every = seats(scene(seed).honest)
    assert [seat.rank for seat in every.values()] == list(range(1, 51))
    assert sum(seat.in_cut for seat in every.values()) == SEATS
    assert [seat.number for seat in every.values() if not seat.certifiable] == []


@pytest.mark.parametrize(
    ("attack", "kind"),
    [
        (Truth.A4, "hours"),
        (Truth.A7, "platform"),
        (Truth.A8, "devices"),
        (Truth.A13, "platform"),
    ],
)
def test_a_bought_seat_is_not_certifiable(attack: Truth, kind: str) -> None:
    contest = scene(2)
    every = seats(with_attack(contest, attack, contest.attack_size(2.0)))
    bought = every[contest.bought]
    assert bought.in_cut
    assert kind in {reason.kind for reason in bought.reasons}
    for reason in bought.reasons:
        assert reason.surplus > 0
        for language in ("zh", "en"):
            sentence = seat_sentence(contest.bought, reason, language)
            assert str(reason.lead) in sentence
            assert f"{reason.surplus:.0f}" in sentence
    others = [seat for seat in every.values() if seat.number != contest.bought]
    assert all(seat.certifiable for seat in others)


def test_votes_proposed_to_be_held_do_not_count() -> None:
    contest = scene(2)
    with_bots = with_attack(contest, Truth.A7, contest.attack_size(2.0))
    assert not seats(with_bots, hold=True)[contest.bought].in_cut


def test_errors_among_the_holds_may_decide_a_seat() -> None:
    contest = scene(2)
    with_bots = with_attack(contest, Truth.A7, contest.attack_size(30.0))
    last = seats(with_bots, hold=True)[contest.rival]
    assert "holds" in {reason.kind for reason in last.reasons}


def few(votes: list[int], held: list[int]) -> dict[int, Seat]:
    """The seats, one of which advances, of candidates with these votes and ballots held."""
    choice = np.repeat(np.arange(len(votes)), votes)
    choice = np.append(choice, np.repeat(np.arange(len(held)), held))
    columns = to_columns(scene(2).honest)
    some = np.arange(len(choice))
    columns = replace(
        columns,
        **{name: getattr(columns, name)[some] for name in COLUMNS},
        choice_offsets=np.arange(len(choice) + 1, dtype=np.int64),
        choice_numbers=(choice + 1).astype(np.int16),
    )
    verdict = np.where(some < sum(votes), BallotVerdict.CLEAN, BallotVerdict.HOLD).astype(np.int8)
    none = np.full(len(columns), -1, dtype=np.int32)
    findings = Findings(verdict, np.zeros(len(columns), np.float32), none)
    return {seat.number: seat for seat in assess_seats(columns, findings, 1, ZONE)}


@pytest.mark.parametrize(
    ("votes", "held", "doubtful"),
    [
        # A tenth of what is held of the third brings it nowhere near the seat.
        ([200, 190, 50], [0, 0, 200], False),
        # It brings the third past the second.
        ([200, 190, 188], [0, 0, 150], True),
        # A quarter as many votes as were held may have escaped.
        ([200, 190, 50], [44, 0, 0], True),
        ([200, 190, 50], [36, 0, 0], False),
    ],
)
def test_holds_decide_a_seat_where_a_candidate_could_reach_it(
    votes: list[int], held: list[int], doubtful: bool
) -> None:
    kinds = {reason.kind for reason in few(votes, held)[1].reasons}
    assert ("holds" in kinds) == doubtful


@pytest.mark.parametrize(
    ("kind", "values", "text"),
    [
        ("platform", ("press",), "press"),
        ("network", ("0", "2"), "homes and single phones, exits of carriers"),
        ("account_age", ("6",), "more than three years old"),
        ("names", ("0",), "one name"),
        ("hours", (), "single hours"),
        ("devices", (), "rare devices"),
        ("holds", (), "held"),
        ("few", (), "too few candidates"),
        ("tie", (), "tie"),
    ],
)
def test_every_kind_of_reason_has_a_sentence(
    kind: ReasonKind, values: tuple[str, ...], text: str
) -> None:
    reason = Reason(kind, values, 120.0, 70.0, 5.0, 43)
    assert text in seat_sentence(7, reason, "en")
    assert "7号" in seat_sentence(7, reason, "zh")


def test_too_few_candidates_cannot_be_compared() -> None:
    assert {reason.kind for reason in few([200, *[90] * 6], [0] * 7)[1].reasons} == {"few"}
    assert few([200, *[90] * 7], [0] * 8)[1].certifiable


@pytest.mark.parametrize(
    "change",
    [
        lambda columns: replace(columns, device=np.full(len(columns), -1, dtype=np.int32)),
        lambda columns: replace(columns, platform=np.full(len(columns), -1, dtype=np.int32)),
        lambda columns: replace(columns, account_day=np.full(len(columns), -1, dtype=np.int32)),
    ],
)
def test_a_file_without_a_column_is_assessed_by_the_others(
    change: Callable[[BallotColumns], BallotColumns],
) -> None:
    contest = scene(2)
    ballots = with_attack(contest, Truth.A4, contest.attack_size(2.0))
    columns = change(to_columns(ballots))
    every = assess(columns, np.zeros(len(columns), dtype=np.int8))
    assert not every[contest.bought].certifiable


def test_a_tie_at_the_line_is_not_certifiable() -> None:
    columns = to_columns(scene(2).honest)
    first = np.full(len(columns), BallotVerdict.CLEAN, dtype=np.int8)
    size = len(np.unique(columns.choice_numbers))
    tied = replace(
        columns,
        choice_offsets=np.arange(len(columns) + 1, dtype=np.int64),
        choice_numbers=(np.arange(len(columns)) % size + 1).astype(np.int16),
    )
    every = assess(tied, first)
    assert all(seat.in_cut != seat.certifiable for seat in every.values())
    assert {reason.kind for reason in every[1].reasons} == {"tie"}
