"""② The session token: whose ballot this is, without asking any store.

43 bytes in base64url: version 1 | contest 2 | platform 2 | expiry 4 (unix seconds) |
account day 2 | voter 16 | seal 16, the seal a keyed BLAKE2b over what stands before it.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from binascii import a2b_base64
from datetime import date
from hashlib import blake2b
from hmac import compare_digest
from struct import Struct
from typing import NamedTuple

from voting_service.clock import FIRST_DAY
from voting_service.errors import NotSignedIn

SESSION_SECONDS = 12 * 3600
"""A day's reading and one vote; signing in again at the platform costs nothing."""

_VERSION = 2
_LAYOUT = Struct(">BHHIH16s")
_SEAL_BYTES = 16
_TOKEN_LENGTH = 58  # ceil(43 / 3) * 4, without the two of padding
_LAST_CHARACTERS = b"AQgw"
"""The last one carries two bits; any other would be a second spelling of the same session."""

_FROM_URLSAFE = bytes.maketrans(b"-_+/", b"+/!!")
"""binascii itself, since base64's layers around it cost as much again; with + and / being no
spelling of a session."""


class Session(NamedTuple):
    """A voter of a contest who came over a platform. `account_day` is when the account there was
    made, in days since clock.FIRST_DAY; 0 where the platform does not say."""

    contest_id: int
    platform_id: int
    expires: int
    account_day: int
    voter: bytes

    def seconds_since_sign_in(self, now_seconds: float) -> int:
        return max(0, int(now_seconds) - (self.expires - SESSION_SECONDS))


def account_day(created: date | None) -> int:
    """The day as a session carries it; 0 for one that is unknown or cannot be meant."""
    day = (created - FIRST_DAY).days if created is not None else 0
    return day if 0 < day <= 0xFFFF else 0


def issue(key: bytes, session: Session) -> str:
    """The token, 58 characters that need no escaping anywhere."""
    payload = _LAYOUT.pack(_VERSION, *session)
    seal = blake2b(payload, key=key, digest_size=_SEAL_BYTES).digest()
    return urlsafe_b64encode(payload + seal).rstrip(b"=").decode()


def read(key: bytes, token: bytes, *, contest_id: int, now_seconds: float) -> Session:
    """The session in a token. Raises NotSignedIn with the reason."""
    if len(token) != _TOKEN_LENGTH or token[-1] not in _LAST_CHARACTERS:
        raise NotSignedIn("this is not a session of ours; sign in at the platform again")
    try:
        raw = a2b_base64(token.translate(_FROM_URLSAFE) + b"==", strict_mode=True)
    except ValueError:
        raw = b""
    payload, seal = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
    if not compare_digest(seal, blake2b(payload, key=key, digest_size=_SEAL_BYTES).digest()):
        raise NotSignedIn("this is not a session of this contest; sign in at the platform again")
    version, contest, platform, expires, account_day, voter = _LAYOUT.unpack(payload)
    if version != _VERSION or contest != contest_id:
        raise NotSignedIn("this session is for another contest; sign in at the platform again")
    if expires <= now_seconds:
        raise NotSignedIn("the session has expired; sign in at the platform again")
    return Session(contest, platform, expires, account_day, voter)
