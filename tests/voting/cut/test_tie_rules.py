"""Ranking and tie rules as laws."""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voting_service.errors import InvalidInput
from voting_service.infrastructure.crypto.public_draw import lot_order, plain_drawn
from voting_service.voting.cut.ranking import (
    margins,
    ranked,
    tie_at_line,
)
from voting_service.voting.cut.tie_rule import (
    TieRule,
    TieUndecided,
    select,
)
from voting_service.voting.tally.recount import competition_ranks

few_votes = st.dictionaries(st.integers(1, 60), st.integers(0, 6), min_size=1, max_size=40)
sizes = st.integers(1, 45)
undecided_rules: st.SearchStrategy[TieRule] = st.sampled_from(["committee", "lot"])
every_rule: st.SearchStrategy[TieRule] = st.sampled_from(["committee", "lot", "advance_all"])


@given(few_votes, st.randoms(use_true_random=False))
def test_the_order_of_input_does_not_matter(votes: dict[int, int], random: object) -> None:
    shuffled = list(votes.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert ranked(dict(shuffled)) == ranked(votes)


@given(few_votes)
def test_a_rank_is_one_more_than_how_many_have_more_votes(votes: dict[int, int]) -> None:
    for number, rank in competition_ranks(votes).items():
        assert rank == 1 + sum(1 for other in votes.values() if other > votes[number])


@given(few_votes, sizes, undecided_rules)
def test_a_tie_at_the_line_is_never_resolved_silently(
    votes: dict[int, int], size: int, rule: TieRule
) -> None:
    best_first = sorted(votes.values(), reverse=True)
    tied = size < len(best_first) and best_first[size - 1] == best_first[size]
    standings = ranked(votes)
    if not tied:
        assert tie_at_line(standings, size) is None
        chosen = select(standings, size, rule, None).numbers
        assert len(chosen) == min(size, len(votes))
        left = [votes[number] for number in votes if number not in chosen]
        assert all(votes[number] > most for number in chosen for most in left)
        return
    with pytest.raises(TieUndecided) as caught:
        select(standings, size, rule, None)
    at_line = {number for number, count in votes.items() if count == best_first[size]}
    assert set(caught.value.tie.numbers) == at_line
    assert 0 < caught.value.tie.places < len(at_line)
    for number in at_line:
        assert str(number) in str(caught.value)


@given(few_votes, sizes, st.data())
def test_a_decided_tie_gives_exactly_the_size_in_the_decided_order(
    votes: dict[int, int], size: int, data: st.DataObject
) -> None:
    standings = ranked(votes)
    tie = tie_at_line(standings, size)
    order = tuple(data.draw(st.permutations(tie.numbers))) if tie else None
    chosen = select(standings, size, "committee", order)
    assert len(chosen.numbers) == min(size, len(votes))
    if tie and order:
        inside = [number for number in chosen.numbers if number in tie.numbers]
        assert tuple(inside) == order[: tie.places]
    assert [s.votes for s in chosen.standings] == sorted(votes.values(), reverse=True)


@given(few_votes, sizes)
def test_advance_all_takes_everybody_who_is_as_good_as_the_last(
    votes: dict[int, int], size: int
) -> None:
    chosen = select(ranked(votes), size, "advance_all", None).numbers
    last = sorted(votes.values(), reverse=True)[min(size, len(votes)) - 1]
    assert set(chosen) == {number for number, count in votes.items() if count >= last}


@given(few_votes, sizes, st.lists(st.integers(1, 60), max_size=8))
def test_an_order_of_other_candidates_is_refused(
    votes: dict[int, int], size: int, order: list[int]
) -> None:
    standings = ranked(votes)
    tie = tie_at_line(standings, size)
    if tie and sorted(order) != list(tie.numbers):
        with pytest.raises(InvalidInput):
            select(standings, size, "committee", tuple(order))


@given(st.integers(0, 10**64 - 1), st.sets(st.integers(1, 9999), max_size=20))
def test_the_lot_is_what_its_description_states(drawn: int, numbers: set[int]) -> None:
    order = lot_order(str(drawn), "bayu-2022", numbers)
    assert set(order) == numbers
    digests = [sha256(f"{drawn}|bayu-2022|{number}".encode()).hexdigest() for number in order]
    assert digests == sorted(digests)
    assert lot_order(plain_drawn(f"00{drawn}"[-64:]), "bayu-2022", sorted(numbers)) == order


def test_a_known_lot() -> None:
    # echo -n '8265|bayu-2022|17' | sha256sum, and so on
    assert lot_order("8265", "bayu-2022", [17, 23, 30, 41]) == (30, 41, 17, 23)


@pytest.mark.parametrize("text", ["", "-1", "1.5", "１２", "12a", "1" * 65, "0x10"])
def test_what_is_no_drawn_number(text: str) -> None:
    with pytest.raises(InvalidInput):
        plain_drawn(text)


@given(few_votes, sizes)
def test_margins_are_between_neighbours_and_include_the_line(
    votes: dict[int, int], size: int
) -> None:
    standings = ranked(votes)
    rows = margins(standings, size)
    assert all(row.votes >= 0 for row in rows)
    assert all(b.place == a.place + 1 and b.number == a.next_number for a, b in pairwise(rows))
    assert (size in {row.place for row in rows}) == (size < len(votes))
    for row in rows:
        assert row.votes == votes[row.number] - votes[row.next_number]
