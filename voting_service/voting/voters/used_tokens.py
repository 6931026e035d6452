"""Used one-time tokens, in Valkey and in the memory of this process.

While Valkey is unavailable only the memory is checked, which is counted
(`voting_used_tokens_local_total`). A token could then be used once per worker within its three
minutes. That is accepted because nothing is gained: the same token opens a session of the same
voter, whose ballot is unique by its primary key. The same holds when the memory is full or Valkey
was emptied.
"""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b

from voting_service.errors import StoreUnavailable
from voting_service.infrastructure.valkey import Valkey
from voting_service.voting import metrics

MAX_REMEMBERED = 100_000
"""About 20 MB; the oldest are dropped first."""


class UsedTokens:
    """Accepts every (platform, jti) once."""

    def __init__(
        self,
        valkey: Valkey,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        max_remembered: int = MAX_REMEMBERED,
    ) -> None:
        self._valkey = valkey
        self._monotonic = monotonic
        self._max_remembered = max_remembered
        self._forget_at: OrderedDict[bytes, float] = OrderedDict()

    async def mark_used(self, platform_id: int, jti: str, lifetime_seconds: int) -> bool:
        """Return True the first time, then False for `lifetime_seconds` (at least 1)."""
        digest = _digest(platform_id, jti)
        if not self._remember(digest, lifetime_seconds):
            return False
        try:
            stored = await self._valkey.command(
                "SET", _key(digest), b"", "NX", "EX", lifetime_seconds
            )
        except StoreUnavailable:
            metrics.USED_TOKENS_LOCAL.inc()
            return True
        return stored is not None

    async def was_used(self, platform_id: int, jti: str) -> bool:
        """Return whether a token was used, as far as is known; it is not marked."""
        digest = _digest(platform_id, jti)
        if self._forget_at.get(digest, 0) > self._monotonic():
            return True
        with suppress(StoreUnavailable):
            return bool(await self._valkey.command("EXISTS", _key(digest)))
        return False

    async def release(self, platform_id: int, jti: str) -> None:
        """Accept a token once more. While Valkey is unavailable it stays used."""
        digest = _digest(platform_id, jti)
        with suppress(StoreUnavailable):
            await self._valkey.command("DEL", _key(digest))
            self._forget_at.pop(digest, None)

    def _remember(self, digest: bytes, lifetime_seconds: int) -> bool:
        now = self._monotonic()
        if self._forget_at.get(digest, now) > now:
            return False
        while self._forget_at:
            oldest = next(iter(self._forget_at))
            if self._forget_at[oldest] > now and len(self._forget_at) < self._max_remembered:
                break
            del self._forget_at[oldest]
        self._forget_at[digest] = now + lifetime_seconds
        self._forget_at.move_to_end(digest)
        return True


def _digest(platform_id: int, jti: str) -> bytes:
    """Return 16 bytes: a jti may contain anything, so it is not stored as it is."""
    return blake2b(platform_id.to_bytes(2, "big") + jti.encode(), digest_size=16).digest()


def _key(digest: bytes) -> str:
    """Return the key; each token has its own hash tag, so a cluster spreads them over its nodes."""
    return "jti:{" + urlsafe_b64encode(digest).rstrip(b"=").decode() + "}"
