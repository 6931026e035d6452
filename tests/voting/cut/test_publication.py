"""From the ballots to the published document, against the real database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from hashlib import sha256
from typing import Any, NamedTuple

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.cut_data import (
    CLOSES,
    DRAINED,
    StoredBallot,
    closed_contest,
    insert_ballots,
    member,
)
from tests.running_transactions import FORGET, running_transaction
from voting_service.contests.model import Contest, CutRules
from voting_service.errors import (
    InvalidInput,
    NotFound,
    Refused,
    SecondPersonRequired,
)
from voting_service.i18n.text import Text
from voting_service.infrastructure.crypto.public_draw import lot_order
from voting_service.infrastructure.postgres.pool import (
    Connection,
    connect,
    domain_errors,
)
from voting_service.staff.accounts.model import Account, Role
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.repository import load_contest_approvals
from voting_service.voting.cut import publication
from voting_service.voting.cut.examination import Examination, examine
from voting_service.voting.cut.publication import (
    approve,
    load_shown_cut,
    propose_lot,
    propose_publication,
    propose_tie_order,
)
from voting_service.voting.cut.signature import verify_document

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
CLEAR = {1: 5, 2: 4, 3: 3, 4: 2, 5: 1}
TIED = {1: 5, 2: 3, 3: 3, 4: 3, 5: 1}
WHY = Text(zh="补计漏统计的选票", en="ballots that were left out are counted")
COMMITTEE = CutRules(size=3, tie="committee")
SOURCE = Text(zh="截止后首期开奖号码", en="the first draw after the close")
LOT = CutRules(size=3, tie="lot", lot_source=SOURCE)


class Staff(NamedTuple):
    clerk: Account
    supervisor: Account


@pytest.fixture
async def staff(database: Connection) -> Staff:
    return Staff(
        await member(database, "clerk"), await member(database, "supervisor", "supervisor")
    )


async def shown(database: Connection, contest: Contest) -> bytes | None:
    cut = await load_shown_cut(database, contest.id, DRAINED)
    return cut.document if cut else None


async def publish(
    database: Connection, contest: Contest, staff: Staff, reason: Text | None = None
) -> bytes:
    decision = await propose_publication(
        Actor(database, staff.clerk, DRAINED), contest, key=KEY, reason=reason
    )
    await approve(Actor(database, staff.supervisor, DRAINED), contest, decision, key=KEY)
    document = await shown(database, contest)
    assert document is not None
    return document


async def test_two_people_publish_and_anybody_can_verify(
    database: Connection, staff: Staff
) -> None:
    contest = await closed_contest(database, cut=COMMITTEE, votes=CLEAR)
    assert await shown(database, contest) is None
    decision = await propose_publication(Actor(database, staff.clerk, DRAINED), contest, key=KEY)
    assert await shown(database, contest) is None
    with pytest.raises(SecondPersonRequired, match="clerk proposed"):
        await approve(Actor(database, staff.clerk, DRAINED), contest, decision, key=KEY)
    assert await shown(database, contest) is None
    await approve(Actor(database, staff.supervisor, DRAINED), contest, decision, key=KEY)
    document = await shown(database, contest)
    assert document is not None
    verified = verify_document(document, KEY.public_key()).document
    assert verified.selected == (1, 2, 3)
    assert {c.number: c.net for c in verified.candidates} == CLEAR
    assert verified.ballots.net == sum(CLEAR.values())


async def test_the_same_is_not_published_twice(database: Connection, staff: Staff) -> None:
    contest = await closed_contest(database, cut=COMMITTEE, votes=CLEAR)
    document = await publish(database, contest, staff)
    with pytest.raises(Refused, match="nothing has changed"):
        await propose_publication(
            Actor(database, staff.supervisor, DRAINED + timedelta(days=9)), contest, key=KEY
        )
    assert await shown(database, contest) == document


async def test_a_second_proposal_of_the_same_points_to_the_first(
    database: Connection, staff: Staff
) -> None:
    contest = await closed_contest(database, cut=COMMITTEE, votes=CLEAR)
    decision = await propose_publication(Actor(database, staff.clerk, DRAINED), contest, key=KEY)
    with pytest.raises(Refused, match=f"approve {decision}"):
        await propose_publication(Actor(database, staff.supervisor, DRAINED), contest, key=KEY)


async def test_what_changed_since_the_proposal_is_not_approved(
    database: Connection, staff: Staff
) -> None:
    contest = await closed_contest(database, cut=COMMITTEE, votes=CLEAR)
    decision = await propose_publication(Actor(database, staff.clerk, DRAINED), contest, key=KEY)
    await insert_ballots(database, contest, [StoredBallot([5])])
    with pytest.raises(Refused, match="has changed since"):
        await approve(Actor(database, staff.supervisor, DRAINED), contest, decision, key=KEY)
    assert await shown(database, contest) is None
    assert (await load_contest_approvals(database, contest.id))[0].approved_at is None


async def test_a_correction_is_a_new_version_and_the_old_one_stays(
    database: Connection, staff: Staff
) -> None:
    contest = await closed_contest(database, cut=COMMITTEE, votes=CLEAR)
    first = await publish(database, contest, staff)
    await insert_ballots(database, contest, [StoredBallot([5])])
    second = await publish(database, contest, staff, WHY)
    assert verify_document(second).document.version == 2
    kept = await database.fetch("select document from publications order by version")
    assert [row["document"] for row in kept] == [first, second]


async def test_before_the_close_and_the_last_ballot_nothing_is_published(
    database: Connection,
    owner: Connection,
    database_url: str,
    staff: Staff,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    contest = await closed_contest(database, cut=COMMITTEE, votes=CLEAR)
    early = Actor(database, staff.clerk, CLOSES - timedelta(seconds=1))
    with pytest.raises(Refused, match="contest close test-2022"):
        await propose_publication(early, contest, key=KEY)
    proposed = await propose_publication(Actor(database, staff.clerk, DRAINED), contest, key=KEY)
    await owner.execute(FORGET)
    second = Actor(database, staff.supervisor, DRAINED)
    async with running_transaction(database_url):
        with pytest.raises(Refused, match="on their way"):
            await propose_publication(second, contest, key=KEY)
        with pytest.raises(Refused, match="on their way"):
            await approve(second, contest, proposed, key=KEY)

    async def examined_before(*arguments: Any) -> Examination:
        examination = await examine(*arguments)
        await owner.execute(FORGET)
        return examination

    monkeypatch.setattr(publication, "examine", examined_before)
    with pytest.raises(Refused, match="not stored yet"):  # by the database alone
        await approve(second, contest, proposed, key=KEY)
    assert await shown(database, contest) is None


async def test_held_ballots_refuse_publication_by_number(
    database: Connection, staff: Staff
) -> None:
    contest = await closed_contest(database, cut=COMMITTEE, votes=CLEAR, held=7)
    with pytest.raises(Refused, match="7 ballots are held"):
        await propose_publication(Actor(database, staff.clerk, DRAINED), contest, key=KEY)
    examination = await examine(database, contest, DRAINED)
    assert [check.name for check in examination.checks if not check.done] == ["holds ruled"]
    assert examination.counts[1] == (12, 7, 0)


async def test_a_committee_tie_refuses_until_two_people_decide_it(
    database: Connection, staff: Staff
) -> None:
    contest = await closed_contest(database, cut=COMMITTEE, votes=TIED)
    with pytest.raises(Refused, match="2, 3, 4"):
        await propose_publication(Actor(database, staff.clerk, DRAINED), contest, key=KEY)
    with pytest.raises(InvalidInput, match="2, 3, 4"):
        await propose_tie_order(Actor(database, staff.clerk, DRAINED), contest, (2, 3))
    order = await propose_tie_order(Actor(database, staff.clerk, DRAINED), contest, (4, 2, 3))
    with pytest.raises(Refused, match="tied"):
        await propose_publication(Actor(database, staff.clerk, DRAINED), contest, key=KEY)
    with pytest.raises(SecondPersonRequired):
        await approve(Actor(database, staff.clerk, DRAINED), contest, order, key=KEY)
    await approve(Actor(database, staff.supervisor, DRAINED), contest, order, key=KEY)
    with pytest.raises(Refused, match="already"):
        await propose_tie_order(Actor(database, staff.clerk, DRAINED), contest, (3, 2, 4))
    verified = verify_document(await publish(database, contest, staff)).document
    assert verified.selected == (1, 4, 2)
    assert verified.ties[0].order == (4, 2, 3)


async def test_of_two_proposed_orders_only_one_can_stand(
    database: Connection, staff: Staff
) -> None:
    contest = await closed_contest(database, cut=COMMITTEE, votes=TIED)
    first = await propose_tie_order(Actor(database, staff.clerk, DRAINED), contest, (4, 2, 3))
    second = await propose_tie_order(Actor(database, staff.clerk, DRAINED), contest, (3, 2, 4))
    await approve(Actor(database, staff.supervisor, DRAINED), contest, first, key=KEY)
    with pytest.raises(Refused, match="already been decided"):
        await approve(Actor(database, staff.supervisor, DRAINED), contest, second, key=KEY)


async def test_a_decision_about_others_does_not_resolve_a_tie(
    database: Connection, staff: Staff
) -> None:
    contest = await closed_contest(database, cut=COMMITTEE, votes=TIED)
    order = await propose_tie_order(Actor(database, staff.clerk, DRAINED), contest, (4, 2, 3))
    await approve(Actor(database, staff.supervisor, DRAINED), contest, order, key=KEY)
    await insert_ballots(database, contest, [StoredBallot([2])])  # now 3 and 4 are tied
    with pytest.raises(Refused, match="3, 4"):
        await propose_publication(Actor(database, staff.clerk, DRAINED), contest, key=KEY)


async def test_a_drawn_number_decides_reproducibly(database: Connection, staff: Staff) -> None:
    contest = await closed_contest(database, cut=LOT, votes=TIED)
    with pytest.raises(Refused, match="tie rule"):
        await propose_tie_order(Actor(database, staff.clerk, DRAINED), contest, (4, 2, 3))
    drawn = await propose_lot(Actor(database, staff.clerk, DRAINED), contest, " 008265 ")
    with pytest.raises(Refused, match="tied"):
        await propose_publication(Actor(database, staff.clerk, DRAINED), contest, key=KEY)
    await approve(Actor(database, staff.supervisor, DRAINED), contest, drawn, key=KEY)
    verified = verify_document(await publish(database, contest, staff)).document
    assert verified.selected == (1, *lot_order("8265", "test-2022", (2, 3, 4))[:2])
    assert verified.contest.cut.lot_source == SOURCE


async def test_advance_all_needs_no_decision(database: Connection, staff: Staff) -> None:
    rule = CutRules(size=3, tie="advance_all")
    contest = await closed_contest(database, cut=rule, votes=TIED)
    verified = verify_document(await publish(database, contest, staff)).document
    assert verified.selected == (1, 2, 3, 4)


async def test_there_is_nothing_to_decide_without_a_tie(database: Connection, staff: Staff) -> None:
    contest = await closed_contest(database, cut=COMMITTEE, votes=CLEAR)
    with pytest.raises(Refused, match="not tied"):
        await propose_tie_order(Actor(database, staff.clerk, DRAINED), contest, (1, 2))


@pytest.mark.parametrize("role", ["auditor", "administrator", "reviewer"])
async def test_other_roles_neither_propose_nor_approve(
    database: Connection, staff: Staff, role: Role
) -> None:
    contest = await closed_contest(database, cut=COMMITTEE, votes=CLEAR)
    other = await member(database, "other", role)
    with pytest.raises(Refused, match=f"has the role {role.title()}"):
        await propose_publication(Actor(database, other, DRAINED), contest, key=KEY)
    decision = await propose_publication(Actor(database, staff.clerk, DRAINED), contest, key=KEY)
    with pytest.raises(Refused, match=f"has the role {role.title()}"):
        await approve(Actor(database, other, DRAINED), contest, decision, key=KEY)


async def test_a_decision_of_another_contest_is_not_found(
    database: Connection, staff: Staff
) -> None:
    contest = await closed_contest(database, cut=COMMITTEE, votes=CLEAR)
    other = await closed_contest(database, cut=COMMITTEE, votes=CLEAR, slug="other")
    decision = await propose_publication(Actor(database, staff.clerk, DRAINED), contest, key=KEY)
    with pytest.raises(NotFound):
        await approve(Actor(database, staff.supervisor, DRAINED), other, decision, key=KEY)


async def test_racing_approvals_publish_once(
    database: Connection, database_url: str, staff: Staff
) -> None:
    contest = await closed_contest(database, cut=COMMITTEE, votes=CLEAR)
    decision = await propose_publication(Actor(database, staff.clerk, DRAINED), contest, key=KEY)
    connections = [await connect(database_url) for _ in range(4)]
    results = await asyncio.gather(
        *(
            approve(Actor(connection, staff.supervisor, DRAINED), contest, decision, key=KEY)
            for connection in connections
        ),
        return_exceptions=True,
    )
    for connection in connections:
        await connection.close()
    assert sum(isinstance(result, Refused) for result in results) == 3, results
    assert await database.fetchval("select count(*) from publications") == 1


INSERT_DECISION = (
    "insert into approval_requests (contest_id, kind, subject, payload, payload_hash,"
    " proposed_by, proposed_at) values ($1, 'publication', '1', $2, repeat('0', 64), $3, now())"
    " returning id"
)
INSERT_PUBLICATION = (
    "insert into publications (contest_id, version, document, approval_id, published_at)"
    " values ($1, 1, $3, $2, now())"
)


async def test_sql_as_the_application_cannot_do_it_alone(
    database: Connection, staff: Staff
) -> None:
    contest = await closed_contest(database, cut=COMMITTEE, votes=CLEAR)
    clerk, supervisor = staff.clerk.id, staff.supervisor.id
    payload = {"document_sha256": sha256(b"a document").hexdigest()}
    decision = await database.fetchval(INSERT_DECISION, contest.id, payload, clerk)
    approval = "update approval_requests set approved_by = $2, approved_at = now() where id = $1"
    with pytest.raises(SecondPersonRequired), domain_errors():
        await database.execute(approval, decision, clerk)
    with pytest.raises(asyncpg.CheckViolationError, match="two people"):
        await database.execute(INSERT_PUBLICATION, contest.id, decision, b"a document")
    await database.execute(approval, decision, supervisor)
    with pytest.raises(asyncpg.CheckViolationError, match="exactly this document"):
        await database.execute(INSERT_PUBLICATION, contest.id, decision, b"another")
    await database.execute(INSERT_PUBLICATION, contest.id, decision, b"a document")
    with pytest.raises(Refused, match="already been decided"), domain_errors():
        await database.execute(approval, decision, supervisor)


@pytest.mark.parametrize(
    "statement",
    [
        "update approval_requests set payload = '{}'",
        "update approval_requests set proposed_by = 1",
        "delete from approval_requests",
        "update publications set document = ''",
        "delete from publications",
        "truncate publications",
        "update accounts set role = 'supervisor'",
        "update accounts set name = 'other'",
        "update audit_log set details = '{}'",
        "delete from audit_log",
        "insert into rulings (approval_id, contest_id, hold_id, turn, verdict, ruled_at)"
        " values (1, 1, 1, 1, 'void', now())",
        "insert into ruling_effects (contest_id, approval_id, ruled_at, hour, platform_id,"
        " candidate, held, void) values (1, 1, now(), now(), 1, 1, 0, 9)",
        "delete from hold_ballots",
        "delete from accounts",
        "insert into approval_requests (contest_id, kind, subject, payload, payload_hash,"
        " proposed_by, proposed_at, approved_by, approved_at)"
        " values (1, 'lot', 'x', '{}', repeat('0', 64), 1, now(), 2, now())",
    ],
)
async def test_the_application_role_may_not(
    database: Connection, staff: Staff, statement: str
) -> None:
    contest = await closed_contest(database, cut=COMMITTEE, votes=CLEAR)
    await publish(database, contest, staff)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute(statement)


async def test_not_even_the_owner_changes_what_stands(
    database: Connection, owner_database_url: str, staff: Staff
) -> None:
    contest = await closed_contest(database, cut=COMMITTEE, votes=CLEAR)
    await publish(database, contest, staff)
    owner = await connect(owner_database_url)
    for statement in (
        "update approval_requests set subject = '2'",
        "delete from approval_requests",
        "update publications set version = 2",
        "delete from publications",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute(statement)
    await owner.close()


async def test_a_pending_decision_that_was_changed_behind_our_back_is_noticed(
    database: Connection, owner_database_url: str, staff: Staff
) -> None:
    contest = await closed_contest(database, cut=COMMITTEE, votes=TIED)
    await propose_tie_order(Actor(database, staff.clerk, DRAINED), contest, (4, 2, 3))
    owner = await connect(owner_database_url)
    await owner.execute("update approval_requests set payload = $1", {"order": [3, 2, 4]})
    await owner.close()
    with pytest.raises(Refused, match="changed in the database"):
        await load_contest_approvals(database, contest.id)
