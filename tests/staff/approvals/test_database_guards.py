"""SQL as the application's role, by somebody who knows the schema: what the database refuses."""

from __future__ import annotations

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
    Staff,
    forge_hold,
    get_staff,
    hold,
    propose_one,
    rule,
    store_ballots,
)
from voting_service.contests.model import Contest
from voting_service.errors import Refused
from voting_service.infrastructure.postgres.pool import (
    Connection,
    connect,
    domain_errors,
)
from voting_service.voting.rulings.model import ballots_hash

RULED = "select count(*) from rulings"


@pytest.fixture
async def contest(database: Connection) -> Contest:
    await store_platform(database)
    return await store_contest(database, MASTER_KEY, opens_at=OPENS, closes_at=CLOSES)


@pytest.fixture
async def staff(database: Connection) -> Staff:
    return await get_staff(database)


async def test_a_ruling_s_trigger_cannot_be_borrowed_for_a_table_of_one_s_own(
    database: Connection, owner_database_url: str, contest: Contest, staff: Staff
) -> None:
    ballots = await store_ballots(database, contest, [StoredBallot([1])] * 3)
    await propose_one(
        database, contest, staff.clerk, await hold(database, contest, ballots), "void"
    )
    owner = await connect(owner_database_url)
    for role, refusal in (
        (database, "permission denied for function"),
        (owner, "from approval requests only"),
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match=refusal):
            await role.execute(
                "create temp table mine as select * from approval_requests;"
                "create trigger borrowed after update on mine"
                " for each row execute function public.carry_out_ruling();"
                "update mine set approved_at = now()"
            )
    await owner.close()
    assert await database.fetchval(RULED) == 0


async def test_nothing_runs_as_the_owner_for_everybody(database: Connection) -> None:
    open_to_all = await database.fetch(
        "select p.proname from pg_proc p"
        " cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
        " where p.pronamespace = 'public'::regnamespace and a.grantee = 0"
    )
    assert open_to_all == []


async def test_a_hold_that_claims_to_be_smaller_than_it_is_cannot_be_ruled(
    database: Connection, contest: Contest, staff: Staff
) -> None:
    ids = await store_ballots(database, contest, [StoredBallot([1])] * 3)
    understated = await forge_hold(database, contest, ids, ballots_hash(ids))
    with pytest.raises(Refused):
        await rule(database, contest, staff, understated, "void")
    assert await database.fetchval(RULED) == 0


async def test_no_approval_puts_a_ruling_s_effect_off(
    database: Connection, contest: Contest, staff: Staff
) -> None:
    ids = await store_ballots(database, contest, [StoredBallot([1])])
    later = datetime.now(UTC) + timedelta(days=3650)
    await rule(database, contest, staff, await hold(database, contest, ids), "void", later)
    assert await database.fetchval("select max(ruled_at) <= clock_timestamp() from rulings")


async def test_kept_figures_that_were_changed_do_not_hide_held_ballots_from_a_publication(
    database: Connection, contest: Contest, staff: Staff
) -> None:
    (ballot,) = await store_ballots(database, contest, [StoredBallot([1], held=True)])
    await database.execute(
        "insert into tally_floors values ($1, '9223372036854775807', now())", contest.id
    )
    document = b"{}"
    payload = {
        "document_sha256": await database.fetchval("select encode(sha256($1), 'hex')", document)
    }
    decision = await database.fetchval(
        "insert into approval_requests (contest_id, kind, subject, payload, payload_hash,"
        " proposed_by, proposed_at) values ($1, 'publication', '1', $2, repeat('0', 64), $3, now())"
        " returning id",
        contest.id,
        payload,
        staff.clerk.id,
    )
    await database.execute(
        "update approval_requests set approved_by = $2, approved_at = now() where id = $1",
        decision,
        staff.supervisor.id,
    )
    with pytest.raises(Refused), domain_errors():
        await database.execute(
            "insert into publications (contest_id, version, document, approval_id, published_at)"
            " values ($1, 1, $2, $3, now())",
            contest.id,
            document,
            decision,
        )
    assert ballot


@pytest.mark.parametrize(
    "statement",
    [
        "update candidates set profile = '{}'",
        "update candidates set number = number + 100",
        "update contests set slug = 'other'",
        "update platforms set slug = 'other'",
        "update platforms set kind = 'wechat'",
    ],
)
async def test_who_stands_and_whom_a_platform_may_sign_in_is_fixed(
    database: Connection, contest: Contest, statement: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute(statement)
