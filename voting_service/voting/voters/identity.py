"""The identity of a user as stated by a platform: the result of every sign-in adapter."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple


class Identity(NamedTuple):
    """A signed-in user of a platform; exists for one request and is never stored.

    `subject` is the platform's own unchanging user id. `person`, where given, is a keyed hash
    that the platforms of a contest share: one person, one vote across platforms.
    """

    platform_id: int
    subject: str
    person: str | None = None
    account_created: date | None = None
