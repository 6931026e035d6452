"""Timeouts of the stores and of a vote that depend on each other, in seconds.

A vote arrives and is dated, waits in the queue, is admitted by Valkey and inserted by Postgres.
Each number below is derived from the ones above it where it depends on them; the assertions are the
sums that must hold. When no ballot dated before a moment can appear any more is no number: the
transactions tell (voting/completeness.py).
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

CAPTCHA_DEADLINE_SECONDS = 2.0
"""How long a vote waits for the verdict on its captcha, before it is queued."""
MAX_QUEUE_WAIT_SECONDS = 5.0
"""A vote that waited longer than this behind a slow store is refused, not started."""
BATCH_GRACE_SECONDS = 10
"""A batch may be inserted at most this long after its start, by the clock of Postgres; the insert
itself checks it. How far a worker's clock may be ahead: infrastructure/postgres/database_clock.py.
"""
assert BATCH_GRACE_SECONDS > (
    VALKEY_MAX_CALL_SECONDS + ACQUIRE_TIMEOUT_SECONDS + STATEMENT_TIMEOUT_SECONDS
), "a batch that a slow admit and insert held up must still be stored"

ARRIVAL_GRACE_SECONDS = BATCH_GRACE_SECONDS + int(CAPTCHA_DEADLINE_SECONDS + MAX_QUEUE_WAIT_SECONDS)
"""A ballot is stored at most this long after its vote arrived. It is dated to the arrival."""
CHALLENGE_GRACE_SECONDS = 60
"""A vote that was asked for a challenge before the end of its period may be sent with the solution
this long after that end. It is dated to the arrival of its first try, or this long before its own.
The documents and the page of the challenge state this figure."""
COMMIT_GRACE_SECONDS = ARRIVAL_GRACE_SECONDS + CHALLENGE_GRACE_SECONDS
"""A ballot may be inserted at most this long after the moment it is dated to, by the clock of
Postgres; the insert itself checks it, and `commit_grace()` of the schema is the same number."""
USUAL_DRAIN_SECONDS = COMMIT_GRACE_SECONDS + int(COMMAND_TIMEOUT_SECONDS)
"""This long after a moment all ballots dated before it have appeared, where no commit waits."""

CACHE_REFRESH_SECONDS = 1.0
"""How often a worker looks for changes of contests and platforms."""
CACHE_STALE_SECONDS = 5.0
"""A worker whose cache is older than this takes no votes and signs nobody in: so a platform that is
switched off, or whose key is revoked, is off everywhere within this time."""
assert CACHE_STALE_SECONDS >= CACHE_REFRESH_SECONDS + STATEMENT_TIMEOUT_SECONDS, (
    "the refresh has a connection of its own, so only its statements can make it late"
)

KEEP_ALIVE_SECONDS = 75
"""How long an idle connection of a client stays open: longer than a proxy's 60 seconds (nginx's
`keepalive_timeout` of an upstream). Otherwise a proxy could send a vote into a connection that is
just being closed, and answer 502."""
