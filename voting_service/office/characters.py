"""How long a text is, for the limits of 1,000 and 1,500 characters. No I/O.

What counts is what a reader sees as one character (字): a Chinese character, a letter, a digit, a
punctuation mark, an emoji of several code points, a letter with its accents. Spaces, line breaks
and whatever cannot be seen are free, so that paragraphs cost nothing and a line break is the same
to every browser. That is what Word calls 字符数(不计空格), by extended grapheme clusters of
Unicode UAX #29. `static/count_characters.js` counts alike while somebody types.
"""

from __future__ import annotations

import regex

_CLUSTER = regex.compile(r"\X")
_SEEN = regex.compile(r"[^\p{White_Space}\p{Cc}\p{Default_Ignorable_Code_Point}]")


def count_characters(text: str) -> int:
    """The characters of `text` as people count them."""
    return sum(1 for cluster in _CLUSTER.finditer(text) if _SEEN.search(cluster.group()))
