"""What a slice of the vote has that the others do not explain, in small files made by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from voting_service.antifraud.forensics.columns import ABSENT
from voting_service.antifraud.forensics.slices import (
    SeatVotes,
    Surplus,
    find_surpluses,
    public_hours,
)

Codes = npt.NDArray[np.int64]
CANDIDATES = 10


def one_choice(
    choice: Codes, hour: Codes, counted: npt.NDArray[np.bool_] | None = None
) -> SeatVotes:
    """Ballots with one choice each, every one of another voter."""
    rows = np.arange(len(choice), dtype=np.int32)
    counted = np.ones(len(choice), dtype=bool) if counted is None else counted
    return SeatVotes(rows[counted], choice[counted], counted, rows, hour // 24, hour, CANDIDATES)


def everyday(days: Codes) -> tuple[Codes, Codes]:
    """(choice, hour) of a hundred ballots an hour from eight to twenty o'clock on these days."""
    hour = np.repeat((days[:, None] * 24 + np.arange(8, 20)).ravel(), 100)
    return np.arange(len(hour)) % CANDIDATES, hour


def by_platform(sliced: SeatVotes, platform: Codes) -> list[Surplus]:
    unknown = np.full(len(platform), ABSENT, dtype=np.int32)
    return find_surpluses(sliced, {"platform": platform}, unknown)


def test_a_stray_early_ballot_makes_no_hour_public() -> None:
    choice, hour = everyday(np.array([10, 11, 12]))
    assert not public_hours(one_choice(np.append(choice, 0), np.append(hour, 9))).any()


@pytest.mark.parametrize(
    ("chosen", "counted", "public"),
    [(CANDIDATES, True, True), (1, True, False), (10, False, False)],
)
def test_an_hour_is_public_if_others_than_one_candidate_gain_in_it(
    chosen: int, counted: bool, public: bool
) -> None:
    """And ballots that do not count do not make it public."""
    choice, hour = everyday(np.arange(5))
    burst = np.arange(1_000) % chosen
    which = np.append(np.ones(len(choice), dtype=bool), np.full(len(burst), counted))
    sliced = one_choice(np.append(choice, burst), np.append(hour, np.full(1_000, 34)), which)
    assert np.flatnonzero(public_hours(sliced)).tolist() == [34] * public


def test_a_slice_is_not_compared_with_a_handful_of_ballots() -> None:
    choice, hour = everyday(np.arange(5))
    few = np.arange(30) % (CANDIDATES - 1)
    platform = np.append(np.zeros(len(choice)), np.ones(len(few))).astype(np.int64)
    sliced = one_choice(np.append(choice, few), np.append(hour, np.full(len(few), 40)))
    assert by_platform(sliced, platform) == []


def test_days_on_which_a_slice_has_no_ballots_are_not_its_quiet_days() -> None:
    """A weekly's readers, who vote for the favourite as everybody does."""
    shares = np.array([0.6, *[0.4 / 9] * 9])
    daily = np.repeat(np.arange(CANDIDATES), (1_000 * shares).astype(int))
    weekly = np.append(daily, np.zeros(8, dtype=np.int64))
    choice = np.concatenate([*[daily] * 30, *[weekly] * 6])
    day = np.concatenate(
        [np.repeat(np.arange(30), len(daily)), np.repeat(np.arange(6) * 5, len(weekly))]
    )
    platform = np.repeat([0, 1], [30 * len(daily), 6 * len(weekly)])
    surpluses = by_platform(one_choice(choice, day * 24 + 12), platform)
    assert [surplus for surplus in surpluses if surplus.value == 1] == []


def test_no_more_votes_are_unexplained_on_devices_than_there_are() -> None:
    """Half of a candidate's voters share rare phones; nearly all others have popular ones."""
    choice = np.append(np.zeros(2_000, dtype=np.int64), 1 + np.arange(18_000) % 9)
    device = np.arange(20_000) % 5
    device[:1_000] = 5 + np.arange(1_000) // 5
    unknown = np.zeros(len(choice), dtype=np.int64)
    sliced = one_choice(choice, np.arange(len(choice)) % 24)
    (surplus,) = (
        some
        for some in find_surpluses(sliced, {"platform": unknown}, device.astype(np.int32))
        if some.slicing == "devices"
    )
    assert (surplus.candidate, surplus.votes, surplus.expected) == (0, 2_000, 0)
    assert surplus.error > 500
