"""Timeouts of the stores and of a vote that depend on each other, in seconds.

A vote waits in the queue, is dated, admitted by Valkey and inserted by Postgres. A count as of a
moment must know when no ballot dated before it can be stored any more. Each number below is
derived from the ones above it where it depends on them; the assertions are the sums that must hold.
"""

from __future__ import annotations

VALKEY_CALL_TIMEOUT_SECONDS = 0.5
VALKEY_MAX_CALL_SECONDS = 2 * VALKEY_CALL_TIMEOUT_SECONDS
"""Connecting and calling have the timeout each."""

ACQUIRE_TIMEOUT_SECONDS = 2.0
"""How long a caller waits for a connection of a pool."""
COMMAND_TIMEOUT_SECONDS = 5.0
"""How long a caller waits for one statement."""
STATEMENT_TIMEOUT_SECONDS = COMMAND_TIMEOUT_SECONDS - 1
"""Postgres cancels a statement before its caller stops waiting, so callers learn its outcome."""
LOCK_TIMEOUT_SECONDS = STATEMENT_TIMEOUT_SECONDS / 2

COMMIT_GRACE_SECONDS = 10
"""A ballot may be inserted at most this long after the moment it is dated to, by the clock of
Postgres; the insert itself checks it. (How far a worker's clock may be ahead:
infrastructure/postgres/database_clock.py.)"""
assert COMMIT_GRACE_SECONDS > (
    VALKEY_MAX_CALL_SECONDS + ACQUIRE_TIMEOUT_SECONDS + STATEMENT_TIMEOUT_SECONDS
), "a vote dated before a slow admit and insert must still be stored"

DRAIN_SECONDS = COMMIT_GRACE_SECONDS + int(COMMAND_TIMEOUT_SECONDS)
"""This long after a moment, by the clock of Postgres, no ballot dated before it can appear any
more: the grace, and the time for which a statement started within it may run."""
assert DRAIN_SECONDS >= COMMIT_GRACE_SECONDS + STATEMENT_TIMEOUT_SECONDS

CACHE_REFRESH_SECONDS = 1.0
"""How often a worker looks for changes of contests and platforms."""
CACHE_STALE_SECONDS = 10.0
"""A cache not refreshed for longer than this is a fault. One round that waits as long as it may for
a connection and for one statement is not."""
assert CACHE_STALE_SECONDS > (
    CACHE_REFRESH_SECONDS + ACQUIRE_TIMEOUT_SECONDS + COMMAND_TIMEOUT_SECONDS
)

KEEP_ALIVE_SECONDS = 75
"""How long an idle connection of a client stays open: longer than a proxy's 60 seconds (nginx's
`keepalive_timeout` of an upstream). Otherwise a proxy could send a vote into a connection that is
just being closed, and answer 502."""
