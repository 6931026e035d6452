"""Votes, holds, proposals, approvals by anybody, reversals and publications in any order, against
a slow and obvious reference: every count agrees, and nothing happens without two people."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import asyncpg
import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.contest_data import (
    both,
    rules,
    store_contest,
)
from tests.cut_data import (
    CLOSES,
    DRAINED,
    MASTER_KEY,
    OPENS,
    StoredBallot,
    member,
)
from tests.voting.rulings.rulings_data import (
    AFTERWARDS,
    REASON_FOR,
    hold,
    store_ballots,
)
from voting_service.contests.model import Contest, CutRules
from voting_service.errors import Refused
from voting_service.infrastructure.crypto.signed_document import load_signing_key, read_signed_file
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.infrastructure.valkey import Valkey
from voting_service.settings import Settings
from voting_service.staff.accounts.model import Account, Role
from voting_service.staff.accounts.repository import disable_account
from voting_service.staff.actor import Actor
from voting_service.voting.cut.examination import load_publications
from voting_service.voting.cut.publication import approve, propose_publication
from voting_service.voting.rulings.model import Verdict
from voting_service.voting.rulings.repository import load_ballot_history, load_holds
from voting_service.voting.rulings.service import (
    RulingProposal,
    approve_rulings,
    decline_ruling,
    propose_rulings,
)
from voting_service.voting.tally.counters import (
    CounterDelta,
    CounterFeed,
    read_counts,
    set_counts,
)
from voting_service.voting.tally.live_figures import load_figures
from voting_service.voting.tally.recount import Count, recount
from voting_service.voting.tally.recount_audit import audit
from voting_service.voting.tally.repository import advance_floor, count_now

SLUGS = (f"model-{n}" for n in count(1))
DECIDERS = {"clerk", "other", "supervisor"}
PEOPLE = (*sorted(DECIDERS), "auditor", "disabled")
CHOICES = ([1], [2], [1, 3], [2, 4, 5])


@dataclass
class Proposal:
    id: int
    hold: int
    turn: int
    verdict: Verdict
    proposer: str
    state: str = "waiting"


@dataclass
class Reference:
    """What ought to be, worked out ballot by ballot."""

    ballots: dict[bytes, tuple[list[int], bool, datetime]] = field(default_factory=dict)
    holds: dict[int, list[bytes]] = field(default_factory=dict)
    rulings: list[tuple[int, Verdict, datetime]] = field(default_factory=list)
    proposals: list[Proposal] = field(default_factory=list)

    def in_force(self, hold_id: int, before: datetime) -> Verdict | None:
        verdicts = [v for h, v, ruled_at in self.rulings if h == hold_id and ruled_at < before]
        return verdicts[-1] if verdicts else None

    def turn(self, hold_id: int) -> int:
        return 1 + sum(h == hold_id for h, _, _ in self.rulings)

    def state(self, ballot: bytes, before: datetime) -> str:
        verdicts = {self.in_force(h, before) for h, ids in self.holds.items() if ballot in ids}
        if "void" in verdicts:
            return "void"
        return "held" if self.ballots[ballot][1] and "count" not in verdicts else "counted"

    def counts(self, before: datetime) -> dict[int, Count]:
        """By candidate; 0 for the ballots."""
        sums: dict[int, Count] = {}
        for ballot, (choices, _, cast_at) in self.ballots.items():
            if cast_at < before:
                state = self.state(ballot, before)
                count = Count(1, int(state == "held"), int(state == "void"))
                for number in (0, *choices):
                    sums[number] = sums.get(number, Count()).plus(count)
        return sums

    def is_resolved(self, before: datetime) -> bool:
        return (
            all(self.in_force(h, before) for h in self.holds)
            and not any(p.state == "waiting" for p in self.proposals)
            and self.counts(before).get(0, Count()).held == 0
        )


class World:
    """The real thing beside the reference; time goes on by a minute a step."""

    def __init__(self, database: Connection, contest: Contest, valkey: Valkey) -> None:
        self.database, self.contest, self.valkey = database, contest, valkey
        self.feed = CounterFeed(valkey)
        self.people: dict[str, Account] = {}
        self.reference = Reference()
        self.now = OPENS
        self.history: list[tuple[datetime, dict[int, Count]]] = []

    async def vote(self, choices: list[int], held: bool) -> None:
        cast = [StoredBallot(choices, cast_at=self.now, held=held)]
        (ballot,) = await store_ballots(self.database, self.contest, cast)
        self.reference.ballots[ballot] = choices, held, self.now
        xid = await self.database.fetchval(
            "select commit_xid from ballots where contest_id = $1 and ballot_id = $2",
            self.contest.id,
            ballot,
        )
        if not held:
            votes = {str(number): 1 for number in choices}
            self.feed.put(CounterDelta(self.contest.id, xid, 1, votes))

    async def hold(self, chosen: list[int]) -> None:
        ballots = sorted(self.reference.ballots)
        ids = sorted({ballots[place % len(ballots)] for place in chosen}) if ballots else []
        if not ids:
            return
        if ids in self.reference.holds.values():
            with pytest.raises(Refused):
                await hold(self.database, self.contest, ids)
            return
        self.reference.holds[await hold(self.database, self.contest, ids)] = ids

    async def propose(self, person: str, pick: int, verdict: Verdict) -> None:
        if not self.reference.holds:
            return
        hold_id = sorted(self.reference.holds)[pick % len(self.reference.holds)]
        turn = self.reference.turn(hold_id)
        same = any(
            (p.hold, p.turn, p.verdict, p.state) == (hold_id, turn, verdict, "waiting")
            for p in self.reference.proposals
        )
        stands = self.reference.in_force(hold_id, self.now) == verdict
        made = await self.expect(
            person in DECIDERS and not same and not stands,
            lambda: propose_rulings(
                Actor(self.database, self.people[person], self.now),
                self.contest,
                [hold_id],
                RulingProposal(verdict=verdict, reason=REASON_FOR[verdict], words="核对过"),
            ),
        )
        if made:
            self.reference.proposals.append(Proposal(made[0], hold_id, turn, verdict, person))

    async def approve(self, person: str, pick: int, by_sql: bool) -> None:
        if not self.reference.proposals:
            return
        proposal = self.reference.proposals[pick % len(self.reference.proposals)]
        may = (
            person in DECIDERS
            and person != proposal.proposer
            and proposal.state == "waiting"
            and proposal.turn == self.reference.turn(proposal.hold)
        )
        account = self.people[person]
        if by_sql:
            done = await self.expect(
                may,
                lambda: self.database.fetchval(
                    "update approval_requests set approved_by = $2, approved_at = $3 where id = $1"
                    " returning id",
                    proposal.id,
                    account.id,
                    self.now,
                ),
            )
        else:
            done = await self.expect(
                may,
                lambda: approve_rulings(
                    Actor(self.database, account, self.now), self.contest, [proposal.id]
                ),
            )
        if not done:
            return
        proposal.state = "approved"
        self.reference.rulings.append((proposal.hold, proposal.verdict, self.now))
        for rival in self.reference.proposals:
            same = (rival.hold, rival.turn) == (proposal.hold, proposal.turn)
            if same and rival.state == "waiting" and not by_sql:
                rival.state = "declined"

    async def rule(self, pick: int, verdict: Verdict) -> None:
        """The clerk proposes and the supervisor approves, unless it stands already."""
        await self.propose("clerk", pick, verdict)
        for place, proposal in enumerate(self.reference.proposals):
            if (proposal.state, proposal.proposer) == ("waiting", "clerk"):
                await self.approve("supervisor", place, by_sql=False)

    async def decline(self, person: str, pick: int) -> None:
        if not self.reference.proposals:
            return
        proposal = self.reference.proposals[pick % len(self.reference.proposals)]
        done = await self.expect(
            person in DECIDERS and proposal.state == "waiting",
            lambda: decline_ruling(
                Actor(self.database, self.people[person], self.now),
                self.contest,
                proposal.id,
                "证据不足",
            ),
        )
        if done:
            proposal.state = "declined"

    async def publish(self, settings: Settings) -> None:
        """The clerk proposes and the supervisor approves the document of now."""
        key = load_signing_key(settings.signing_key_file)
        before = await load_publications(self.database, self.contest.id)
        now = DRAINED + (self.now - OPENS)
        resolved = self.reference.is_resolved(self.now)
        try:
            decision = await propose_publication(
                Actor(self.database, self.people["clerk"], now),
                self.contest,
                key=key,
                reason=both("更正") if before else None,
            )
        except Refused as refusal:
            assert not resolved or "nothing has changed" in str(refusal)
            assert await load_publications(self.database, self.contest.id) == before
            return
        assert resolved
        with pytest.raises(Refused):
            await approve(
                Actor(self.database, self.people["clerk"], now), self.contest, decision, key=key
            )
        await approve(
            Actor(self.database, self.people["supervisor"], now), self.contest, decision, key=key
        )
        *_, published = await load_publications(self.database, self.contest.id)
        document: dict[str, Any] = read_signed_file(published.document).document
        ballots = self.reference.counts(self.now).get(0, Count())
        assert (
            document["ballots"] | {"net": ballots.net, "void": ballots.void}
            == (document["ballots"])
        )

    async def expect(self, allowed: bool, act: Callable[[], Any]) -> Any:
        """What the act gives when it is allowed; else it must be refused."""
        if allowed:
            return await act()
        with pytest.raises((Refused, asyncpg.IntegrityConstraintViolationError)):
            await act()
        return None

    async def check(self) -> None:
        """Everything that counts states the same."""
        expected = self.reference.counts(self.now)
        ballots = expected.get(0, Count())
        votes = {n: c.net for n, c in expected.items() if n and c.net}
        assert await count_now(self.database, self.contest.id) == (ballots.net, votes)
        await self.feed.flush()
        await set_counts(
            self.valkey, self.contest.id, *await advance_floor(self.database, self.contest.id)
        )
        live = await read_counts(self.valkey, self.contest.id)
        assert live is not None
        assert (live.ballots, {n: v for n, v in live.votes.items() if v}) == (ballots.net, votes)
        assert await self.kept() == expected

    async def kept(self, at: datetime | None = None) -> dict[int, Count]:
        """The kept figures that are not nothing; candidate 0 counts ballots."""
        figures = await load_figures(self.database, self.contest, AFTERWARDS, at=at)
        return {n: c for n, c in {0: figures.ballots, **figures.votes}.items() if c.gross}

    async def check_thoroughly(self) -> None:
        """The recount, the audit, the states of ballots and holds, and all of the past."""
        expected = self.reference.counts(self.now)
        counted = await recount(self.database, self.contest)
        assert counted.ballots == expected.get(0, Count())
        assert counted.grouped(("candidate",)) == [
            ((n,), c) for n, c in sorted(expected.items()) if n
        ]
        assert (await audit(self.database, self.contest)).difference == 0
        for ballot in self.reference.ballots:
            history = await load_ballot_history(self.database, self.contest, ballot)
            assert history.ballot.state == self.reference.state(ballot, self.now)
        for stored in await load_holds(self.database, self.contest):
            in_force = self.reference.in_force(stored.id, self.now)
            assert (stored.ruling.verdict if stored.ruling else None) == in_force
        for moment, then in self.history:
            assert await self.kept(moment) == then


PERSON, PICK = st.sampled_from(PEOPLE), st.integers(0, 7)
VERDICT = st.sampled_from(["void", "count"])
VOTE = st.tuples(st.just("vote"), st.sampled_from(CHOICES), st.booleans())
HOLD = st.tuples(st.just("hold"), st.lists(PICK, min_size=1, max_size=4))
RULE = st.tuples(st.just("rule"), PICK, VERDICT)
OVERLAPPING = st.tuples(
    VOTE,
    VOTE,
    VOTE,
    st.sampled_from([("hold", [0, 1]), ("hold", [0, 1, 2])]),
    st.sampled_from([("hold", [1, 2]), ("hold", [1])]),
    st.tuples(st.just("rule"), st.just(0), VERDICT),
    st.tuples(st.just("rule"), st.just(1), VERDICT),
)
"""Where the difficult cases begin."""
STEP = st.one_of(
    VOTE,
    HOLD,
    RULE,
    RULE,
    RULE,
    st.tuples(st.just("propose"), PERSON, PICK, VERDICT),
    st.tuples(st.just("approve"), PERSON, PICK, st.booleans()),
    st.tuples(st.just("decline"), PERSON, PICK),
    st.tuples(st.sampled_from(["publish", "begin", "end"])),
)


@pytest.fixture
async def people(database: Connection) -> dict[str, Account]:
    roles: dict[str, Role] = {"auditor": "auditor", "supervisor": "supervisor"}
    made = {name: await member(database, name, roles.get(name, "tally_clerk")) for name in PEOPLE}
    await disable_account(database, "disabled")
    made["disabled"] = msgspec.structs.replace(made["disabled"], disabled=True)
    return made


@pytest.fixture
async def older(database_url: str) -> AsyncIterator[Connection]:
    """A session whose open transaction keeps the floor where it is."""
    opened = await connect(database_url)
    yield opened
    opened.terminate()


@given(
    start=OVERLAPPING,
    steps=st.lists(STEP, min_size=4, max_size=20),
)
@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_whatever_people_do_in_whatever_order(
    database: Connection,
    settings: Settings,
    valkey_client: Valkey,
    people: dict[str, Account],
    older: Connection,
    start: tuple[tuple[Any, ...], ...],
    steps: list[tuple[Any, ...]],
) -> None:
    contest = await store_contest(
        database,
        MASTER_KEY,
        slug=next(SLUGS),
        contest_rules=rules(cut=CutRules(size=3, tie="advance_all")),
        opens_at=OPENS,
        closes_at=CLOSES,
    )
    world = World(database, contest, valkey_client)
    world.people = people
    try:
        for step in (*start, *steps):
            await take(world, step, older, settings)
            world.now += timedelta(minutes=1)
            await world.check()
            world.history.append((world.now, world.reference.counts(world.now)))
    finally:
        if older.is_in_transaction():
            await older.execute("commit")
    await world.check_thoroughly()


async def take(world: World, step: tuple[Any, ...], older: Connection, settings: Settings) -> None:
    match step:
        case ("vote", choices, held):
            await world.vote(choices, held)
        case ("hold", chosen):
            await world.hold(chosen)
        case ("propose", person, pick, verdict):
            await world.propose(person, pick, verdict)
        case ("rule", pick, verdict):
            await world.rule(pick, verdict)
        case ("approve", person, pick, by_sql):
            await world.approve(person, pick, by_sql)
        case ("decline", person, pick):
            await world.decline(person, pick)
        case ("publish",):
            await world.publish(settings)
        case ("begin",) if not older.is_in_transaction():
            await older.execute("begin; select pg_current_xact_id()")
        case ("end",) if older.is_in_transaction():
            await older.execute("commit")
