"""② The session token: identifies the voter without any store.

45 bytes, 60 characters of base64url: version 1 | contest 2 | platform 2 | issued 4 (unix
seconds) | lifetime 2 (seconds) | account day 2 | voter 16 | MAC 16, a keyed BLAKE2b over everything
before it. What was issued before the platform's `sessions_not_before` is refused by the reader
(sites/public/api/cast_ballot.py).
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from binascii import a2b_base64
from datetime import date, datetime, timedelta
from hashlib import blake2b
from hmac import compare_digest
from struct import Struct

import msgspec

from voting_service.contests.model import Contest
from voting_service.errors import NotSignedIn
from voting_service.infrastructure.clock import FIRST_DAY

SESSION_SECONDS = 12 * 3600
"""Long enough to read all profiles in a day; signing in again is easy."""
_AFTER_MIDNIGHT = timedelta(hours=1)
"""How long a session outlasts its day: a vote on its way at midnight can still be sent again, and
a voter who signs in just before midnight can still read and vote."""

_VERSION = 3
_LAYOUT = Struct(">BHHIHH16s")
_MAC_BYTES = 16
_TOKEN_LENGTH = 60  # of 45 bytes; without padding, so each session has one encoding

_FROM_URLSAFE = bytes.maketrans(b"-_+/", b"+/!!")
"""For binascii, as base64 would double the cost; + and / are mapped to invalid characters."""


class Session(msgspec.Struct, frozen=True, gc=False):
    """A voter of a contest, signed in through a platform. `account_day` is when the account there
    was created, in days since clock.FIRST_DAY; 0 if unknown."""

    contest_id: int
    platform_id: int
    issued: int
    lifetime: int
    account_day: int
    voter: bytes

    @property
    def expires(self) -> int:
        """When the session ends, in unix seconds."""
        return self.issued + self.lifetime

    def seconds_since_sign_in(self, now_seconds: float) -> int:
        return max(0, int(now_seconds) - self.issued)


def session_seconds(contest: Contest, now: datetime) -> int:
    """Return how long a session opened now lasts: SESSION_SECONDS, but not into the next voting
    day beyond its first hour, so that every day of voting begins with signing in."""
    day_end = contest.midnight_after(now) + _AFTER_MIDNIGHT
    return min(SESSION_SECONDS, int((day_end - now).total_seconds()))


def account_day(created: date | None) -> int:
    """Return the day as stored in a session; 0 if unknown or out of range."""
    day = (created - FIRST_DAY).days if created is not None else 0
    return day if 0 < day <= 0xFFFF else 0


def issue(key: bytes, session: Session) -> str:
    """Return the token: 60 characters that never need escaping."""
    payload = _LAYOUT.pack(_VERSION, *msgspec.structs.astuple(session))
    mac = blake2b(payload, key=key, digest_size=_MAC_BYTES).digest()
    return urlsafe_b64encode(payload + mac).decode()


def read(key: bytes, token: bytes, *, contest_id: int, now_seconds: float) -> Session:
    """Return the session in a token. Raises NotSignedIn with the reason."""
    if len(token) != _TOKEN_LENGTH:
        raise NotSignedIn("voting.voters.session_malformed")
    try:
        raw = a2b_base64(token.translate(_FROM_URLSAFE), strict_mode=True)
    except ValueError:
        raw = b""
    payload, mac = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
    if not compare_digest(mac, blake2b(payload, key=key, digest_size=_MAC_BYTES).digest()):
        raise NotSignedIn("voting.voters.session_forged")
    version, *fields = _LAYOUT.unpack(payload)
    session = Session(*fields)
    if version != _VERSION or session.contest_id != contest_id:
        raise NotSignedIn("voting.voters.session_of_other_contest")
    if session.expires <= now_seconds:
        raise NotSignedIn("voting.voters.session_expired")
    return session
