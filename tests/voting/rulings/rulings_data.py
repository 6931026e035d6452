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
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.staff.accounts.model import Account
from voting_service.voting.rulings.model import (
    HoldEvidence,
    HoldKind,
    Verdict,
)
from voting_service.voting.rulings.repository import create_hold
from voting_service.voting.rulings.service import approve_rulings, propose_rulings
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


async def staff_of(connection: AnyConnection) -> Staff:
    return Staff(
        await member(connection, "clerk", "tally_clerk"),
        await member(connection, "supervisor", "supervisor"),
        await member(connection, "auditor", "auditor"),
    )


async def store_ballots(
    connection: AnyConnection, contest: Contest, ballots: Sequence[StoredBallot]
) -> list[bytes]:
    """Stores them, each as many milliseconds later as ballots stand before it; their ids."""
    known = set(await all_ids(connection, contest))
    moved = [
        ballot._replace(cast_at=ballot.cast_at + timedelta(milliseconds=n))
        for n, ballot in enumerate(ballots)
    ]
    await insert_ballots(connection, contest, moved)
    return [each for each in await all_ids(connection, contest) if each not in known]


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
        ballot_ids,
        actor="test",
        kind=kind,
        source="test",
        label=label,
        evidence=EVIDENCE,
        now=datetime.now(UTC),
    )


async def propose_one(
    connection: AnyConnection,
    contest: Contest,
    account: Account,
    hold_id: int,
    verdict: Verdict,
    now: datetime | None = None,
) -> int:
    (decision_id,) = await propose_rulings(
        connection,
        contest,
        account,
        [hold_id],
        verdict=verdict,
        reason=REASON_FOR[verdict],
        words="核对过",
        now=now or datetime.now(UTC),
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
    await approve_rulings(connection, contest, staff.supervisor, [decision_id], now=moment)
    return decision_id
