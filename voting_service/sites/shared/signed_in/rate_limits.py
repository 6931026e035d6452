"""Limits on how often one network may sign in, confirm an identity, open an invitation or upload.

Guessing is stopped by the count of (name, source) in Postgres (staff/accounts/failed_sign_ins.py),
which locks out nobody else. These limits bound the work that one network can cause: each attempt
costs a tenth of a second of argon2, each file a process. They are wide enough for a workplace
behind one address; and a known device (staff/accounts/known_devices.py) signs in and confirms an
identity within limits of its own.

A route's function is decorated as slowapi documents it, above it only who may use it:

    @signed_in()
    @limiter.limit(rate("confirm"), key_func=source_of_tries)
    async def confirm(request: Request) -> Response:

Over the limit slowapi raises RateLimitExceeded, which error_pages.py renders. All processes count
together, in Valkey; without it each counts in its own memory, and looks for it again after 1, 2, 4,
… up to 32 seconds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Literal

from limits.strategies import FixedWindowRateLimiter
from slowapi import Limiter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from voting_service.sites.shared.signed_in.client_network import limited_network
from voting_service.sites.shared.signed_in.valkey_counts import ValkeyCounts

Kind = Literal["sign_in", "confirm", "invitation", "upload", "kept_post"]
RATES: dict[Kind, str] = {
    "sign_in": "30/minute",
    "confirm": "60/minute",
    "invitation": "30/minute",
    "upload": "120/minute",
    "kept_post": "60/minute",
}
RETRY_SECONDS = 60

Endpoint = Callable[[Request], Awaitable[Response]]
Decorator = Callable[[Endpoint], Endpoint]


class ThreadedLimiter(Limiter):
    """slowapi's limiter, which asks its store in a thread and not on the event loop."""

    def limit(self, *args: Any, **kwargs: Any) -> Decorator:
        return _in_thread(super().limit(*args, **kwargs))

    def shared_limit(self, *args: Any, **kwargs: Any) -> Decorator:
        return _in_thread(super().shared_limit(*args, **kwargs))

    @contextmanager
    def counting_in(self, valkey_url: str) -> Iterator[None]:
        """Count in a Valkey for the time of the context. It need not be there."""
        before = self._storage, self._limiter
        self._storage = counts = ValkeyCounts(valkey_url)
        self._limiter = FixedWindowRateLimiter(counts)
        self._storage_dead = False
        try:
            yield
        finally:
            self._storage, self._limiter = before
            self._storage_dead = False
            counts.close()


def _in_thread(decorate: Callable[..., Any]) -> Decorator:
    """Return slowapi's decorator for coroutines. Its own would ask the store on the event loop; a
    plain function it checks in the thread that calls it."""

    def decorator(endpoint: Endpoint) -> Endpoint:
        @decorate
        @wraps(endpoint)
        def admit(request: Request) -> Endpoint:
            return endpoint

        @wraps(endpoint)
        async def limited(request: Request) -> Response:
            admitted: Endpoint = await run_in_threadpool(admit, request)
            return await admitted(request)

        return limited

    return decorator


def rate(kind: Kind) -> Callable[[], str]:
    """Return what slowapi asks for the rate at every request."""
    return lambda: RATES[kind]


def _network(request: Request) -> str:
    return limited_network(request)


limiter = ThreadedLimiter(
    key_func=_network,
    key_style="endpoint",  # an address may hold an invitation's token
    in_memory_fallback_enabled=True,
)
"""The limits of this process, as slowapi's documentation keeps them: beside the routes."""
