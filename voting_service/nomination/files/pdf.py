"""Examination of a PDF: its pages are counted; active, hidden or oversized content is rejected.

Every object in the cross-reference table is checked, whether a page uses it or not. Names are
those of ISO 32000-2, compared after pypdf has decoded them, so that object streams and
`#`-escapes make no difference.
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

from voting_service.nomination.files.content_safety import (
    MAX_PIXELS,
    MAX_UNPACKED_BYTES,
    check_picture,
    holds_markup,
    is_web_link,
)
from voting_service.nomination.files.rejections import FileRejected, RejectionReason

MAX_OBJECTS = 50_000
"""A tagged document of ten pages has a few thousand."""
MAX_OBJECT_STREAM_BYTES = 16 * 2**20
MAX_TREE_DEPTH = 32
MAX_TRAILING_BYTES = 1024
"""Line ends and padding after the last %%EOF."""
MIN_SIDE_POINTS, MAX_SIDE_POINTS = 72.0, 14_400.0
"""One inch, and the largest side that readers accept. Phones write one point for each pixel, so a
page may be large."""
MAX_SIDES_RATIO = 3.0
"""A longer page is a strip of several pages."""
_CHUNK_BYTES = 2**20

_ACTIONS = frozenset(
    {
        "/JavaScript",
        "/Launch",
        "/SubmitForm",
        "/ImportData",
        "/GoToR",
        "/GoToE",
        "/Rendition",
        "/Movie",
        "/Sound",
        "/Thread",
        "/RichMediaExecute",
        "/GoTo3DView",
        "/Hide",
        "/SetOCGState",
    }
)
_KEYS = frozenset(
    {
        "/JS",
        "/JavaScript",
        "/Launch",
        "/XFA",
        "/RichMediaContent",
        "/RichMediaSettings",
    }
)
_EMBEDDING_KEYS = frozenset({"/EF", "/EmbeddedFile", "/EmbeddedFiles", "/Collection", "/RF"})
_SUBTYPES = frozenset(
    {
        "/RichMedia",
        "/3D",
        "/Screen",
        "/Movie",
        "/Sound",
        "/FileAttachment",
        "/PS",
    }
)
_OPENING_ACTIONS = frozenset({"/GoTo"})
_PLAIN_TEXT_NAMES = re.compile(rb"/(JavaScript|Launch|EmbeddedFile|RichMedia|XFA)\b")
"""Also outside the table: some readers repair a file and find it."""
_DENSE = frozenset(
    {
        "/FlateDecode",
        "/Fl",
        "/LZWDecode",
        "/LZW",
        "/RunLengthDecode",
        "/RL",
        "/BrotliDecode",
    }
)
_FLATE = frozenset({"/FlateDecode", "/Fl"})
_TEXTUAL = frozenset({"/ASCII85Decode", "/A85", "/ASCIIHexDecode", "/AHx"})


def count_pages(content: bytes, limit: int) -> int:
    """Return the number of pages, at most `limit`. Raises FileRejected."""
    _check_shape(content)
    try:
        with apply_configuration(
            zlib_maximum_output_length=MAX_OBJECT_STREAM_BYTES,
            lzw_maximum_output_length=MAX_OBJECT_STREAM_BYTES,
            run_length_maximum_output_length=MAX_OBJECT_STREAM_BYTES,
        ):
            return _examine(content, limit)
    except (FileRejected, MemoryError):
        raise
    except Exception:  # a damaged file makes pypdf fail in dozens of ways
        raise FileRejected(RejectionReason.BROKEN) from None


def _check_shape(content: bytes) -> None:
    """Check that the file is one PDF from the first byte to the last and nothing else."""
    if zipfile.is_zipfile(io.BytesIO(content)) or holds_markup(content[:1024]):
        raise FileRejected(RejectionReason.DISGUISED)
    end = content.rfind(b"%%EOF")
    if end < 0:
        raise FileRejected(RejectionReason.BROKEN)
    trailing = content[end + len(b"%%EOF") :]
    if len(trailing) > MAX_TRAILING_BYTES or trailing.strip(b"\0\t\n\f\r "):
        raise FileRejected(RejectionReason.DISGUISED)
    plain_name = _PLAIN_TEXT_NAMES.search(content)
    if plain_name and plain_name[1] == b"EmbeddedFile":
        raise FileRejected(RejectionReason.EMBEDDED, what="EmbeddedFile")
    if plain_name:
        raise FileRejected(RejectionReason.ACTIVE, what=plain_name[1].decode())


def _examine(content: bytes, limit: int) -> int:
    # Checked before pypdf asks for the password.
    if re.search(rb"/Encrypt\b", content[-4096:]):
        raise FileRejected(RejectionReason.ENCRYPTED)
    reader = PdfReader(io.BytesIO(content), strict=True)
    if "/Encrypt" in reader.trailer:
        raise FileRejected(RejectionReason.ENCRYPTED)
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
    """Count the leaves of the page tree without trusting its counts; stop above `limit`."""
    root = reader.root_object
    waiting: list[tuple[Any, Any, int]] = [(dict.get(root, "/Pages"), None, 0)]
    seen: set[tuple[int, int]] = set()
    pages = 0
    while waiting:
        node, box, depth = waiting.pop()
        if isinstance(node, IndirectObject):
            key = (node.idnum, node.generation)
            if key in seen:
                raise FileRejected(RejectionReason.BROKEN)
            seen.add(key)
            node = node.get_object()
        if not isinstance(node, DictionaryObject) or depth > MAX_TREE_DEPTH:
            raise FileRejected(RejectionReason.BROKEN)
        box = _value(node, "/MediaBox", box)
        kids = _value(node, "/Kids")
        if kids is None:
            pages += 1
            if pages > limit:
                raise FileRejected(RejectionReason.TOO_MANY_PAGES, limit=limit)
            if _value(node, "/Type") != "/Page":
                raise FileRejected(RejectionReason.BROKEN)
            if not _is_paper(box, _value(node, "/UserUnit", 1)):
                raise FileRejected(RejectionReason.ODD_PAGE, page=pages)
        elif isinstance(kids, ArrayObject) and _value(node, "/Type") == "/Pages":
            waiting.extend((kid, box, depth + 1) for kid in reversed(kids))
        else:
            raise FileRejected(RejectionReason.BROKEN)
    if pages == 0:
        raise FileRejected(RejectionReason.NO_PAGES)
    stated = _value(_value(root, "/Pages"), "/Count")
    if stated != pages:  # some readers rely on it
        raise FileRejected(RejectionReason.FALSE_COUNT, stated=str(stated)[:20])
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
    """Check that opening the file does nothing except show a page."""
    opening = _value(root, "/OpenAction")
    if isinstance(opening, DictionaryObject) and _value(opening, "/S") not in _OPENING_ACTIONS:
        raise FileRejected(RejectionReason.ACTIVE, what="OpenAction")


def _objects(reader: PdfReader) -> Iterator[Any]:
    """Yield every object in the cross-reference table."""
    named = [
        (number, generation)
        for generation, numbers in reader.xref.items()
        for number in numbers
        if not reader.xref_free_entry.get(generation, {}).get(number)
    ]
    named += [(number, 0) for number in reader.xref_objStm]
    if len(named) > MAX_OBJECTS:
        raise FileRejected(RejectionReason.BOMB)
    yield reader.trailer
    for number, generation in named:
        yield IndirectObject(number, generation, reader).get_object()


def _parts(item: Any) -> Iterator[DictionaryObject]:
    """Yield the dictionaries in an object, itself included; references are objects of their own."""
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
        raise FileRejected(RejectionReason.ACTIVE, what=str(kind).lstrip("/"))
    if kind == "/URI":
        _check_link(_value(part, "/URI"))
    for key in part.keys() & _KEYS:
        raise FileRejected(RejectionReason.ACTIVE, what=str(key).lstrip("/"))
    for key in part.keys() & _EMBEDDING_KEYS:
        raise FileRejected(RejectionReason.EMBEDDED, what=str(key).lstrip("/"))
    if (subtype := _value(part, "/Subtype")) in _SUBTYPES:
        raise FileRejected(RejectionReason.EMBEDDED, what=str(subtype).lstrip("/"))
    # A resource may also be called /AA; fonts and pictures have a /Type, actions do not.
    acting = _value(part, "/AA")
    if isinstance(acting, DictionaryObject) and "/Type" not in acting and len(acting):
        raise FileRejected(RejectionReason.ACTIVE, what="AA")
    if isinstance(part, StreamObject) and part.keys() & {"/F", "/FFilter"}:
        raise FileRejected(RejectionReason.EXTERNAL, what="F")
    if subtype == "/Form" and "/Ref" in part:
        raise FileRejected(RejectionReason.EXTERNAL, what="Ref")


def _check_link(address: Any) -> None:
    if isinstance(address, ByteStringObject):
        address = address.decode("latin-1")
    if not isinstance(address, TextStringObject | str):
        raise FileRejected(RejectionReason.BROKEN)
    plain = address.strip()
    if not is_web_link(plain):
        raise FileRejected(RejectionReason.EXTERNAL, what=plain.partition(":")[0][:12] or "URI")


def _unpacked_bytes(stream: StreamObject, left_bytes: int) -> int:
    """Return the size of a stream once decompressed, without keeping it. Raises FileRejected above
    `left_bytes`, and for a stream that is compressed twice, which no scan is."""
    filters = _value(stream, "/Filter", [])
    names = [
        str(_resolved(name))
        for name in (filters if isinstance(filters, ArrayObject) else [filters] if filters else [])
    ]
    data: bytes = stream._data  # get_data would unpack all of it
    dense = [name for name in names if name in _DENSE]
    if len(dense) > 1 or any(name not in _FLATE for name in dense):
        raise FileRejected(RejectionReason.BOMB)
    if _value(stream, "/Subtype") == "/Image":
        sides = [_value(stream, side, 0) for side in ("/Width", "/Height")]
        if math.prod(int(side) for side in sides) > MAX_PIXELS:
            raise FileRejected(RejectionReason.BOMB)
        if names in (["/DCTDecode"], ["/JPXDecode"]):
            check_picture(data)
    if not dense:
        return len(data)
    before = names[: names.index(dense[0])]
    if any(name not in _TEXTUAL for name in before):
        raise FileRejected(RejectionReason.BROKEN)
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
    """A truncated or padded stream counts as far as it can be read, as readers show it."""
    unpacking = zlib.decompressobj()
    size = 0
    while data and not unpacking.eof:
        try:
            size += len(unpacking.decompress(data, _CHUNK_BYTES))
        except zlib.error:
            break
        if size > left_bytes:
            raise FileRejected(RejectionReason.BOMB)
        data = unpacking.unconsumed_tail
    return size


def _value(part: Any, key: str, otherwise: Any = None) -> Any:
    return _resolved(dict.get(part, key, otherwise))


def _resolved(item: Any) -> Any:
    return item.get_object() if isinstance(item, IndirectObject) else item
