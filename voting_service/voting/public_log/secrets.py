"""The salts and secrets of a log's commitments, which follow from the key of the contest's log. No
I/O.

They are not stored: the key gives them again, and it is wrapped by the master key
like the contest's others.
"""

from __future__ import annotations

import hmac
from typing import NamedTuple


class LogSecrets(NamedTuple):
    """The key of a contest's log."""

    key: bytes

    def bundle_salt(self, number: int) -> bytes:
        """Return the salt of a bundle's commitment; public once it is opened."""
        return self._derive(f"bundle {number} salt")

    def bundle_secret(self, number: int) -> bytes:
        """Return the secret under which the ballots of a bundle are committed to; for auditors."""
        return self._derive(f"bundle {number} ballots")

    def ruling_salt(self, number: int) -> bytes:
        """Return the salt of a ruling's commitment; public once it is opened."""
        return self._derive(f"ruling {number} salt")

    def _derive(self, purpose: str) -> bytes:
        return hmac.digest(self.key, b"voting-log/1 " + purpose.encode(), "sha256")
