"""Pages of the evidence as people write them: `3-5, 8`, `第3至5页、第8页`. No I/O."""

from __future__ import annotations

import re
import unicodedata

_BEFORE_A_PAGE = re.compile(r"(?:第|[pP]{1,2}\.?)\s*")
_RANGE = re.compile(r"[\s页]*[-\u2010-\u2015~〜至到]\s*")
_BETWEEN = re.compile(r"[,、;和及页\s]+")
_PART = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?")


def pages_in(text: str) -> tuple[int, ...] | None:
    """The pages that `text` names, rising, each once; none for a blank text.

    None when it cannot be read, names page 0 or a range backwards. At most 9,999 pages.
    """
    bare = _RANGE.sub("-", _BEFORE_A_PAGE.sub("", unicodedata.normalize("NFKC", text)))
    pages: set[int] = set()
    for part in filter(None, _BETWEEN.split(bare)):
        read = _PART.fullmatch(part)
        if read is None:
            return None
        first = int(read[1])
        last = int(read[2] or first)
        if not 1 <= first <= last:
            return None
        pages.update(range(first, last + 1))
    return tuple(sorted(pages))
