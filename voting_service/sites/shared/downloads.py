"""What a browser calls a file that it saves."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

_UNFIT = re.compile(r"[\x00-\x1f\x7f\"*/:<>?\\|\u2028\u2029]+")
"""What the file systems of Windows, macOS and Linux do not take."""


def content_disposition(name: str, *, inline: bool = False) -> str:
    """Return the header for a file of that name, in any script (RFC 6266, RFC 5987); a browser that
    knows only ASCII gets what is left of it. A name is of what the file holds, never a person's:
    it stays in download lists and on shared machines."""
    fit = _UNFIT.sub("-", name).strip(". ")
    plain = unicodedata.normalize("NFKD", fit).encode("ascii", "ignore").decode().lstrip("-. ")
    kind = "inline" if inline else "attachment"
    extended = "" if plain == fit else f"; filename*=UTF-8''{quote(fit, safe='')}"
    return f'{kind}; filename="{plain}"{extended}'
