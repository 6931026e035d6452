"""Verification of captcha tokens by one provider: with a deadline, a bound on concurrent checks, a
circuit breaker, and a cache of results. Nothing here waits longer than CAPTCHA_DEADLINE_SECONDS
(infrastructure/timeouts.py): the provider's reply, and recording the token as used."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from enum import Enum
from hashlib import blake2b
from typing import NamedTuple

import structlog

from voting_service.antifraud import metrics
from voting_service.antifraud.captchas.adapter import CaptchaAdapter, CaptchaResponse
from voting_service.errors import Unavailable
from voting_service.infrastructure.circuit_breaker import CircuitBreaker, Monotonic
from voting_service.infrastructure.timeouts import CAPTCHA_DEADLINE_SECONDS

MAX_AT_ONCE = 48
"""Fewer than the calls that infrastructure/http_clients/client.py allows to one host."""
FAILURE_THRESHOLD = 3
OPEN_CIRCUIT_SECONDS = 5.0
TOKEN_LIFETIME_SECONDS = 1_200
"""The longest that any provider's token is valid."""
_MAX_CACHED = 20_000
_TOKEN = re.compile(r"[\x21-\x7e]{1,2600}")
"""Turnstile's are up to 2,048 characters; with a ballot around it, it fits in the body of a cast
(4 KiB)."""

MarkUsed = Callable[[str, int], Awaitable[bool]]
"""Record a token as used for so many seconds; False if a worker has recorded it before."""

log = structlog.get_logger(__name__)


class CaptchaResult(Enum):
    """The result of a check; UNAVAILABLE when the provider gave no verdict."""

    VERIFIED = "verified"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"


class _CachedResult(NamedTuple):
    result: CaptchaResult
    valid_until: float


class VerifierOptions(NamedTuple):
    """What all verifiers of a worker share."""

    mark_used: MarkUsed
    monotonic: Monotonic
    deadline_seconds: float = CAPTCHA_DEADLINE_SECONDS


class CaptchaVerifier:
    """Checks tokens of one provider and site key. The provider is asked once for each token,
    however often a voter retries, and a voter has one check under way at a time."""

    def __init__(self, adapter: CaptchaAdapter, options: VerifierOptions) -> None:
        self.adapter = adapter
        self._mark_used, self._monotonic, self._deadline_seconds = options
        self._circuit = CircuitBreaker(
            self._monotonic,
            failure_threshold=FAILURE_THRESHOLD,
            open_seconds=OPEN_CIRCUIT_SECONDS,
        )
        self._under_way: dict[str, tuple[bytes, asyncio.Task[CaptchaResult]]] = {}
        self._results: OrderedDict[bytes, _CachedResult] = OrderedDict()

    @property
    def is_available(self) -> bool:
        """Whether voters may be shown the provider's widget now."""
        return not self._circuit.is_open

    async def verify(self, response: CaptchaResponse) -> CaptchaResult:
        """Check that the token is valid for the ballot of its binding. Never raises."""
        if not _TOKEN.fullmatch(response.token):
            return self._count(CaptchaResult.FAILED)
        digest = blake2b(f"{response.binding} {response.token}".encode(), digest_size=16).digest()
        cached = self._results.get(digest)
        if cached is not None and cached.valid_until > self._monotonic():
            return cached.result
        if response.binding in self._under_way:
            digest_under_way, task = self._under_way[response.binding]
            return (
                await asyncio.shield(task) if digest_under_way == digest else CaptchaResult.FAILED
            )
        if len(self._under_way) >= MAX_AT_ONCE:
            return self._count(CaptchaResult.UNAVAILABLE, "too_many")
        if not self._circuit.try_acquire():
            return self._count(CaptchaResult.UNAVAILABLE, "circuit_open")
        task = asyncio.create_task(self._check(response, digest))
        self._under_way[response.binding] = digest, task
        task.add_done_callback(lambda _: self._under_way.pop(response.binding))
        # A voter who disconnects must not cancel the check that a retry waits for.
        return await asyncio.shield(task)

    async def _check(self, response: CaptchaResponse, digest: bytes) -> CaptchaResult:
        try:
            async with asyncio.timeout(self._deadline_seconds):
                valid = await self.adapter.is_valid(response)
                first_use = valid and await self._mark_used(response.token, TOKEN_LIFETIME_SECONDS)
        except (Unavailable, TimeoutError) as error:
            self._circuit.record_failure()
            reason = str(error) or "deadline exceeded"
            log.warning("captcha_unavailable", provider=self.adapter.provider, reason=reason)
            return self._count(CaptchaResult.UNAVAILABLE)
        except Exception:
            self._circuit.record_failure()
            log.exception("captcha_check_failed", provider=self.adapter.provider)
            return self._count(CaptchaResult.UNAVAILABLE)
        self._circuit.record_success()
        result = CaptchaResult.VERIFIED if first_use else CaptchaResult.FAILED
        self._cache(digest, result)
        return self._count(result, "replayed" if valid and not first_use else None)

    def _cache(self, digest: bytes, result: CaptchaResult) -> None:
        now = self._monotonic()
        while self._results:
            oldest = next(iter(self._results))
            if self._results[oldest].valid_until > now and len(self._results) < _MAX_CACHED:
                break
            del self._results[oldest]
        self._results[digest] = _CachedResult(result, now + TOKEN_LIFETIME_SECONDS)
        self._results.move_to_end(digest)

    def _count(self, result: CaptchaResult, outcome: str | None = None) -> CaptchaResult:
        metrics.CAPTCHAS.labels(self.adapter.provider, outcome or result.value).inc()
        return result
