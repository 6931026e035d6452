"""Several servers in one URL: `postgresql://LOGIN@one:5432,two:5432/voting`.

One of them is the primary, and after a failover another one. asyncpg asks the servers one after the
other within one timeout, so a frozen first server would hide the others. Here the last primary has
a short head start, and then all are asked at once. A primary that was cut off may still take writes
while another one has its place; the higher timeline tells which is the newer.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from weakref import WeakKeyDictionary

import asyncpg

from voting_service.infrastructure.postgres.named_queries import Queries

QUERIES = Queries(__package__, "hosts.sql")
HEAD_START_SECONDS = 0.25
"""How long the last primary may take to answer before the others are asked too, and the others
after the first of them has answered."""
_PASSING = (OSError, asyncpg.CannotConnectNowError, asyncpg.TargetServerAttributeNotMatched)
"""Errors of a server that is down, starting, or no primary; others are more worth telling."""

_primaries: dict[tuple[str, ...], str] = {}
"""By the servers of a URL, the one that took writes last."""
_sessions: WeakKeyDictionary[Any, tuple[tuple[str, ...], str]] = WeakKeyDictionary()
"""The open connections of this process, with the servers of their URL and their own."""


def host_names(url: str) -> tuple[str, ...]:
    """Return the servers that a URL names, each with its port where it has one."""
    return tuple(urlsplit(url).netloc.rpartition("@")[2].split(","))


def forget_primary(url: str) -> None:
    """Ask every server the next time: the last primary may have been replaced."""
    _primaries.pop(host_names(url), None)


def _only(url: str, host: str) -> str:
    """Return the URL for one of its servers."""
    parts = urlsplit(url)
    login, at, _ = parts.netloc.rpartition("@")
    kept = [(n, v) for n, v in parse_qsl(parts.query) if n != "target_session_attrs"]
    return urlunsplit(parts._replace(netloc=f"{login}{at}{host}", query=urlencode(kept)))


async def connect_to_primary(dsn: str | None = None, **options: Any) -> Any:
    """Open a connection to the server of the URL that takes writes; a pool calls it too.

    Raises the errors of asyncpg; TargetServerAttributeNotMatched if no server takes writes.
    """
    url = dsn or ""
    hosts = host_names(url)
    if len(hosts) == 1:
        return await asyncpg.connect(_only(url, hosts[0]), **options)
    options["target_session_attrs"] = "read-write"
    attempts: dict[asyncio.Task[Any], str] = {}
    chosen: asyncio.Task[Any] | None = None
    try:
        chosen = await _choose(url, hosts, attempts, options)
        primary = _primaries[hosts] = attempts[chosen]
        _end_sessions_elsewhere(hosts, primary)
        _sessions[chosen.result()] = hosts, primary
        return chosen.result()
    finally:
        await _close([task for task in attempts if task is not chosen])


def _end_sessions_elsewhere(hosts: tuple[str, ...], primary: str) -> None:
    """Close the connections to servers that are no longer the primary: a statement there may wait
    for ever, and what it reads is old."""
    for connection, (servers, server) in list(_sessions.items()):
        if servers == hosts and server != primary:
            connection.terminate()


async def _choose(
    url: str,
    hosts: tuple[str, ...],
    attempts: dict[asyncio.Task[Any], str],
    options: dict[str, Any],
) -> asyncio.Task[Any]:
    """Return the attempt that reached the primary. Fills in all attempts, with their servers."""

    def ask(servers: list[str]) -> None:
        for host in servers:
            attempts[asyncio.ensure_future(asyncpg.connect(_only(url, host), **options))] = host

    last = _primaries.get(hosts)
    if last is not None:
        ask([last])
        await asyncio.wait(attempts, timeout=HEAD_START_SECONDS)
        if winners := _winners(attempts):
            return winners[0]
    ask([host for host in hosts if host != last])
    pending = set(attempts)
    while pending and not _winners(attempts):
        _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    if pending:
        await asyncio.wait(pending, timeout=HEAD_START_SECONDS)
    winners = _winners(attempts)
    if not winners:
        errors = [task.exception() for task in attempts]
        raise min(errors, key=lambda error: isinstance(error, _PASSING))  # type: ignore[misc]
    if len(winners) == 1:
        return winners[0]
    timelines = [await task.result().fetchval(QUERIES["timeline"]) for task in winners]
    return winners[timelines.index(max(timelines))]


def _winners(attempts: dict[asyncio.Task[Any], str]) -> list[asyncio.Task[Any]]:
    return [task for task in attempts if task.done() and task.exception() is None]


async def _close(attempts: list[asyncio.Task[Any]]) -> None:
    """End the attempts that are not needed, and close what they opened."""
    for task in attempts:
        task.cancel()
    await asyncio.gather(*attempts, return_exceptions=True)
    for task in attempts:
        if not task.cancelled() and task.exception() is None:
            task.result().terminate()
