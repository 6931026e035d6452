"""Loads and stores the public logs. A log is written in one transaction: entries, what they commit
to, the state of the tree and the signed checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

from voting_service.contests.keys import unwrap_key
from voting_service.contests.model import Contest
from voting_service.errors import Refused
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.infrastructure.transparency_log.merkle import HASH_BYTES, Frontier
from voting_service.voting.public_log.commitments import BundleBallot
from voting_service.voting.public_log.documents import CommittedValue, Document
from voting_service.voting.public_log.secrets import LogSecrets

QUERIES = Queries(__package__)
BALLOT_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class BallotKey:
    """The last ballot that was taken. With `is_reread` the reading started over, and some of the
    ballots after it are in the log."""

    xid: int = 0
    ballot_id: bytes = b""
    is_reread: bool = False


@dataclass(frozen=True, slots=True)
class LogState:
    """A log as far as it is written; `rules` is the newest document of the rules."""

    origin: str
    size: int
    frontier: tuple[bytes, ...]
    checkpoint: bytes
    written_at: datetime
    rules: str
    is_closed: bool
    position: BallotKey

    def tree(self) -> Frontier:
        """Return the right edge of the tree, to append to."""
        return Frontier(self.size, self.frontier)


class WaitingBallot(NamedTuple):
    """A ballot that is in no bundle yet, with the transaction that stored it."""

    xid: int
    ballot: BundleBallot
    cast_at: datetime


class NewRuling(NamedTuple):
    """A ruling that is not in the log yet."""

    approval_id: int
    verdict: Literal["void", "count"]
    hold_kind: str
    ballots: int
    reason: str
    released: int
    voided: int


class PublicCut(NamedTuple):
    """A public cut that is not in the log yet, and how many rulings it covers."""

    version: int
    document: bytes
    rulings: int


class BallotCounts(NamedTuple):
    """The bundles that count, and their ballots."""

    bundles: int
    ballots: int
    held: int


class BundleRow(NamedTuple):
    """A new bundle; `ballots` are the ids, in no particular order."""

    number: int
    entry: int
    replaces: int | None
    held: int
    ballots: bytes
    value: bytes


@dataclass(slots=True)
class NewEntries:
    """What one transaction adds to a log."""

    sources: list[str] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    bundles: list[BundleRow] = field(default_factory=list)
    taken: list[tuple[int, bytes, int]] = field(default_factory=list)
    """(contest, ballot, bundle)"""
    rulings: list[tuple[int, int, bytes]] = field(default_factory=list)
    """(number, approval, value)"""
    documents: list[Document] = field(default_factory=list)


class Moment(NamedTuple):
    """The time of Postgres, and the transaction before which all have ended."""

    now: datetime
    floor: int


async def load_secrets(connection: AnyConnection, master_key: bytes, contest_id: int) -> LogSecrets:
    """Load the key of a contest's log. Raises Refused without one, or for another master key."""
    with domain_errors():
        wrapped = await connection.fetchval(QUERIES["log_key"], contest_id)
    if wrapped is None:
        raise Refused("voting.public_log.no_key")
    return LogSecrets(unwrap_key(master_key, contest_id, "log", wrapped))


async def load_moment(connection: AnyConnection) -> Moment:
    """Load the time and the floor."""
    row = await connection.fetchrow(QUERIES["now"])
    assert row is not None
    return Moment(*row)


async def lock_log(
    connection: AnyConnection, contest_id: int, origin: str, now: datetime
) -> LogState:
    """Lock the log of a contest, which is created where there is none. In another cluster the
    reading starts over. Raises Refused when the log has another name."""
    row = await connection.fetchrow(QUERIES["lock_log"], contest_id)
    if row is None:
        await connection.execute(QUERIES["insert_log"], contest_id, origin, now)
        row = await connection.fetchrow(QUERIES["lock_log"], contest_id)
        assert row is not None
    if row["origin"] != origin:
        raise Refused("voting.public_log.another_name", origin=row["origin"], other=origin)
    position = BallotKey(row["read_xid"], row["read_ballot"], row["is_reread"])
    return LogState(
        origin=origin,
        size=row["size"],
        frontier=tuple(_split(row["frontier"], HASH_BYTES)),
        checkpoint=row["checkpoint"],
        written_at=row["written_at"],
        rules=row["rules"],
        is_closed=row["is_closed"],
        position=position if row["is_ours"] else BallotKey(is_reread=True),
    )


