"""What a PDF must not contain, and how large its contents may be when unpacked.

Refused is what runs, what fetches something by itself, and what hides a file. What merely points
somewhere (links, an opening view, bookmarks) does nothing until it is touched; pdf.py leaves it
behind. Names are those of ISO 32000-2, as qpdf decodes them, so that object streams and
`#`-escapes make no difference.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import Any

from pikepdf import Array, Dictionary, Name, Object, Pdf, Stream, String

from voting_service.nomination.files.content_safety import (
    MAX_PIXELS,
    MAX_UNPACKED_BYTES,
    check_picture,
)
from voting_service.nomination.files.rejections import FileRejected, RejectionReason

MAX_OBJECTS = 100_000
"""A tagged document of ten pages has a few thousand, a drawing more."""
MAX_DATA_BYTES = 4 * 2**20
"""Of attached XML, such as the figures of an electronic invoice."""
_CHUNK_BYTES = 2**20

_ACTIONS = frozenset(
    {
        "/JavaScript",
        "/Launch",
        "/SubmitForm",
        "/ImportData",
        "/Rendition",
        "/Movie",
        "/Sound",
        "/RichMediaExecute",
        "/GoTo3DView",
    }
)
_RUNNING_KEYS = frozenset({"/JS", "/XFA", "/RichMediaContent", "/RichMediaSettings"})
_EMBEDDING_SUBTYPES = frozenset(
    {"/RichMedia", "/3D", "/Screen", "/Movie", "/Sound", "/FileAttachment", "/PS"}
)
_REACHING_LINK = re.compile(
    r"\s*(?:javascript|vbscript|data|smb|nfs|ms-[a-z-]+|search-ms|shell|jar)\s*:"
    r"|\s*(?:file:)?(?:[\\/]{2}|[\\/]{4,5})[^\\/]",
    re.IGNORECASE,
)
"""A script, or a share whose server learns the reader's name and password hash. A `file:` address
with three slashes, a drive or a bare path is local."""
_FLATE = frozenset({"/FlateDecode", "/Fl"})
_TEXTUAL = frozenset({"/ASCII85Decode", "/A85", "/ASCIIHexDecode", "/AHx"})
_DENSE = frozenset({*_FLATE, "/LZWDecode", "/LZW", "/RunLengthDecode", "/RL", "/BrotliDecode"})


def refuse_active(pdf: Pdf) -> None:
    """Check every object of a file, whether a page uses it or not. Raises FileRejected."""
    objects = pdf.objects
    if len(objects) > MAX_OBJECTS:
        raise FileRejected(RejectionReason.BOMB)
    for item in chain([pdf.trailer], objects):
        for part in _parts(item):
            _check_dictionary(part)


def refuse_bombs(pdf: Pdf) -> None:
    """Check what a saved file unpacks to. Raises FileRejected."""
    left_bytes = MAX_UNPACKED_BYTES
    for item in pdf.objects:
        if isinstance(item, Stream):
            left_bytes -= _unpacked_bytes(item, left_bytes)


def _parts(item: Any) -> Iterator[Object]:
    """Yield the dictionaries in an object, itself included; references are objects of their own."""
    waiting = [item]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Stream | Dictionary):
            yield part
            inner = part.stream_dict.values() if isinstance(part, Stream) else part.values()
        elif isinstance(part, Array):
            inner = part
        else:
            continue
        waiting.extend(
            child
            for child in inner
            if isinstance(child, Dictionary | Array) and not child.is_indirect
        )


def _check_dictionary(part: Object) -> None:
    keys = part.keys()
    kind = str(part.get("/S", ""))
    if kind in _ACTIONS:
        raise FileRejected(RejectionReason.ACTIVE, what=kind.lstrip("/"))
    for key in keys & _RUNNING_KEYS:
        raise FileRejected(RejectionReason.ACTIVE, what=key.lstrip("/"))
    subtype = str(part.get("/Subtype", ""))
    if subtype in _EMBEDDING_SUBTYPES:
        raise FileRejected(RejectionReason.EMBEDDED, what=subtype.lstrip("/"))
    if "/Collection" in keys and "/Pages" in keys:
        raise FileRejected(RejectionReason.EMBEDDED, what="Collection")
    if isinstance(part, Stream):
        if part.get("/Type") == Name.EmbeddedFile and not _is_data(part):
            raise FileRejected(RejectionReason.EMBEDDED, what="EmbeddedFile")
        if "/FFilter" in keys or isinstance(part.get("/F"), String | Dictionary):
            raise FileRejected(RejectionReason.EXTERNAL, what="F")
        if subtype == "/Form" and "/Ref" in keys:
            raise FileRejected(RejectionReason.EXTERNAL, what="Ref")
    if isinstance(files := part.get("/EF"), Dictionary) and not all(map(_is_data, files.values())):
        raise FileRejected(RejectionReason.EMBEDDED, what="EF")
    for key in ("/URI", "/F", "/UF", "/Base"):
        address = part.get(key)
        if isinstance(address, String) and _REACHING_LINK.match(str(address)):
            raise FileRejected(RejectionReason.EXTERNAL, what=str(address).strip()[:12])


def _is_data(stream: Any) -> bool:
    """Whether an attached file is XML that describes the document, as electronic invoices have."""
    if not isinstance(stream, Stream):
        return False
    data = stream.read_raw_bytes()
    if names := filter_names(stream):
        if len(names) > 1 or names[0] not in _FLATE:
            return False
        data = zlib.decompressobj().decompress(data, MAX_DATA_BYTES)
    return data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<?xml")


def filter_names(stream: Stream) -> list[str]:
    """Return the names of a stream's filters, in the order in which they are undone."""
    filters = stream.get("/Filter")
    if isinstance(filters, Array):
        return [str(name) for name in filters]
    return [] if filters is None else [str(filters)]


def _unpacked_bytes(stream: Stream, left_bytes: int) -> int:
    """Return the size of a stream once decompressed, without keeping it. Raises FileRejected above
    `left_bytes`. qpdf has already unpacked what is not Flate alone."""
    names = filter_names(stream)
    data = stream.read_raw_bytes()
    dense = [name for name in names if name in _DENSE]
    if len(dense) > 1 or any(name not in _FLATE for name in dense):
        raise FileRejected(RejectionReason.BOMB)
    if stream.get("/Subtype") == Name.Image:
        sides = [stream.get(side, 0) for side in ("/Width", "/Height")]
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
