"""The identity of a user as stated by a platform: the result of every sign-in adapter."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple


class Identity(NamedTuple):
    """A signed-in user of a platform; exists for one request and is never stored.

    `subject` is the platform's own unchanging user id. `person` is given if and only if the
    platform's person policy is `required`: a keyed hash of 32 bytes, the same on all platforms with
    this policy.
    """

    platform_id: int
    subject: str
    person: bytes | None = None
    account_created: date | None = None
