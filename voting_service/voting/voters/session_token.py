"""② The session token: identifies the voter without any store.

43 bytes in base64url: version 1 | contest 2 | platform 2 | expiry 4 (unix seconds) |
account day 2 | voter 16 | MAC 16, a keyed BLAKE2b over everything before it.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from binascii import a2b_base64
from datetime import date
from hashlib import blake2b
from hmac import compare_digest
from struct import Struct
from typing import NamedTuple

from voting_service.errors import NotSignedIn
from voting_service.infrastructure.clock import FIRST_DAY

SESSION_SECONDS = 12 * 3600
"""Long enough to read all profiles in a day; signing in again is easy."""

_VERSION = 2
_LAYOUT = Struct(">BHHIH16s")
_MAC_BYTES = 16
_TOKEN_LENGTH = 58  # ceil(43 / 3) * 4, without the two of padding
_LAST_CHARACTERS = b"AQgw"
"""The last character carries two bits; any other would encode the same session differently."""

_FROM_URLSAFE = bytes.maketrans(b"-_+/", b"+/!!")
"""For binascii, as base64 would double the cost; + and / are mapped to invalid characters."""


class Session(NamedTuple):
    """A voter of a contest, signed in through a platform. `account_day` is when the account there
    was created, in days since clock.FIRST_DAY; 0 if unknown."""

    contest_id: int
    platform_id: int
    expires: int
    account_day: int
    voter: bytes

    def seconds_since_sign_in(self, now_seconds: float) -> int:
        return max(0, int(now_seconds) - (self.expires - SESSION_SECONDS))


def account_day(created: date | None) -> int:
    """Return the day as stored in a session; 0 if unknown or out of range."""
    day = (created - FIRST_DAY).days if created is not None else 0
    return day if 0 < day <= 0xFFFF else 0


def issue(key: bytes, session: Session) -> str:
    """Return the token: 58 characters that never need escaping."""
    payload = _LAYOUT.pack(_VERSION, *session)
    mac = blake2b(payload, key=key, digest_size=_MAC_BYTES).digest()
    return urlsafe_b64encode(payload + mac).rstrip(b"=").decode()


def read(key: bytes, token: bytes, *, contest_id: int, now_seconds: float) -> Session:
    """Return the session in a token. Raises NotSignedIn with the reason."""
    if len(token) != _TOKEN_LENGTH or token[-1] not in _LAST_CHARACTERS:
        raise NotSignedIn("voting.voters.session_malformed")
    try:
        raw = a2b_base64(token.translate(_FROM_URLSAFE) + b"==", strict_mode=True)
    except ValueError:
        raw = b""
    payload, mac = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
    if not compare_digest(mac, blake2b(payload, key=key, digest_size=_MAC_BYTES).digest()):
        raise NotSignedIn("voting.voters.session_forged")
    version, contest, platform, expires, account_day, voter = _LAYOUT.unpack(payload)
    if version != _VERSION or contest != contest_id:
        raise NotSignedIn("voting.voters.session_of_other_contest")
    if expires <= now_seconds:
        raise NotSignedIn("voting.voters.session_expired")
    return Session(contest, platform, expires, account_day, voter)
