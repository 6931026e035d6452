"""⑤ Commit: the durable line. Nothing is confirmed before it, everything after it stands.

At most two statements a batch, each its own transaction: one insert for the votes that nobody
has seen, one select for those that lost to a stored ballot or whose voter was seen before.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple, TypeAlias

from voting_service.antifraud.decision import Verdict
from voting_service.ballots.receipt import StoredBallot
from voting_service.ballots.vote import Vote
from voting_service.contests.model import Contest
from voting_service.contests.phases import COMMIT_GRACE_SECONDS
from voting_service.storage import database_clock
from voting_service.storage.database_clock import ClockWatch
from voting_service.storage.postgres import AnyConnection, Pool, acquire, domain_errors
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__)
_GRACE = timedelta(seconds=COMMIT_GRACE_SECONDS)
_ID_BYTES = 16


Decided: TypeAlias = tuple[Vote, Verdict]


class Batch(NamedTuple):
    """Votes of one contest and period at one moment; `unseen` have a decision beside each."""

    contest: Contest
    period: date
    cast_at: datetime
    screened: bool
    unseen: Sequence[Decided]
    seen: Sequence[Vote]


class Committed(NamedTuple):
    """What became of a batch.

    `new` are stored by us now; `stored` tells, by voter, the ballots that others have; a vote
    in neither lost its contest's close or, if it was seen, awaits a proper try at storing.
    `xid` is the transaction of the new ones, the batch id of ⑦.
    """

    xid: int | None
    new: Sequence[tuple[Vote, Verdict, StoredBallot]]
    stored: dict[bytes, StoredBallot]


def new_ballot_ids(count: int, now: datetime) -> list[bytes]:
    """Time-ordered ids (the layout of UUID version 7, RFC 9562): an index on them grows at its
    end, and the random 74 bits make a receipt impossible to guess."""
    milliseconds = int(now.timestamp() * 1000).to_bytes(6, "big")
    noise = os.urandom(count * 10)
    ids = []
    for start in range(0, count * 10, 10):
        a, b = noise[start], noise[start + 2]
        ids.append(
            milliseconds
            + bytes((0x70 | a & 0x0F, noise[start + 1], 0x80 | b & 0x3F))
            + noise[start + 3 : start + 10]
        )
    return ids


async def load_stored(
    connection: AnyConnection, contest_id: int, period: date, voters: Sequence[bytes]
) -> dict[bytes, StoredBallot]:
    """The ballots that these voters have stored for the period, by voter."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["stored_ballots"], contest_id, period, voters)
    return {
        row["voter"]: StoredBallot(
            ballot_id=row["ballot_id"],
            voter=row["voter"],
            period=period,
            cast_at=row["cast_at"],
            choices=row["choices"],
        )
        for row in rows
    }


async def commit(pool: Pool, batch: Batch, watch: ClockWatch) -> Committed:
    """Stores what is new and reads what was stored; measures the clock in passing.

    Raises StoreUnavailable when it is unknown what was stored: then nobody of the batch is
    confirmed, and a retry finds the row or inserts it.
    """
    ids = new_ballot_ids(len(batch.unseen), batch.cast_at)
    stored_ids: set[bytes] | None = None
    xid: int | None = None
    async with acquire(pool) as connection:
        if batch.unseen:
            senders = [vote.sender for vote, _ in batch.unseen]
            sent = watch.clock()
            row = await connection.fetchrow(
                QUERIES["insert_ballots"],
                batch.contest.id,
                batch.period,
                ids,
                [vote.voter for vote, _ in batch.unseen],
                [vote.platform_id for vote, _ in batch.unseen],
                [verdict.decision for _, verdict in batch.unseen],
                [vote.choices for vote, _ in batch.unseen],
                batch.screened,
                batch.cast_at,
                _GRACE,
                [sender.hashes for sender in senders],
                [sender.origin.cloud for sender in senders],
                [sender.device.agent.number for sender in senders],
                [sender.account_day for sender in senders],
                [sender.seconds_since_sign_in for sender in senders],
                [verdict.lit for _, verdict in batch.unseen],
                timedelta(seconds=database_clock.MAX_OFFSET_SECONDS),
            )
            assert row is not None
            watch.judge(sent, row["now"], watch.clock())
            if row["stored"]:
                xid = row["xid"]
            if row["stored"] < len(ids):
                stored_ids = set(row["stored_ids"] or ())
        new, lost = _split(batch, ids, stored_ids)
        asked = [*lost, *(vote.voter for vote in batch.seen)]
        stored: dict[bytes, StoredBallot] = {}
        if asked:
            stored = await load_stored(connection, batch.contest.id, batch.period, asked)
    return Committed(xid, new, stored)


def _split(
    batch: Batch, ids: Sequence[bytes], stored_ids: set[bytes] | None
) -> tuple[list[tuple[Vote, Verdict, StoredBallot]], list[bytes]]:
    """Those that were stored now (all, where `stored_ids` is None), and the other voters."""
    new = []
    lost = []
    for ballot_id, (vote, verdict) in zip(ids, batch.unseen, strict=True):
        if stored_ids is None or ballot_id in stored_ids:
            new.append(
                (
                    vote,
                    verdict,
                    StoredBallot(ballot_id, vote.voter, batch.period, batch.cast_at, vote.choices),
                )
            )
        else:
            lost.append(vote.voter)
    return new, lost
