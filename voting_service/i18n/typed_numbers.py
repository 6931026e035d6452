"""Numbers, dates and telephone numbers as a Chinese keyboard types them."""

from __future__ import annotations

import re
import unicodedata

_DASHES = re.compile("[\u2010-\u2015\u2212]")
_WIDE = re.compile(r"[-./:0-9\s]*[\uff10-\uff19][-./:0-9\s\uff0d-\uff1a\u3002]*")


def plain_number(text: str) -> str:
    """Return a number, or several with signs between them, in plain digits and signs."""
    plain = unicodedata.normalize("NFKC", text).strip()
    return _DASHES.sub("-", plain).replace("\u3002", ".")


def is_wide_number(text: str) -> bool:
    """Return whether a text is nothing but a number, date or time with full-width digits."""
    return _WIDE.fullmatch(text) is not None
