"""What stands between the votes and one provider: a deadline, a bound on the questions at once, a
circuit breaker, and a memory of the answers. Nothing here waits longer than DEADLINE_SECONDS."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from enum import Enum
from hashlib import blake2b
from typing import NamedTuple

import structlog

from voting_service import metrics
from voting_service.antifraud.captchas.captcha import Captcha, Solved
from voting_service.errors import Unavailable

DEADLINE_SECONDS = 2.0
"""From the first byte of the question until the answer is remembered."""
MAX_AT_ONCE = 48
"""Fewer than the calls that outside/calls.py allows to one host."""
TRIPS_AFTER = 3
SPARED_SECONDS = 5.0
REMEMBERED_SECONDS = 1_200
"""As long as any of the providers' tokens can be good."""
_MAX_REMEMBERED = 20_000
_TOKEN = re.compile(r"[\x21-\x7e]{1,2600}")
"""Turnstile's are up to 2,048 characters; with a ballot around it, it fits in the body of a cast
(4 KiB)."""

Spend = Callable[[str, int], Awaitable[bool]]
"""True the first time a token is seen by any worker; it is remembered for so many seconds."""
Monotonic = Callable[[], float]

log = structlog.get_logger(__name__)


class Outcome(Enum):
    """What an answer is worth: paid; nothing; or nobody knows, the provider being away."""

    VERIFIED = "verified"
    FAILED = "failed"
    AWAY = "away"


class _Remembered(NamedTuple):
    outcome: Outcome
    until: float


class Breaker:
    """Open after TRIPS_AFTER failures in a row; then one question every SPARED_SECONDS finds out
    whether the provider is back."""

    def __init__(self, monotonic: Monotonic) -> None:
        self._monotonic = monotonic
        self._failures = 0
        self._spared_until = 0.0

    @property
    def closed(self) -> bool:
        """Whether a question would be asked now."""
        return self._failures < TRIPS_AFTER or self._monotonic() >= self._spared_until

    def enter(self) -> bool:
        """Whether this one may be asked; while open, whoever tries holds the others back."""
        if not self.closed:
            return False
        if self._failures >= TRIPS_AFTER:
            self._spare()
        return True

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        if self._failures >= TRIPS_AFTER:
            self._spare()

    def _spare(self) -> None:
        self._spared_until = self._monotonic() + SPARED_SECONDS


class Gate:
    """Asks one provider for one site key. Each token is asked about once, whatever a voter's
    retries do, and a voter has one question under way at a time."""

    def __init__(
        self,
        captcha: Captcha,
        *,
        spend: Spend,
        monotonic: Monotonic,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._deadline_seconds = deadline_seconds
        self.captcha = captcha
        self._spend = spend
        self._monotonic = monotonic
        self._breaker = Breaker(monotonic)
        self._under_way: dict[str, tuple[bytes, asyncio.Task[Outcome]]] = {}
        self._answers: OrderedDict[bytes, _Remembered] = OrderedDict()

    @property
    def offered(self) -> bool:
        """Whether a voter may be sent to the provider's widget now."""
        return self._breaker.closed

    async def verify(self, solved: Solved) -> Outcome:
        """Whether the token pays for the ballot that it is bound to; never raises."""
        if not _TOKEN.fullmatch(solved.token):
            return self._counted(Outcome.FAILED)
        digest = blake2b(f"{solved.binding} {solved.token}".encode(), digest_size=16).digest()
        remembered = self._answers.get(digest)
        if remembered is not None and remembered.until > self._monotonic():
            return remembered.outcome
        if solved.binding in self._under_way:
            asked, task = self._under_way[solved.binding]
            return await asyncio.shield(task) if asked == digest else Outcome.FAILED
        if len(self._under_way) >= MAX_AT_ONCE:
            return self._counted(Outcome.AWAY, "crowded")
        if not self._breaker.enter():
            return self._counted(Outcome.AWAY, "spared")
        task = asyncio.create_task(self._ask(solved, digest))
        self._under_way[solved.binding] = digest, task
        task.add_done_callback(lambda _: self._under_way.pop(solved.binding))
        # A voter who hangs up does not take the answer away from the retry.
        return await asyncio.shield(task)

    async def _ask(self, solved: Solved, digest: bytes) -> Outcome:
        try:
            async with asyncio.timeout(self._deadline_seconds):
                genuine = await self.captcha.is_genuine(solved)
                first = genuine and await self._spend(solved.token, REMEMBERED_SECONDS)
        except (Unavailable, TimeoutError) as error:
            self._breaker.failed()
            reason = str(error) or "did not answer in time"
            log.warning("captcha_away", provider=self.captcha.provider, reason=reason)
            return self._counted(Outcome.AWAY)
        except Exception:
            self._breaker.failed()
            log.exception("captcha_failed", provider=self.captcha.provider)
            return self._counted(Outcome.AWAY)
        self._breaker.succeeded()
        outcome = Outcome.VERIFIED if first else Outcome.FAILED
        self._remember(digest, outcome)
        return self._counted(outcome, "replayed" if genuine and not first else None)

    def _remember(self, digest: bytes, outcome: Outcome) -> None:
        now = self._monotonic()
        while self._answers:
            oldest = next(iter(self._answers))
            if self._answers[oldest].until > now and len(self._answers) < _MAX_REMEMBERED:
                break
            del self._answers[oldest]
        self._answers[digest] = _Remembered(outcome, now + REMEMBERED_SECONDS)
        self._answers.move_to_end(digest)

    def _counted(self, outcome: Outcome, counted: str | None = None) -> Outcome:
        metrics.CAPTCHAS.labels(self.captcha.provider, counted or outcome.value).inc()
        return outcome
