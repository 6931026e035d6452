"""What must hold for any file of ballots."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.antifraud.forensics_crowds import (
    HOUR_MS,
    START_MS,
    Crowd,
    honest,
    make_columns,
    popular,
)
from voting_service.antifraud.forensics.columns import BallotColumns
from voting_service.antifraud.forensics.examine import Options, examine

SEEDS = st.integers(0, 2**32 - 1)


def contest(seed: int) -> BallotColumns:
    """A small electorate with one employer and a farm, different ones for each seed."""
    rng = np.random.default_rng(seed)
    staff, bots = int(rng.integers(20, 60)), int(rng.integers(20, 60))
    return make_columns(
        honest(rng, 1_500),
        crowd(rng, staff, ip=999_999, device=None, candidate=9),
        crowd(rng, bots, ip=888_888, device=700, candidate=12),
    )[0]


def crowd(
    rng: np.random.Generator, size: int, *, ip: int, device: int | None, candidate: int
) -> Crowd:
    people = honest(rng, size)
    return replace(
        people,
        cast_at=START_MS + 60 * HOUR_MS + rng.integers(0, HOUR_MS, size),
        ip=np.full(size, ip),
        device=people.device if device is None else np.full(size, device),
        choices=popular(rng, size, candidate),
    )


def rows(columns: BallotColumns, order: Any) -> BallotColumns:
    """The same ballots in another order."""
    starts, ends = columns.choice_offsets[:-1][order], columns.choice_offsets[1:][order]
    numbers = [columns.choice_numbers[a:b] for a, b in zip(starts, ends, strict=True)]
    columned = {
        field.name: getattr(columns, field.name)[order]
        for field in fields(columns)
        if field.name not in {"choice_offsets", "choice_numbers", "labels"}
    }
    return replace(
        columns,
        **columned,
        choice_offsets=np.concatenate([[0], np.cumsum(ends - starts)]),
        choice_numbers=np.concatenate(numbers),
    )


@settings(max_examples=4, deadline=None)
@given(seed=SEEDS)
def test_the_order_of_the_rows_changes_no_verdict(seed: int) -> None:
    columns = contest(seed)
    order = np.random.default_rng(seed).permutation(len(columns))
    plain, shuffled = examine(columns), examine(rows(columns, order))
    assert plain.verdict.any()
    assert (shuffled.verdict == plain.verdict[order]).all()
    assert (shuffled.campaign == plain.campaign[order]).all()
    assert shuffled.campaigns == plain.campaigns


@settings(max_examples=4, deadline=None)
@given(seed=SEEDS)
def test_new_names_change_no_verdict(seed: int) -> None:
    columns = contest(seed)
    rng = np.random.default_rng(seed)
    numbers = (rng.permutation(400) + 1).astype(np.int16)

    def renamed(codes: Any) -> Any:
        return rng.permutation(int(codes.max()) + 1).astype(np.int32)[codes]

    other = replace(
        columns,
        platform=renamed(columns.platform),
        voter=renamed(columns.voter),
        ip=renamed(columns.ip),
        prefix=renamed(columns.prefix),
        device=renamed(columns.device),
        user_agent=renamed(columns.user_agent),
        choice_numbers=numbers[columns.choice_numbers],
    )
    plain, again = examine(columns), examine(other)
    assert (again.verdict == plain.verdict).all()
    assert (again.campaign == plain.campaign).all()
    for first, same in zip(plain.campaigns, again.campaigns, strict=True):
        assert same.candidates[0] == numbers[first.candidates[0]]


@settings(max_examples=4, deadline=None)
@given(seed=SEEDS, of_null=st.integers(0, 10))
def test_the_same_seed_gives_the_same_findings(seed: int, of_null: int) -> None:
    columns, options = contest(seed), Options(seed=of_null)
    first, other = examine(columns, options), examine(columns, options)
    assert first.verdict.tobytes() == other.verdict.tobytes()
    assert first.score.tobytes() == other.score.tobytes()
    assert first.campaigns == other.campaigns


TINY = st.lists(
    st.tuples(
        st.integers(0, 3),  # hour
        st.integers(-1, 2),  # platform, voter, ip, device, and day of the account
        st.integers(-1, 3),
        st.integers(-1, 2),
        st.integers(-1, 1),
        st.integers(-1, 1),
        st.lists(st.integers(1, 3), unique=True, max_size=3),
    ),
    max_size=30,
)


@settings(max_examples=30, deadline=None)
@given(ballots=TINY)
def test_a_handful_of_ballots_of_any_kind_is_examined_and_none_is_held(ballots: list[Any]) -> None:
    def column(place: int, kind: Any = np.int32) -> Any:
        return np.array([ballot[place] for ballot in ballots], dtype=kind)

    choices = [sorted(ballot[6]) for ballot in ballots]
    findings = examine(
        BallotColumns(
            ballot_id=np.array([str(n).encode() for n in range(len(ballots))], dtype="S4"),
            cast_at=START_MS + column(0, np.int64) * HOUR_MS,
            platform=column(1),
            voter=column(2),
            ip=column(3),
            prefix=column(3),
            device=column(4),
            user_agent=column(4),
            account_day=column(5),
            choice_offsets=np.cumsum([0, *map(len, choices)]).astype(np.int64),
            choice_numbers=np.array([n for ballot in choices for n in ballot], dtype=np.int16),
        )
    )
    assert len(findings.verdict) == len(ballots)
    assert not findings.verdict.any()
