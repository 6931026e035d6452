"""Who a platform says its user is. Every sign-in adapter ends in this one value."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple


class Identity(NamedTuple):
    """A signed-in user of a platform; lives for the length of one request, never stored.

    `subject` is the platform's own unchanging user id. `person`, where given, is a keyed hash
    that the platforms of a contest share: one person, one vote across platforms.
    """

    platform_id: int
    subject: str
    person: str | None = None
    account_created: date | None = None
