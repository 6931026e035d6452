"""Parser of page numbers as people write them: `3-5, 8`, or with Chinese words. No I/O."""

from __future__ import annotations

import re
import unicodedata

from voting_service.i18n.patterns import load_patterns

_WORDS = load_patterns(__package__)
_PREFIX = re.compile(rf"(?:{_WORDS['ordinal']}|[pP]{{1,2}}\.?)\s*")
_RANGE = re.compile(rf"[\s{_WORDS['page']}]*[-\u2010-\u2015~〜{_WORDS['to']}]\s*")
_SEPARATOR = re.compile(rf"[,、;{_WORDS['and']}{_WORDS['page']}\s]+")
_PART = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?")


def parse_page_ranges(text: str) -> tuple[int, ...] | None:
    """Return the page numbers in ascending order, each once; an empty tuple for a blank text.

    Returns None for text that cannot be read, page 0 or a reversed range. Numbers go up to 9,999.
    """
    plain = _RANGE.sub("-", _PREFIX.sub("", unicodedata.normalize("NFKC", text)))
    pages: set[int] = set()
    for part in filter(None, _SEPARATOR.split(plain)):
        match = _PART.fullmatch(part)
        if match is None:
            return None
        first = int(match[1])
        last = int(match[2] or first)
        if not 1 <= first <= last:
            return None
        pages.update(range(first, last + 1))
    return tuple(sorted(pages))


def format_page_ranges(text: str) -> str:
    """Return page numbers as documents print them, `1、3—5`; another text stays as it is."""
    pages = parse_page_ranges(text)
    if pages is None:
        return text.strip()
    runs: list[list[int]] = []
    for page in pages:
        if runs and page == runs[-1][-1] + 1:
            runs[-1][1:] = [page]
        else:
            runs.append([page])
    return "\u3001".join("\u2014".join(map(str, run)) for run in runs)
