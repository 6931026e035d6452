"""The laws of the draw, and how anybody does it again."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from voting_service.cli import root
from voting_service.infrastructure.crypto.public_draw import lot_order

SEEDS = st.integers(0, 10**64 - 1).map(str)
TICKETS = st.lists(st.binary(min_size=32, max_size=32).map(bytes.hex), unique=True, max_size=60)


@given(SEEDS, TICKETS)
def test_each_person_gets_exactly_one_number(seed: str, tickets: list[str]) -> None:
    assert sorted(lot_order(seed, "selection-2022", tickets)) == sorted(tickets)


@given(SEEDS, TICKETS, st.randoms(use_true_random=False))
def test_the_order_of_the_tickets_does_not_matter(seed: str, tickets: list[str], by: Any) -> None:
    mixed = by.sample(tickets, len(tickets))
    assert lot_order(seed, "s", mixed) == lot_order(seed, "s", tickets)


@given(SEEDS, TICKETS.filter(bool))
def test_a_withdrawal_keeps_the_order_of_the_others(seed: str, tickets: list[str]) -> None:
    order = lot_order(seed, "s", tickets)
    assert lot_order(seed, "s", tickets[1:]) == tuple(t for t in order if t != tickets[0])


@given(SEEDS, TICKETS)
def test_it_is_what_the_public_page_states(seed: str, tickets: list[str]) -> None:
    """A pocket tool's way: sort lines of `sha256sum`."""
    lines = sorted(
        (sha256(f"{seed}|selection-2022|{ticket}".encode()).hexdigest(), ticket)
        for ticket in tickets
    )
    assert lot_order(seed, "selection-2022", tickets) == tuple(ticket for _, ticket in lines)


def notice(**changed: Any) -> dict[str, Any]:
    """What the public service gives of a draw."""
    tickets = [sha256(bytes([n])).hexdigest() for n in range(5)]
    draw = {
        "source": {"zh": "彩票", "en": "A lottery"},
        "known_at": "2022-08-01T13:15:00Z",
        "selection": "selection-2022",
        "seed": "42",
        "tickets": lot_order("42", "selection-2022", tickets),
        **changed,
    }
    return {
        "slug": "selection-2022-draw", "kind": "draw", "title": {"zh": "抽签", "en": "Draw"},
        "rows": [], "visible_from": "2022-07-30T08:00:00Z", "draw": draw, "version": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "message", "code"),
    [
        ({}, "The numbers follow from the digits", 0),
        ({"seed": "43"}, "do not follow", 1),
        ({"seed": None}, "not known yet", 1),
        ({"selection": "other"}, "do not follow", 1),
    ],
)
def test_the_command_draws_again(
    tmp_path: Path, changed: dict[str, Any], message: str, code: int
) -> None:
    file = tmp_path / "notice.json"
    file.write_text(json.dumps(notice(**changed)), encoding="utf-8")
    result = CliRunner().invoke(root, ["nomination", "draw", str(file)])
    assert message in result.output + str(result.exception or "")
    assert (result.exit_code != 0) == bool(code)


def test_an_unknown_notice_is_not_found(tmp_path: Path) -> None:
    file = tmp_path / "notice.json"
    file.write_text("[]", encoding="utf-8")
    result = CliRunner().invoke(root, ["nomination", "draw", str(file)])
    assert "not a notice" in result.output + str(result.exception or "")
