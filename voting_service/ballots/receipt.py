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
def _shared_part(contest_slug: str, period: date, cast_at: datetime) -> str:
    """What the receipts of a batch have in common; the moment is ISO 8601 in UTC with
    milliseconds."""
    moment = cast_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f'","contest":"{contest_slug}","period":"{period}","issued_at":"{moment}"'


def receipt_bytes(key: bytes, contest_slug: str, ballot: StoredBallot) -> bytes:
    """The JSON body `{"receipt": {...}}` of a stored ballot.

    The seal is keyed BLAKE2b over everything the row says, choices and voter included: it
    vouches for them without showing them.
    """
    shared = _shared_part(contest_slug, ballot.period, ballot.cast_at)
    public = f'"ballot":"{ballot.ballot_id.hex()}{shared}'
    sealed = f"{public}|{ballot.choices}|".encode() + ballot.voter
    seal = blake2b(sealed, key=key, digest_size=SEAL_BYTES).hexdigest()
    return f'{{"receipt":{{{public},"seal":"{seal}"}}}}'.encode()