async def load_waiting(
    connection: AnyConnection, contest_id: int, position: BallotKey, floor: int | None, limit: int
) -> list[WaitingBallot]:
    """Load the next ballots that are in no bundle, of the transactions before the floor if one is
    given."""
    rows = await connection.fetch(
        QUERIES["reread_ballots" if position.is_reread else "waiting_ballots"],
        contest_id,
        position.xid,
        position.ballot_id,
        floor,
        limit,
    )
    return [
        WaitingBallot(xid, BundleBallot(ballot_id, choices, held), cast_at)
        for xid, ballot_id, choices, held, cast_at in rows
    ]


class BundleIds(NamedTuple):
    """The newest bundle and the ids of its ballots."""

    number: int
    ids: list[bytes]


async def load_newest_bundle(connection: AnyConnection, contest_id: int) -> BundleIds | None:
    """Load the newest bundle."""
    row = await connection.fetchrow(QUERIES["newest_bundle"], contest_id)
    return (
        None if row is None else BundleIds(row["number"], _split(row["ballots"], BALLOT_ID_BYTES))
    )


async def load_ballots(
    connection: AnyConnection, contest_id: int, ids: Sequence[bytes]
) -> list[BundleBallot]:
    """Load ballots by their ids."""
    rows = await connection.fetch(QUERIES["ballots_of_bundle"], contest_id, ids)
    return [BundleBallot(*row) for row in rows]


async def load_ballot_counts(connection: AnyConnection, contest_id: int) -> BallotCounts:
    """Load the sums over the bundles that count."""
    row = await connection.fetchrow(QUERIES["ballot_counts"], contest_id)
    assert row is not None
    return BallotCounts(*row)


async def count_ballots(connection: AnyConnection, contest_id: int) -> int:
    """Return how many ballots a contest has."""
    count: int = await connection.fetchval(QUERIES["count_ballots"], contest_id)
    return count


async def load_new_rulings(connection: AnyConnection, contest_id: int) -> list[NewRuling]:
    """Load the rulings that are not in the log, in the order in which they took effect."""
    return [NewRuling(*row) for row in await connection.fetch(QUERIES["new_rulings"], contest_id)]


async def load_voided(
    connection: AnyConnection, contest_id: int, approval_id: int
) -> dict[int, int]:
    """Return by how much a ruling changed the void votes of each candidate."""
    rows = await connection.fetch(QUERIES["voided_votes"], contest_id, approval_id)
    return {row["candidate"]: row["void"] for row in rows}


async def load_ruling(
    connection: AnyConnection, contest_id: int, number: int | None = None
) -> CommittedValue | None:
    """Load the newest ruling in the log, up to a number where one is given."""
    row = await connection.fetchrow(QUERIES["ruling_in_log"], contest_id, number)
    return None if row is None else CommittedValue(*row)


async def load_sources(
    connection: AnyConnection, contest_id: int, sources: Sequence[str]
) -> set[str]:
    """Return those of the sources that have an entry."""
    rows = await connection.fetch(QUERIES["sources"], contest_id, sources)
    return {row["source"] for row in rows}


async def load_newest_openings(connection: AnyConnection, contest_id: int) -> bytes | None:
    """Load the entry of the newest openings."""
    content: bytes | None = await connection.fetchval(QUERIES["newest_openings"], contest_id)
    return content


async def load_shown_cuts(
    connection: AnyConnection, contest_id: int, now: datetime
) -> list[PublicCut]:
    """Load the cuts that are public and not in the log."""
    rows = await connection.fetch(QUERIES["shown_cuts"], contest_id, now)
    return [PublicCut(*row) for row in rows]


