"""XML of a Word file, checked and written again while it is read.

What reaches out or runs is rejected: objects, controls, fields that fetch. What is harmless once
it is gone is left out: links, changes that were tracked (they are taken as accepted), comments,
the codes of fields whose result is all that counts. Names are compared without their namespace:
Word has two sets of namespaces for the same elements, and an unknown element of the same name
deserves no more trust.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol
from xml.parsers import expat

from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.nomination.files.word_fields import NESTED, keeps_code
from voting_service.nomination.files.word_links import check_hyperlink, check_resource

MAX_XML_BYTES = 16 * 2**20
"""Of one part: ten pages take less than one MiB in most files."""
MAX_DEPTH = 200
MAX_OPEN_FIELDS = 50
_MACROS = frozenset({"control", "ocx"})
_EMBEDDING = frozenset(
    {"altChunk", "subDoc", "object", "OLEObject", "oleObj", "script", "foreignObject", "frameset"}
)
_UNWRAPPED = frozenset({"hyperlink", "ins", "moveTo", "smartTag", "customXml"})
"""Only what they contain is written."""
_OMITTED = frozenset(
    {
        "del",
        "moveFrom",
        "rPrChange",
        "pPrChange",
        "sectPrChange",
        "tblPrChange",
        "tblPrExChange",
        "tblGridChange",
        "tcPrChange",
        "trPrChange",
        "numberingChange",
        "cellIns",
        "cellDel",
        "cellMerge",
        "commentRangeStart",
        "commentRangeEnd",
        "commentReference",
        "hlinkClick",
        "hlinkHover",
        "hlinkMouseOver",
        "smartTagPr",
        "customXmlPr",
        "dataBinding",
        "contentPart",
        "webVideoPr",
        "svgBlip",
        "externalData",
        "entryMacro",
        "exitMacro",
        "attachedTemplate",
        "mailMerge",
        "saveThroughXslt",
        "attachedSchema",
        "schemaLibrary",
        "docVars",
        "documentProtection",
        "writeProtection",
        "updateFields",
    }
)
_NEED_PART = frozenset({"headerReference", "footerReference"})
_ADDRESSES = frozenset({"href", "src", "althref"})
_SHAPES_WITH_LINK = frozenset(
    {"shape", "group", "rect", "roundrect", "oval", "line", "polyline", "arc", "curve", "a"}
)
_OMITTED_ATTRIBUTES = frozenset({"gfxdata"})
"""A Word file in an attribute."""
_LANGUAGES = frozenset({"lang", "themeFontLang"})
_HAVE_IDEOGRAPHS = ("zh", "ja", "ko")
_FIELD_PARTS = frozenset({"fldChar", "instrText", "delInstrText"})
_PRINTING = frozenset({"drawing", "pict", "sym", "oMath"})


class DocumentReader(Protocol):
    """Receives what is read; names have their prefix."""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None: ...
    def end(self, tag: str) -> None: ...
    def data(self, text: str) -> None: ...


def read_xml(content: bytes, reader: DocumentReader) -> None:
    """Parse `content` and pass it to `reader`. Raises FileRejected."""
    if len(content) > MAX_XML_BYTES:
        raise FileRejected(RejectionReason.BOMB)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _reject_document_type
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise FileRejected(RejectionReason.BROKEN) from None


def _reject_document_type(*_: object) -> None:
    raise FileRejected(RejectionReason.ENTITIES)


def local(name: str) -> str:
    """Return a name without its prefix. Raises FileRejected for a name with two."""
    prefix, _, rest = name.rpartition(":")
    if ":" in prefix:
        raise FileRejected(RejectionReason.BROKEN)
    return rest


def clean_xml(content: bytes, parts: Mapping[str, str | None]) -> tuple[bytes, bool]:
    """Return the XML that the converter may read, and whether it prints anything. `parts` is what
    each relationship id leads to, None where its target is left out. Raises FileRejected."""
    cleaner = XmlCleaner(parts)
    read_xml(content, cleaner)
    return cleaner.finished(), cleaner.prints


@dataclass
class _Field:
    """A field that is not closed yet; places are indices of the output."""

    begin: int
    code: str | None = ""
    """None once it is complete."""
    separate: int = 0
    is_kept: bool = True


@dataclass
class _Element:
    name: str
    place: int
    closing: str = ""
    omits: bool = False


class _Content(NamedTuple):
    """From where to where a piece of a run's content is written: text, a picture, or a mark of a
    field."""

    start: int
    end: int
    is_mark: bool


@dataclass
class XmlCleaner:
    """A Reader that writes clean XML."""

    parts: Mapping[str, str | None]
    prints: bool = False
    _out: list[str] = field(default_factory=list)
    _open: list[_Element] = field(default_factory=list)
    _omitting: int = 0
    _fields: list[_Field] = field(default_factory=list)
    _content: list[_Content] = field(default_factory=list)
    """In the order of their ends."""
    _mark: str = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = local(tag)
        if len(self._open) >= MAX_DEPTH:
            raise FileRejected(RejectionReason.BROKEN)
        if name in _MACROS:
            raise FileRejected(RejectionReason.MACROS)
        if name in _EMBEDDING:
            raise FileRejected(RejectionReason.EMBEDDED, what=name)
        own = {local(key): value for key, value in attributes.items()}
        element = _Element(name, len(self._out))
        self._open.append(element)
        if name == "fldChar":
            self._field_mark(own.get("fldCharType", ""))
        is_unwrapped = name in _UNWRAPPED or (
            name == "fldSimple" and not keeps_code(own.get("instr", ""))
        )
        kept = [
            f' {key}="{_attribute(_with_own_script(name, key, value))}"'
            for key, value in attributes.items()
            if self._keeps(name, key, value)
        ]
        element.omits = name in _OMITTED or (name in _NEED_PART and len(kept) < len(attributes))
        self._omitting += element.omits
        if not (self._omitting or is_unwrapped):
            self.prints = self.prints or name in _PRINTING
            self._out.append(f"<{tag}{''.join(kept)}>")
            element.closing = f"</{tag}>"

    def end(self, tag: str) -> None:
        element = self._open.pop()
        if element.closing:
            self._out.append(element.closing)
        self._omitting -= element.omits
        in_run = bool(self._open) and self._open[-1].name == "r" and element.name != "rPr"
        is_mark = element.name in _FIELD_PARTS
        if in_run or is_mark:
            self._content.append(_Content(element.place, len(self._out), is_mark))
        if element.name == "fldChar" and self._mark == "end":
            self._close_field(element.place)

    def data(self, text: str) -> None:
        inside = self._open[-1].name
        current = self._fields[-1] if self._fields else None
        if current and current.code is not None and (text.strip() or inside in _FIELD_PARTS):
            current.code += text
        elif inside in {"instrText", "delInstrText"}:  # belongs to no field, and is checked too
            keeps_code(text)
        if not self._omitting:
            self.prints = self.prints or (inside == "t" and bool(text.strip()))
            self._out.append(html.escape(text, quote=False).replace("\r", "&#13;"))

    def finished(self) -> bytes:
        """Return what was written, after fields that never end."""
        for unfinished in self._fields:
            keeps_code(unfinished.code or "")
            self._blank(unfinished.begin, len(self._out), marks_only=True)
        head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        return "".join([head, *self._out]).encode()

    def _keeps(self, element: str, key: str, value: str) -> bool:
        """Return whether an attribute is written. Raises FileRejected."""
        name = local(key)
        if ":" in key and value in self.parts:
            return self.parts[value] is not None
        if name in _ADDRESSES and not key.startswith("xmlns"):
            if element in _SHAPES_WITH_LINK:
                check_hyperlink(value)
            else:
                check_resource(value, element[:40])
            return False
        return name not in _OMITTED_ATTRIBUTES

    def _field_mark(self, kind: str) -> None:
        place = len(self._out)
        self._mark = kind
        if kind == "begin":
            if len(self._fields) >= MAX_OPEN_FIELDS:
                raise FileRejected(RejectionReason.BROKEN)
            if self._fields and (outer := self._fields[-1]).code is not None:
                outer.code += NESTED
            self._fields.append(_Field(place))
        elif kind in {"separate", "end"} and self._fields:
            current = self._fields[-1]
            if current.code is not None:
                current.is_kept = keeps_code(current.code)
                current.code, current.separate = None, place

    def _close_field(self, place: int) -> None:
        self._mark = ""
        if not self._fields:
            return
        closed = self._fields.pop()
        if not closed.is_kept:
            self._blank(closed.begin, closed.separate)
            self._blank(place, place)

    def _blank(self, first: int, last: int, *, marks_only: bool = False) -> None:
        """Leave out the content of runs that begins between two places."""
        for piece in reversed(self._content):
            if piece.end <= first:
                return
            if first <= piece.start <= last and (piece.is_mark or not marks_only):
                self._out[piece.start : piece.end] = [""] * (piece.end - piece.start)


def _with_own_script(element: str, key: str, value: str) -> str:
    """Return the value of an attribute; for ideographs a language that has some. An English Word
    marks Chinese text as English, and it would be printed with full stops in mid-line."""
    is_language = element in _LANGUAGES and local(key) == "eastAsia"
    return "zh-CN" if is_language and not value.lower().startswith(_HAVE_IDEOGRAPHS) else value


def _attribute(value: str) -> str:
    escaped = html.escape(value)
    return escaped.replace("\n", "&#10;").replace("\t", "&#9;").replace("\r", "&#13;")
