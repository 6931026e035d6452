"""From stored ballots to the report: when it is prepared, and which ballots it is about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.contest_data import store_platform
from tests.cut_data import CLOSES, DRAINED, OPENS, closed_contest, member
from tests.database_clocks import as_database_clock
from tests.voting.rulings.rulings_data import all_ids, get_staff, hold, rule
from voting_service.contests.list_order import voters_variant
from voting_service.contests.model import Contest, CutRules
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.jobs.exposure_reports import exposure_reports_loop
from voting_service.staff.actor import Actor
from voting_service.voting.ballots.commit import new_ballot_ids
from voting_service.voting.cut.publication import approve, propose_publication
from voting_service.voting.exposure.model import ExposureReport, OrderCount
from voting_service.voting.exposure.repository import QUERIES, load_report

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
VOTES = {1: 60, 2: 50, 3: 40, 4: 30, 5: 20}
DAY = timedelta(days=1)


async def publish(database: Connection, contest: Contest, visible_from: datetime | None) -> None:
    clerk = Actor(database, await member(database, "publisher"), DRAINED)
    other = Actor(database, await member(database, "approver", "supervisor"), DRAINED)
    proposal = await propose_publication(clerk, contest, key=KEY, visible_from=visible_from)
    await approve(other, contest, proposal, key=KEY)


async def prepared(database: Connection, contest: Contest, now: datetime) -> ExposureReport | None:
    """What there is after a round of the loop."""
    await exposure_reports_loop(as_database_clock(lambda: now)).work(database)
    return await load_report(database, contest.id)


async def test_it_appears_with_the_cut_and_never_before(database: Connection) -> None:
    """It tells counts; and where the list is by number, place means nothing."""
    contest = await closed_contest(database, cut=CutRules(size=3, tie="committee"), votes=VOTES)
    assert await prepared(database, contest, DRAINED + DAY) is None
    await publish(database, contest, visible_from=DRAINED + 2 * DAY)
    assert await prepared(database, contest, DRAINED + DAY) is None
    made = await prepared(database, contest, DRAINED + 2 * DAY)
    assert made is not None
    assert (made.contest, made.version, made.voters) == (contest.slug, 1, 200)
    assert {c.number: sum(part.chosen for part in c.parts) for c in made.candidates} == VOTES
    assert await prepared(database, contest, DRAINED + 3 * DAY) == made


async def test_a_later_ruling_changes_no_report_on_an_earlier_version(database: Connection) -> None:
    await store_platform(database)
    contest = await closed_contest(database, cut=CutRules(size=3, tie="committee"), votes=VOTES)
    ids = await all_ids(database, contest)
    staff = await get_staff(database)
    first = await hold(database, contest, ids[:10])
    await rule(database, contest, staff, first, "void")
    await publish(database, contest, visible_from=DRAINED + DAY)
    second = await hold(database, contest, ids[5:20], label="2")
    await rule(database, contest, staff, second, "void")
    made = await prepared(database, contest, DRAINED + DAY)
    assert made is not None
    assert made.voters == 190, "as the version counts, though ten more are void by now"


async def test_a_report_that_fails_is_tried_again_later_and_later(
    database: Connection, owner: Connection
) -> None:
    """Reading every ballot may take nine minutes: it must not begin again every ten seconds."""
    contest = await closed_contest(database, cut=CutRules(size=3, tie="committee"), votes=VOTES)
    await publish(database, contest, visible_from=None)
    await owner.execute("alter table exposure_reports add constraint no check (false)")
    now = DRAINED
    loop = exposure_reports_loop(as_database_clock(lambda: now))
    await loop.work(database)
    await owner.execute("alter table exposure_reports drop constraint no")
    for minutes, is_there in ((1, False), (59, False), (60, True)):
        now = DRAINED + timedelta(minutes=minutes)
        await loop.work(database)
        assert (await load_report(database, contest.id) is not None) == is_there


async def test_a_voter_counts_once_with_the_first_ballot_that_counts(
    database: Connection,
) -> None:
    contest = await closed_contest(database, cut=CutRules(size=3, tie="committee"), votes={5: 0})
    first, second, late = (bytes([byte]) * 16 for byte in (7, 64 + 9, 255))

    async def cast(voter: bytes, day: int, choices: Sequence[int], *, held: bool = False) -> None:
        moment = OPENS + day * DAY
        await database.execute(
            "insert into ballots (contest_id, platform_id, disposition, screened, period, cast_at,"
            " ballot_id, voter, choices) values ($1, 1, $2, true, $3, $4, $5, $6, $7)",
            contest.id, int(held), contest.period(moment), moment, new_ballot_ids(1, moment)[0],
            voter, list(choices),
        )  # fmt: skip

    await cast(first, 2, [1, 2])
    await cast(first, 3, [3])
    await cast(second, 1, [4], held=True)
    await cast(second, 4, [5])
    await cast(late, 8, [1])
    withdrawn_at = [OPENS + 3 * DAY, CLOSES]
    rows = await database.fetch(QUERIES["orders"], contest.id, withdrawn_at, 64, 1)
    assert sorted(OrderCount(*row.values()) for row in rows) == [
        (0, voters_variant(first), 0, 1),
        (0, voters_variant(first), 1, 1),
        (0, voters_variant(first), 2, 1),
        (1, voters_variant(second), 0, 1),
        (1, voters_variant(second), 5, 1),
        (1, voters_variant(late), 0, 1),
        (1, voters_variant(late), 1, 1),
    ]
    assert await database.fetch(QUERIES["orders"], contest.id, [], 64, 1), "nobody has withdrawn"
