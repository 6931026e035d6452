"""Time-based one-time codes (RFC 6238, with the parameters of every authenticator app)."""

from __future__ import annotations

import re
from datetime import datetime
from hmac import compare_digest

import pyotp

STEP_SECONDS = 30
ISSUER = "voting-service"
SKEW_STEPS = 1
"""A code is accepted half a minute early and late, because phones' clocks differ."""
_CODE = re.compile(r"[0-9]{6}")


def new_secret() -> str:
    """Return 160 random bits in base32."""
    return pyotp.random_base32()


def provisioning_uri(name: str, secret: str) -> str:
    """Return the address that an authenticator app imports, as text or QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """Return the 30-second step of this code; None when it is not valid now."""
    digits = code.replace(" ", "")
    if not _CODE.fullmatch(digits):
        return None
    totp = pyotp.TOTP(secret)
    current = int(now.timestamp()) // STEP_SECONDS
    for step in range(current - SKEW_STEPS, current + SKEW_STEPS + 1):
        if compare_digest(totp.generate_otp(step), digits):
            return step
    return None
