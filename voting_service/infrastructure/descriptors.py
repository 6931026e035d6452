"""File descriptors of this process, and how many connections they allow.

A connection that finds no descriptor is reset without an answer, a vote's like any other. So no
more connections are held than there are descriptors, and those beyond are answered.
"""

from __future__ import annotations

import resource

import structlog

from voting_service.errors import Refused

MAX_CONNECTIONS = 20_000
"""Clients' connections of one worker of the public site."""
RESERVED = 192
"""For stores, other services, files, and connections that are answered 503 and closed."""
MIN_DESCRIPTORS = 2 * RESERVED

log = structlog.get_logger(__name__)


def max_connections(connections: int = MAX_CONNECTIONS) -> int:
    """Return how many clients' connections this process may hold: at most `connections`."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return connections if soft == resource.RLIM_INFINITY else min(connections, soft - RESERVED)


def raise_limit(connections: int = MAX_CONNECTIONS) -> None:
    """Raise the limit of descriptors for `connections` connections, as far as the system allows it.

    Logs a warning if it allows fewer. Raises Refused if it allows less than MIN_DESCRIPTORS.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + RESERVED
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft != resource.RLIM_INFINITY and soft < MIN_DESCRIPTORS:
        raise Refused("infrastructure.too_few_descriptors", limit=soft, needed=needed)
    if max_connections(connections) < connections:
        log.warning(
            "few_descriptors",
            limit=soft,
            connections_per_process=max_connections(connections),
            remedy=f"raise the limit of open files (ulimit -n, LimitNOFILE=) to {needed}",
        )
