"""How many connections each process may open, and how many PostgreSQL or a pooler gives.

Votes never wait for reads, and what tells a worker of contests, platforms and the time (the control
plane) waits for neither: each has a pool of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

from voting_service.errors import StoreUnavailable
from voting_service.infrastructure.postgres.hosts import host_names
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, connect, domain_errors

QUERIES = Queries(__package__, "connection_budget.sql")

VOTE_CONNECTIONS = 3
READ_CONNECTIONS = 2
CONTROL_CONNECTIONS = 1
CONNECTIONS_PER_WORKER = VOTE_CONNECTIONS + READ_CONNECTIONS + CONTROL_CONNECTIONS
"""`DEFAULT_MAX_WORKERS` of the settings keeps two machines of workers, a console and `work` within
PostgreSQL's default of 100 connections."""
STAFF_CONNECTIONS = 8
LONG_CONNECTIONS = 4
"""Long tasks at a time; a further one fails with Unavailable."""
QUEUE_CONNECTIONS = 4
"""For the jobs that run at a time, each of which uses one at a time."""
LOOP_CONNECTIONS = 16
"""One for each loop of `work`, and one that listens for jobs."""
_DEFAULT_PORT = 5432
_PROBE_SECONDS = 3.0


class Budget(NamedTuple):
    """How many connections the processes of an installation may open, by process."""

    needed: Mapping[str, int]

    @property
    def total(self) -> int:
        """Of all processes together."""
        return sum(self.needed.values())

    def __str__(self) -> str:
        return ", ".join(f"{process} {count}" for process, count in self.needed.items())


def budget(workers: int, machines: int) -> Budget:
    """Return the budget of so many machines with so many workers, a console and a `work`."""
    return Budget(
        MappingProxyType(
            {
                "serve": workers * machines * CONNECTIONS_PER_WORKER,
                "console": STAFF_CONNECTIONS + LONG_CONNECTIONS,
                "work": QUEUE_CONNECTIONS + LOOP_CONNECTIONS,
            }
        )
    )


class Room(NamedTuple):
    """How many connections this login gets from the server, and whether a pooler stands between."""

    connections: int
    pooled: bool


async def load_room(connection: AnyConnection, url: str) -> Room:
    """Load the room of the login of `url`. Raises StoreUnavailable."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["room"])
    assert row is not None
    ports = {urlsplit(f"//{host}").port or _DEFAULT_PORT for host in host_names(url)}
    return Room(row["room"], row["port"] is not None and row["port"] not in ports)


async def opened_at_once(url: str, count: int) -> int:
    """Return how many of so many connections a pooler gives at once. Opens and closes them."""
    tasks = [asyncio.ensure_future(connect(url)) for _ in range(count)]
    await asyncio.wait(tasks, timeout=_PROBE_SECONDS)
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    opened = [result for result in results if not isinstance(result, BaseException)]
    for connection in opened:
        connection.terminate()
    bugs = [r for r in results if isinstance(r, Exception) and not isinstance(r, StoreUnavailable)]
    if bugs:
        raise bugs[0]
    return len(opened)
