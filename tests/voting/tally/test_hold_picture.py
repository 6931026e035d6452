"""A hold's picture: what its ballots share × time, beside what is usual for as many ballots."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contest_data import both
from tests.cut_data import OPENS
from tests.voting.tally.cast_ballots import (
    CANDIDATES,
    Cast,
    Field,
    open_field,
)
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.voting.rulings.model import (
    Hold,
    HoldAttribute,
    HoldEvidence,
)
from voting_service.voting.rulings.repository import NewHold, create_hold, load_hold
from voting_service.voting.tally.hold_heat_map import (
    STEPS,
    VALUES,
    HeatMapCell,
    HeatMapFrame,
    HoldHeatMap,
    compose,
    heat_map_span,
    load_hold_heat_map,
    rank_attributes,
)

FARM, HOME = b"farmfarm", b"homehome"
BEGINS = OPENS + timedelta(hours=5)


@pytest.fixture
async def field(database: Connection) -> Field:
    """Six hours of 600 ballots for everybody alike, and forty of a farm for number 4."""
    made = await open_field(database, "field")
    draw = random.Random(1)
    await made.add(
        database,
        [
            Cast(
                [draw.randint(1, CANDIDATES)],
                BEGINS + timedelta(seconds=36 * n),
                1 + n % 2,
                network=f"net{draw.randrange(20):05}".encode(),
            )
            for n in range(600)
        ],
    )
    await made.add(
        database,
        [
            Cast([4], BEGINS + timedelta(hours=3, minutes=n), 1, network=FARM if n % 4 else HOME)
            for n in range(40)
        ],
    )
    return made


async def held(
    database: Connection, field: Field, evidence: HoldEvidence, networks: tuple[bytes, ...]
) -> Hold:
    ids = [ballot.ballot_id for ballot in field.cast if ballot.network in networks]
    hold_id = await create_hold(
        database,
        field.contest,
        NewHold(ids, kind="campaign", source="test", label="1", evidence=evidence),
        actor="test",
        now=BEGINS,
    )
    return await load_hold(database, field.contest, hold_id)


def shared(name: str, ballots: int, expected: float | None) -> HoldAttribute:
    return HoldAttribute(name, "x", ballots, expected)


async def test_a_farm_stands_out_and_everybody_else_is_as_usual(
    database: Connection, field: Field
) -> None:
    evidence = HoldEvidence(
        sentence=both("测试"), candidates=(4,), attributes=(shared("prefix", 40, 3),)
    )
    hold = await held(database, field, evidence, (FARM, HOME))
    picture = await load_hold_heat_map(database, field.contest, hold)
    assert picture.frame.kind == "network"
    assert picture.frame.values == (FARM.hex(), HOME.hex())
    assert [sum(row) for row in picture.observed[:2]] == [30, 10]
    assert picture.mine == 40
    assert sum(map(sum, picture.expected[:2])) == pytest.approx(40 / CANDIDATES, rel=0.4)
    assert sum(picture.observed[2]) == pytest.approx(sum(picture.expected[2]), rel=0.2)
    in_span = [b for b in field.cast if picture.frame.begins <= b.cast_at < picture.frame.ends]
    votes = sum(4 in ballot.choices for ballot in in_span)
    assert sum(map(sum, picture.observed)) == votes
    first = min(ballot.cast_at for ballot in in_span if ballot.network in {FARM, HOME})
    step = (first - picture.frame.begins) // picture.frame.step
    assert [sum(row[:step]) for row in picture.observed[:2]] == [0, 0]
    assert sum(row[step] for row in picture.observed[:2]) > 0


async def test_without_evidence_it_shows_what_is_known(database: Connection, field: Field) -> None:
    hold = await held(database, field, HoldEvidence(sentence=both("测试")), (FARM,))
    picture = await load_hold_heat_map(database, field.contest, hold)
    assert (picture.frame.kind, picture.frame.candidate) == ("network", 4)
    # No device is known of these ballots: the next fact is shown instead.
    evidence = HoldEvidence(sentence=both("测试"), attributes=(shared("device", 9, 1),))
    hold = await held(database, field, evidence, (HOME,))
    picture = await load_hold_heat_map(database, field.contest, hold)
    assert picture.frame.kind == "network"


async def test_only_so_many_values_have_rows(database: Connection, field: Field) -> None:
    networks = tuple({b.network for b in field.cast if b.network})
    hold = await held(database, field, HoldEvidence(sentence=both("测试")), networks)
    picture = await load_hold_heat_map(database, field.contest, hold)
    assert len(picture.observed) == len(picture.expected) == VALUES + 1
    assert {len(row) for row in (*picture.observed, *picture.expected)} == {STEPS}


def test_the_most_telling_of_the_evidence_comes_first() -> None:
    evidence = HoldEvidence(
        sentence=both("测试"),
        attributes=(shared("ip", 12, 6), shared("device", 40, 1), shared("new", 99, 1)),
    )
    hold = Hold(1, "campaign", "s", "l", evidence, 1, 0, "0" * 64, OPENS)
    assert rank_attributes(hold)[:2] == ["device", "address"]
    assert set(rank_attributes(hold)) == {
        "network",
        "address",
        "device",
        "agent",
        "account",
        "platform",
    }


@given(
    first=st.datetimes(datetime(2022, 1, 1), datetime(2022, 2, 1), timezones=st.just(UTC)),
    length=st.timedeltas(timedelta(0), timedelta(days=40)),
)
def test_the_whole_hold_is_in_the_picture(first: datetime, length: timedelta) -> None:
    begins, step = heat_map_span(first, first + length)
    assert begins <= first - timedelta(minutes=29)
    assert begins + STEPS * step >= first + length + timedelta(minutes=29)
    assert step >= timedelta(minutes=1)
    assert step % timedelta(minutes=1) == timedelta(0)


cells = st.lists(
    st.builds(
        lambda step, platform, place, mine, ballots, share: HeatMapCell(
            step, platform, place, mine, ballots, round(ballots * share)
        ),
        st.integers(0, STEPS - 1), st.integers(1, 3), st.integers(0, 2), st.booleans(),
        st.integers(1, 500), st.floats(0, 1),
    ),
    max_size=30,
)  # fmt: skip


@given(cells)
def test_without_a_hold_what_was_cast_is_usual(result: list[HeatMapCell]) -> None:
    frame = HeatMapFrame(1, "network", ("a", "b"), BEGINS, timedelta(minutes=5))
    picture: HoldHeatMap = compose(frame, result)
    assert sum(map(sum, picture.observed)) == sum(cell.votes for cell in result)
    assert picture.mine == sum(cell.votes for cell in result if cell.in_hold)
    assert all(item >= 0 for row in picture.expected for item in row)
    ballots = sum(cell.ballots for cell in result)
    assert sum(map(sum, picture.expected)) <= ballots + 1e-6
    # Usual is what is outside the hold: where there is no hold, all that was cast is. (Between the
    # steps of a platform it is smoothed.)
    outside = compose(frame, [cell._replace(in_hold=False, step=0) for cell in result])
    assert sum(map(sum, outside.expected)) == pytest.approx(sum(map(sum, outside.observed)))
