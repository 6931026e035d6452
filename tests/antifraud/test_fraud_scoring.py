"""The benchmark's own sums: verdicts against truth, seats, bounds, rules, what is kept."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from loadtests.fraud import figures, table
from loadtests.fraud.attacks import with_attack
from loadtests.fraud.city import CANDIDATES, SEATS
from loadtests.fraud.double import RaceResult
from loadtests.fraud.files import write_ballots
from loadtests.fraud.intervals import mean_with_interval, upper_bound
from loadtests.fraud.methods import (
    ADDRESS_CAP,
    BLOC,
    DEVICE_CAP,
    HOLD,
    METHODS,
    address_cap,
    device_cap,
    minute_count,
    nothing,
    to_columns,
)
from loadtests.fraud.records import Ballots, Floats, Ints, Truth, names, votes
from loadtests.fraud.runs import ScoreStore, cases, run_all
from loadtests.fraud.scale import ScaleMeasurement
from loadtests.fraud.scene import Scene, make_scene
from loadtests.fraud.scoring import (
    Case,
    Score,
    certifiable,
    score,
    seated,
)
from voting_service.antifraud.forensics.columns import read_ballot_file
from voting_service.antifraud.forensics.thresholds import ESCAPED_SHARE, WRONGLY_HELD_SHARE

BALLOTS = 20_000


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(3, BALLOTS)


@pytest.fixture(scope="module")
def everything(scene: Scene) -> Ballots:
    return with_attack(scene, Truth.A2, 2 * scene.margin)


def of_truth(scene: Scene, **changes: object) -> Score:
    """A score without any holds, of the honest vote, with `changes`."""
    plain = score(Case(3, "", 0.0), "nothing", scene.honest, nothing(scene.honest), 1.0)
    return Score(**{name: getattr(plain, name) for name in plain.__struct_fields__} | changes)


def test_holding_exactly_the_bought_ballots_is_a_perfect_score(
    scene: Scene, everything: Ballots
) -> None:
    verdict = np.where(everything.truth == Truth.A2, HOLD, 0).astype(np.int8)
    first = score(Case(3, "A2", 2.0), "perfect", everything, verdict, 1.0)
    assert first.held == {"A2": 2 * scene.margin}
    assert first.wrong_seats == 0
    assert figures.precision([first]) == figures.held_share(Truth.A2)([first]) == 1.0


def test_counting_everything_gives_the_seat_away(everything: Ballots) -> None:
    first = score(Case(3, "A2", 2.0), "nothing", everything, nothing(everything), 1.0)
    assert first.held == {}
    assert first.wrong_seats >= 1
    assert figures.precision([first]) is None


def test_a_bloc_is_shown_and_counted(scene: Scene) -> None:
    verdict = np.where(scene.honest.truth == Truth.EMPLOYER, BLOC, 0).astype(np.int8)
    first = score(Case(3, "", 0.0), "blocs", scene.honest, verdict, 1.0)
    assert first.held == {}
    assert first.blocs == {"EMPLOYER": first.cast["EMPLOYER"]}
    assert sum(first.cast.values()) == BALLOTS


def by_candidate(most: int) -> st.SearchStrategy[Ints]:
    return arrays(np.int64, CANDIDATES, elements=st.integers(0, most))


shares = arrays(np.float64, CANDIDATES, elements=st.floats(0, 1))


@given(by_candidate(4_000), by_candidate(40), shares, shares)
def test_a_certified_cut_survives_everything_it_allows_for(
    counted: Ints, held: Ints, escaped: Floats, wrongly: Floats
) -> None:
    then = counted + (WRONGLY_HELD_SHARE * wrongly - ESCAPED_SHARE * escaped) * held
    assert not certifiable(counted, held) or seated(counted) == seated(then)


def test_a_lead_within_what_may_have_escaped_is_not_certified() -> None:
    counted = np.arange(CANDIDATES, 0, -1) * 100
    held = np.zeros(CANDIDATES, dtype=np.int64)
    held[SEATS - 1] = 399
    assert certifiable(counted, held)
    held[SEATS - 1] = 401
    assert not certifiable(counted, held)


def test_a_tie_at_the_line_is_not_certified() -> None:
    tied = np.where(np.arange(CANDIDATES) < SEATS - 1, 100, 50)
    assert not certifiable(tied, np.zeros(CANDIDATES, dtype=np.int64))


def test_no_holds_among_few_ballots_prove_little() -> None:
    assert upper_bound([0.0] * 20, 50) == pytest.approx(3.0 / 1_000, rel=0.01)
    assert upper_bound([0.0] * 20, 5_000) == pytest.approx(3.0 / 100_000, rel=0.01)


def test_holds_in_one_seed_of_many_widen_the_bound() -> None:
    clustered = upper_bound([0.02] + [0.0] * 19, 5_000)
    spread = upper_bound([0.001] * 20, 5_000)
    assert clustered > 2 * spread
    middle = mean_with_interval([0.0, 1.0])
    assert middle.low < 0.5 < middle.high
    assert middle.mean == 0.5


def test_honest_ballots_of_a_seed_count_once_in_the_bound(scene: Scene) -> None:
    once = figures.honest_bound([of_truth(scene)], Truth.TELEVISION)
    often = figures.honest_bound([of_truth(scene)] * 30, Truth.TELEVISION)
    assert once == often
    assert once > 1 / 1_000  # a few hundred ballots cannot show less


def test_caps_hold_what_is_above_them_and_nothing_else(scene: Scene) -> None:
    held = device_cap(scene.honest) == HOLD
    _, counted = np.unique(scene.honest.device[held], return_counts=True)
    _, passed = np.unique(scene.honest.device[~held], return_counts=True)
    assert counted.min() > DEVICE_CAP >= passed.max()
    held = address_cap(scene.honest) == HOLD
    day = scene.honest.cast_at // 86_400_000
    _, counted = np.unique(scene.honest.address[held] * 32 + day[held], return_counts=True)
    _, passed = np.unique(scene.honest.address[~held] * 32 + day[~held], return_counts=True)
    assert counted.min() > ADDRESS_CAP >= passed.max()


def test_the_minute_count_finds_a_burst(scene: Scene) -> None:
    burst = scene.honest.take(np.arange(400))
    burst.cast_at[:] = scene.honest.cast_at[0]
    burst.choices[:] = np.uint64(1)
    both = Ballots.join([scene.honest, burst])
    held = minute_count(both) == HOLD
    assert held[-400:].all()
    assert names(both.choices[held], 1).any()


def test_the_columns_without_a_file_are_those_of_the_file(
    everything: Ballots, tmp_path: Path
) -> None:
    path = tmp_path / "ballots.csv"
    write_ballots(everything, 0, path)
    read, made = read_ballot_file(path), to_columns(everything)
    for column in ("ballot_id", "cast_at", "account_day", "choice_offsets", "choice_numbers"):
        assert np.array_equal(getattr(read, column), getattr(made, column)), column
    for column in ("platform", "voter", "ip", "prefix", "device", "user_agent"):
        first, other = getattr(read, column), getattr(made, column)
        pairs = np.unique(np.stack([first, other]), axis=1).shape[1]
        assert pairs == len(np.unique(first)) == len(np.unique(other)), column
        assert other.min() == 0


def test_what_was_run_is_kept_and_a_line_cut_off_is_not(scene: Scene, tmp_path: Path) -> None:
    store = ScoreStore(BALLOTS, tmp_path)
    done = [of_truth(scene, method=name) for name in "abcde"]
    store.add(done)
    assert store.done() == {Case(3, "", 0.0)}
    assert ScoreStore(BALLOTS, tmp_path).scores == done
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-20])
    assert ScoreStore(BALLOTS, tmp_path).done() == set()
    assert ScoreStore(BALLOTS + 1, tmp_path).scores == []


def test_a_run_that_ran_out_of_time_goes_on_where_it_was(tmp_path: Path) -> None:
    expected = [Case(1, "", 0.0), Case(1, "A1", 1.0), Case(1, "A2", 1.0)]
    steps: list[int] = []

    def run(seconds: float | None) -> bool:
        store = ScoreStore(5_000, tmp_path)
        return run_all(expected, store, 5_000, 1, seconds, steps.append)

    assert not run(0.0)  # what was begun is finished, and nothing more
    assert run(None)
    assert steps == [0, 1, 1, 1, 1]
    assert ScoreStore(5_000, tmp_path).done() == set(expected)


def test_the_table_states_what_was_reached_and_what_was_not(scene: Scene, tmp_path: Path) -> None:
    scores = []
    for seed, attack, method in product((6, 7), ("A1", "A3"), METHODS):
        held = {attack: 100 if method == "forensics" and attack == "A1" else 0, "EMPLOYER": 3}
        first = of_truth(scene, method=method, seed=seed, attack=attack, multiple=2.0, held=held)
        scores.append(
            msgspec.structs.replace(first, cast=first.cast | {attack: 100}, wrong_seats=1)
        )
    big = ScaleMeasurement(1_000_000, 4.0, 61.0, 90.0, 900.0, 1)
    raced = RaceResult(1_000_000, 50_000, 50_000, 1, 1, 0, 0, 50_000, 60.0)
    text = table.save(tmp_path, scores, [big], raced, BALLOTS)
    assert text == (tmp_path / "fraud.md").read_text(encoding="utf-8")
    assert "| recall A1, all sizes | ≥ 0.99 | 1.000 (1.000–1.000) | yes |" in text
    assert "| recall A3, all sizes | ≥ 0.90 | 0.000 (0.000–0.000) | **no** |" in text
    assert "| employer blocs' ballots held | 0 | 12 | **no** |" in text
    assert "| 0 in 1,000,000 | 0 in 1,000,000 tries of 50,000 voters | yes |" in text
    assert "| 1,000,000 ballots | ≤ 60 s, ≤ 2 GiB | 65 s, 0.88 GiB | **no** |" in text
    assert "seeds 6–7" in text
    runs = (tmp_path / "fraud_runs.csv").read_text(encoding="utf-8").splitlines()
    assert len(runs) == 1 + len(scores)


def test_every_attack_comes_in_every_size() -> None:
    planned = cases([6, 7])
    assert len(planned) == len(set(planned)) == 2 * (1 + 11 * 4)
    assert {case.seed for case in planned} == {6, 7}


def test_votes_and_masks_agree(scene: Scene) -> None:
    counted = votes(scene.honest.choices, CANDIDATES)
    assert counted.sum() == np.bitwise_count(scene.honest.choices).sum()
