"""A response that is the same for every reader: encoded once, sent many times."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec


class Prepared(msgspec.Struct, frozen=True):
    """A response body and its entity tag."""

    body: bytes
    etag: str

    @classmethod
    def of(cls, value: Any) -> Prepared:
        """Return the response for bytes, or for a value encoded as JSON."""
        body = value if isinstance(value, bytes) else msgspec.json.encode(value)
        return cls(body, f'"{blake2b(body, digest_size=12).hexdigest()}"')
