"""The mark of our own forms against cross-site requests, and for whom a form was made.

A mark is `<session>-<account>-<MAC>`: the CSRF token of the session that the page was shown to, the
account's id, and a MAC of both. With it a form that comes too late, after its session, still has
its account, although nobody is signed in; and one that comes in a later session of the same account
is as much our own as one of the session itself.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from hmac import compare_digest

_MAC_BYTES = 16
_MARK = re.compile(r"([0-9a-f]{32})-([0-9]{1,9})-([0-9a-f]{32})")


def bind_to_account(master_key: bytes, csrf_token: str, account_id: int) -> str:
    """Return the mark of the forms that an account is shown in a session."""
    return f"{csrf_token}-{account_id}-{_mac(master_key, csrf_token, account_id)}"


def account_of_token(master_key: bytes, mark: str) -> int | None:
    """Return the account that a form was made for; None when the mark is not one of ours."""
    match = _MARK.fullmatch(mark)
    if match is None:
        return None
    account_id = int(match[2])
    expected = _mac(master_key, match[1], account_id)
    return account_id if compare_digest(match[3], expected) else None


def _mac(master_key: bytes, csrf_token: str, account_id: int) -> str:
    content = f"{csrf_token} {account_id}".encode()
    return blake2b(
        content, key=master_key, digest_size=_MAC_BYTES, person=b"form of account"
    ).hexdigest()
