"""Holds and rulings: what two people decide changes every count, and nothing else does."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from tests.contest_data import store_contest, store_platform
from tests.cut_data import (
    CLOSES,
    MASTER_KEY,
    OPENS,
    StoredBallot,
)
from tests.voting.rulings.rulings_data import (
    AFTERWARDS,
    EVIDENCE,
    Staff,
    assert_kept_as_counted,
    forge_hold,
    get_staff,
    hold,
    propose_one,
    rule,
    store_ballots,
)
from voting_service.contests.model import Contest
from voting_service.errors import (
    InvalidInput,
    NotFound,
    Refused,
    SecondPersonRequired,
)
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.repository import load_contest_approvals
from voting_service.voting.rulings.model import HoldVotes, ballots_hash
from voting_service.voting.rulings.repository import (
    find_hold_by_ballots,
    load_ballot_history,
    load_hold,
    load_hold_ballots,
    load_hold_votes,
    load_holds,
    load_overlaps,
)
from voting_service.voting.rulings.service import (
    RulingProposal,
    approve_rulings,
    decline_ruling,
    propose_rulings,
)
from voting_service.voting.tally.live_figures import load_figures
from voting_service.voting.tally.recount import Count, recount
from voting_service.voting.tally.repository import (
    advance_floor,
    count_now,
    load_snapshot,
    take_snapshot,
)

RULED = CLOSES + timedelta(days=1)


@pytest.fixture
async def contest(database: Connection) -> Contest:
    await store_platform(database)
    return await store_contest(database, MASTER_KEY, opens_at=OPENS, closes_at=CLOSES)


@pytest.fixture
async def staff(database: Connection) -> Staff:
    return await get_staff(database)


async def ballots_everywhere(database: Connection, contest: Contest) -> Count:
    """The contest's ballots, which the recount and the kept tally must agree on."""
    counted = await recount(database, contest)
    await assert_kept_as_counted(database, contest, counted)
    public = await count_now(database, contest.id)
    votes = {n: c.net for n, c in counted.votes(contest.numbers).items() if c.net}
    assert public == (counted.ballots.net, votes)
    return counted.ballots


async def test_a_ruling_changes_every_count_and_a_reversal_changes_it_back(
    database: Connection, contest: Contest, staff: Staff
) -> None:
    ids = await store_ballots(
        database,
        contest,
        [StoredBallot([1, 2])] * 3 + [StoredBallot([1], held=True)] * 2 + [StoredBallot([3])],
    )
    questioned = await hold(database, contest, ids[:5])
    assert await ballots_everywhere(database, contest) == Count(6, 2, 0)
    await rule(database, contest, staff, questioned, "void")
    assert await ballots_everywhere(database, contest) == Count(6, 0, 5)
    assert await count_now(database, contest.id) == (1, {3: 1})
    await advance_floor(database, contest.id)
    assert await ballots_everywhere(database, contest) == Count(6, 0, 5)
    await rule(database, contest, staff, questioned, "count")
    assert await ballots_everywhere(database, contest) == Count(6, 0, 0)
    assert await count_now(database, contest.id) == (6, {1: 5, 2: 3, 3: 1})
    await rule(database, contest, staff, questioned, "void")
    assert await ballots_everywhere(database, contest) == Count(6, 0, 5)


async def test_a_ballot_in_two_holds_is_void_while_either_is_in_force(
    database: Connection, contest: Contest, staff: Staff
) -> None:
    ids = await store_ballots(database, contest, [StoredBallot([1], held=True)] * 3)
    first, second = await hold(database, contest, ids[:2]), await hold(database, contest, ids[1:])
    assert await load_overlaps(database, first) == {second: 1}
    await rule(database, contest, staff, first, "void")
    await rule(database, contest, staff, second, "count")
    assert await ballots_everywhere(database, contest) == Count(3, 0, 2)
    histories = [await load_ballot_history(database, contest, ballot) for ballot in ids]
    assert [h.ballot.state for h in histories] == ["void", "void", "counted"]
    assert [len(h.holds) for h in histories] == [1, 2, 1]
    assert [r.verdict for r in histories[1].rulings] == ["void", "count"]
    await rule(database, contest, staff, second, "void")
    assert await ballots_everywhere(database, contest) == Count(3, 0, 3)
    await rule(database, contest, staff, first, "count")
    assert await ballots_everywhere(database, contest) == Count(3, 0, 2)


