"""How often one network may sign in, prove again who it is, open an invitation, or send files.

What stops guessing is the count of (name, source) in Postgres (accounts/sign_in.py), which holds
for every process and never locks out anybody else. This bounds what one network can make us do:
each try costs a tenth of a second of argon2, each file a process. It is generous, so that an
office behind one address can start its day; who is signed in already is touched by it only when
sending files.

slowapi counts synchronously (its store may lock, or be a server that is asked over the network),
and its decorator for coroutines does so on the event loop; so the check is an ordinary function,
called in a thread. It counts in this process' memory: a limit on work is a limit of a process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from slowapi import Limiter
from slowapi.errors import RateLimitExceeded
from starlette.requests import Request

from voting_service.accounts.sign_in import TooManyTries
from voting_service.desk.source import source_of

Kind = Literal["sign_in", "confirm", "invitation", "upload"]
RATES: dict[Kind, str] = {
    "sign_in": "30/minute",
    "confirm": "60/minute",
    "invitation": "30/minute",
    "upload": "120/minute",
}
RETRY_SECONDS = 60


class Limits:
    """The counts of one process."""

    def __init__(self) -> None:
        self._limiter = Limiter(key_func=_network, storage_uri="memory://")
        self._checks = {kind: self._check(kind, rate) for kind, rate in RATES.items()}

    def _check(self, kind: Kind, rate: str) -> Callable[..., None]:
        def check(request: Request) -> None:
            """Nothing: slowapi counts before it calls."""

        check.__name__ = kind  # the name under which slowapi counts
        limited: Callable[..., None] = self._limiter.limit(rate)(check)
        return limited

    async def count(self, kind: Kind, request: Request) -> None:
        """Raises TooManyTries when the network of the request tried too often."""
        try:
            await asyncio.to_thread(self._checks[kind], request=request)
        except RateLimitExceeded:
            raise TooManyTries(RETRY_SECONDS) from None


def _network(request: Request) -> str:
    return source_of(request) or "nowhere"


async def count_try(kind: Kind, request: Request) -> None:
    """Counts in the limits of the process that serves the request. Raises TooManyTries."""
    limits: Limits = request.state.limits
    await limits.count(kind, request)
