"""What the fields of a Word file may do.

A field has a code and the result that Word showed last. Only fields whose result depends on the
page keep their code; of all others the converter sees the result as text.
"""

from __future__ import annotations

import re
from itertools import pairwise

from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.nomination.files.word_links import check_hyperlink, check_resource

NESTED = "\ufffc"
"""Placeholder in a field's code for the result of a nested field."""
_KEPT = frozenset(
    {
        "PAGE",
        "NUMPAGES",
        "SECTIONPAGES",
        "SECTION",
        "EQ",
        "SYMBOL",
        "FORMTEXT",
        "FORMCHECKBOX",
        "FORMDROPDOWN",
    }
)
_REFUSED = frozenset(
    {
        "DDE",
        "DDEAUTO",
        "LINK",
        "INCLUDE",
        "INCLUDETEXT",
        "IMPORT",
        "DATABASE",
        "EMBED",
        "RD",
        "CONTROL",
        "HTMLCONTROL",
        "OCX",
    }
)
"""They take in or run something, wherever it is."""
_WORD = re.compile(r'["“”][^"“”]*["“”]|[^\s"“”]+')
_SWITCHES_WITH_WORD = frozenset({"\\l", "\\o", "\\t", "\\*", "\\n", "\\c"})


def keeps_code(code: str) -> bool:
    """Return whether a field keeps its code. Raises FileRejected for what reaches out or runs."""
    words = _WORD.findall(code)
    if not words:
        return False
    name = words[0].upper()
    if name in _REFUSED or NESTED in name:
        raise FileRejected(RejectionReason.FIELD, what=name.replace(NESTED, "…")[:20])
    if name == "HYPERLINK":
        for address in _addresses(words):
            if NESTED in address:
                raise FileRejected(RejectionReason.EXTERNAL, what=name)
            check_hyperlink(address)
    elif name == "INCLUDEPICTURE":
        for address in _addresses(words):
            if NESTED in address:
                raise FileRejected(RejectionReason.FIELD, what=name)
            check_resource(address, name)
    return name in _KEPT


def _addresses(words: list[str]) -> list[str]:
    """Return the words of a code that are neither its name nor switches nor what these take."""
    addresses = []
    for before, word in pairwise(words):
        is_switch = word.startswith("\\") and len(word) == 2
        if not is_switch and before.lower() not in _SWITCHES_WITH_WORD:
            addresses.append(word.strip('"“”'))
    return addresses
