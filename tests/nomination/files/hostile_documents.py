"""More hostile PDFs and pictures: scripts in odd places, loops, and files that unpack to far more
than they are. `None` for a reason: accepted, since nothing of it is stored."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial

from PIL import Image

from tests.nomination.files.hostile_files import PAGE, PROGRAM, SCRIPT, Hostile, zipped_behind
from tests.nomination.files.pdf_files import (
    packed_zeros,
    pdf,
    stream,
    with_action,
    with_object_stream,
    with_stream,
)
from tests.nomination.files.pdf_samples import holding, updated, written
from tests.picture_files import halves, jpeg, png_chunk, saved
from voting_service.nomination.files.rejections import RejectionReason

R = RejectionReason
CALL = b"app.alert"
SWF = b"FWS\x09" + b"\0" * 60


def catalogued(entries: bytes, *extra: bytes) -> Callable[[], bytes]:
    return lambda: pdf(catalog=entries, extra=extra)


def linked(address: bytes) -> Callable[[], bytes]:
    return lambda: with_action(b"/S /URI /URI (%s)" % address)


def form(field: bytes) -> Callable[[], bytes]:
    """A form with one field, object 4, which is on the page."""
    return lambda: pdf(
        catalog=b"/AcroForm << /Fields [4 0 R] >>",
        page=b"/Annots [4 0 R]",
        extra=(b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (a) /Rect [0 0 9 9] %s >>" % field,),
    )


def ring_of_tables() -> bytes:
    """A table whose predecessor is itself."""
    plain = pdf()
    start = plain.rindex(b"xref\n0")
    return plain.replace(b"trailer\n<<", b"trailer\n<< /Prev %d" % start)


def ring_of_forms() -> bytes:
    """A drawing that contains itself."""
    drawing = stream(
        b"/X Do",
        b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 4 0 R >> >>",
    )
    return pdf(
        page=b"/Resources << /XObject << /X 4 0 R >> >> /Contents 5 0 R",
        extra=(drawing, stream(b"/X Do")),
    )


def lzw_zeros(megabytes: int) -> bytes:
    """Ever longer runs of zeros, 3,600 bytes for a code at the end."""
    bits = io.StringIO()
    size = 0
    while size < megabytes * 2**20:
        bits.write(f"{256:09b}{0:09b}")
        size += 1
        for length, code in enumerate(range(258, 4095), start=2):
            width = 9 if code < 511 else 10 if code < 1023 else 11 if code < 2047 else 12
            bits.write(f"{code:0{width}b}")
            size += length
    text = bits.getvalue()
    return int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")


def old_script() -> bytes:
    """A script that a later revision took out."""
    before = pdf(catalog=b"/OpenAction << /S /JavaScript /JS#20 (app.alert) >>")
    before = before.replace(b"/S /JavaScript /JS#20", b"/S /JavaScrip#74 /J#53")
    place = len(before)
    after = b"1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    table = b"xref\n1 1\n%010d 00000 n \ntrailer\n<< /Size 4 /Root 1 0 R /Prev %d >>\n"
    start = int(before.rpartition(b"startxref\n")[2].split()[0])
    table %= (place, start)
    return before + after + table + b"startxref\n%d\n%%%%EOF\n" % (place + len(after))


def huge_picture(filters: bytes, data: bytes = b"\0" * 40) -> Callable[[], bytes]:
    return lambda: holding(
        b"/Width 100000 /Height 100000 /ColorSpace /DeviceGray /BitsPerComponent 1 " + filters, data
    )


def huge_jpx() -> bytes:
    """A JPEG 2000 of few bytes that is huge by its own header, not by the PDF."""
    small = bytearray(saved(halves(64, 64), "JPEG2000"))
    place = small.index(b"ihdr") + 4
    struct.pack_into(">II", small, place, 60_000, 60_000)
    place = small.index(b"\xff\x51") + 6
    struct.pack_into(">II", small, place, 60_000, 60_000)
    return holding(b"/Width 64 /Height 64 /Filter /JPXDecode", bytes(small))


HOSTILE_PDFS = {
    "script below the names": Hostile(
        "a.pdf",
        catalogued(
            b"/Names << /JavaScript << /Kids [4 0 R] >> >>",
            b"<< /Names [(a) 5 0 R] >>",
            b"<< /S /JavaScript /J#53 6 0 R >>",
            stream(CALL),
        ),
        R.ACTIVE,
    ),
    "script when closed": Hostile(
        "a.pdf", catalogued(b"/AA << /WC << %s >> >>" % SCRIPT), R.ACTIVE
    ),
    "script in a bookmark": Hostile(
        "a.pdf",
        catalogued(
            b"/Outlines << /First 4 0 R /Last 4 0 R >>", b"<< /Title (a) /A << %s >> >>" % SCRIPT
        ),
        R.ACTIVE,
    ),
    "script of a field": Hostile("a.pdf", form(b"/AA << /C << %s >> >>" % SCRIPT), R.ACTIVE),
    "program of a field": Hostile("a.pdf", form(b"/A << /S /Launch /F (calc.exe) >>"), R.ACTIVE),
    "program of a field in escaped words": Hostile(
        "a.pdf", form(b"/A << /S /L#61unch /F (calc.exe) >>"), R.ACTIVE
    ),
    "script in an object stream that nothing refers to": Hostile(
        "a.pdf",
        lambda: with_object_stream(b"<< /Type /Catalog /Pages 2 0 R /Extra << %s >> >>" % SCRIPT),
        R.ACTIVE,
    ),
    "script of an earlier revision": Hostile("a.pdf", old_script, None),
    "film with a script": Hostile(
        "a.pdf",
        lambda: with_action(b"/S /Rendition /OP 0 /J#53 (app.alert)"),
        R.ACTIVE,
    ),
    "film of Flash": Hostile(
        "a.pdf",
        lambda: pdf(
            page=b"/Annots [<< /Type /Annot /Subtype /RichMedia /Rect [0 0 9 9]"
            b" /RichMediaContent << /Assets 4 0 R >> >>]",
            extra=(stream(SWF),),
        ),
        R.ACTIVE,
    ),
    "program attached to a remark": Hostile(
        "a.pdf",
        lambda: pdf(
            page=b"/Annots [<< /Type /Annot /Subtype /Text /Rect [0 0 9 9] /FS 4 0 R >>]",
            extra=(
                b"<< /Type /Filespec /F (a.exe) /EF << /F 5 0 R >> >>",
                stream(PROGRAM, b"/Type /EmbeddedFile"),
            ),
        ),
        R.EMBEDDED,
    ),
    "program attached as XML": Hostile(
        "a.pdf",
        catalogued(
            b"/Names << /EmbeddedFiles << /Names [(a.xml) 4 0 R] >> >>",
            b"<< /Type /Filespec /F (a.xml) /EF << /F 5 0 R >> >>",
            stream(PROGRAM, b"/Type /EmbeddedFile /Subtype /text#2Fxml"),
        ),
        R.EMBEDDED,
    ),
    "PostScript on the page": Hostile(
        "a.pdf",
        lambda: holding(b"/Subtype /PS", b"quit").replace(b"/Subtype /Image", b""),
        R.EMBEDDED,
    ),
    "link to a share as a file": Hostile("a.pdf", linked(b"file://host/share/a.doc"), R.EXTERNAL),
    "link to a share as a file, with slashes": Hostile(
        "a.pdf", linked(b"file:////host/share/a.doc"), R.EXTERNAL
    ),
    "link by another protocol": Hostile("a.pdf", linked(b"smb://host/share"), R.EXTERNAL),
    "link to a tool": Hostile("a.pdf", linked(b"ms-msdt:/id PCWDiagnostic"), R.EXTERNAL),
    "link into a file of a share": Hostile(
        "a.pdf", lambda: with_action(rb"/S /GoToR /F (\\\\host\\share\\a.pdf) /D [0]"), R.EXTERNAL
    ),
    "base of all links": Hostile(
        "a.pdf", catalogued(rb"/URI << /Base (\\\\host\\) >>"), R.EXTERNAL
    ),
    "table that is its own predecessor": Hostile("a.pdf", ring_of_tables, None),
    "drawing that contains itself": Hostile("a.pdf", ring_of_forms, None),
    "object stream of a million million": Hostile(
        "a.pdf",
        lambda: with_object_stream(b"<< /Type /Catalog /Pages 2 0 R >>").replace(
            b"/N 1 ", b"/N 1000000000000 "
        ),
        R.BROKEN,
    ),
    "packed three times": Hostile(
        "a.pdf",
        lambda: with_stream(
            zlib.compress(zlib.compress(packed_zeros(1024))),
            b"/Filter [/FlateDecode /FlateDecode /FlateDecode]",
        ),
        R.BOMB,
    ),
    "gigabyte as text": Hostile(
        "a.pdf",
        lambda: with_stream(
            packed_zeros(1024).hex().encode() + b">", b"/Filter [/ASCIIHexDecode /FlateDecode]"
        ),
        R.BOMB,
    ),
    "gigabyte by LZW": Hostile(
        "a.pdf", lambda: with_stream(lzw_zeros(600), b"/Filter /LZWDecode"), R.BOMB
    ),
    "gigabyte by run lengths": Hostile(
        "a.pdf", lambda: with_stream(b"\x81\0" * 2**23, b"/Filter /RunLengthDecode"), R.BOMB
    ),
    "huge JBIG2": Hostile("a.pdf", huge_picture(b"/Filter /JBIG2Decode"), R.BOMB),
    "huge fax": Hostile("a.pdf", huge_picture(b"/Filter /CCITTFaxDecode"), R.BOMB),
    "huge JPEG 2000": Hostile("a.pdf", huge_jpx, R.BOMB),
    "web page behind a PDF": Hostile("a.pdf", lambda: pdf() + PAGE, R.DISGUISED),
    "archive behind a revision": Hostile("a.pdf", lambda: zipped_behind(updated()), R.DISGUISED),
    "program before a PDF, called a picture": Hostile(
        "a.jpg", lambda: PROGRAM + written(), R.DISGUISED
    ),
}


def tiff_of_pages(count: int) -> bytes:
    """A TIFF whose every page is the same few bytes."""
    head = b"II*\0" + struct.pack("<I", 8)
    entries = [
        (256, 3, 1, 400),
        (257, 3, 1, 400),
        (258, 3, 1, 1),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 4),
        (278, 3, 1, 400),
        (279, 4, 1, 20_000),
    ]
    length = 2 + 12 * len(entries) + 4
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    directories = b"".join(
        struct.pack("<H", len(entries)) + body + struct.pack("<I", 8 + length * (number + 1))
        for number in range(count - 1)
    )
    last = struct.pack("<H", len(entries)) + body + struct.pack("<I", 0)
    return (head + directories + last).ljust(30_000, b"\0")


def tiff_ring() -> bytes:
    """A page that follows itself."""
    file = bytearray(tiff_of_pages(1))
    struct.pack_into("<I", file, 8 + 2 + 12 * 8, 8)
    return bytes(file)


def png_with(kind: bytes, content: bytes) -> bytes:
    plain = saved(halves(), "PNG")
    return plain[:33] + png_chunk(kind, content) + plain[33:]


def claimed_heif(size: int, format_: str) -> bytes:
    """A small picture that is huge by its container."""
    file = bytearray(saved(halves(64, 64), format_))
    place = file.index(b"ispe") + 8
    struct.pack_into(">II", file, place, size, size)
    return bytes(file)


def claimed_jpeg(size: int) -> bytes:
    file = bytearray(jpeg(64, 64))
    struct.pack_into(">HH", file, file.index(b"\xff\xc0") + 5, size, size)
    return bytes(file)


def claimed_bmp(size: int) -> bytes:
    file = bytearray(saved(halves(64, 64), "BMP"))
    struct.pack_into("<ii", file, 18, size, size)
    return bytes(file)


def claimed_gif(size: int) -> bytes:
    file = bytearray(saved(halves(64, 64), "GIF"))
    struct.pack_into("<HH", file, 6, size, size)
    return bytes(file)


def claimed_webp(size: int) -> bytes:
    file = bytearray(saved(Image.new("RGBA", (64, 64)), "WEBP", lossless=True))
    if (place := file.find(b"VP8X")) >= 0:
        file[place + 12 : place + 18] = (size - 1).to_bytes(3, "little") * 2
    place = file.index(b"VP8L") + 9
    bits = int.from_bytes(file[place : place + 4], "little") & ~0xFFFFFFF
    file[place : place + 4] = (bits | (size - 1) | (size - 1) << 14).to_bytes(4, "little")
    return bytes(file)


TEXT_OF_A_GIGABYTE = b"a\0\0" + packed_zeros(1024)
HOSTILE_PICTURES = {
    "hundred thousand pages": Hostile("a.tif", partial(tiff_of_pages, 100_000), R.TOO_MANY_PAGES),
    "page that follows itself": Hostile("a.tif", tiff_ring, None),
    "text of a gigabyte": Hostile(
        "a.png", lambda: png_with(b"zTXt", TEXT_OF_A_GIGABYTE), R.PICTURE
    ),
    "profile of a gigabyte": Hostile(
        "a.png", lambda: png_with(b"iCCP", TEXT_OF_A_GIGABYTE), R.PICTURE
    ),
    "huge JPEG": Hostile("a.jpg", partial(claimed_jpeg, 65_500), R.BOMB),
    "huge BMP": Hostile("a.bmp", partial(claimed_bmp, 60_000), R.BOMB),
    "huge GIF": Hostile("a.gif", partial(claimed_gif, 65_535), R.BOMB),
    "huge WebP": Hostile("a.webp", partial(claimed_webp, 16_383), R.BOMB),
    "huge HEIC": Hostile("a.heic", lambda: claimed_heif(60_000, "HEIF"), R.BOMB),
    "huge AVIF": Hostile("a.avif", lambda: claimed_heif(60_000, "AVIF"), R.PICTURE),
    "drawing called picture": Hostile(
        "a.png", lambda: b"<svg><script>x</script></svg>", R.DISGUISED
    ),
    "PDF behind a picture": Hostile("a.jpg", lambda: jpeg() + pdf(), R.DISGUISED),
    "archive behind a TIFF": Hostile("a.tif", lambda: zipped_behind(tiff_of_pages(1)), R.DISGUISED),
}
