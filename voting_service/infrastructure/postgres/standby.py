"""Whether the standbys that commits wait for are there.

`synchronous_standby_names` lists whom commits wait for; while too few of them are connected, no
commit is confirmed. Patroni empties the setting when the last standby is lost, unless it is strict;
then commits are confirmed by one server alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import structlog

from voting_service.infrastructure import metrics
from voting_service.infrastructure.postgres.hosts import host_names
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import Pool, acquire, domain_errors
from voting_service.infrastructure.tasks import run_forever

QUERIES = Queries(__package__, "standby.sql")
LOOK_EVERY_SECONDS = 2.0
_STUCK_AFTER_SECONDS = 30.0
_SETTING = re.compile(r"\s*(?:(?:first|any)\s+)?(?:(?P<count>\d+)\s*)?(?:\((?P<names>.*)\))?", re.I)
_NAME = re.compile(r'"((?:[^"]|"")+)"|([^\s,"()]+)')


def standby_state(awaited: str, connected: Collection[str]) -> str:
    """Return `none` if commits wait for no standby, `ok`, or `missing` if too few are connected.

    `awaited` is `synchronous_standby_names`, `connected` the names that standbys connected under.
    """
    if not awaited.strip():
        return "none"
    match = _SETTING.fullmatch(awaited)
    listed = match["names"] if match and match["names"] else awaited
    count = int(match["count"]) if match and match["count"] and match["names"] else 1
    names = {quoted.replace('""', '"') or plain for quoted, plain in _NAME.findall(listed)}
    present = [name for name in connected if name in names or "*" in names]
    return "ok" if len(present) >= count else "missing"


class StandbyWatch:
    """Watches the standbys of a process's primary, and logs changes."""

    def __init__(self) -> None:
        self.state = "not known"
        self._log = structlog.get_logger(__name__)

    def judge(self, state: str) -> None:
        """Take a state, and log what changed."""
        previous, self.state = self.state, state
        metrics.STANDBY_MISSING.set(state == "missing")
        if state == previous:
            return
        if state == "missing":
            self._log.error(
                "standby_missing",
                effect="no vote is confirmed, voters are answered 503: commits wait for a standby",
                remedy="bring the standby back, or take it out of synchronous_standby_names",
            )
        elif state == "none" and previous in ("ok", "missing"):
            self._log.warning(
                "standby_no_longer_awaited",
                effect="votes are confirmed by one server alone: if its disk is lost, so are they",
                remedy="bring a standby back",
            )
        elif previous == "missing":
            self._log.warning("standby_back")

    async def look(self, pool: Pool) -> None:
        """Look once. If the standbys are missing and there are several servers, one of them may be
        the primary by now: so the pools look for it. Raises StoreUnavailable."""
        async with acquire(pool) as connection:
            with domain_errors():
                row = await connection.fetchrow(QUERIES["standbys"])
        assert row is not None
        self.judge(standby_state(row["awaited"], row["connected"]))
        if self.state == "missing" and len(host_names(pool.url)) > 1:
            await pool.leave()

    async def keep_looking(self, pool: Pool) -> None:
        """Look until cancelled. The last state stays while Postgres is unavailable."""
        await run_forever(
            "standby",
            lambda: self.look(pool),
            pause_seconds=LOOK_EVERY_SECONDS,
            stuck_after_seconds=_STUCK_AFTER_SECONDS,
        )
