"""⑤ Commit: the only place where ballots become durable. No vote is confirmed before it.

At most two statements per batch, each in its own transaction: one insert for votes of voters not
seen before, one select for those who already have a stored ballot or were seen before.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from voting_service.antifraud.screening.decision import Verdict
from voting_service.contests.model import Contest
from voting_service.infrastructure.postgres.database_clock import ClockWatch
from voting_service.infrastructure.postgres.durability import require_replicated
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import (
    AnyConnection,
    Pool,
    acquire_confirming,
    domain_errors,
)
from voting_service.infrastructure.timeouts import BATCH_GRACE_SECONDS, COMMIT_GRACE_SECONDS
from voting_service.voting.ballots.receipt import StoredBallot
from voting_service.voting.ballots.vote import BallotKey, Vote, to_unix_ms

QUERIES = Queries(__package__)
_BATCH_GRACE = timedelta(seconds=BATCH_GRACE_SECONDS)
_DATED_BEFORE = timedelta(seconds=COMMIT_GRACE_SECONDS - BATCH_GRACE_SECONDS)
"""How long before the start of its batch a ballot may be dated."""
_ID_BYTES = 16


Decided: TypeAlias = tuple[Vote, Verdict]


class Batch(NamedTuple):
    """Votes of one contest, and when their batch was started; each of `unseen` comes with its
    verdict."""

    contest: Contest
    started_at: datetime
    unseen: Sequence[Decided]
    seen: Sequence[Vote]


class Committed(NamedTuple):
    """The result of storing a batch.

    `new` were stored by this batch; `stored` are the ballots stored before. A vote in neither came
    too late or, if its voter was seen, has no ballot yet and must still be inserted if it may be
    stored. `xid` is the transaction of the new ballots, the batch id of ⑦.
    """

    xid: int | None
    new: Sequence[tuple[Vote, Verdict, StoredBallot]]
    stored: dict[BallotKey, StoredBallot]


def new_ballot_ids(count: int, now: datetime) -> list[bytes]:
    """Return that many ids of ballots cast now (see ballot_ids)."""
    return ballot_ids([to_unix_ms(now)] * count)


def ballot_ids(cast_ms: Sequence[int]) -> list[bytes]:
    """Return an id for the ballot of each moment, ordered by time (the layout of UUID version 7,
    RFC 9562).

    An index on them grows at its end, and 74 random bits make a receipt impossible to guess.
    """
    noise = os.urandom(len(cast_ms) * 10)
    ids = []
    for start, moment in zip(range(0, len(noise), 10), cast_ms, strict=True):
        a, b = noise[start], noise[start + 2]
        ids.append(
            moment.to_bytes(6, "big")
            + bytes((0x70 | a & 0x0F, noise[start + 1], 0x80 | b & 0x3F))
            + noise[start + 3 : start + 10]
        )
    return ids


def as_array(values: Sequence[object]) -> str:
    """Return values whose text needs no escaping as the text that Postgres reads as an array."""
    return f"{{{','.join(map(str, values))}}}"


async def load_stored(
    connection: AnyConnection, contest_id: int, keys: Sequence[BallotKey]
) -> dict[BallotKey, StoredBallot]:
    """Load the stored ballots of these periods and voters: as durable as a ballot that was just
    stored, so they may be confirmed. Raises StoreUnavailable."""
    periods, voters = [period for period, _ in keys], [voter for _, voter in keys]
    with domain_errors(), require_replicated(connection):
        rows = await connection.fetch(QUERIES["stored_ballots"], contest_id, periods, voters)
    return {
        (row["period"], row["voter"]): StoredBallot(
            ballot_id=row["ballot_id"],
            voter=row["voter"],
            period=row["period"],
            cast_at=row["cast_at"],
            choices=row["choices"],
        )
        for row in rows
    }


async def commit(pool: Pool, batch: Batch, watch: ClockWatch) -> Committed:
    """Insert new ballots and load those stored before; also measures the worker's clock.

    Raises StoreUnavailable when it is unknown what was stored: then no vote of the batch is
    confirmed, and a retry finds the row or inserts it.
    """
    ballots = [vote.ballot for vote, _ in batch.unseen]
    cast_ms = [to_unix_ms(ballot.cast_at) for ballot in ballots]
    ids = ballot_ids(cast_ms)
    stored_ids: set[bytes] | None = None
    xid: int | None = None
    async with acquire_confirming(pool) as connection:
        if batch.unseen:
            senders = [vote.sender for vote, _ in batch.unseen]
            sent = watch.read()
            row = await connection.fetchrow(
                QUERIES["insert_ballots"],
                batch.contest.id,
                as_array([ballot.period for ballot in ballots]),
                ids,
                [vote.voter for vote, _ in batch.unseen],
                as_array([vote.platform_id for vote, _ in batch.unseen]),
                as_array([verdict.decision for _, verdict in batch.unseen]),
                as_array([f'"{vote.choices_text}"' for vote, _ in batch.unseen]),
                as_array([vote.screened for vote, _ in batch.unseen]),
                as_array(cast_ms),
                _BATCH_GRACE,
                as_array([sender.hashes for sender in senders]),
                as_array([sender.origin.cloud for sender in senders]),
                as_array([sender.device.agent.number for sender in senders]),
                as_array([sender.account_day for sender in senders]),
                as_array([sender.seconds_since_sign_in for sender in senders]),
                as_array([verdict.active_signals for _, verdict in batch.unseen]),
                timedelta(seconds=watch.limit_seconds),
                batch.started_at,
                _DATED_BEFORE,
            )
            assert row is not None
            watch.judge(sent, row["now"], watch.read())
            if row["stored"]:
                xid = row["xid"]
            if row["stored"] < len(ids):
                stored_ids = set(row["stored_ids"] or ())
        new, not_inserted = _split(batch, ids, stored_ids)
        keys = [*not_inserted, *(vote.key for vote in batch.seen)]
        stored = await load_stored(connection, batch.contest.id, keys) if keys else {}
    return Committed(xid, new, stored)


def _split(
    batch: Batch, ids: Sequence[bytes], stored_ids: set[bytes] | None
) -> tuple[list[tuple[Vote, Verdict, StoredBallot]], list[BallotKey]]:
    """Return the ballots inserted now (all if `stored_ids` is None) and the keys of the others."""
    new = []
    not_inserted = []
    for ballot_id, (vote, verdict) in zip(ids, batch.unseen, strict=True):
        if stored_ids is None or ballot_id in stored_ids:
            dated, choices = vote.ballot, vote.choices_text
            ballot = StoredBallot(ballot_id, vote.voter, dated.period, dated.cast_at, choices)
            new.append((vote, verdict, ballot))
        else:
            not_inserted.append(vote.key)
    return new, not_inserted
