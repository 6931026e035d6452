"""Holds and rulings for tests, in as few words as possible."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tests.contest_data import both
from tests.cut_data import (
    StoredBallot,
    insert_ballots,
    member,
)
from voting_service.contests.model import Contest
from voting_service.contests.repository import load_platforms
from voting_service.infrastructure.postgres.pool import AnyConnection, Connection
from voting_service.staff.accounts.model import Account
from voting_service.staff.actor import Actor
from voting_service.voting.rulings.model import (
    HoldEvidence,
    HoldKind,
    Verdict,
)
from voting_service.voting.rulings.repository import NewHold, create_hold
from voting_service.voting.rulings.service import RulingProposal, approve_rulings, propose_rulings
from voting_service.voting.tally.live_figures import load_figures
from voting_service.voting.tally.recount import BALLOTS, Recount

EVIDENCE = HoldEvidence(sentence=both("证据"), candidates=(1,), observed=9.0, expected=1.5)
AFTERWARDS = datetime(2100, 1, 1, tzinfo=UTC)
"""When everything that a test does has happened."""
REASON_FOR: dict[Verdict, str] = {"void": "automated_voting", "count": "honest_crowd"}


async def assert_kept_as_counted(
    connection: AnyConnection, contest: Contest, counted: Recount
) -> None:
    """The kept figures are those of the recount, down to hour, platform and candidate."""
    everyone = (BALLOTS, *sorted(contest.numbers))
    figures = await load_figures(connection, contest, AFTERWARDS, candidates=everyone)
    assert figures.ballots == counted.ballots
    assert figures.votes == counted.votes(contest.numbers)
    slugs = {platform.id: platform.slug for platform in await load_platforms(connection)}
    kept = {(c.hour, slugs[c.platform_id], c.candidate): c.counted for c in figures.cells}
    assert kept == {(c.hour, c.platform, c.candidate): c.counted for c in counted.cells}


class Staff(NamedTuple):
    """Two who may decide, and one who may only look."""

    clerk: Account
    supervisor: Account
    auditor: Account


async def get_staff(connection: AnyConnection) -> Staff:
    return Staff(
        await member(connection, "clerk", "tally_clerk"),
        await member(connection, "supervisor", "supervisor"),
        await member(connection, "auditor", "auditor"),
    )


async def store_ballots(
    connection: AnyConnection, contest: Contest, ballots: Sequence[StoredBallot]
) -> list[bytes]:
    """Stores them, each as many milliseconds later as ballots stand before it; their ids."""
    ids = set(await all_ids(connection, contest))
    moved = [
        ballot._replace(cast_at=ballot.cast_at + timedelta(milliseconds=n))
        for n, ballot in enumerate(ballots)
    ]
    await insert_ballots(connection, contest, moved)
    return [item for item in await all_ids(connection, contest) if item not in ids]


async def all_ids(connection: AnyConnection, contest: Contest) -> list[bytes]:
    rows = await connection.fetch(
        "select ballot_id from ballots where contest_id = $1 order by ballot_id", contest.id
    )
    return [row["ballot_id"] for row in rows]


async def hold(
    connection: AnyConnection,
    contest: Contest,
    ballot_ids: Sequence[bytes],
    *,
    kind: HoldKind = "campaign",
    label: str = "1",
) -> int:
    return await create_hold(
        connection,
        contest,
        NewHold(ballot_ids, kind=kind, source="test", label=label, evidence=EVIDENCE),
        actor="test",
        now=datetime.now(UTC),
    )


async def forge_hold(
    database: Connection, contest: Contest, ballot_ids: Sequence[bytes], hashed: str
) -> int:
    """Insert a hold that claims to be of one ballot, past the service."""
    async with database.transaction():
        hold_id: int = await database.fetchval(
            "insert into holds (contest_id, kind, source, label, evidence, ballots, ballots_hash,"
            " created_at) values ($1, 'campaign', 'x', 'x', $2, 1, $3, now()) returning id",
            contest.id,
            EVIDENCE,
            hashed,
        )
        await database.executemany(
            "insert into hold_ballots (contest_id, hold_id, ballot_id) values ($1, $2, $3)",
            [(contest.id, hold_id, ballot_id) for ballot_id in ballot_ids],
        )
    return hold_id


async def propose_one(
    connection: AnyConnection,
    contest: Contest,
    account: Account,
    hold_id: int,
    verdict: Verdict,
    now: datetime | None = None,
) -> int:
    (decision_id,) = await propose_rulings(
        Actor(connection, account, now or datetime.now(UTC)),
        contest,
        [hold_id],
        RulingProposal(verdict=verdict, reason=REASON_FOR[verdict], words="核对过"),
    )
    return decision_id


async def rule(
    connection: AnyConnection,
    contest: Contest,
    staff: Staff,
    hold_id: int,
    verdict: Verdict,
    now: datetime | None = None,
) -> int:
    """The clerk proposes and the supervisor approves; the decision's id."""
    moment = now or datetime.now(UTC)
    decision_id = await propose_one(connection, contest, staff.clerk, hold_id, verdict, moment)
    await approve_rulings(Actor(connection, staff.supervisor, moment), contest, [decision_id])
    return decision_id