async def test_the_tally_at_a_moment_has_what_was_cast_and_ruled_before_it(
    database: Connection, contest: Contest, staff: Staff
) -> None:
    at = [OPENS + timedelta(hours=2, minutes=n) for n in range(6)]
    ids = await store_ballots(
        database, contest, [StoredBallot([1], cast_at=at[n]) for n in (0, 1, 3, 5)]
    )
    await rule(database, contest, staff, await hold(database, contest, ids[:1]), "void", at[2])
    await rule(database, contest, staff, await hold(database, contest, ids[2:3]), "void", at[4])
    expected = [
        (OPENS, Count()),
        (at[0], Count()),
        (at[0] + timedelta(seconds=1), Count(1, 0, 0)),
        (at[2], Count(2, 0, 0)),
        (at[3], Count(2, 0, 1)),
        (at[4], Count(3, 0, 1)),
        (at[5], Count(3, 0, 2)),
        (at[5] + timedelta(hours=1), Count(4, 0, 2)),
    ]
    for resolve in (False, True):
        if resolve:
            await advance_floor(database, contest.id)
        for moment, count in expected:
            figures = await load_figures(database, contest, AFTERWARDS, at=moment)
            assert figures.ballots == figures.votes[1] == count
    await take_snapshot(database, contest.id, at[4])
    assert await load_snapshot(database, contest.id, at[4]) == (2, {1: 2})


async def test_one_person_alone_rules_nothing(
    database: Connection, contest: Contest, staff: Staff
) -> None:
    ids = await store_ballots(database, contest, [StoredBallot([1], held=True)])
    questioned = await hold(database, contest, ids)
    decision_id = await propose_one(database, contest, staff.clerk, questioned, "void")
    with pytest.raises(SecondPersonRequired):
        await approve_rulings(
            Actor(database, staff.clerk, datetime.now(UTC)), contest, [decision_id]
        )
    with pytest.raises(Refused, match="auditor"):
        await approve_rulings(
            Actor(database, staff.auditor, datetime.now(UTC)), contest, [decision_id]
        )
    with pytest.raises(Refused, match="auditor"):
        await propose_one(database, contest, staff.auditor, questioned, "count")
    assert await ballots_everywhere(database, contest) == Count(1, 1, 0)
    stored = await load_hold(database, contest, questioned)
    assert (stored.state, stored.is_ruled, [d.id for d in stored.proposals]) == (
        "proposed",
        False,
        [decision_id],
    )


async def test_several_holds_are_ruled_in_one_act_or_none_is(
    database: Connection, contest: Contest, staff: Staff
) -> None:
    ids = await store_ballots(database, contest, [StoredBallot([1])] * 4)
    holds = [await hold(database, contest, [ballot]) for ballot in ids]
    now = datetime.now(UTC)
    words = {"reason": "automated_voting", "words": "核对过"}
    with pytest.raises(NotFound, match="no hold 99"):
        await propose_rulings(
            Actor(database, staff.clerk, now),
            contest,
            [*holds, 99],
            RulingProposal(verdict="void", **words),
        )
    assert await load_contest_approvals(database, contest.id) == ()
    proposed = await propose_rulings(
        Actor(database, staff.clerk, now),
        contest,
        holds[:3],
        RulingProposal(verdict="void", **words),
    )
    own = await propose_one(database, contest, staff.supervisor, holds[3], "void")
    with pytest.raises(SecondPersonRequired):
        await approve_rulings(Actor(database, staff.supervisor, now), contest, [*proposed, own])
    assert await ballots_everywhere(database, contest) == Count(4, 0, 0)
    await approve_rulings(Actor(database, staff.supervisor, now), contest, proposed)
    assert await ballots_everywhere(database, contest) == Count(4, 0, 3)
    assert [hold_.state for hold_ in await load_holds(database, contest)] == [
        "void",
        "void",
        "void",
        "proposed",
    ]


async def test_of_two_proposals_about_a_hold_the_approved_one_ends_the_other(
    database: Connection, contest: Contest, staff: Staff
) -> None:
    ids = await store_ballots(database, contest, [StoredBallot([1])])
    questioned = await hold(database, contest, ids)
    void = await propose_one(database, contest, staff.clerk, questioned, "void")
    count = await propose_one(database, contest, staff.clerk, questioned, "count")
    now = datetime.now(UTC)
    with pytest.raises(InvalidInput, match="same hold"):
        await approve_rulings(Actor(database, staff.supervisor, now), contest, [void, count])
    await approve_rulings(Actor(database, staff.supervisor, now), contest, [void])
    states = {d.id: d.state for d in await load_contest_approvals(database, contest.id)}
    assert states == {void: "approved", count: "declined"}
    assert (await load_hold(database, contest, questioned)).is_ruled
    with pytest.raises(Refused, match="is already ruled"):
        await propose_one(database, contest, staff.clerk, questioned, "void")
    again = await propose_one(database, contest, staff.clerk, questioned, "count")
    await decline_ruling(Actor(database, staff.supervisor, now), contest, again, "证据充分")
    assert (await load_hold(database, contest, questioned)).state == "void"


async def test_a_ruling_needs_a_fitting_reason_and_words(
    database: Connection, contest: Contest, staff: Staff
) -> None:
    ids = await store_ballots(database, contest, [StoredBallot([1])])
    questioned = await hold(database, contest, ids)
    with pytest.raises(InvalidInput) as refusal:
        await propose_rulings(
            Actor(database, staff.clerk, datetime.now(UTC)),
            contest,
            [questioned],
            RulingProposal(verdict="void", reason="honest_crowd", words=" "),
        )
    assert [fault.field for fault in refusal.value.faults] == ["reason", "words"]


