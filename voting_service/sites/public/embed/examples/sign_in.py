# sign_in.py: Python 3.9 or later with "pyjwt[crypto]"
import hmac
import sys
import time
import uuid
from pathlib import Path
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

VOTE = "https://vote.example"
PLATFORM = "your-platform"
CONTEST = "your-contest"
KEY_ID = ""  # only if your platform has several keys: the kid of this key
PERSON_KEY = ""  # only if your person policy is "required": the contest's shared key
PRIVATE_KEY = Path("private.pem").resolve()


def sign_in_url(user_id: str, next_page: str = "", phone: str = "") -> str:
    """The URL to send the user to: respond 303 with this Location and Cache-Control: no-store."""
    if not isinstance(user_id, str) or not user_id:
        raise ValueError("the user id is missing")
    private_key = load_pem_private_key(PRIVATE_KEY.read_bytes(), password=None)
    if not isinstance(private_key, Ed25519PrivateKey):
        raise TypeError(
            f"private.pem is not an Ed25519 key but {type(private_key).__name__}; move this "
            "file away, make one as in section 1, and send its public.pem to the organiser"
        )
    now = int(time.time())
    claims = {
        "iss": PLATFORM,
        "aud": CONTEST,
        "sub": user_id,
        "iat": now,
        "exp": now + 120,
        "jti": str(uuid.uuid4()),
    }
    if PERSON_KEY:
        key = bytes.fromhex(PERSON_KEY)
        claims["person"] = hmac.new(key, phone.encode(), "sha256").hexdigest()
    header = {"kid": KEY_ID} if KEY_ID else None
    token = jwt.encode(claims, private_key, algorithm="EdDSA", headers=header)
    fields = {"platform": PLATFORM, "token": token, "next": next_page}
    return f"{VOTE}/enter#{urlencode(fields)}"


if __name__ == "__main__":
    print(sign_in_url(*sys.argv[1:] or [""]))
