"""Limits on how often one network may sign in, confirm an identity, open an invitation or upload.

Guessing is stopped by the count of (name, source) in Postgres (staff/accounts/sign_in.py), which is
shared by all processes and locks out nobody else. These limits bound the work that one network can
cause: each attempt costs a tenth of a second of argon2, each file a process. They are wide enough
for an office behind one address.

slowapi counts synchronously (its store may lock or be remote), and its decorator for coroutines
does so on the event loop. So the check is an ordinary function, called in a thread. It counts in
the memory of this process: a limit on work is a limit per process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from slowapi import Limiter
from slowapi.errors import RateLimitExceeded
from starlette.requests import Request

from voting_service.sites.shared.signed_in.client_network import network_of_request
from voting_service.staff.accounts.sign_in import TooManyTries

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
            """Do nothing: slowapi counts before it calls this."""

        check.__name__ = kind  # the name under which slowapi counts
        limited: Callable[..., None] = self._limiter.limit(rate)(check)
        return limited

    async def count(self, kind: Kind, request: Request) -> None:
        """Count an attempt. Raises TooManyTries when the network made too many."""
        try:
            await asyncio.to_thread(self._checks[kind], request=request)
        except RateLimitExceeded:
            raise TooManyTries(RETRY_SECONDS) from None


def _network(request: Request) -> str:
    return network_of_request(request) or "nowhere"


async def count_try(kind: Kind, request: Request) -> None:
    """Count an attempt in the limits of this process. Raises TooManyTries."""
    limits: Limits = request.state.limits
    await limits.count(kind, request)
