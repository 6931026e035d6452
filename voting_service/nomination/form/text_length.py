"""Length of a text in characters, for the limits of 1,000 and 1,500 characters. No I/O.

One character is what a reader sees as one: a Chinese character, a letter with its accents, a
digit, a punctuation mark, an emoji of several code points (extended grapheme clusters of Unicode
UAX #29). Spaces, line breaks and invisible characters do not count, as in Word's "characters (no
spaces)". `static/count_characters.js` counts the same way in the browser.
"""

from __future__ import annotations

import regex

_CLUSTER = regex.compile(r"\X")
_VISIBLE = regex.compile(r"[^\p{White_Space}\p{Cc}\p{Default_Ignorable_Code_Point}]")


def count_characters(text: str) -> int:
    """Return the number of visible characters of `text`."""
    return sum(1 for cluster in _CLUSTER.finditer(text) if _VISIBLE.search(cluster.group()))
