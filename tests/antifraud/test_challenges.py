"""The proof of work: bound to one voter and ballot, safe against forging and splicing."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import date, timedelta
from typing import Any

import altcha
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voting_service.antifraud.challenges import proof_of_work
from voting_service.antifraud.challenges.proof_of_work import ChallengedBallot

KEY = b"k" * 32
DAY = date(2022, 7, 18)
MINE = ChallengedBallot(contest="c", voter=b"v" * 16, period=DAY)
NOW = 4_000_000_000.0
"""Far from now: the clock is passed in."""


def issued(ballot: ChallengedBallot = MINE) -> dict[str, Any]:
    return proof_of_work.issue(KEY, ballot, tries=4, now_seconds=NOW)


def solved(challenge: dict[str, Any]) -> str:
    parsed = altcha.Challenge.from_dict(challenge)
    solution = altcha.solve_challenge(parsed)
    assert solution is not None
    return altcha.Payload(parsed, solution).to_base64()


def is_solved(
    payload: str,
    *,
    ballot: ChallengedBallot = MINE,
    key: bytes = KEY,
    now_seconds: float = NOW + 1,
) -> bool:
    return proof_of_work.is_solved(key, ballot, payload, now_seconds=now_seconds)


def test_a_solution_is_valid_for_its_ballot_repeatedly() -> None:
    payload = solved(issued())
    assert is_solved(payload)
    assert is_solved(payload), "a retry brings the same payload and meets its own ballot"
    assert len(payload) < 2_000


@pytest.mark.parametrize(
    "changes",
    [
        {"ballot": MINE._replace(contest="other")},
        {"ballot": MINE._replace(voter=b"w" * 16)},
        {"ballot": MINE._replace(period=DAY + timedelta(days=1))},
        {"now_seconds": NOW + proof_of_work.VALID_SECONDS + 1},
        {"key": b"x" * 32},
    ],
)
def test_a_solution_is_valid_for_nothing_else(changes: dict[str, Any]) -> None:
    assert not is_solved(solved(issued()), **changes)


def test_parts_of_two_challenges_are_no_solution() -> None:
    mine = json.loads(b64decode(solved(issued())))
    other = json.loads(b64decode(solved(issued(MINE._replace(voter=b"w" * 16)))))

    def spliced(**parts: Any) -> str:
        return b64encode(json.dumps({**mine, **parts}).encode()).decode()

    parameters = {
        **other["challenge"]["parameters"],
        "data": mine["challenge"]["parameters"]["data"],
    }
    assert is_solved(spliced())
    assert not is_solved(spliced(solution=other["solution"]))
    assert not is_solved(
        spliced(challenge={**mine["challenge"], "signature": other["challenge"]["signature"]})
    )
    assert not is_solved(
        spliced(challenge={"parameters": parameters, "signature": other["challenge"]["signature"]})
    )
    assert not is_solved(spliced(challenge={**mine["challenge"], "signature": None}))
    cheap = {**mine["challenge"]["parameters"], "cost": 1, "keyPrefix": ""}
    assert not is_solved(spliced(challenge={**mine["challenge"], "parameters": cheap}))


@given(
    st.one_of(
        st.text(),
        st.binary().map(lambda raw: b64encode(raw).decode()),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(
                    st.sampled_from(
                        ["challenge", "solution", "parameters", "signature", "data", "expiresAt"]
                    ),
                    inner,
                )
            ),
        ).map(lambda value: b64encode(json.dumps(value).encode()).decode()),
    )
)
def test_malformed_payloads_are_no_solution(payload: str) -> None:
    assert not is_solved(payload)


def test_the_difficulty_rises_with_signals_and_load_within_bounds() -> None:
    prices = [
        proof_of_work.difficulty(active_signals, load)
        for active_signals in (0, 1, 2, 3)
        for load in (0.0, 0.5, 1.0)
    ]
    assert prices[0] == proof_of_work.EASY
    assert max(prices) <= proof_of_work.HARD
    assert proof_of_work.difficulty(1, 1.0) == 4 * proof_of_work.difficulty(1, 0.0)
    assert proof_of_work.difficulty(2, 0.0) == 2 * proof_of_work.difficulty(1, 0.0)
