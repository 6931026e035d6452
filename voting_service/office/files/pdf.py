"""What is in a PDF: its pages, counted, and nothing that acts, hides or swells.

Every object that the cross-reference table names is looked at, whether a page needs it or not.
What is refused is named by the PDF's own words (ISO 32000-2), so that no other way to write it
(object streams, `#`-escapes in names) makes a difference: pypdf has undone those.
"""

from __future__ import annotations

import base64
import binascii
import io
import math
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from pypdf import PdfReader, apply_configuration
from pypdf.generic import (
    ArrayObject,
    ByteStringObject,
    DictionaryObject,
    IndirectObject,
    StreamObject,
    TextStringObject,
)

from voting_service.office.files.bounds import (
    MAX_PIXELS,
    MAX_UNPACKED_BYTES,
    check_picture,
    holds_markup,
    is_web_link,
)
from voting_service.office.files.refusals import FileRefused, Reason

MAX_OBJECTS = 50_000
"""A tagged document of ten pages has a few thousand."""
MAX_OBJECT_STREAM_BYTES = 16 * 2**20
MAX_TREE_DEPTH = 32
MAX_TRAILING_BYTES = 1024
"""Line ends and padding behind the last %%EOF."""
MIN_SIDE_POINTS, MAX_SIDE_POINTS = 72.0, 14_400.0
"""An inch; and what readers take. Phones write a point for each pixel, so a page may be large."""
MAX_SIDES_RATIO = 3.0
"""Longer is a strip that holds several pages."""
_CHUNK_BYTES = 2**20

_ACTIONS = frozenset({
    "/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/GoToR", "/GoToE", "/Rendition",
    "/Movie", "/Sound", "/Thread", "/RichMediaExecute", "/GoTo3DView", "/Hide", "/SetOCGState",
})  # fmt: skip
_KEYS = frozenset({
    "/JS", "/JavaScript", "/Launch", "/XFA", "/RichMediaContent", "/RichMediaSettings",
})  # fmt: skip
_EMBEDDING_KEYS = frozenset({"/EF", "/EmbeddedFile", "/EmbeddedFiles", "/Collection", "/RF"})
_SUBTYPES = frozenset({
    "/RichMedia", "/3D", "/Screen", "/Movie", "/Sound", "/FileAttachment", "/PS",
})  # fmt: skip
_OPENING_ACTIONS = frozenset({"/GoTo"})
_SPELT_OUT = re.compile(rb"/(JavaScript|Launch|EmbeddedFile|RichMedia|XFA)\b")
"""Also where no table names it: some readers mend a file and find it."""
_DENSE = frozenset({
    "/FlateDecode", "/Fl", "/LZWDecode", "/LZW", "/RunLengthDecode", "/RL", "/BrotliDecode",
})  # fmt: skip
_FLATE = frozenset({"/FlateDecode", "/Fl"})
_TEXTUAL = frozenset({"/ASCII85Decode", "/A85", "/ASCIIHexDecode", "/AHx"})


def count_pages(content: bytes, limit: int) -> int:
    """The number of pages, at most `limit`. Raises FileRefused."""
    _check_shape(content)
    try:
        with apply_configuration(
            zlib_maximum_output_length=MAX_OBJECT_STREAM_BYTES,
            lzw_maximum_output_length=MAX_OBJECT_STREAM_BYTES,
            run_length_maximum_output_length=MAX_OBJECT_STREAM_BYTES,
        ):
            return _examine(content, limit)
    except (FileRefused, MemoryError):
        raise
    except Exception:  # a broken file breaks its reader in dozens of ways, which all mean this
        raise FileRefused(Reason.BROKEN) from None


def _check_shape(content: bytes) -> None:
    """One PDF from the first byte to the last, and nothing else at the same time."""
    if zipfile.is_zipfile(io.BytesIO(content)) or holds_markup(content[:1024]):
        raise FileRefused(Reason.DISGUISED)
    end = content.rfind(b"%%EOF")
    if end < 0:
        raise FileRefused(Reason.BROKEN)
    behind = content[end + len(b"%%EOF") :]
    if len(behind) > MAX_TRAILING_BYTES or behind.strip(b"\0\t\n\f\r "):
        raise FileRefused(Reason.DISGUISED)
    spelt_out = _SPELT_OUT.search(content)
    if spelt_out and spelt_out[1] == b"EmbeddedFile":
        raise FileRefused(Reason.EMBEDDED, what="EmbeddedFile")
    if spelt_out:
        raise FileRefused(Reason.ACTIVE, what=spelt_out[1].decode())


