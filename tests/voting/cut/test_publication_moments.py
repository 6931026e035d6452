"""From when on a version is shown, and what keeps the database from taking one in."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.cut_data import (
    DRAINED,
    StoredBallot,
    closed_contest,
    insert_ballots,
    member,
)
from tests.voting.rulings.rulings_data import all_ids, hold
from voting_service.contests.model import Contest, CutRules
from voting_service.errors import (
    InvalidInput,
    NotFound,
    Refused,
)
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import Connection, domain_errors
from voting_service.staff.accounts.model import Account
from voting_service.staff.actor import Actor
from voting_service.voting.cut.publication import (
    MAX_DELAY,
    approve,
    cut_shown_at,
    load_shown_cut,
    propose_publication,
)
from voting_service.voting.rulings.model import Verdict
from voting_service.voting.rulings.service import RulingProposal, approve_rulings, propose_rulings

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
WHY = Text(zh="更正", en="correction")
VOTES = {1: 5, 2: 4, 3: 3, 4: 2, 5: 1}
HOUR = timedelta(hours=1)


class Pair:
    """Two who decide, and a closed contest."""

    def __init__(self, database: Connection, contest: Contest, people: list[Account]) -> None:
        self.database, self.contest = database, contest
        self.clerk, self.second = people

    async def publish(
        self, now: datetime, visible_from: datetime | None, reason: Text | None = None
    ) -> None:
        decision = await self.propose(now, visible_from, reason)
        await self.approve(decision, now)

    async def propose(
        self, now: datetime, visible_from: datetime | None = None, reason: Text | None = None
    ) -> int:
        return await propose_publication(
            Actor(self.database, self.clerk, now),
            self.contest,
            key=KEY,
            visible_from=visible_from,
            reason=reason,
        )

    async def approve(self, decision: int, now: datetime) -> None:
        await approve(Actor(self.database, self.second, now), self.contest, decision, key=KEY)

    async def rule(self, number: int, verdict: Verdict) -> None:
        made = await propose_rulings(
            Actor(self.database, self.clerk, DRAINED),
            self.contest,
            [number],
            RulingProposal(verdict=verdict, reason="other", words="as found"),
        )
        await approve_rulings(Actor(self.database, self.second, DRAINED), self.contest, made)

    async def versions(self, now: datetime) -> tuple[int, ...]:
        shown = await load_shown_cut(self.database, self.contest.id, now)
        return shown.versions if shown else ()


@pytest.fixture
async def pair(database: Connection) -> Pair:
    contest = await closed_contest(database, cut=CutRules(size=3, tie="committee"), votes=VOTES)
    people = [await member(database, name) for name in ("clerk", "second")]
    return Pair(database, contest, people)


async def test_a_version_is_shown_from_its_moment_on(pair: Pair) -> None:
    await pair.publish(DRAINED, DRAINED + HOUR)
    assert await pair.versions(DRAINED + HOUR - timedelta(microseconds=1)) == ()
    assert await pair.versions(DRAINED + HOUR) == (1,)
    await insert_ballots(pair.database, pair.contest, [StoredBallot([5])])
    with pytest.raises(InvalidInput, match="cannot be public before"):
        await pair.propose(DRAINED, None, WHY)
    await pair.publish(DRAINED, DRAINED + 3 * HOUR, WHY)
    shown = await load_shown_cut(pair.database, pair.contest.id, DRAINED + 2 * HOUR)
    assert shown is not None
    assert (shown.version, shown.versions, shown.until) == (1, (1,), DRAINED + 3 * HOUR)
    with pytest.raises(NotFound, match="version 2"):
        await load_shown_cut(pair.database, pair.contest.id, DRAINED + 2 * HOUR, 2)
    later = await load_shown_cut(pair.database, pair.contest.id, DRAINED + 3 * HOUR, 1)
    assert later is not None
    assert (later.version, later.versions, later.until) == (1, (1, 2), None)
    assert later.document == shown.document


async def test_an_approval_after_the_moment_shows_it_at_once_and_never_before(pair: Pair) -> None:
    decision = await pair.propose(DRAINED, DRAINED + HOUR)
    await pair.approve(decision, DRAINED + 2 * HOUR)
    assert await pair.versions(DRAINED + 2 * HOUR - timedelta(seconds=1)) == ()
    assert await pair.versions(DRAINED + 2 * HOUR) == (1,)


async def test_a_first_version_that_was_never_shown_is_overtaken(pair: Pair) -> None:
    await pair.publish(DRAINED, DRAINED + HOUR)
    await insert_ballots(pair.database, pair.contest, [StoredBallot([5])])
    await pair.publish(DRAINED, DRAINED + HOUR, WHY)
    shown = await load_shown_cut(pair.database, pair.contest.id, DRAINED + HOUR)
    assert shown is not None
    assert shown.version == 2


async def test_moments_out_of_reach(pair: Pair) -> None:
    for moment in (DRAINED - timedelta(seconds=1), DRAINED + MAX_DELAY + timedelta(seconds=1)):
        with pytest.raises(InvalidInput, match="90 days"):
            await pair.propose(DRAINED, moment)
    assert cut_shown_at((), DRAINED) is None


async def test_the_audit_log_tells_of_it(pair: Pair) -> None:
    await pair.publish(DRAINED, DRAINED + HOUR)
    row = await pair.database.fetchrow(
        "select actor, contest, subject, details from audit_log where act = 'published'"
    )
    shown = await load_shown_cut(pair.database, pair.contest.id, DRAINED + HOUR)
    assert row is not None
    assert shown is not None
    assert tuple(row) == (
        "second",
        pair.contest.slug,
        "version 1",
        {
            "decision": 1,
            "document_sha256": sha256(shown.document).hexdigest(),
            "visible_from": (DRAINED + HOUR).isoformat().replace("+00:00", "Z"),
        },
    )


async def test_a_ruling_between_proposal_and_approval_is_noticed(pair: Pair) -> None:
    """Even one that changes no figure: the document speaks for the rulings it was made under."""
    number = await hold(
        pair.database, pair.contest, (await all_ids(pair.database, pair.contest))[:1]
    )
    with pytest.raises(Refused, match="1 holds are not ruled on"):
        await pair.propose(DRAINED)
    await pair.rule(number, "count")
    decision = await pair.propose(DRAINED)
    await pair.rule(number, "void")
    await pair.rule(number, "count")
    with pytest.raises(Refused, match="changed since it was proposed"):
        await pair.approve(decision, DRAINED)
    assert await pair.versions(DRAINED) == ()


async def forge(pair: Pair, payload: dict[str, Any]) -> None:
    """What two people could try past the programs, in one transaction."""
    with domain_errors():
        async with pair.database.transaction():
            decision = await pair.database.fetchval(
                "insert into approval_requests (contest_id, kind, subject, payload, payload_hash,"
                " proposed_by, proposed_at)"
                " values ($1, 'publication', '1', $2, repeat('0', 64), $3, now()) returning id",
                pair.contest.id,
                {"document_sha256": sha256(b"forged").hexdigest(), **payload},
                pair.clerk.id,
            )
            await pair.database.execute(
                "update approval_requests set approved_by = $2, approved_at = now() where id = $1",
                decision,
                pair.second.id,
            )
            await pair.database.execute(
                "insert into publications"
                " (contest_id, version, document, approval_id, published_at)"
                " values ($1, 1, 'forged', $2, now())",
                pair.contest.id,
                decision,
            )


async def test_the_database_takes_no_version_in_while_ballots_are_in_question(pair: Pair) -> None:
    ids = await all_ids(pair.database, pair.contest)
    number = await hold(pair.database, pair.contest, ids[:2])
    with pytest.raises(Refused, match="still on hold"):
        await forge(pair, {})
    await pair.rule(number, "void")
    with pytest.raises(Refused, match="still on hold"):
        await forge(pair, {})  # made before the ruling
    waiting = await propose_rulings(
        Actor(pair.database, pair.clerk, DRAINED),
        pair.contest,
        [number],
        RulingProposal(verdict="count", reason="other", words="again"),
    )
    with pytest.raises(Refused, match="still on hold"):
        await forge(pair, {"rulings": 1})
    await approve_rulings(Actor(pair.database, pair.second, DRAINED), pair.contest, waiting)
    await insert_ballots(pair.database, pair.contest, [StoredBallot([1], held=True)])
    with pytest.raises(Refused, match="still on hold"):
        await forge(pair, {"rulings": 2})


async def test_the_database_keeps_to_the_moment_that_was_approved(pair: Pair) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="document and time"):
        await forge(pair, {"visible_from": "2022-08-01T00:00:00Z"})
