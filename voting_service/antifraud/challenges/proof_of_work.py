"""The proof of work for suspicious votes: ALTCHA, version 2 of its protocol.

One vote costs a second of a telephone's time, unnoticed; ten thousand votes cost ten thousand. It
proves work and nothing else.

A challenge is bound by its signature to one voter and one ballot (contest and period). Nobody else
can use it, and using it twice gains nothing: the second vote returns the stored ballot's receipt.
So no store has to remember used solutions, and it works while Valkey is unavailable.
"""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import altcha

ALGORITHM = "PBKDF2/SHA-256"
COST = 1_000
"""PBKDF2 iterations in each try: half a millisecond. Issuing a challenge costs one try; checking a
solution costs two HMACs, because the key to be found is signed."""
VALID_SECONDS = 900
EASY, HARD = 400, 6_000
"""The most tries that a solution needs; it needs at least half as many."""


class ChallengedBallot(NamedTuple):
    """The ballot that a challenge is for; `contest` is a slug."""

    contest: str
    voter: bytes
    period: date

    def signed_data(self) -> dict[str, str]:
        """Return the part of a challenge that its signature binds to the ballot."""
        return {
            "contest": self.contest,
            "voter": self.voter.hex(),
            "period": self.period.isoformat(),
        }


def difficulty(active_signals: int, load: float) -> int:
    """Return the most tries that a solution may need: more for every active signal, and up to four
    times as many as the queue of votes fills up (`load` from 0 to 1)."""
    return min(HARD, int(EASY * max(1, active_signals) * (1 + 3 * min(1.0, max(0.0, load)))))


def issue(
    key: bytes, ballot: ChallengedBallot, *, tries: int, now_seconds: float
) -> dict[str, Any]:
    """Return a challenge in the format of the official widget. Takes half a millisecond."""
    return altcha.create_challenge(
        ALGORITHM,
        COST,
        counter=tries // 2 + secrets.randbelow(tries - tries // 2 + 1),
        expires_at=int(now_seconds) + VALID_SECONDS,
        data=ballot.signed_data(),
        hmac_secret=key,
        hmac_key_secret=key + b"solution",
    ).to_dict()


def asked_at(payload: str) -> datetime | None:
    """Return when the challenge of `payload` was issued, as it claims; `is_solved` checks that,
    because the signature covers it. None for anything but an ALTCHA payload."""
    parsed = _parse(payload)
    expires = parsed.challenge.parameters.expires_at if parsed else None
    if type(expires) is not int or not VALID_SECONDS <= expires < 1 << 33:
        return None
    return datetime.fromtimestamp(expires - VALID_SECONDS, UTC)


def is_solved(key: bytes, ballot: ChallengedBallot, payload: str, *, now_seconds: float) -> bool:
    """Whether `payload` (base64, from the widget) solves a challenge that was issued for this
    ballot and has not expired."""
    parsed = _parse(payload)
    if parsed is None:
        return False
    parameters = parsed.challenge.parameters
    expires = parameters.expires_at
    if type(expires) is not int or expires < now_seconds:
        return False
    if parameters.data != ballot.signed_data():
        return False
    return altcha.verify_solution(parsed, key, hmac_key_secret=key + b"solution").verified


def _parse(payload: str) -> altcha.Payload | None:
    try:
        return altcha.Payload.from_base64(payload)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
