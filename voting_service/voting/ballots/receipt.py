"""⑥ The receipt: a pure function of the stored row, so a retry gets the same bytes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import blake2b

import msgspec

MAC_BYTES = 16


class StoredBallot(msgspec.Struct, frozen=True, gc=False):
    """The part of a row that the receipt depends on; `choices` as text, ascending: `{3,7}`."""

    ballot_id: bytes
    voter: bytes
    period: date
    cast_at: datetime
    choices: str


def written_moment(cast_at: datetime) -> str:
    """Return the moment of a ballot as receipts state it: ISO 8601 in UTC with milliseconds."""
    moment = cast_at.astimezone(UTC).isoformat(timespec="milliseconds")
    return f"{moment.removesuffix('+00:00')}Z"


@lru_cache(maxsize=1024)
def _shared_part(contest_slug: str, period: date, cast_at: datetime) -> str:
    """Return the part that all receipts of a moment share."""
    moment = written_moment(cast_at)
    return f'","contest":"{contest_slug}","period":"{period.isoformat()}","issued_at":"{moment}"'


def receipt_bytes(key: bytes, contest_slug: str, ballot: StoredBallot) -> bytes:
    """Return the JSON body `{"receipt": {...}}` of a stored ballot.

    The MAC (`seal` in the API) is keyed BLAKE2b over the whole row, including choices and voter,
    so it authenticates them without revealing them.
    """
    shared = _shared_part(contest_slug, ballot.period, ballot.cast_at)
    public = f'"ballot":"{ballot.ballot_id.hex()}{shared}'
    message = f"{public}|{ballot.choices}|".encode() + ballot.voter
    mac = blake2b(message, key=key, digest_size=MAC_BYTES).hexdigest()
    return f'{{"receipt":{{{public},"seal":"{mac}"}}}}'.encode()