async def load_bundles(connection: AnyConnection, contest_id: int) -> list[CommittedValue]:
    """Load what the bundles that count commit to."""
    rows = await connection.fetch(QUERIES["bundles_that_count"], contest_id)
    return [CommittedValue(*row) for row in rows]


async def store(
    connection: AnyConnection, contest: Contest, before: LogState, after: LogState, new: NewEntries
) -> None:
    """Store what was added and the new state. Call it in the transaction of `lock_log`."""
    key = contest.id
    if new.contents:
        await connection.execute(
            QUERIES["insert_entries"], key, before.size, new.sources, new.contents
        )
    if new.bundles:
        await connection.execute(QUERIES["insert_bundles"], key, *_columns(new.bundles))
        await connection.copy_records_to_table(
            "public_log_ballots",
            records=new.taken,
            columns=("contest_id", "ballot_id", "bundle"),
        )
    if new.rulings:
        await connection.execute(QUERIES["insert_rulings"], key, *_columns(new.rulings))
    if new.documents:
        columns = _columns([(document.hash, document.content) for document in new.documents])
        await connection.execute(QUERIES["insert_documents"], key, *columns)
    position = after.position
    await connection.execute(
        QUERIES["move_log"],
        key,
        after.size,
        b"".join(after.frontier),
        after.checkpoint,
        after.written_at,
        after.rules,
        after.is_closed,
        position.xid,
        position.ballot_id,
        position.is_reread,
    )


class WrittenLog(NamedTuple):
    """The newest checkpoint of a log, and entries of it."""

    size: int
    checkpoint: bytes
    entries: list[bytes]


async def load_size(connection: AnyConnection, contest_id: int) -> int:
    """Return how many entries a log has."""
    with domain_errors():
        return await connection.fetchval(QUERIES["log_size"], contest_id) or 0


async def load_written(connection: AnyConnection, contest_id: int, start: int) -> WrittenLog | None:
    """Load the checkpoint and the entries from a number on, of one moment; None without a log."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["written_log"], contest_id, start)
    return None if row is None else WrittenLog(row["size"], row["checkpoint"], row["entries"] or [])


async def load_bundle_ballots(
    connection: AnyConnection, contest_id: int, numbers: Sequence[int]
) -> dict[int, list[bytes]]:
    """Load the ids of the ballots of bundles, in no particular order."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["bundle_ballots"], contest_id, numbers)
    return {row["number"]: _split(row["ballots"], BALLOT_ID_BYTES) for row in rows}


async def load_documents(
    connection: AnyConnection, contest_id: int, hashes: Sequence[str]
) -> dict[str, bytes]:
    """Load documents by their hash."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["documents"], contest_id, hashes)
    return {row["hash"]: row["content"] for row in rows}


async def is_close_current(connection: AnyConnection, contest: Contest) -> bool:
    """Return whether a contest still closes when it did when it was loaded."""
    closes_at: datetime = await connection.fetchval(QUERIES["closes_at"], contest.id)
    return closes_at == contest.closes_at


class BallotPlace(NamedTuple):
    """A bundle that has a ballot, and the number of the entry that announces it."""

    bundle: int
    entry: int


async def load_places(
    connection: AnyConnection, contest_id: int, ballot_id: bytes
) -> list[BallotPlace]:
    """Load where a ballot is in the log, the bundle that counts first; the one that it replaces may
    be published before it. None while the ballot is not in the log."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["bundles_of_ballot"], contest_id, ballot_id)
    return [BallotPlace(*row) for row in rows]


def moved(state: LogState, tree: Frontier, **changes: Any) -> LogState:
    """Return the state with a tree that has grown, and with changes."""
    return replace(state, size=tree.size, frontier=tuple(tree.hashes), **changes)


def _split(data: bytes, width: int) -> list[bytes]:
    return [data[start : start + width] for start in range(0, len(data), width)]


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
