"""The proof of work: bound to one voter and ballot, forged or spliced by nobody."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import date, timedelta
from typing import Any

import altcha
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voting_service.antifraud import challenges

KEY = b"k" * 32
DAY = date(2022, 7, 18)
MINE: dict[str, Any] = {"contest": "c", "voter": b"v" * 16, "period": DAY}
NOW = 4_000_000_000.0
"""Far from now: the clock is passed in."""


def issued(**changes: Any) -> dict[str, Any]:
    return challenges.issue(KEY, **{**MINE, "tries": 4, "now_seconds": NOW, **changes})


def solved(challenge: dict[str, Any]) -> str:
    parsed = altcha.Challenge.from_dict(challenge)
    solution = altcha.solve_challenge(parsed)
    assert solution is not None
    return altcha.Payload(parsed, solution).to_base64()


def is_solved(payload: str, **changes: Any) -> bool:
    asked: dict[str, Any] = {**MINE, "now_seconds": NOW + 1, **changes}
    return challenges.is_solved(
        changes.pop("key", KEY),
        payload,
        **{name: value for name, value in asked.items() if name != "key"},
    )


def test_a_solution_holds_for_its_voter_and_ballot_and_again() -> None:
    payload = solved(issued())
    assert is_solved(payload)
    assert is_solved(payload), "a retry brings the same payload and meets its own ballot"
    assert len(payload) < 2_000


@pytest.mark.parametrize(
    "changes",
    [
        {"contest": "other"},
        {"voter": b"w" * 16},
        {"period": DAY + timedelta(days=1)},
        {"now_seconds": NOW + challenges.VALID_SECONDS + 1},
        {"key": b"x" * 32},
    ],
)
def test_it_holds_for_nothing_else(changes: dict[str, Any]) -> None:
    assert not is_solved(solved(issued()), **changes)


def test_parts_of_two_challenges_make_none() -> None:
    mine = json.loads(b64decode(solved(issued())))
    other = json.loads(b64decode(solved(issued(voter=b"w" * 16))))

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
def test_anything_else_is_no_solution_and_no_crash(payload: str) -> None:
    assert not is_solved(payload)


def test_the_price_rises_with_the_risk_and_the_load_within_bounds() -> None:
    prices = [challenges.difficulty(lit, load) for lit in (0, 1, 2, 3) for load in (0.0, 0.5, 1.0)]
    assert prices[0] == challenges.EASY
    assert max(prices) <= challenges.HARD
    assert challenges.difficulty(1, 1.0) == 4 * challenges.difficulty(1, 0.0)
    assert challenges.difficulty(2, 0.0) == 2 * challenges.difficulty(1, 0.0)
