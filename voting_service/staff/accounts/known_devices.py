"""Device cookies: wrong tries of others do not delay somebody who has signed in here before.

As OWASP describes them ("Slow Down Online Guessing Attacks with Device Cookies"): a browser gets
one when a sign-in succeeds, and its tries for that account are counted for itself instead of for
its network. The cookie proves nothing else. Guessing stays bounded, because a device's own tries
are delayed as a network's are, and only a sign-in makes a cookie. A new master key ends them all.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from hmac import compare_digest
from typing import NamedTuple

_ID_BYTES, _MAC_BYTES = 12, 16


class StaffDevice(NamedTuple):
    """A browser in which an account was signed in. `id` is random."""

    account: str
    id: str


def issue_device_cookie(master_key: bytes, account: str) -> str:
    """Return the cookie of a new known device."""
    device = os.urandom(_ID_BYTES) + account.encode()
    return urlsafe_b64encode(_mac(master_key, device) + device).decode()


def read_device_cookie(master_key: bytes, cookie: str) -> StaffDevice | None:
    """Return the device that a cookie names; None for anything that was not issued."""
    try:
        data = urlsafe_b64decode(cookie.encode("ascii"))
    except ValueError:
        return None
    mac, device = data[:_MAC_BYTES], data[_MAC_BYTES:]
    if not compare_digest(mac, _mac(master_key, device)):
        return None
    return StaffDevice(device[_ID_BYTES:].decode(), device[:_ID_BYTES].hex())


def _mac(master_key: bytes, device: bytes) -> bytes:
    return blake2b(device, key=master_key, digest_size=_MAC_BYTES, person=b"device cookie").digest()
