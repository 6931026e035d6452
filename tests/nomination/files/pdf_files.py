"""PDF files for tests, written object by object, so that any of them can be wrong."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

from pypdf import PdfWriter

A4 = b"/MediaBox [0 0 595 842]"
HEAD = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


def assembled(objects: list[bytes], *, trailer: bytes = b"", head: bytes = HEAD) -> bytes:
    """Objects 1, 2, …, of which the first is the catalog, with a table that finds them."""
    file = bytearray(head)
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(file)
    file += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    file += b"".join(b"%010d 00000 n \n" % place for place in places)
    file += b"trailer\n<< /Size %d /Root 1 0 R %s >>\n" % (len(objects) + 1, trailer)
    file += b"startxref\n%d\n%%%%EOF\n" % start
    return bytes(file)


def pdf(
    pages: int = 1,
    *,
    catalog: bytes = b"",
    page: bytes = b"",
    box: bytes = A4,
    extra: tuple[bytes, ...] = (),
    count: int | None = None,
    trailer: bytes = b"",
    head: bytes = HEAD,
) -> bytes:
    """A plain document; `extra` objects are numbered from `pages + 3`."""
    kids = b" ".join(b"%d 0 R" % (3 + number) for number in range(pages))
    output = pages if count is None else count
    return assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog,
            b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, output),
            *[b"<< /Type /Page /Parent 2 0 R %s %s >>" % (box, page)] * pages,
            *extra,
        ],
        trailer=trailer,
        head=head,
    )


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), entries, content)


def with_action(action: bytes) -> bytes:
    """A link that does this when it is touched."""
    link = b"<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << %s >> >>"
    return pdf(page=b"/Annots [%s]" % (link % action))


def with_stream(content: bytes, entries: bytes = b"/Filter /FlateDecode") -> bytes:
    """One page with this as its content."""
    return pdf(page=b"/Contents 4 0 R", extra=(stream(content, entries),))


def packed_zeros(megabytes: int) -> bytes:
    """The same packed block again and again; only the checksum at the end is missing."""
    packing = zlib.compressobj(9)
    block = b"\0" * 2**20
    first = packing.compress(block) + packing.flush(zlib.Z_FULL_FLUSH)
    again = packing.compress(block) + packing.flush(zlib.Z_FULL_FLUSH)
    return first + again * (megabytes - 1)


def with_object_stream(hidden: bytes, *, packed: bytes | None = None) -> bytes:
    """A catalog that exists only inside a compressed stream, found by a table that is one too."""
    first = b"1 0 "
    inside = zlib.compress(first + hidden) if packed is None else packed
    file = bytearray(HEAD)
    places = {}
    for number, content in (
        (2, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"),
        (3, b"<< /Type /Page /Parent 2 0 R " + A4 + b" >>"),
        (4, stream(inside, b"/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode")),
    ):
        places[number] = len(file)
        file += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(file)
    rows = [(0, 0, 65535), (2, 4, 0), *((1, places[n], 0) for n in (2, 3, 4)), (1, start, 0)]
    table = zlib.compress(b"".join(struct.pack(">BIH", *row) for row in rows))
    entries = b"/Type /XRef /Size 6 /W [1 4 2] /Root 1 0 R /Filter /FlateDecode"
    file += b"5 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (stream(table, entries), start)
    return bytes(file)


def encrypted(password: str) -> bytes:
    """Opens with `password`; an empty one asks for none, but forbids."""
    writer = PdfWriter()
    writer.add_blank_page(595, 842)
    writer.encrypt(password, "owner", algorithm="AES-256")
    file = BytesIO()
    writer.write(file)
    return file.getvalue()


def nested_tree(depth: int) -> bytes:
    """One page below `depth` nodes."""
    nodes = [
        b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % (number + 3) for number in range(depth)
    ]
    return assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            *nodes,
            b"<< /Type /Page /Parent 2 0 R %s >>" % A4,
        ]
    )
