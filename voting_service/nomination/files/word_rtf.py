"""Word files as rich text (RTF), which offices often name .doc: what they may hold.

Only objects, and what reaches out or runs, are looked for here: a file is converted to the new
format afterwards, and cleaned like every other.
"""

from __future__ import annotations

import re

from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.nomination.files.word_fields import keeps_code
from voting_service.nomination.files.word_links import check_resource

RICH_TEXT_HEAD = b"{\\rtf"
MAX_CODE_BYTES = 2_000
"""Of a field's code with its formatting."""
_OBJECT = re.compile(
    rb"\\(obj(?:ect|data|ocx|emb|link|autlink|sub|pub|icemb|html|update))(?![a-z])"
)
_TEMPLATE = re.compile(rb"\\template(?![a-z])([^{}]{0,2000})")
_CODE = re.compile(rb"\\fldinst(?![a-z])")
_ESCAPED = re.compile(rb"\\'([0-9a-fA-F]{2})")
_CONTROL = re.compile(rb"\\\*|\\[a-z]+-?[0-9]* ?|[{}\r\n]")


def check_rich_text(content: bytes) -> None:
    """Check that rich text has no objects, and no fields or templates that reach out. Raises
    FileRejected."""
    if embedded := _OBJECT.search(content):
        raise FileRejected(RejectionReason.EMBEDDED, what=embedded[1].decode())
    for template in _TEMPLATE.finditer(content):
        check_resource(_plain(template[1]), "template")
    for code in _CODE.finditer(content):
        keeps_code(_plain(content[code.end() : code.end() + MAX_CODE_BYTES]))


def _plain(rich: bytes) -> str:
    """Return the text of a piece of rich text: up to the group's end, without formatting."""
    depth = 0
    for place, sign in enumerate(rich):
        depth += {0x7B: 1, 0x7D: -1}.get(sign, 0)
        if depth < 0:
            rich = rich[:place]
            break
    unescaped = _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), rich)
    text = _CONTROL.sub(b"", unescaped.replace(b"\\\\", b"\0")).replace(b"\0", b"\\")
    return text.decode("latin-1").strip()
