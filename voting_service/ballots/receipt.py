"""⑥ The receipt: a pure function of the stored row, so a retry gets the same bytes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

SEAL_BYTES = 16


class StoredBallot(NamedTuple):
    """What of a row the receipt depends on; `choices` as text, ascending: `{3,7}`."""

    ballot_id: bytes
    voter: bytes
    period: date
    cast_at: datetime
    choices: str


@lru_cache(maxsize=1024)
def _moment(cast_at: datetime) -> str:
    """ISO 8601 in UTC with milliseconds; a batch shares its moment."""
    return cast_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def receipt_bytes(key: bytes, contest_slug: str, ballot: StoredBallot) -> bytes:
    """The JSON body `{"receipt": {...}}` of a stored ballot.

    The seal is keyed BLAKE2b over everything the row says, choices and voter included: it
    vouches for them without showing them.
    """
    ballot_id = ballot.ballot_id.hex()
    public = (
        f'"ballot":"{ballot_id}","contest":"{contest_slug}",'
        f'"period":"{ballot.period}","issued_at":"{_moment(ballot.cast_at)}"'
    )
    sealed = f"{public}|{ballot.choices}|".encode() + ballot.voter
    seal = blake2b(sealed, key=key, digest_size=SEAL_BYTES).hexdigest()
    return f'{{"receipt":{{{public},"seal":"{seal}"}}}}'.encode()