def _examine(content: bytes, limit: int) -> int:
    # pypdf asks for the password first, and fails in its own words where it cannot.
    if re.search(rb"/Encrypt\b", content[-4096:]):
        raise FileRefused(Reason.ENCRYPTED)
    reader = PdfReader(io.BytesIO(content), strict=True)
    if "/Encrypt" in reader.trailer:
        raise FileRefused(Reason.ENCRYPTED)
    pages = _walk_pages(reader, limit)
    _check_opening(reader.root_object)
    unpacked = 0
    for item in _objects(reader):
        for part in _parts(item):
            _check_dictionary(part)
        if isinstance(item, StreamObject):
            unpacked += _unpacked_bytes(item, MAX_UNPACKED_BYTES - unpacked)
    return pages


def _walk_pages(reader: PdfReader, limit: int) -> int:
    """Counts leaves, whatever the nodes say of themselves, and stops at the first in excess."""
    root = reader.root_object
    waiting: list[tuple[Any, Any, int]] = [(dict.get(root, "/Pages"), None, 0)]
    seen: set[tuple[int, int]] = set()
    pages = 0
    while waiting:
        node, box, depth = waiting.pop()
        if isinstance(node, IndirectObject):
            key = (node.idnum, node.generation)
            if key in seen:
                raise FileRefused(Reason.BROKEN)
            seen.add(key)
            node = node.get_object()
        if not isinstance(node, DictionaryObject) or depth > MAX_TREE_DEPTH:
            raise FileRefused(Reason.BROKEN)
        box = _value(node, "/MediaBox", box)
        kids = _value(node, "/Kids")
        if kids is None:
            pages += 1
            if pages > limit:
                raise FileRefused(Reason.TOO_MANY_PAGES, limit=limit)
            if _value(node, "/Type") != "/Page":
                raise FileRefused(Reason.BROKEN)
            if not _is_paper(box, _value(node, "/UserUnit", 1)):
                raise FileRefused(Reason.ODD_PAGE, page=pages)
        elif isinstance(kids, ArrayObject) and _value(node, "/Type") == "/Pages":
            waiting.extend((kid, box, depth + 1) for kid in reversed(kids))
        else:
            raise FileRefused(Reason.BROKEN)
    if pages == 0:
        raise FileRefused(Reason.NO_PAGES)
    said = _value(_value(root, "/Pages"), "/Count")
    if said != pages:  # some readers believe it
        raise FileRefused(Reason.FALSE_COUNT, said=str(said)[:20])
    return pages


def _is_paper(box: Any, unit: Any) -> bool:
    if not isinstance(box, ArrayObject) or len(box) != 4:
        return False
    left, bottom, right, top = (float(_resolved(side)) for side in box)
    width, height = abs(right - left) * float(unit), abs(top - bottom) * float(unit)
    return (
        math.isfinite(width)
        and math.isfinite(height)
        and min(width, height) >= MIN_SIDE_POINTS
        and max(width, height) <= MAX_SIDE_POINTS
        and max(width, height) <= MAX_SIDES_RATIO * min(width, height)
    )


def _check_opening(root: DictionaryObject) -> None:
    """What happens when the file is opened: nothing, or a page is shown."""
    opening = _value(root, "/OpenAction")
    if isinstance(opening, DictionaryObject) and _value(opening, "/S") not in _OPENING_ACTIONS:
        raise FileRefused(Reason.ACTIVE, what="OpenAction")


def _objects(reader: PdfReader) -> Iterator[Any]:
    """Everything that the cross-reference table names."""
    named = [
        (number, generation)
        for generation, numbers in reader.xref.items()
        for number in numbers
        if not reader.xref_free_entry.get(generation, {}).get(number)
    ]
    named += [(number, 0) for number in reader.xref_objStm]
    if len(named) > MAX_OBJECTS:
        raise FileRefused(Reason.BOMB)
    yield reader.trailer
    for number, generation in named:
        yield IndirectObject(number, generation, reader).get_object()


