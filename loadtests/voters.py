"""Signed-in voters: through the sign-in, or with made sessions where sign-in is not measured."""

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
from voting_service.voting.voters.session_token import (
    SESSION_SECONDS,
    Session,
    issue,
)

TOKEN_SECONDS = 120


class PlatformSigner:
    """The demo media platform, which signs its users in with its key in the DATA folder."""

    def __init__(self, key_file: Path, *, contest: str = CONTEST, platform: str = PLATFORM) -> None:
        self._key = OKPKey.import_key(key_file.read_bytes())
        self._contest = contest
        self._platform = platform

    def token(self, subject: str) -> str:
        """Return a token for the platform's user `subject`, valid once and for two minutes."""
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
        """Return the body of POST /api/v1/sessions."""
        return json.dumps({"platform": self._platform, "token": self.token(subject)}).encode()


class Minting(msgspec.Struct, frozen=True):
    """What sessions are made from: the contest's session key and platform."""

    session_key: bytes
    contest_id: int
    platform_id: int


def minted(minting: Minting, voter: bytes) -> str:
    """Return a session as POST /api/v1/sessions would, for a pseudonym."""
    session = Session(
        minting.contest_id, minting.platform_id, int(time.time()), SESSION_SECONDS, 0, voter
    )
    return issue(minting.session_key, session)


def minted_tokens(minting: Minting) -> Iterator[bytes]:
    """Yield sessions of new voters without end."""
    while True:
        yield minted(minting, os.urandom(16)).encode()
