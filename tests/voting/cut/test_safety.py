"""The safety report against every ruling tried out, in small cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from voting_service.voting.cut.safety import (
    LooseBallots,
    OpenQuestion,
    Safety,
    assess,
    conclusion,
)

CANDIDATES = 5
numbers = st.integers(1, CANDIDATES)
some_votes = st.dictionaries(numbers, st.integers(1, 5), max_size=3)
nets = st.fixed_dictionaries({number: st.integers(15, 24) for number in range(1, CANDIDATES + 1)})
sizes = st.integers(1, CANDIDATES + 1)


disjoint_questions = st.lists(st.tuples(some_votes, some_votes), max_size=3).map(
    lambda holds: [
        OpenQuestion(number, f"hold {number}", 9, held, counted)
        for number, (held, counted) in enumerate(holds, start=1)
    ]
)


def after(
    net: Mapping[int, int], questions: Sequence[OpenQuestion], verdicts: Sequence[bool]
) -> dict[int, int]:
    """The votes when each hold is counted (True) or void."""
    result = dict(net)
    for question, counts in zip(questions, verdicts, strict=True):
        for number, n in (question.held if counts else question.counted).items():
            result[number] += n if counts else -n
    return result


def every_ruling(
    net: Mapping[int, int], questions: Sequence[OpenQuestion]
) -> Iterator[tuple[tuple[bool, ...], dict[int, int]]]:
    for verdicts in product([True, False], repeat=len(questions)):
        yield verdicts, after(net, questions, verdicts)


def surely_in(net: Mapping[int, int], size: int) -> frozenset[int]:
    """Who goes on whatever is decided about a tie."""
    return frozenset(
        n for n in net if sum(other != n and net[other] >= net[n] for other in net) < size
    )


@given(nets, sizes, disjoint_questions)
@settings(max_examples=200)
def test_the_worst_lead_of_a_pair_is_that_of_the_worst_ruling(
    net: dict[int, int], size: int, questions: list[OpenQuestion]
) -> None:
    safety = assess(net, size, questions)
    for pair in safety.pairs:
        leads = [v[pair.inside] - v[pair.outside] for _, v in every_ruling(net, questions)]
        assert pair.worst_lead == min(leads)
        assert pair.lead == net[pair.inside] - net[pair.outside]


@given(nets, sizes, disjoint_questions)
@settings(max_examples=200)
def test_secure_seats_and_harmless_holds_are_so_under_every_ruling(
    net: dict[int, int], size: int, questions: list[OpenQuestion]
) -> None:
    safety = assess(net, size, questions)
    outcomes = {verdicts: surely_in(v, size) for verdicts, v in every_ruling(net, questions)}
    for outcome in outcomes.values():
        assert set(safety.secure) <= outcome
        assert outcome <= set(safety.secure) | set(safety.in_doubt)
    for place, question in enumerate(questions):
        changes = any(
            outcome != outcomes[(*verdicts[:place], not verdicts[place], *verdicts[place + 1 :])]
            for verdicts, outcome in outcomes.items()
        )
        assert (question.hold in safety.must_rule) != (question.hold in safety.cannot_change)
        if changes:
            assert question.hold in safety.must_rule
    same = len(set(outcomes.values())) == 1 and all(
        len(outcome) == min(size, CANDIDATES) for outcome in outcomes.values()
    )
    assert safety.certifiable == same


@given(nets, sizes, disjoint_questions)
def test_a_neighbour_s_worst_case_is_a_ruling_that_can_be_made(
    net: dict[int, int], size: int, questions: list[OpenQuestion]
) -> None:
    safety = assess(net, size, questions)
    for neighbour in safety.neighbours:
        verdicts = [verdict == "count" for _, verdict in neighbour.verdicts]
        then = after(net, questions, verdicts)
        side = 1 if neighbour.place <= size else -1
        assert side * (then[neighbour.number] - then[neighbour.rival]) == neighbour.worst_lead
        assert set(neighbour.selected) == surely_in(then, size)
        finals = [v[neighbour.number] for _, v in every_ruling(net, questions)]
        assert (neighbour.lowest, neighbour.highest) == (min(finals), max(finals))


class Ballot(NamedTuple):
    """With the holds it is in; several overlap."""

    choices: frozenset[int]
    held: bool
    holds: frozenset[int]


HOLDS = (1, 2)
ballots = st.builds(
    Ballot,
    st.frozensets(numbers, min_size=1, max_size=2),
    st.booleans(),
    st.frozensets(st.sampled_from(HOLDS), max_size=2),
)


def sum_net(cast: Sequence[Ballot], verdicts: Mapping[int, bool]) -> dict[int, int]:
    """Void while any ruling voids it, else counted when one counts it, else as cast. A ballot
    that is held and in no hold is not counted here."""
    net = dict.fromkeys(range(1, CANDIDATES + 1), 0)
    for ballot in cast:
        ruled = [verdicts[hold] for hold in ballot.holds if hold in verdicts]
        if all(ruled) and (ruled or not ballot.held):
            for number in ballot.choices:
                net[number] += 1
    return net


def questions_about(cast: Sequence[Ballot]) -> tuple[list[OpenQuestion], LooseBallots]:
    """As open_questions.py asks: a ballot of several holds is loose, and so is one of none."""

    def votes_on(of: Sequence[Ballot]) -> dict[int, int]:
        return {
            n: sum(n in b.choices for b in of)
            for n in range(1, CANDIDATES + 1)
            if any(n in b.choices for b in of)
        }

    questions = []
    for hold in HOLDS:
        own = [b for b in cast if b.holds == {hold}]
        held, counted = [b for b in own if b.held], [b for b in own if not b.held]
        questions.append(OpenQuestion(hold, "", len(own), votes_on(held), votes_on(counted)))
    loose = [b for b in cast if len(b.holds) > 1 or (b.held and not b.holds)]
    held, counted = [b for b in loose if b.held], [b for b in loose if not b.held]
    return questions, LooseBallots(len(loose), votes_on(held), votes_on(counted))


@given(st.lists(ballots, max_size=14), st.integers(1, 4))
@settings(max_examples=200)
def test_overlapping_holds_are_bounded_on_the_safe_side(cast: list[Ballot], size: int) -> None:
    questions, loose = questions_about(cast)
    now = sum_net(cast, {})
    safety = assess(now, size, questions, loose)
    doors = [i for i, b in enumerate(cast) if b.held and not b.holds]
    for door in product([True, False], repeat=min(3, len(doors))):
        # Each held ballot of no hold may be gathered into a hold of its own and ruled.
        counted_at_door = {i for i, counts in zip(doors, door, strict=False) if counts}
        released = [
            b._replace(held=False) if i in counted_at_door else b for i, b in enumerate(cast)
        ]
        for verdicts in product([True, False], repeat=len(HOLDS)):
            then = sum_net(released, dict(zip(HOLDS, verdicts, strict=True)))
            for pair in safety.pairs:
                assert pair.worst_lead <= then[pair.inside] - then[pair.outside]
            assert set(safety.secure) <= surely_in(then, size)


def hold(number: int, held: dict[int, int], counted: dict[int, int] | None = None) -> OpenQuestion:
    return OpenQuestion(number, f"hold {number}", 10, held, counted or {})


def words(safety: Safety) -> tuple[str, str]:
    text = conclusion(safety, closed=True)
    return text.zh, text.en


def test_what_is_said() -> None:
    clear = {1: 100, 2: 90, 3: 80, 4: 20}
    zh, en = words(assess(clear, 3, []))
    assert zh == "可以确认：没有待裁定的选票，入围的 3 人已经确定。"
    assert en.startswith("Certifiable: nothing is left")
    harmless = assess(clear, 3, [hold(7, {4: 30})])
    assert (harmless.must_rule, harmless.cannot_change) == ((), (7,))
    assert words(harmless)[0].startswith(
        "可以确认：无论 1 个存疑选票批次怎样裁定，入围的都是这 3 人"
    )
    risky = assess(clear, 3, [hold(7, {4: 30}), hold(8, {4: 31}), hold(9, {1: 5}, {1: 2})])
    assert risky.must_rule == (7, 8)
    assert risky.cannot_change == (9,)
    assert risky.in_doubt == (3, 4)
    zh, en = words(risky)
    assert "3、4 号的去留未定" in zh
    assert "2 of the holds may change a place" in en
    neighbour = next(n for n in risky.neighbours if n.number == 3)
    assert (neighbour.rival, neighbour.lead, neighbour.worst_lead) == (4, 60, -1)
    assert (neighbour.entered, neighbour.left) == ((4,), (3,))
    tied = assess({1: 3, 2: 2, 3: 2}, 2, [])
    assert not tied.certifiable
    assert "票数相同" in words(tied)[0]
    loose = assess(clear, 3, [], LooseBallots(60, {4: 60}))
    assert loose.loose_matter
    assert "60 张暂扣选票" in words(loose)[0]


def test_nothing_is_resolved_while_votes_come_in() -> None:
    clear = {1: 100, 2: 90, 3: 80, 4: 20}
    for questions in ([], [hold(7, {4: 30})], [hold(7, {4: 90})]):
        output = conclusion(assess(clear, 3, questions), closed=False)
        assert output.zh.startswith("截至目前，")
        assert output.zh.endswith("截止之后才能确认。")
        assert "可以确认" not in output.zh
        assert output.en.startswith("So far, ")
        assert "ertifiable" not in output.en
