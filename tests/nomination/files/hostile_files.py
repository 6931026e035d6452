"""Files that want something: each with the name it comes by, and why it is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.nomination.files.pdf_files import (
    A4,
    assembled,
    encrypted,
    nested_tree,
    packed_zeros,
    pdf,
    stream,
    with_action,
    with_object_stream,
    with_stream,
)
from tests.nomination.files.word_files import (
    docx,
    packed,
)
from tests.picture_files import (
    halves,
    jpeg,
    png_head,
    saved,
)
from voting_service.nomination.files.model import MAX_FILE_BYTES
from voting_service.nomination.files.rejections import RejectionReason

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504
PROGRAM = b"MZ\x90\0\x03\0\0\0" + b"\0" * 200
PAGE = b"<script>location='https://example.org'</script>"
SCRIPT = b"/S /JavaScript /JS (app.launchURL('https://example.org'))"


class Hostile(NamedTuple):
    """`reason` is None for what is accepted because nothing of it is stored."""

    name: str
    make: Callable[[], bytes]
    reason: RejectionReason | None


def zipped_behind(content: bytes) -> bytes:
    return content + packed({"page.html": PAGE})


def many_objects() -> bytes:
    return pdf(extra=(b"null",) * 100_001)


def big_table() -> bytes:
    """A cross-reference table that promises more than there is."""
    return pdf().replace(b"xref\n0 4\n", b"xref\n0 999999999\n")


def acting(action: bytes) -> Callable[[], bytes]:
    return lambda: with_action(action)


def with_annotation(entries: bytes) -> Callable[[], bytes]:
    return lambda: pdf(page=b"/Annots [<< /Type /Annot /Rect [0 0 9 9] %s >>]" % entries)


def catalogued(entries: bytes, *extra: bytes) -> Callable[[], bytes]:
    return lambda: pdf(catalog=entries, extra=extra)


def boxed(box: bytes) -> Callable[[], bytes]:
    return lambda: pdf(box=b"/MediaBox " + box)


CATALOG = b"<< /Type /Catalog /Pages 2 0 R "
R = RejectionReason
ACTIVE_PDFS = {
    "script when opened": Hostile("a.pdf", catalogued(b"/OpenAction << %s >>" % SCRIPT), R.ACTIVE),
    "script by name": Hostile(
        "a.pdf",
        catalogued(b"/Names << /JavaScript << /Names [(a) << %s >>] >> >>" % SCRIPT),
        R.ACTIVE,
    ),
    "script in escaped words": Hostile(
        "a.pdf", acting(b"/S /J#61vaScrip#74 /J#53 (app.alert(1))"), R.ACTIVE
    ),
    "script in an object stream": Hostile(
        "a.pdf", lambda: with_object_stream(CATALOG + b"/OpenAction << %s >> >>" % SCRIPT), R.ACTIVE
    ),
    "script that nothing refers to": Hostile(
        "a.pdf", lambda: pdf(extra=(b"<< /JS (app.alert(1)) >>",)), R.ACTIVE
    ),
    "script in no table": Hostile(
        "a.pdf", lambda: pdf(head=b"%%PDF-1.7\n9 0 obj\n<< %s >>\nendobj\n" % SCRIPT), R.ACTIVE
    ),
    "script in a chain of actions": Hostile(
        "a.pdf",
        acting(b"/S /GoTo /D [3 0 R /Fit] /Next [<< /S /JavaScript /J#53 (x) >>]"),
        R.ACTIVE,
    ),
    "program when a page is seen": Hostile(
        "a.pdf", lambda: pdf(page=b"/AA << /O << /S /Launch /F (calc.exe) >> >>"), R.ACTIVE
    ),
    "named action when a page is seen": Hostile(
        "a.pdf", lambda: pdf(page=b"/AA << /O << /S /Named /N /Print >> >>"), None
    ),
    "prints when opened": Hostile(
        "a.pdf", catalogued(b"/OpenAction << /S /Named /N /Print >>"), None
    ),
    "program by a link": Hostile("a.pdf", acting(b"/S /Launch /Win << /F (cmd.exe) >>"), R.ACTIVE),
    "form that is sent": Hostile(
        "a.pdf", acting(b"/S /SubmitForm /F (https://example.org)"), R.ACTIVE
    ),
    "data that is fetched": Hostile("a.pdf", acting(b"/S /ImportData /F (a.fdf)"), R.ACTIVE),
    "link into another file": Hostile("a.pdf", acting(b"/S /GoToR /F (b.pdf) /D [0]"), None),
    "link into an embedded file": Hostile("a.pdf", acting(b"/S /GoToE /D [0]"), None),
    "film that plays": Hostile("a.pdf", acting(b"/S /Rendition /OP 0"), R.ACTIVE),
    "link to a file": Hostile(
        "a.pdf", acting(b"/S /URI /URI (file:///C:/Windows/System32/calc.exe)"), None
    ),
    "link to a share": Hostile("a.pdf", acting(rb"/S /URI /URI (\\\\host\\share)"), R.EXTERNAL),
    "link that is a script": Hostile(
        "a.pdf", acting(b"/S /URI /URI (javascript:alert\\(1\\))"), R.EXTERNAL
    ),
    "form of the other kind": Hostile(
        "a.pdf", catalogued(b"/AcroForm << /XFA 4 0 R >>", stream(b"<xdp/>")), R.ACTIVE
    ),
    "embedded file": Hostile(
        "a.pdf",
        catalogued(
            b"/Names << /#45mbeddedFiles << /Names [(a) << /Type /Filespec /E#46 << /F 4 0 R >> >>]"
            b" >> >>",
            stream(PROGRAM),
        ),
        R.EMBEDDED,
    ),
    "attached file": Hostile("a.pdf", with_annotation(b"/Subtype /FileAttachment"), R.EMBEDDED),
    "rich media": Hostile("a.pdf", with_annotation(b"/Subtype /#52ichMedia"), R.EMBEDDED),
    "model in three dimensions": Hostile("a.pdf", with_annotation(b"/Subtype /3D"), R.EMBEDDED),
    "portfolio": Hostile("a.pdf", catalogued(b"/Collection << /View /T >>"), R.EMBEDDED),
    "content from outside": Hostile(
        "a.pdf", lambda: with_stream(b"", b"/F (https://example.org)"), R.EXTERNAL
    ),
    "page of another file": Hostile(
        "a.pdf",
        lambda: pdf(extra=(stream(b"", b"/Subtype /Form /Ref << /F (b.pdf) /Page 0 >>"),)),
        R.EXTERNAL,
    ),
    "encrypted": Hostile("a.pdf", lambda: encrypted("secret"), R.ENCRYPTED),
    "encrypted with no password": Hostile("a.pdf", lambda: encrypted(""), None),
}
MISSHAPEN_PDFS = {
    "ten thousand pages": Hostile("a.pdf", lambda: pdf(10_000), R.TOO_MANY_PAGES),
    "eleven pages": Hostile("a.pdf", lambda: pdf(11), R.TOO_MANY_PAGES),
    "eleven pages said to be one": Hostile("a.pdf", lambda: pdf(11, count=1), R.TOO_MANY_PAGES),
    "three pages said to be two": Hostile("a.pdf", lambda: pdf(3, count=2), None),
    "one page said to be a billion": Hostile("a.pdf", lambda: pdf(count=10**9), None),
    "no pages": Hostile("a.pdf", lambda: pdf(0), R.NO_PAGES),
    "tree that is a ring": Hostile(
        "a.pdf",
        lambda: assembled(
            [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"]
        ),
        R.BROKEN,
    ),
    "one page many times": Hostile(
        "a.pdf",
        lambda: assembled(
            [
                b"<< /Type /Catalog /Pages 2 0 R >>",
                b"<< /Type /Pages /Kids [3 0 R 3 0 R] /Count 2 >>",
                b"<< /Type /Page %s >>" % A4,
            ]
        ),
        None,
    ),
    "tree that is too deep": Hostile("a.pdf", lambda: nested_tree(200), R.BROKEN),
    "page of a kilometre": Hostile("a.pdf", boxed(b"[0 0 2834645 2834645]"), R.ODD_PAGE),
    "page as a strip": Hostile("a.pdf", boxed(b"[0 0 595 8420]"), R.ODD_PAGE),
    "page like a stamp": Hostile("a.pdf", boxed(b"[0 0 20 20]"), R.ODD_PAGE),
    "page enlarged by its unit": Hostile(
        "a.pdf", lambda: pdf(page=b"/UserUnit 100000"), R.ODD_PAGE
    ),
    "page without a size": Hostile("a.pdf", lambda: pdf(box=b""), None),
    "page with no numbers for a size": Hostile("a.pdf", boxed(b"[(a) 0 595 842]"), None),
    "content of a gigabyte": Hostile("a.pdf", lambda: with_stream(packed_zeros(1024)), R.BOMB),
    "content packed twice": Hostile(
        "a.pdf", lambda: with_stream(b"x", b"/Filter [/FlateDecode /FlateDecode]"), None
    ),
    "content packed with LZW": Hostile("a.pdf", lambda: with_stream(b"x", b"/Filter /LZW"), None),
    "object stream of a gigabyte": Hostile(
        "a.pdf", lambda: with_object_stream(b"", packed=packed_zeros(1024)), R.BROKEN
    ),
    "picture of ten thousand million points": Hostile(
        "a.pdf",
        lambda: pdf(extra=(stream(b"", b"/Subtype /Image /Width 100000 /Height 100000"),)),
        None,
    ),
    "too many objects": Hostile("a.pdf", many_objects, R.BOMB),
    "table that promises": Hostile("a.pdf", big_table, None),
    "brackets without end": Hostile("a.pdf", lambda: pdf(extra=(b"[" * 100_000,)), None),
    "length that is itself": Hostile(
        "a.pdf", lambda: pdf(extra=(b"<< /Length 4 0 R >>\nstream\nx\nendstream",)), None
    ),
    "cut short": Hostile("a.pdf", lambda: pdf(3)[:200], R.BROKEN),
    "nothing behind the head": Hostile("a.pdf", lambda: b"%PDF-1.7\n" + b"\xaa" * 99, R.BROKEN),
}
DISGUISED = {
    "page before a PDF": Hostile("a.pdf", lambda: PAGE + pdf(), R.DISGUISED),
    "program before a PDF": Hostile("a.pdf", lambda: PROGRAM + pdf(), R.DISGUISED),
    "picture before a PDF": Hostile("a.pdf", lambda: jpeg() + pdf(), R.DISGUISED),
    "page in the head of a PDF": Hostile(
        "a.pdf", lambda: pdf(head=b"%PDF-1.7\n%<HTML><Script>x\n"), R.DISGUISED
    ),
    "archive behind a PDF": Hostile("a.pdf", lambda: zipped_behind(pdf()), R.DISGUISED),
    "archive inside a PDF": Hostile(
        "a.pdf",
        lambda: pdf(extra=(stream(packed({"a.html": PAGE})),)),
        R.DISGUISED,
    ),
    "program behind a PDF": Hostile("a.pdf", lambda: pdf() + PROGRAM, R.DISGUISED),
    "page called PDF": Hostile("a.pdf", lambda: PAGE, R.DISGUISED),
    "program called PDF": Hostile("a.pdf", lambda: PROGRAM, R.DISGUISED),
    "picture called PDF": Hostile("a.pdf", jpeg, None),
    "PDF called Word file": Hostile("a.docx", pdf, None),
    "program by its own name": Hostile("a.pdf.exe", lambda: PROGRAM, R.OTHER_KIND),
    "name turned round": Hostile("evidence\u202efdp.exe", lambda: PROGRAM, R.BAD_NAME),
    "name with a zero": Hostile("a.exe\0.pdf", pdf, R.BAD_NAME),
    "empty": Hostile("a.pdf", lambda: b"", R.EMPTY),
    "one byte too large": Hostile(
        "a.pdf", lambda: pdf().ljust(MAX_FILE_BYTES + 1, b"\n"), R.TOO_LARGE
    ),
}
EVIDENCE = ACTIVE_PDFS | MISSHAPEN_PDFS | DISGUISED
PHOTOS = {
    "program": Hostile("a.jpg", lambda: PROGRAM, R.PICTURE),
    "page": Hostile("a.png", lambda: PAGE, R.PICTURE),
    "drawing": Hostile("a.svg", lambda: b"<svg><script>x</script></svg>", R.PICTURE),
    "a thousand million points": Hostile("a.png", lambda: png_head(40_000, 40_000), R.BOMB),
    "cut short": Hostile("a.jpg", lambda: jpeg()[:3_000], R.PICTURE),
    "archive behind it": Hostile("a.jpg", lambda: zipped_behind(jpeg()), R.DISGUISED),
    "PDF inside": Hostile("a.jpg", lambda: saved(halves(), "JPEG", comment=pdf()), R.DISGUISED),
    "PDF": Hostile("a.jpg", pdf, R.PICTURE),
    "small": Hostile("a.jpg", lambda: jpeg(150, 210), R.PHOTO_TOO_SMALL),
    "empty": Hostile("a.jpg", lambda: b"", R.EMPTY),
    "too large": Hostile("a.jpg", lambda: jpeg().ljust(MAX_FILE_BYTES + 1), R.TOO_LARGE),
}
SCANS = {
    "program": Hostile("a.exe", lambda: PROGRAM, R.OTHER_SCAN),
    "Word file": Hostile("a.docx", docx, R.OTHER_SCAN),
    "small": Hostile("a.png", lambda: saved(halves(200, 500), "PNG"), R.SCAN_TOO_SMALL),
    "six pages": Hostile("a.pdf", lambda: pdf(6), R.TOO_MANY_PAGES),
    "script": ACTIVE_PDFS["script when opened"],
    "archive behind a PDF": DISGUISED["archive behind a PDF"],
}


def big_files() -> dict[str, Hostile]:
    """Files that would fill the memory of a program that unpacks them."""
    names = (
        "content of a gigabyte", "object stream of a gigabyte", "too many objects",
        "brackets without end", "ten thousand pages", "table that promises",
    )  # fmt: skip
    return {name: EVIDENCE[name] for name in names}
