"""What the console shows agrees to the last vote with a slow, obvious count of the same ballots."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cut_data import CLOSES, OPENS
from tests.voting.tally.cast_ballots import (
    CANDIDATES,
    Cast,
    Field,
    ballots,
    get_members,
    moments,
    open_field,
)
from voting_service.errors import InvalidInput
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.voting.rulings.model import Verdict
from voting_service.voting.tally.live_figures import (
    Figures,
    load_figures,
    load_minutes,
)
from voting_service.voting.tally.recount import (
    BALLOTS,
    Count,
    recount,
)
from voting_service.voting.tally.repository import advance_floor
from voting_service.voting.tally.time_window import (
    Window,
    every_ballot,
    load_ballots,
    load_window,
)

NUMBERS = range(1, CANDIDATES + 1)
ALL = (BALLOTS, *NUMBERS)
RULED_FROM = OPENS + timedelta(hours=6)
SLUGS = (f"field-{n}" for n in itertools.count(1))

marks = st.lists(st.sampled_from([True, True, False]), min_size=1, max_size=25)
some_ballots = st.lists(ballots, min_size=4, max_size=12)
ruling = st.tuples(st.just("rule"), st.tuples(st.integers(0, 3), st.booleans()))
hold = st.tuples(st.just("hold"), marks)
beginnings = st.tuples(st.tuples(st.just("cast"), some_ballots), hold, hold, ruling, ruling)
acts = st.tuples(
    beginnings,
    st.lists(
        st.one_of(
            st.tuples(st.just("cast"), some_ballots),
            st.tuples(st.just("keep"), st.none()),
            hold,
            ruling,
            ruling,
        ),
        max_size=10,
    ),
).map(lambda parts: [*parts[0], *parts[1]])
slow = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


async def play(database: Connection, history: list[tuple[str, Any]]) -> Field:
    """Carries out what hypothesis made up; each ruling a minute after the one before."""
    field = await open_field(database, next(SLUGS))
    now = RULED_FROM
    for act, detail in history:
        now += timedelta(minutes=1)
        if act == "cast":
            await field.add(
                database, [Cast(b.choices, b.cast_at, b.platform_id, b.held, b.network)
                           for b in detail]
            )  # fmt: skip
        elif act == "keep":
            await advance_floor(database, field.contest.id)
        elif act == "hold":
            chosen = get_members(field.cast, detail)
            ids = {ballot.ballot_id for ballot in chosen}
            if ids and all(ids != known_names for known_names, _ in field.ruled.values()):
                await field.hold(database, chosen, now)
        elif detail[0] < len(field.ruled):
            hold_id = list(field.ruled)[detail[0]]
            verdict: Verdict = "void" if detail[1] else "count"
            made = field.ruled[hold_id][1]
            if not made or made[-1][1] != verdict:
                await field.rule(database, hold_id, verdict, now)
    return field


def get_numbers(ballot: Cast) -> list[int]:
    return [BALLOTS, *ballot.choices]


def get_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def check(field: Field, figures: Figures, at: datetime | None) -> None:
    by_number = field.count(get_numbers, at=at)
    assert figures.ballots == by_number.get(BALLOTS, Count())
    assert figures.votes == {n: by_number.get(n, Count()) for n in NUMBERS}
    cells = field.count(
        lambda b: [(get_hour(b.cast_at), b.platform_id, n) for n in get_numbers(b)], at=at
    )
    assert {cell[:3]: cell.counted for cell in figures.cells if cell.counted.gross} == cells
    for number in ALL:
        assert sum(c.net for c in figures.by_hour(number).values()) == sum(
            c.net for c in figures.by_platform(number).values()
        )


@slow
@given(history=acts, at=moments)
async def test_the_tally_now_and_at_any_moment(
    database: Connection, history: list[tuple[str, Any]], at: datetime
) -> None:
    field = await play(database, history)
    late = RULED_FROM + timedelta(days=1)
    check(field, await load_figures(database, field.contest, late, candidates=ALL), None)
    at = at.replace(microsecond=0)
    for moment in (at, RULED_FROM + timedelta(minutes=7)):
        figures = await load_figures(database, field.contest, late, at=moment, candidates=ALL)
        assert figures.as_of == moment
        check(field, figures, moment)
    counted = await recount(database, field.contest)
    now = await load_figures(database, field.contest, late)
    assert (now.ballots, dict(now.votes)) == (counted.ballots, dict(counted.votes(NUMBERS)))


@slow
@given(
    history=acts,
    begins=moments,
    length=st.integers(1, 5 * 3600),
    platform_id=st.sampled_from([None, 1, 2]),
    network=st.sampled_from([None, b"network1"]),
    candidate=st.none() | st.integers(1, CANDIDATES),
)
async def test_a_window_and_its_minutes_and_ballots(
    database: Connection,
    history: list[tuple[str, Any]],
    begins: datetime,
    length: int,
    platform_id: int | None,
    network: bytes | None,
    candidate: int | None,
) -> None:
    field = await play(database, history)
    begins = begins.replace(microsecond=0)
    window = Window(begins, begins + timedelta(seconds=length), platform_id, network, candidate)

    def inside(ballot: Cast) -> bool:
        return (
            window.begins <= ballot.cast_at < window.ends
            and platform_id in (None, ballot.platform_id)
            and network in (None, ballot.network)
            and (candidate is None or candidate in ballot.choices)
        )

    result = await load_window(database, field.contest, window)
    whole = field.count(lambda _: ["all"], among=inside)
    assert result.ballots == whole.get("all", Count())
    assert result.platforms == field.count(lambda b: [b.platform_id], among=inside)
    assert result.candidates == field.count(lambda b: b.choices, among=inside)
    assert result.networks == field.count(lambda b: [b.network] if b.network else [], among=inside)
    by_minute = field.count(lambda b: [b.cast_at.replace(second=0, microsecond=0)], among=inside)
    assert dict(result.minutes) == by_minute
    minutes = await load_minutes(database, field.contest, window.begins, window.ends)
    assert dict(minutes) == field.count(
        lambda b: [b.cast_at.replace(second=0, microsecond=0)],
        among=lambda b: window.begins <= b.cast_at < window.ends,
    )

    expected = sorted((b for b in field.cast if inside(b)), key=lambda b: b.ballot_id)
    listed = []
    after = None
    while page := await load_ballots(database, field.contest, window, after=after, limit=3):
        listed += page
        after = page[-1].ballot_id
    assert [b.ballot_id for b in listed] == [b.ballot_id for b in expected]
    assert [b.state for b in listed] == [field.state(b) for b in expected]
    held = await load_ballots(database, field.contest, window, state="held", limit=100)
    assert {b.ballot_id for b in held} == {
        b.ballot_id for b in expected if field.state(b) == "held"
    }
    async with database.transaction():
        every = [b async for batch in every_ballot(database, field.contest) for b in batch]
    states = {b.ballot_id: field.state(b) for b in field.cast}
    assert {b.ballot_id: b.state for b in every} == states
    assert [b.ballot_id for b in every] == sorted(states)


async def test_a_ballot_that_one_ruling_voids_is_void_whatever_others_say(
    database: Connection,
) -> None:
    field = await open_field(database)
    first, both_holds, other = Cast([1]), Cast([2]), Cast([3], held=True)
    await field.add(database, [first, both_holds, other])
    void = await field.hold(database, [first, both_holds], RULED_FROM)
    count = await field.hold(database, [both_holds, other], RULED_FROM)
    await field.rule(database, void, "void", RULED_FROM)
    await field.rule(database, count, "count", RULED_FROM)
    expected = Count(gross=3, held=0, void=2)
    window = Window(OPENS, OPENS + timedelta(hours=2))
    assert (await load_figures(database, field.contest, CLOSES)).ballots == expected
    assert (await load_window(database, field.contest, window)).ballots == expected
    minutes = await load_minutes(database, field.contest, window.begins, window.ends)
    assert [minute.counted for minute in minutes] == [expected]
    listed = await load_ballots(database, field.contest, window)
    assert {b.choices[0]: b.state for b in listed} == {1: "void", 2: "void", 3: "counted"}


async def test_the_line_and_its_margin(database: Connection) -> None:
    field = await open_field(database)
    votes = {1: 5, 2: 3, 3: 3, 4: 1}
    await field.add(database, [Cast([n]) for n, count in votes.items() for _ in range(count)])
    figures = await load_figures(database, field.contest, OPENS)
    assert figures.ranks() == {1: 1, 2: 2, 3: 2, 4: 4, 5: 5, 6: 5}
    assert figures.best_first() == [1, 2, 3, 4, 5, 6]
    lines = {size: figures.line(size) for size in (1, 2, 3, 6)}
    assert lines[6] is None
    assert [(line.last_in, line.first_out, line.margin) for line in lines.values() if line] == [
        (1, 2, 2),
        (2, 3, 0),
        (3, 4, 2),
    ]


async def test_other_contests_ballots_are_never_seen(database: Connection) -> None:
    mine, other = await open_field(database), await open_field(database, "other")
    cast_at = OPENS + timedelta(minutes=5)
    await other.add(database, [Cast([1], cast_at), Cast([2], cast_at, held=True)])
    figures = await load_figures(database, mine.contest, OPENS, candidates=ALL)
    assert (figures.ballots, figures.cells) == (Count(), ())
    window = Window(OPENS, OPENS + timedelta(hours=1))
    assert (await load_window(database, mine.contest, window)).ballots == Count()
    assert await load_ballots(database, mine.contest, window) == []


@pytest.mark.parametrize(
    "length", [timedelta(0), timedelta(seconds=-1), timedelta(hours=24, seconds=1)]
)
def test_a_window_is_a_stretch_of_a_day_at_most(length: timedelta) -> None:
    with pytest.raises(InvalidInput, match="24 hours"):
        Window(OPENS, OPENS + length)
