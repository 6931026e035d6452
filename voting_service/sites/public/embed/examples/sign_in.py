# sign_in.py: Python 3.9 or later with "pyjwt[crypto]"
import hmac
import sys
import time
import uuid
from pathlib import Path
from urllib.parse import urlencode

import jwt

VOTE = "https://vote.example"
PLATFORM = "your-platform"
CONTEST = "your-contest"
KEY_ID = ""  # only if your platform has several keys: the kid of this key
PERSON_KEY = ""  # only if your person policy is "required": the contest's shared key
PRIVATE_KEY = Path("private.pem").read_text()


def sign_in_url(user_id: str, next_page: str = "", phone: str = "") -> str:
    """The URL to send the user to: respond 303 with this Location and Cache-Control: no-store."""
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
    token = jwt.encode(claims, PRIVATE_KEY, algorithm="EdDSA", headers=header)
    fields = {"platform": PLATFORM, "token": token, "next": next_page}
    return f"{VOTE}/enter#{urlencode(fields)}"


if __name__ == "__main__":
    print(sign_in_url(*sys.argv[1:]))
