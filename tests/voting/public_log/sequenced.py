"""Contests whose ballots are taken into a public log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.cut_data import CLOSES
from voting_service.contests.model import Contest
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.voting.public_log.entries import AnyEntry, Bundle, read_entry
from voting_service.voting.public_log.repository import load_bundle_ballots
from voting_service.voting.public_log.secrets import LogSecrets
from voting_service.voting.public_log.sequencer import LogIdentity, LogSettings, write_log

LOG_KEY = Ed25519PrivateKey.from_private_bytes(b"l" * 32)
AT_ONCE = LogSettings(LogIdentity("vote.example", LOG_KEY), LogSecrets(b"s" * 32), timedelta())
LATER = AT_ONCE._replace(bundle_wait=timedelta(days=36500))

INSERT = """
insert into ballots (contest_id, platform_id, disposition, screened, period, cast_at, ballot_id,
                     voter, choices)
select $1, 1, 0, true, $2::timestamptz::date, $2, uuid_send(gen_random_uuid()),
       uuid_send(gen_random_uuid()), array[1 + n % $4, 1 + (n + 1) % $4]::smallint[]
  from generate_series(1, $3) as n
"""


async def cast(connection: AnyConnection, contest: Contest, count: int) -> None:
    """Store ballots in one transaction, with two choices each."""
    moment = contest.closes_at - timedelta(hours=1)
    moment = min(moment, contest.opens_at + timedelta(hours=1))
    await connection.execute(INSERT, contest.id, moment, count, len(contest.numbers))


async def write_all(
    connection: AnyConnection,
    contest: Contest,
    sequencing: LogSettings = AT_ONCE,
    complete_before: datetime | None = None,
) -> None:
    """Write until there is nothing more to write at once."""
    while (await write_log(connection, contest, sequencing, complete_before)).has_more:
        pass


async def load_entries(connection: AnyConnection, contest: Contest) -> list[AnyEntry]:
    """Return the entries of a log."""
    rows = await connection.fetch(
        "select content from public_log_entries where contest_id = $1 order by number", contest.id
    )
    return [read_entry(row["content"]) for row in rows]


def counting(entries: Sequence[AnyEntry]) -> list[Bundle]:
    """Return the bundles that count."""
    bundles = [entry for entry in entries if isinstance(entry, Bundle)]
    replaced = {bundle.replaces for bundle in bundles}
    return [bundle for bundle in bundles if bundle.bundle not in replaced]


async def ballots_in(connection: AnyConnection, contest: Contest) -> list[bytes]:
    """Return the ids of the ballots of the bundles that count."""
    numbers = [bundle.bundle for bundle in counting(await load_entries(connection, contest))]
    ballots = await load_bundle_ballots(connection, contest.id, numbers)
    return [ballot for number in numbers for ballot in ballots[number]]


async def stored(connection: AnyConnection, contest: Contest) -> list[bytes]:
    """Return the ids of all ballots of a contest."""
    rows = await connection.fetch("select ballot_id from ballots where contest_id = $1", contest.id)
    return [row["ballot_id"] for row in rows]


COMPLETE = CLOSES
"""Given as `complete_before`: every ballot of a contest of cut_data is stored."""
