"""Streaming checks of Word's XML: active content and links outside the file are rejected.

Names are compared without their namespace: Word has two sets of namespaces for the same elements,
and an unknown element of the same name deserves no more trust.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from voting_service.nomination.files.content_safety import is_web_link
from voting_service.nomination.files.rejections import FileRejected, RejectionReason

MAX_DEPTH = 200
_MACROS = frozenset({"control", "ocx"})
_EMBEDDING = frozenset({"altChunk", "subDoc", "object", "OLEObject", "script", "foreignObject"})
_HARMLESS_FIELDS = frozenset(
    {
        "PAGE",
        "NUMPAGES",
        "SECTION",
        "SECTIONPAGES",
        "DATE",
        "TIME",
        "CREATEDATE",
        "SAVEDATE",
        "PRINTDATE",
        "EDITTIME",
        "TOC",
        "TC",
        "INDEX",
        "XE",
        "REF",
        "PAGEREF",
        "NOTEREF",
        "STYLEREF",
        "BOOKMARKREF",
        "HYPERLINK",
        "SEQ",
        "SYMBOL",
        "EQ",
        "ADVANCE",
        "TITLE",
        "SUBJECT",
        "AUTHOR",
        "KEYWORDS",
        "COMMENTS",
        "LASTSAVEDBY",
        "REVNUM",
        "FILENAME",
        "FILESIZE",
        "NUMWORDS",
        "NUMCHARS",
        "FORMTEXT",
        "FORMCHECKBOX",
        "FORMDROPDOWN",
        "LISTNUM",
        "SHAPE",
        "=",
    }
)
_MACRO_TYPES = ("macroenabled", "vba", "activex", "control", "toolbar", "keymap")
_EMBEDDING_TYPES = (
    "oleobject",
    "package",
    "afchunk",
    "subdocument",
    "attachedtemplate",
    "frame",
)
_WORD = re.compile(r'["“”][^"“”]*["“”]|[^\s"“”]+')
_SWITCHES_WITH_WORD = frozenset({"\\l", "\\o", "\\t", "\\*"})
_UNKNOWN = "\ufffc"
"""Placeholder in a field's code for the result of a nested field."""


def read_xml(content: bytes, target: Checks) -> None:
    """Parse `content` into `target`. Raises FileRejected."""
    parser = DefusedXMLParser(target=target, forbid_dtd=True)
    try:
        parser.feed(content)
        parser.close()
    except DefusedXmlException:
        raise FileRejected(RejectionReason.ENTITIES) from None
    except (ParseError, ValueError, LookupError):
        raise FileRejected(RejectionReason.BROKEN) from None


@dataclass
class Checks:
    """Parser target that rejects what no part of a Word file may contain. It also collects
    relationships and content types."""

    links: dict[str, str] = field(default_factory=dict)
    """Target of each relationship, by the last word of its type."""
    parts: dict[str, str] = field(default_factory=dict)
    """Content type of each part."""
    _depth: int = 0
    _fields: list[str | None] = field(default_factory=list)
    """Codes of the open fields; None once a code is complete."""
    _in_code: int = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FileRejected(RejectionReason.BROKEN)
        name = local(tag)
        if name in _MACROS:
            raise FileRejected(RejectionReason.MACROS)
        if name in _EMBEDDING:
            raise FileRejected(RejectionReason.EMBEDDED, what=name)
        own = {local(key): value for key, value in attributes.items()}
        match name:
            case "Relationship":
                self._relationship(own)
            case "Override" | "Default":
                self._content_type(own)
            case "fldSimple":
                _check_field(own.get("instr", ""))
            case "fldChar":
                self._field_mark(own.get("fldCharType", ""))
            case "instrText" | "delInstrText":
                self._in_code += 1
        self.opened(name, own)

    def end(self, tag: str) -> None:
        self._depth -= 1
        name = local(tag)
        if name in {"instrText", "delInstrText"}:
            self._in_code -= 1
        self.closed(name)

    def data(self, text: str) -> None:
        if not self._in_code:
            self.text(text)
        elif self._fields and (code := self._fields[-1]) is not None:
            self._fields[-1] = code + text
        else:  # outside a field nothing runs, but it is checked too
            self._fields.append(text)

    def close(self) -> None:
        for code in self._fields:
            _check_field(code or "")

    def opened(self, name: str, attributes: Mapping[str, str]) -> None:
        """Hook for subclasses."""

    def closed(self, name: str) -> None:
        """Hook for subclasses."""

    def text(self, text: str) -> None:
        """Hook for subclasses."""

    def _relationship(self, own: Mapping[str, str]) -> None:
        kind = own.get("Type", "").rpartition("/")[2]
        lowered = kind.lower()
        if any(word in lowered for word in _MACRO_TYPES):
            raise FileRejected(RejectionReason.MACROS)
        if own.get("TargetMode", "").lower() == "external":
            if lowered != "hyperlink" or not is_web_link(own.get("Target", "")):
                raise FileRejected(RejectionReason.EXTERNAL, what=kind[:40])
        elif any(word in lowered for word in _EMBEDDING_TYPES):
            raise FileRejected(RejectionReason.EMBEDDED, what=kind[:40])
        self.links[kind] = own.get("Target", "")

    def _content_type(self, own: Mapping[str, str]) -> None:
        kind = own.get("ContentType", "").lower()
        if any(word in kind for word in _MACRO_TYPES):
            raise FileRejected(RejectionReason.MACROS)
        if any(word in kind for word in _EMBEDDING_TYPES if word != "package"):
            raise FileRejected(RejectionReason.EMBEDDED, what=kind.rpartition(".")[2][:40])
        if "PartName" in own:
            self.parts[own["PartName"].removeprefix("/")] = own.get("ContentType", "")

    def _field_mark(self, kind: str) -> None:
        if kind == "begin":
            if self._fields and (outer := self._fields[-1]) is not None:
                self._fields[-1] = outer + _UNKNOWN
            self._fields.append("")
        elif kind == "separate" and self._fields:
            _check_field(self._fields[-1] or "")
            self._fields[-1] = None
        elif kind == "end" and self._fields:
            _check_field(self._fields.pop() or "")


def _check_field(code: str) -> None:
    words = _WORD.findall(code)
    if not words:
        return
    name = "=" if words[0].startswith("=") else words[0].upper()
    if name not in _HARMLESS_FIELDS:
        raise FileRejected(RejectionReason.FIELD, what=name.replace(_UNKNOWN, "…")[:20])
    if name == "HYPERLINK":
        before = ""
        for word in words[1:]:
            is_switch = word.startswith("\\") and len(word) == 2
            address = word.strip('"“”')
            if (
                not is_switch
                and before not in _SWITCHES_WITH_WORD
                and (_UNKNOWN in address or not is_web_link(address))
            ):
                raise FileRejected(RejectionReason.EXTERNAL, what="HYPERLINK")
            before = word.lower()


def local(name: str) -> str:
    return name.rpartition("}")[2]