def _parts(item: Any) -> Iterator[DictionaryObject]:
    """The dictionaries in an object, itself included; references lead to objects of their own."""
    waiting = [item]
    while waiting:
        part = waiting.pop()
        if isinstance(part, DictionaryObject):
            yield part
            waiting.extend(dict.values(part))
        elif isinstance(part, ArrayObject):
            waiting.extend(part)


def _check_dictionary(part: DictionaryObject) -> None:
    kind = _value(part, "/S")
    if kind in _ACTIONS:
        raise FileRefused(Reason.ACTIVE, what=str(kind).lstrip("/"))
    if kind == "/URI":
        _check_link(_value(part, "/URI"))
    for key in part.keys() & _KEYS:
        raise FileRefused(Reason.ACTIVE, what=str(key).lstrip("/"))
    for key in part.keys() & _EMBEDDING_KEYS:
        raise FileRefused(Reason.EMBEDDED, what=str(key).lstrip("/"))
    if (subtype := _value(part, "/Subtype")) in _SUBTYPES:
        raise FileRefused(Reason.EMBEDDED, what=str(subtype).lstrip("/"))
    # A resource may be called /AA as well; fonts and pictures say what they are, actions do not.
    acting = _value(part, "/AA")
    if isinstance(acting, DictionaryObject) and "/Type" not in acting and len(acting):
        raise FileRefused(Reason.ACTIVE, what="AA")
    if isinstance(part, StreamObject) and part.keys() & {"/F", "/FFilter"}:
        raise FileRefused(Reason.EXTERNAL, what="F")
    if subtype == "/Form" and "/Ref" in part:
        raise FileRefused(Reason.EXTERNAL, what="Ref")


def _check_link(address: Any) -> None:
    if isinstance(address, ByteStringObject):
        address = address.decode("latin-1")
    if not isinstance(address, TextStringObject | str):
        raise FileRefused(Reason.BROKEN)
    plain = address.strip()
    if not is_web_link(plain):
        raise FileRefused(Reason.EXTERNAL, what=plain.partition(":")[0][:12] or "URI")


def _unpacked_bytes(stream: StreamObject, left_bytes: int) -> int:
    """How large a stream is once unpacked, without keeping it. Raises FileRefused beyond
    `left_bytes`, and for what is compressed twice: nobody does that to a scan."""
    filters = _value(stream, "/Filter", [])
    names = [
        str(_resolved(name))
        for name in (filters if isinstance(filters, ArrayObject) else [filters] if filters else [])
    ]
    data: bytes = stream._data  # get_data would unpack all of it
    dense = [name for name in names if name in _DENSE]
    if len(dense) > 1 or any(name not in _FLATE for name in dense):
        raise FileRefused(Reason.BOMB)
    if _value(stream, "/Subtype") == "/Image":
        sides = [_value(stream, side, 0) for side in ("/Width", "/Height")]
        if math.prod(int(side) for side in sides) > MAX_PIXELS:
            raise FileRefused(Reason.BOMB)
        if names in (["/DCTDecode"], ["/JPXDecode"]):
            check_picture(data)
    if not dense:
        return len(data)
    before = names[: names.index(dense[0])]
    if any(name not in _TEXTUAL for name in before):
        raise FileRefused(Reason.BROKEN)
    return _inflated_bytes(_from_text(data, before), left_bytes)


def _from_text(data: bytes, filters: list[str]) -> bytes:
    for name in filters:
        if name in {"/ASCIIHexDecode", "/AHx"}:
            digits = b"".join(data.partition(b">")[0].split())
            data = binascii.unhexlify(digits + b"0" * (len(digits) % 2))
        else:
            body = data.strip().removeprefix(b"<~").partition(b"~>")[0]
            data = base64.a85decode(body, ignorechars=b" \t\n\r\v\f\0")
    return data


def _inflated_bytes(data: bytes, left_bytes: int) -> int:
    """A cut or padded stream counts as far as it goes: readers show it so."""
    unpacking = zlib.decompressobj()
    size = 0
    while data and not unpacking.eof:
        try:
            size += len(unpacking.decompress(data, _CHUNK_BYTES))
        except zlib.error:
            break
        if size > left_bytes:
            raise FileRefused(Reason.BOMB)
        data = unpacking.unconsumed_tail
    return size


def _value(part: Any, key: str, otherwise: Any = None) -> Any:
    return _resolved(dict.get(part, key, otherwise))


def _resolved(item: Any) -> Any:
    return item.get_object() if isinstance(item, IndirectObject) else item
