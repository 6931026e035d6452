"""What the simulator promises: labels that add up, one truth for a seed, shares as documented."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from loadtests.fraud.__main__ import Seeds, fraud
from loadtests.fraud.attacks import with_attack
from loadtests.fraud.city import CANDIDATES, MAX_CHOICES, SEATS
from loadtests.fraud.files import write_ballots, write_labels
from loadtests.fraud.honest import BLOCS, MENTIONS
from loadtests.fraud.networks import as_text
from loadtests.fraud.records import (
    ATTACKS,
    FIRST_ATTACK,
    HONEST,
    UNKNOWN_DAY,
    Ballots,
    Bools,
    Truth,
    hash_values,
    names,
    places,
    votes,
)
from loadtests.fraud.scene import Scene, make_scene
from loadtests.fraud.voting_times import DAY_MILLISECONDS, DAYS, contest_days
from voting_service.antifraud.forensics.columns import read_ballot_file

BALLOTS = 60_000


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(1, BALLOTS)


def voter_days(ballots: Ballots) -> int:
    """How many pairs of a voter and a day there are."""
    pairs = hash_values(ballots.voter, 1) + contest_days(ballots.cast_at).astype(np.uint64)
    return len(np.unique(pairs))


def of(ballots: Ballots, truth: Truth) -> Bools:
    return np.asarray(ballots.truth == truth)


def test_every_honest_ballot_has_one_honest_label(scene: Scene) -> None:
    counts = [int(of(scene.honest, truth).sum()) for truth in HONEST]
    assert sum(counts) == len(scene.honest) == BALLOTS
    assert all(counts)
    assert len(np.unique(scene.honest.group[of(scene.honest, Truth.TELEVISION)])) == MENTIONS
    assert len(np.unique(scene.honest.group[of(scene.honest, Truth.EMPLOYER)])) == BLOCS


def test_a_seed_is_one_contest_and_another_seed_another(scene: Scene) -> None:
    again, other = make_scene(1, BALLOTS), make_scene(2, BALLOTS)
    for column in ("cast_at", "voter", "address", "device", "agent", "account_day", "choices"):
        first = getattr(scene.honest, column)
        assert np.array_equal(first, getattr(again.honest, column)), column
        assert not np.array_equal(first, getattr(other.honest, column)), column


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_adds_its_ballots_and_changes_no_honest_one(scene: Scene, attack: Truth) -> None:
    everything = with_attack(scene, attack, 700)
    added = everything.take(everything.truth >= FIRST_ATTACK)
    assert int(of(everything, attack).sum()) == len(added) == 700
    honest = everything.take(everything.truth < FIRST_ATTACK)
    assert np.array_equal(honest.voter, scene.honest.voter)
    assert np.array_equal(honest.choices, scene.honest.choices)
    for_bought, for_rival = (names(added.choices, n) for n in (scene.bought, scene.rival))
    if attack == Truth.A14:
        assert (for_bought | for_rival).all()
    else:
        assert (for_rival if attack == Truth.A9 else for_bought).all()
    assert np.array_equal(with_attack(scene, attack, 700).choices, everything.choices)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_voter_has_one_ballot_a_day_except_in_a_replay(scene: Scene, attack: Truth) -> None:
    everything = with_attack(scene, attack, 700)
    twice = 700 if attack == Truth.A6 else 0
    assert len(everything) - voter_days(everything) == twice


def test_a_replay_comes_after_the_ballot_it_repeats(scene: Scene) -> None:
    everything = with_attack(scene, Truth.A6, 700)
    pair = hash_values(everything.voter, 1) + contest_days(everything.cast_at).astype(np.uint64)
    _, first = np.unique(pair, return_index=True)
    assert (everything.truth[first] < FIRST_ATTACK).all()


def test_ballots_fall_into_the_contest_and_name_one_to_ten(scene: Scene) -> None:
    honest = scene.honest
    assert honest.cast_at.min() >= 0
    assert honest.cast_at.max() < DAYS * DAY_MILLISECONDS
    chosen = np.bitwise_count(honest.choices)
    assert chosen.min() >= 1
    assert chosen.max() <= MAX_CHOICES
    assert np.count_nonzero(chosen > 1) > BALLOTS / 2


def test_networks_have_their_documented_shares(scene: Scene) -> None:
    ordinary = scene.honest.take(scene.honest.truth <= Truth.SHARED)
    home = ordinary.truth == Truth.ORDINARY
    assert 0.28 < home.mean() < 0.32
    campus = (ordinary.address >> 24 == 0xCA) & ~home
    assert 0.08 < campus.mean() < 0.12
    _, exits = np.unique(ordinary.address[~home & ~campus], return_counts=True)
    exits = np.sort(exits)[::-1]
    assert exits[: len(exits) // 10].sum() > 0.4 * exits.sum()  # a few exits carry most


def test_people_share_fingerprints_and_households_share_lines(scene: Scene) -> None:
    honest = scene.honest
    _, index, count = np.unique(honest.device, return_inverse=True, return_counts=True)
    assert 0.3 < (count[index] > 20).mean() < 0.7
    assert np.count_nonzero(count == 1) > 0.4 * len(count)
    known_names = honest.account_day != UNKNOWN_DAY
    assert 0.05 < known_names.mean() < 0.25


def test_people_sleep_and_days_differ(scene: Scene) -> None:
    hour = scene.honest.cast_at % DAY_MILLISECONDS // 3_600_000
    by_hour = np.bincount(hour, minlength=24)
    assert by_hour[2:5].max() * 8 < by_hour[20]
    by_day = np.bincount(contest_days(scene.honest.cast_at), minlength=DAYS)
    assert by_day.max() > 1.5 * by_day.min()


def test_television_comes_in_minutes_and_for_one_name(scene: Scene) -> None:
    burst = scene.honest.take(of(scene.honest, Truth.TELEVISION) & (scene.honest.group == 0))
    share = votes(burst.choices, CANDIDATES) / len(burst)
    assert share.max() > 0.65
    assert np.percentile(burst.cast_at, 75) - burst.cast_at.min() < 30 * 60_000


def test_the_bought_candidate_is_a_few_places_below_the_line(scene: Scene) -> None:
    counts = votes(scene.honest.choices, CANDIDATES)
    order = places(counts).tolist()
    assert SEATS <= order.index(scene.bought) < SEATS + 8
    assert order[SEATS - 1] == scene.rival
    assert counts[scene.rival - 1] - counts[scene.bought - 1] == scene.margin
    assert scene.margin >= BALLOTS * 0.001


def test_fingerprints_of_proxies_and_farms_occur_among_honest_people() -> None:
    scenes = [make_scene(seed, BALLOTS) for seed in (1, 2, 3)]
    for attack in (Truth.A2, Truth.A3, Truth.A5):
        added = [
            (first, everything.take(of(everything, attack)))
            for first in scenes
            for everything in [with_attack(first, attack, 700)]
        ]
        assert sum(np.isin(part.device, first.honest.device).mean() for first, part in added) > 1.5


def test_the_command_writes_a_file_and_its_truth(tmp_path: Path) -> None:
    out, labels = tmp_path / "ballots.csv", tmp_path / "labels.csv"
    arguments = ["simulate", "--seed", "2", "--ballots", "5000", "--attack", "A3"]
    files = ["--out", str(out), "--labels", str(labels)]
    done = CliRunner().invoke(fraud, [*arguments, *files])
    assert done.exit_code == 0, done.output
    bought = pl.read_csv(labels)["truth"].to_list().count("A3")
    assert f"{5_000 + bought:,} ballots, {bought:,} of them bought" in done.output
    assert out.read_text().startswith(
        "ballot_id,cast_at,platform,voter,ip,device,user_agent,account_created,choices\n"
    )


@pytest.mark.parametrize(("text", "seeds"), [("7", [7]), ("6-8", [6, 7, 8]), ("1,3-4", [1, 3, 4])])
def test_seeds_are_numbers_and_ranges(text: str, seeds: list[int]) -> None:
    assert Seeds().convert(text, None, None) == seeds


def test_the_file_reads_back_as_what_was_simulated(scene: Scene, tmp_path: Path) -> None:
    everything = with_attack(scene, Truth.A2, 300)
    write_ballots(everything, 1, tmp_path / "ballots.csv")
    write_labels(everything, 1, tmp_path / "labels.csv")
    columns = read_ballot_file(tmp_path / "ballots.csv")
    assert len(columns) == len(everything)
    assert np.array_equal(np.diff(columns.cast_at), np.diff(everything.cast_at))
    assert np.array_equal(np.diff(columns.choice_offsets), np.bitwise_count(everything.choices))
    for mine, theirs in (("voter", "voter"), ("device", "device"), ("address", "ip")):
        distinct = len(np.unique(getattr(everything, mine)))
        assert distinct == len(np.unique(getattr(columns, theirs)))
    first = columns.label("ip", int(columns.ip[0]))
    assert first == as_text(int(everything.address[0]))
    labels = pl.read_csv(tmp_path / "labels.csv")
    assert labels["ballot_id"].to_list() == [text.decode() for text in columns.ballot_id.tolist()]
    assert labels["truth"].value_counts().filter(pl.col("truth") == "A2")["count"].item() == 300
