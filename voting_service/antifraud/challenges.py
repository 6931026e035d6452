"""The price of a suspicious vote: ALTCHA's proof of work (its protocol version 2).

Whoever sends one vote pays a second of a telephone's time without noticing; whoever sends ten
thousand pays for each. It proves work and nothing else.

A challenge is bound by its signature to one voter and one ballot (contest and period), so it is
worth nothing to anybody else and nothing twice: sent again it meets the ballot it was solved for,
and the answer is that ballot's receipt. No store has to remember what was spent, and it works
while Valkey is away.
"""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import altcha

ALGORITHM = "PBKDF2/SHA-256"
COST = 1_000
"""Iterations a try: half a millisecond here, once for making a challenge; checking one costs two
HMACs, because the key to be found is signed."""
VALID_SECONDS = 900
EASY, HARD = 400, 6_000
"""Tries needed at most; half of that at least, so that nobody is lucky."""


def difficulty(lit_signals: int, load: float) -> int:
    """Tries that a challenge may need: more for every lit signal, and up to four times as many as
    the queue of votes fills up (`load` from 0 to 1)."""
    return min(HARD, int(EASY * max(1, lit_signals) * (1 + 3 * min(1.0, max(0.0, load)))))


def issue(
    key: bytes, *, contest: str, voter: bytes, period: date, tries: int, now_seconds: float
) -> dict[str, Any]:
    """A challenge as the official widget reads it. Burns half a millisecond."""
    return altcha.create_challenge(
        ALGORITHM,
        COST,
        counter=random.randint(tries // 2, tries),  # noqa: S311 — found by trying, not by guessing
        expires_at=int(now_seconds) + VALID_SECONDS,
        data=_bound_to(contest, voter, period),
        hmac_secret=key,
        hmac_key_secret=key + b"solution",
    ).to_dict()


def is_solved(
    key: bytes,
    payload: str,
    *,
    contest: str,
    voter: bytes,
    period: date,
    now_seconds: float,
) -> bool:
    """Whether `payload` (base64, as the widget makes it) is a solution of a challenge of ours
    that was made for exactly this voter and ballot and has not expired."""
    parsed = _parsed(payload)
    if parsed is None:
        return False
    parameters = parsed.challenge.parameters
    expires = parameters.expires_at
    if type(expires) is not int or expires < now_seconds:
        return False
    if parameters.data != _bound_to(contest, voter, period):
        return False
    return altcha.verify_solution(parsed, key, hmac_key_secret=key + b"solution").verified


def _bound_to(contest: str, voter: bytes, period: date) -> dict[str, str]:
    return {"contest": contest, "voter": voter.hex(), "period": period.isoformat()}


def _parsed(payload: str) -> altcha.Payload | None:
    try:
        return altcha.Payload.from_base64(payload)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
