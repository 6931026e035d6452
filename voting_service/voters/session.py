"""② The session token: whose ballot this is, without asking any store.

41 bytes in base64url: version 1 | contest 2 | platform 2 | expiry 4 (unix seconds) |
voter 16 | seal 16, the seal a keyed BLAKE2b over what stands before it.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from binascii import a2b_base64
from hashlib import blake2b
from hmac import compare_digest
from struct import Struct
from typing import NamedTuple

from voting_service.errors import NotSignedIn

SESSION_SECONDS = 12 * 3600
"""A day's reading and one vote; signing in again at the platform costs nothing."""

_VERSION = 1
_LAYOUT = Struct(">BHHI16s")
_SEAL_BYTES = 16
_TOKEN_CHARACTERS = 56  # ceil(41 / 3) * 4, one of them padding
_TOKEN_LENGTH = _TOKEN_CHARACTERS - 1
_LAST_CHARACTERS = b"AEIMQUYcgkosw048"
"""The last one carries four bits; any other would be a second spelling of the same session."""

_FROM_URLSAFE = bytes.maketrans(b"-_+/", b"+/!!")
"""binascii itself, since base64's layers around it cost as much again; with + and / being no
spelling of a session."""


class Session(NamedTuple):
    """A voter of a contest who came over a platform."""

    contest_id: int
    platform_id: int
    expires: int
    voter: bytes


def issue(key: bytes, session: Session) -> str:
    """The token, 55 characters that need no escaping anywhere."""
    payload = _LAYOUT.pack(_VERSION, *session)
    seal = blake2b(payload, key=key, digest_size=_SEAL_BYTES).digest()
    return urlsafe_b64encode(payload + seal).rstrip(b"=").decode()


def read(key: bytes, token: bytes, *, contest_id: int, now_seconds: float) -> Session:
    """The session in a token. Raises NotSignedIn with the reason."""
    if len(token) != _TOKEN_LENGTH or token[-1] not in _LAST_CHARACTERS:
        raise NotSignedIn("this is not a session of ours; sign in at the platform again")
    try:
        raw = a2b_base64(token.translate(_FROM_URLSAFE) + b"=", strict_mode=True)
    except ValueError:
        raw = b""
    payload, seal = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
    if not compare_digest(seal, blake2b(payload, key=key, digest_size=_SEAL_BYTES).digest()):
        raise NotSignedIn("this is not a session of this contest; sign in at the platform again")
    version, contest, platform, expires, voter = _LAYOUT.unpack(payload)
    if version != _VERSION or contest != contest_id:
        raise NotSignedIn("this session is for another contest; sign in at the platform again")
    if expires <= now_seconds:
        raise NotSignedIn("the session has expired; sign in at the platform again")
    return Session(contest, platform, expires, voter)
