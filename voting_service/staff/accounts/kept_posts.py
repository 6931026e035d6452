"""What a form posted that was refused, kept for its account until the form is posted again.

A form is refused because its session has ended, or because its identity has to be confirmed first.
Its page shows it again to the account that the form was made for, and to no other; nothing is saved
until the person presses again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from voting_service.errors import Refused
from voting_service.infrastructure.crypto.key_wrapping import unwrap, wrap
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.accounts.repository import QUERIES

KEPT_FOR = timedelta(hours=12)
"""Until the end of a working day."""
KEPT_EACH = 20
"""The newest of an account."""
MAX_KEPT_BYTES = 1_000_000

Because = Literal["signed_out", "unconfirmed"]


class KeptPost(msgspec.Struct, frozen=True):
    """The fields of a form that posts to `path` and stands on `page`, the names of the fields that
    had a file, and why it was refused."""

    path: str
    page: str
    fields: Mapping[str, Sequence[str]]
    files: Sequence[str]
    because: Because


async def keep_post(
    connection: AnyConnection, master_key: bytes, account_id: int, kept: KeptPost, now: datetime
) -> bool:
    """Keep a post instead of an earlier one of the same form, and delete what is too old or too
    much; False when it is too large."""
    content = wrap(master_key, _label(account_id), msgspec.json.encode(kept))
    if len(content) > MAX_KEPT_BYTES:
        return False
    with domain_errors():
        async with connection.transaction():
            await connection.execute(
                QUERIES["keep_post"], account_id, kept.path, kept.page, content, now
            )
            await connection.execute(
                QUERIES["forget_old_posts"], account_id, now - KEPT_FOR, KEPT_EACH
            )
    return True


async def load_kept_posts(
    connection: AnyConnection, master_key: bytes, account_id: int, page: str, now: datetime
) -> tuple[KeptPost, ...]:
    """Return what was kept for an account and a page. What another master key encrypted is left
    out."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["kept_posts"], account_id, page, now - KEPT_FOR)
    kept = []
    for row in rows:
        try:
            content = unwrap(master_key, _label(account_id), row["content"])
        except Refused:
            continue
        kept.append(msgspec.json.decode(content, type=KeptPost))
    return tuple(kept)


async def move_kept_posts(
    connection: AnyConnection, account_id: int, page: str, new_page: str
) -> None:
    """Keep for another page what was kept for one that no longer shows its form."""
    with domain_errors():
        await connection.execute(QUERIES["move_kept_posts"], account_id, page, new_page)


async def forget_post(connection: AnyConnection, account_id: int, path: str) -> None:
    """Delete what was kept of a form."""
    with domain_errors():
        await connection.execute(QUERIES["forget_post"], account_id, path)


def _label(account_id: int) -> str:
    return f"kept post of account {account_id}"
