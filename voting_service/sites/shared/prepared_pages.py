"""A page as bytes, plain and compressed; compressed and tagged once, when it is rendered."""

from __future__ import annotations

import gzip
from functools import lru_cache
from typing import Any, Self

from voting_service.infrastructure.prepared_response import Prepared

SMALL, FAST = 9, 1
"""Levels of compression: for a page that many read, and for one that few do."""


class PreparedPage(Prepared, frozen=True):
    """`packed` is the body in gzip."""

    packed: bytes = b""

    @classmethod
    def of(cls, value: Any, level: int = SMALL) -> Self:
        plain = Prepared.of(value)
        return cls(plain.body, plain.etag, gzip.compress(plain.body, level, mtime=0))


@lru_cache(maxsize=256)
def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether a client accepts gzip (RFC 9110 section 12.5.3); `*` does not count."""
    for coding in accept_encoding.lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