async def test_a_hold_names_ballots_that_are_not_the_contest_s(
    database: Connection, contest: Contest
) -> None:
    ids = await store_ballots(database, contest, [StoredBallot([1])])
    other = await store_contest(database, MASTER_KEY, slug="other", opens_at=OPENS)
    (foreign,) = await store_ballots(database, other, [StoredBallot([1])])
    unknown = os.urandom(16)
    with pytest.raises(InvalidInput) as refusal:
        await hold(database, contest, [*ids, foreign, unknown])
    messages = {fault.field: fault.message for fault in refusal.value.faults}
    assert "to another contest" in messages[f"ballots[{foreign.hex()}]"]
    assert "not stored" in messages[f"ballots[{unknown.hex()}]"]
    assert len(messages) == 2
    with pytest.raises(InvalidInput, match="at least one"):
        await hold(database, contest, [])
    assert await load_holds(database, contest) == ()
    made = await hold(database, other, [foreign])
    with pytest.raises(NotFound):
        await load_hold(database, contest, made)


async def test_a_hold_knows_its_ballots_and_votes(database: Connection, contest: Contest) -> None:
    ids = await store_ballots(
        database,
        contest,
        [StoredBallot([1, 2]), StoredBallot([1], held=True), StoredBallot([3])],
    )
    made = await hold(database, contest, ids[:2], kind="selection")
    with pytest.raises(Refused, match="already on hold"):
        await hold(database, contest, ids[:2])
    stored = await load_hold(database, contest, made)
    assert (stored.kind, stored.ballots, stored.held, stored.state) == ("selection", 2, 1, "open")
    assert stored.ballots_hash == ballots_hash(ids[:2])
    assert stored.evidence == EVIDENCE
    assert await find_hold_by_ballots(database, contest, reversed(ids[:2])) == made
    assert await find_hold_by_ballots(database, contest, ids) is None
    assert await load_hold_votes(database, contest) == {
        made: {0: HoldVotes(1, 1), 1: HoldVotes(1, 1), 2: HoldVotes(0, 1)}
    }
    shown = await load_hold_ballots(database, contest, made, limit=1)
    rest = await load_hold_ballots(database, contest, made, after=shown[0].ballot_id, limit=9)
    assert [ballot.ballot_id for ballot in (*shown, *rest)] == ids[:2]
    assert [ballot.state for ballot in (*shown, *rest)] == ["counted", "held"]


async def test_every_act_stands_in_the_audit_log(
    database: Connection, contest: Contest, staff: Staff
) -> None:
    ids = await store_ballots(database, contest, [StoredBallot([1])])
    questioned = await hold(database, contest, ids)
    await rule(database, contest, staff, questioned, "void")
    rows = await database.fetch("select actor, act, subject from audit_log order by entry")
    assert [tuple(row) for row in rows] == [
        ("test", "hold_made", f"hold {questioned}"),
        ("clerk", "proposed", "approval 1"),
        ("supervisor", "approved", "approval 1"),
    ]


async def test_rulings_approved_at_once_see_each_other(
    database: Connection, contest: Contest, staff: Staff, database_url: str
) -> None:
    ids = await store_ballots(database, contest, [StoredBallot([1], held=True)] * 6)
    proposed = [
        await propose_one(
            database, contest, staff.clerk, await hold(database, contest, ids[n : n + 3]), "void"
        )
        for n in range(4)
    ]
    sessions = [await connect(database_url) for _ in proposed]
    await asyncio.gather(
        *(
            approve_rulings(
                Actor(session, staff.supervisor, datetime.now(UTC)), contest, [decision_id]
            )
            for session, decision_id in zip(sessions, proposed, strict=True)
        )
    )
    for session in sessions:
        await session.close()
    assert await ballots_everywhere(database, contest) == Count(6, 0, 6)


async def test_a_ruling_is_never_worked_out_from_an_old_view(
    database: Connection, contest: Contest, staff: Staff
) -> None:
    ids = await store_ballots(database, contest, [StoredBallot([1])])
    decision_id = await propose_one(
        database, contest, staff.clerk, await hold(database, contest, ids), "void"
    )
    with pytest.raises(asyncpg.InvalidTransactionStateError):
        async with database.transaction(isolation="repeatable_read"):
            await approve_rulings(
                Actor(database, staff.supervisor, datetime.now(UTC)), contest, [decision_id]
            )
    assert await ballots_everywhere(database, contest) == Count(1, 0, 0)


async def test_a_hold_whose_ballots_do_not_fit_its_hash_cannot_be_ruled(
    database: Connection, contest: Contest, staff: Staff
) -> None:
    ids = await store_ballots(database, contest, [StoredBallot([1])] * 2)
    forged = await forge_hold(database, contest, ids, ballots_hash(ids[:1]))
    with pytest.raises(Refused, match="propose the ruling again"):
        await rule(database, contest, staff, forged, "void")
    assert await ballots_everywhere(database, contest) == Count(2, 0, 0)
