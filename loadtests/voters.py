"""Signed-in voters: over the front door, or minted where sign-in is not what is measured."""

from __future__ import annotations

import json
import os
import time
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import msgspec
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import OKPKey

from loadtests import CONTEST, PLATFORM
from voting_service.voters.session import SESSION_SECONDS, Session, issue

TOKEN_SECONDS = 120


class PlatformSigner:
    """The demo media platform: signs its users in with the key the demo left for it."""

    def __init__(self, key_file: Path, *, contest: str = CONTEST, platform: str = PLATFORM) -> None:
        self._key = OKPKey.import_key(key_file.read_bytes())
        self._contest = contest
        self._platform = platform

    def token(self, subject: str) -> str:
        """A token for the platform's user `subject`; good once, for two minutes."""
        now = int(time.time())
        claims = {
            "iss": self._platform,
            "aud": self._contest,
            "sub": subject,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "jti": uuid.uuid4().hex,
        }
        header = {"alg": "EdDSA", "kid": self._key.thumbprint()}
        with warnings.catch_warnings():
            # RFC 9864 calls it Ed25519 by now; platforms still say EdDSA.
            warnings.simplefilter("ignore", SecurityWarning)
            return jwt.encode(header, claims, self._key, algorithms=["EdDSA"])

    def sign_in_body(self, subject: str) -> bytes:
        """The body of POST /api/v1/sessions."""
        return json.dumps({"platform": self._platform, "token": self.token(subject)}).encode()


class Minting(msgspec.Struct, frozen=True):
    """What sessions are minted from: the contest's session key and who they are for."""

    session_key: bytes
    contest_id: int
    platform_id: int


def minted(minting: Minting, voter: bytes) -> str:
    """A session as POST /api/v1/sessions would hand it out to this pseudonym."""
    expires = int(time.time()) + SESSION_SECONDS
    return issue(
        minting.session_key, Session(minting.contest_id, minting.platform_id, expires, 0, voter)
    )


def minted_tokens(minting: Minting) -> Iterator[bytes]:
    """Sessions of voters that nobody has seen before, for ever."""
    while True:
        yield minted(minting, os.urandom(16)).encode()
