"""Files that want something: each with the name it comes by, and why it is refused."""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO
from random import Random
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
    DOCUMENT,
    DOCUMENT_RELATIONSHIPS,
    MACRO_MAIN,
    PAGE_BREAK,
    RELATIONSHIPS,
    TYPES,
    document,
    docx,
    linked,
    packed,
    paragraph,
    parts,
    picture,
    relationship,
    relationships,
    types,
    word_field,
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
    name: str
    make: Callable[[], bytes]
    reason: RejectionReason


def laughs() -> str:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10))
    return f"<!DOCTYPE w [{entities}]>" + document(paragraph("&l9;")).partition("?>")[2]


def overlapping() -> bytes:
    """Two names in the directory for the same packed bytes."""
    file = bytearray(packed(parts()))
    end = file.rindex(b"PK\x05\x06")
    start = struct.unpack_from("<L", file, end + 16)[0]
    length = file.index(b"PK\x01\x02", start + 4) - start
    again = bytes(file[start : start + length]).replace(b"[Content", b"[Contenu")
    file[end:end] = again
    count, size = struct.unpack_from("<H", file, end + len(again) + 10)[0], end - start
    struct.pack_into("<HHL", file, end + len(again) + 8, count + 1, count + 1, size + len(again))
    return bytes(file)


def said_to_be_smaller() -> bytes:
    """A part that unpacks to far more than its heads say."""
    file = bytearray(docx(more={"word/footnotes.xml": "<x>" + " " * 5_000_000 + "</x>"}))
    for place in _all(file, struct.pack("<L", 5_000_007)):
        struct.pack_into("<L", file, place, 100)
    return bytes(file)


def _all(file: bytearray, part: bytes) -> list[int]:
    result, at = [], file.find(part)
    while at >= 0:
        result.append(at)
        at = file.find(part, at + 1)
    return result


def flagged_encrypted() -> bytes:
    file = bytearray(docx())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for place in _all(file, mark):
            file[place + offset] |= 1
    return bytes(file)


def broken_checksum() -> bytes:
    file = bytearray(docx())
    for mark, offset in ((b"PK\x03\x04", 14), (b"PK\x01\x02", 16)):
        for place in _all(file, mark):
            file[place + offset] ^= 0xFF
    return bytes(file)


def moving() -> bytes:
    frames = [halves(), halves().rotate(180)]
    target = BytesIO()
    frames[0].save(target, "PNG", save_all=True, append_images=frames[1:])
    return target.getvalue()


def zipped_behind(content: bytes) -> bytes:
    return content + packed({"page.html": PAGE})


def many_entries() -> bytes:
    return docx(more={f"word/item{number}.xml": "<x/>" for number in range(1_200)})


def many_objects() -> bytes:
    return pdf(extra=(b"null",) * 50_001)


def huge_together() -> bytes:
    """Pictures that are bearable one by one, by what their heads say."""
    size = 400_000
    noise = Random(7).randbytes(size)
    file = bytearray(docx(more={f"word/media/{number}.bmp": noise for number in range(5)}))
    for place in _all(file, struct.pack("<L", size)):
        struct.pack_into("<L", file, place, 60_000_000)
    return bytes(file)


def big_table() -> bytes:
    """A cross-reference table that promises more than there is."""
    return pdf().replace(b"xref\n0 4\n", b"xref\n0 999999999\n")


def added(name: str, content: str | bytes) -> Callable[[], bytes]:
    return lambda: docx(more={name: content})


def shown(body: str) -> Callable[[], bytes]:
    return lambda: docx(body)


def acting(action: bytes) -> Callable[[], bytes]:
    return lambda: with_action(action)


def with_annotation(entries: bytes) -> Callable[[], bytes]:
    return lambda: pdf(page=b"/Annots [<< /Type /Annot /Rect [0 0 9 9] %s >>]" % entries)


def catalogued(entries: bytes, *extra: bytes) -> Callable[[], bytes]:
    return lambda: pdf(catalog=entries, extra=extra)


def boxed(box: bytes) -> Callable[[], bytes]:
    return lambda: pdf(box=b"/MediaBox " + box)


def encoded_in(encoding: str) -> bytes:
    doctype = '<!DOCTYPE w [<!ENTITY a "b">]>'
    return (f'<?xml version="1.0" encoding="{encoding}"?>{doctype}<w/>').encode(encoding)


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
        "a.pdf", lambda: pdf(page=b"/AA << /O << /S /Named /N /Print >> >>"), R.ACTIVE
    ),
    "prints when opened": Hostile(
        "a.pdf", catalogued(b"/OpenAction << /S /Named /N /Print >>"), R.ACTIVE
    ),
    "program by a link": Hostile("a.pdf", acting(b"/S /Launch /Win << /F (cmd.exe) >>"), R.ACTIVE),
    "form that is sent": Hostile(
        "a.pdf", acting(b"/S /SubmitForm /F (https://example.org)"), R.ACTIVE
    ),
    "data that is fetched": Hostile("a.pdf", acting(b"/S /ImportData /F (a.fdf)"), R.ACTIVE),
    "link into another file": Hostile("a.pdf", acting(b"/S /GoToR /F (b.pdf) /D [0]"), R.ACTIVE),
    "link into an embedded file": Hostile("a.pdf", acting(b"/S /GoToE /D [0]"), R.ACTIVE),
    "film that plays": Hostile("a.pdf", acting(b"/S /Rendition /OP 0"), R.ACTIVE),
    "link to a file": Hostile(
        "a.pdf", acting(b"/S /URI /URI (file:///C:/Windows/System32/calc.exe)"), R.EXTERNAL
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
    "encrypted with no password": Hostile("a.pdf", lambda: encrypted(""), R.ENCRYPTED),
}
MISSHAPEN_PDFS = {
    "ten thousand pages": Hostile("a.pdf", lambda: pdf(10_000), R.TOO_MANY_PAGES),
    "eleven pages": Hostile("a.pdf", lambda: pdf(11), R.TOO_MANY_PAGES),
    "eleven pages said to be one": Hostile("a.pdf", lambda: pdf(11, count=1), R.TOO_MANY_PAGES),
    "three pages said to be two": Hostile("a.pdf", lambda: pdf(3, count=2), R.FALSE_COUNT),
    "one page said to be a billion": Hostile("a.pdf", lambda: pdf(count=10**9), R.FALSE_COUNT),
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
        R.BROKEN,
    ),
    "tree that is too deep": Hostile("a.pdf", lambda: nested_tree(200), R.BROKEN),
    "page of a kilometre": Hostile("a.pdf", boxed(b"[0 0 2834645 2834645]"), R.ODD_PAGE),
    "page as a strip": Hostile("a.pdf", boxed(b"[0 0 595 8420]"), R.ODD_PAGE),
    "page like a stamp": Hostile("a.pdf", boxed(b"[0 0 20 20]"), R.ODD_PAGE),
    "page enlarged by its unit": Hostile(
        "a.pdf", lambda: pdf(page=b"/UserUnit 100000"), R.ODD_PAGE
    ),
    "page without a size": Hostile("a.pdf", lambda: pdf(box=b""), R.ODD_PAGE),
    "page with no numbers for a size": Hostile("a.pdf", boxed(b"[(a) 0 595 842]"), R.BROKEN),
    "content of a gigabyte": Hostile("a.pdf", lambda: with_stream(packed_zeros(1024)), R.BOMB),
    "content packed twice": Hostile(
        "a.pdf", lambda: with_stream(b"x", b"/Filter [/FlateDecode /FlateDecode]"), R.BOMB
    ),
    "content packed with LZW": Hostile("a.pdf", lambda: with_stream(b"x", b"/Filter /LZW"), R.BOMB),
    "object stream of a gigabyte": Hostile(
        "a.pdf", lambda: with_object_stream(b"", packed=packed_zeros(1024)), R.BROKEN
    ),
    "picture of ten thousand million points": Hostile(
        "a.pdf",
        lambda: pdf(extra=(stream(b"", b"/Subtype /Image /Width 100000 /Height 100000"),)),
        R.BOMB,
    ),
    "too many objects": Hostile("a.pdf", many_objects, R.BOMB),
    "table that promises": Hostile("a.pdf", big_table, R.BROKEN),
    "brackets without end": Hostile("a.pdf", lambda: pdf(extra=(b"[" * 100_000,)), R.BROKEN),
    "length that is itself": Hostile(
        "a.pdf", lambda: pdf(extra=(b"<< /Length 4 0 R >>\nstream\nx\nendstream",)), R.BROKEN
    ),
    "cut short": Hostile("a.pdf", lambda: pdf(3)[:200], R.BROKEN),
    "nothing behind the head": Hostile("a.pdf", lambda: b"%PDF-1.7\n" + b"\xaa" * 99, R.BROKEN),
}
DISGUISED = {
    "page before a PDF": Hostile("a.pdf", lambda: PAGE + pdf(), R.DISGUISED),
    "program before a PDF": Hostile("a.pdf", lambda: PROGRAM + pdf(), R.DISGUISED),
    "picture before a PDF": Hostile("a.pdf", lambda: jpeg() + pdf(), R.DISGUISED),
    "empty line before a PDF": Hostile("a.pdf", lambda: b"\n" + pdf(), R.DISGUISED),
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
    "picture called PDF": Hostile("a.pdf", jpeg, R.DISGUISED),
    "Word file called PDF": Hostile("a.pdf", docx, R.DISGUISED),
    "PDF called Word file": Hostile("a.docx", pdf, R.DISGUISED),
    "archive called Word file": Hostile("a.docx", lambda: packed({"a.txt": b"x"}), R.EMBEDDED),
    "archive of XML called Word file": Hostile(
        "a.docx", lambda: packed({"a.xml": b"<a/>"}), R.DISGUISED
    ),
    "workbook called Word file": Hostile(
        "a.docx", added(TYPES, types("application/vnd.ms-excel")), R.DISGUISED
    ),
    "program called Word file": Hostile("a.docx", lambda: PROGRAM, R.DISGUISED),
    "text called old Word file": Hostile("a.doc", lambda: b"{\\rtf1 x}", R.DISGUISED),
    "old Word file": Hostile("a.doc", lambda: OLE, R.LEGACY_WORD),
    "old Word file by the new name": Hostile("a.DOCX", lambda: OLE, R.LEGACY_WORD),
    "encrypted Word file": Hostile(
        "a.docx", lambda: OLE + "EncryptedPackage".encode("utf-16-le"), R.ENCRYPTED
    ),
    "program by its own name": Hostile("a.pdf.exe", lambda: PROGRAM, R.OTHER_KIND),
    "no suffix": Hostile("evidence", pdf, R.OTHER_KIND),
    "name turned round": Hostile("evidence\u202efdp.exe", lambda: PROGRAM, R.BAD_NAME),
    "name with a zero": Hostile("a.exe\0.pdf", pdf, R.BAD_NAME),
    "empty": Hostile("a.pdf", lambda: b"", R.EMPTY),
    "one byte too large": Hostile(
        "a.pdf", lambda: pdf().ljust(MAX_FILE_BYTES + 1, b"\n"), R.TOO_LARGE
    ),
}
ACTIVE_WORD_FILES = {
    "macro file by its name": Hostile("a.docm", docx, R.MACROS),
    "macro file by the other name": Hostile("a.docx", added(TYPES, types(MACRO_MAIN)), R.MACROS),
    "macros in a part": Hostile("a.docx", added("word/vbaProject.bin", OLE), R.MACROS),
    "macros in a part called otherwise": Hostile(
        "a.docx",
        lambda: docx(more={"word/p.xml": "<x/>", **linked("vbaProject", "p.xml", external=False)}),
        R.MACROS,
    ),
    "ActiveX in a part": Hostile("a.docx", added("word/activeX/activeX1.bin", OLE), R.MACROS),
    "ActiveX on the page": Hostile("a.docx", shown('<w:p><w:control w:name="x"/></w:p>'), R.MACROS),
    "OLE object": Hostile("a.docx", added("word/embeddings/oleObject1.bin", OLE), R.EMBEDDED),
    "OLE object on the page": Hostile(
        "a.docx", shown("<w:p><w:r><w:object/></w:r></w:p>"), R.EMBEDDED
    ),
    "embedded workbook": Hostile("a.docx", added("word/embeddings/a.xlsx", b"PK"), R.EMBEDDED),
    "page taken in": Hostile(
        "a.docx", lambda: docx(more=linked("aFChunk", "a.xml", external=False)), R.EMBEDDED
    ),
    "page taken in by name": Hostile("a.docx", shown("<w:altChunk/>"), R.EMBEDDED),
    "program as a picture": Hostile("a.docx", added("word/media/a.png", PROGRAM), R.EMBEDDED),
    "archive as a picture": Hostile(
        "a.docx", lambda: docx(more={"word/media/a.png": docx()}), R.EMBEDDED
    ),
    "program as a part": Hostile("a.docx", added("word/run.exe", PROGRAM), R.EMBEDDED),
    "drawing with a script": Hostile(
        "a.docx", added("word/media/a.svg", "<svg><script>x</script></svg>"), R.EMBEDDED
    ),
    "remote template": Hostile(
        "a.docx",
        added(
            "word/_rels/settings.xml.rels",
            relationships(
                relationship("attachedTemplate", "https://example.org/a.dotm", external=True)
            ),
        ),
        R.EXTERNAL,
    ),
    "remote picture": Hostile(
        "a.docx", lambda: docx(more=linked("image", "https://example.org/a.png")), R.EXTERNAL
    ),
    "remote object": Hostile(
        "a.docx", lambda: docx(more=linked("oleObject", "https://example.org/a")), R.EXTERNAL
    ),
    "remote frame": Hostile(
        "a.docx", lambda: docx(more=linked("frame", "https://example.org/a")), R.EXTERNAL
    ),
    "link to a program": Hostile(
        "a.docx", lambda: docx(more=linked("hyperlink", "file:///c:/run.exe")), R.EXTERNAL
    ),
    "link to a tool": Hostile(
        "a.docx", lambda: docx(more=linked("hyperlink", "ms-msdt:/id PCWDiagnostic")), R.EXTERNAL
    ),
    "field that runs": Hostile("a.docx", shown(word_field('DDEAUTO c:\\\\cmd.exe "/k"')), R.FIELD),
    "field that runs, in pieces": Hostile("a.docx", shown(word_field(" D", "DE ", "cmd")), R.FIELD),
    "field that runs, made by a field": Hostile(
        "a.docx",
        shown(
            word_field(
                "</w:instrText></w:r>" + word_field("QUOTE 68 68 69")[5:-6] + "<w:r><w:instrText>"
            )
        ),
        R.FIELD,
    ),
    "field that fetches": Hostile(
        "a.docx", shown('<w:fldSimple w:instr="INCLUDETEXT c:/secret.txt"/>'), R.FIELD
    ),
    "field without an end": Hostile(
        "a.docx",
        shown('<w:p><w:fldChar w:fldCharType="begin"/><w:instrText>DDE x</w:instrText></w:p>'),
        R.FIELD,
    ),
    "field that was deleted": Hostile(
        "a.docx", shown("<w:p><w:delInstrText>DDE x</w:delInstrText></w:p>"), R.FIELD
    ),
    "field at the foot": Hostile(
        "a.docx",
        added("word/footer1.xml", document(word_field('INCLUDEPICTURE "https://example.org"'))),
        R.FIELD,
    ),
    "link to a share, by a field": Hostile(
        "a.docx", shown(word_field('HYPERLINK "\\\\host\\share"')), R.EXTERNAL
    ),
    "link to a file, behind a switch": Hostile(
        "a.docx", shown(word_field('HYPERLINK \\t "_blank" "file:///c:/run.exe"')), R.EXTERNAL
    ),
}
MISSHAPEN_WORD_FILES = {
    "a thousand million laughs": Hostile("a.docx", added(DOCUMENT, laughs()), R.ENTITIES),
    "entity from outside": Hostile(
        "a.docx",
        added(
            "word/styles.xml", '<!DOCTYPE w [<!ENTITY a SYSTEM "file:///etc/passwd">]><w>&a;</w>'
        ),
        R.ENTITIES,
    ),
    "document type alone": Hostile(
        "a.docx", added("word/styles.xml", "<!DOCTYPE w><w/>"), R.ENTITIES
    ),
    "document type in UTF-16": Hostile(
        "a.docx", added("word/styles.xml", encoded_in("utf-16")), R.ENTITIES
    ),
    "document type in the relationships": Hostile(
        "a.docx", added(DOCUMENT_RELATIONSHIPS, "<!DOCTYPE w><w/>"), R.ENTITIES
    ),
    "XML that is too deep": Hostile("a.docx", shown("<w:p>" * 3000 + "</w:p>" * 3000), R.BROKEN),
    "XML that is none": Hostile("a.docx", added("word/styles.xml", "<w>"), R.BROKEN),
    "XML that is packed zeros": Hostile(
        "a.docx", added("word/styles.xml", "<x>" + " " * 60_000_000 + "</x>"), R.BOMB
    ),
    "more than it may unpack to": Hostile("a.docx", huge_together, R.BOMB),
    "part larger than it says": Hostile("a.docx", said_to_be_smaller, R.BROKEN),
    "picture of a thousand million points": Hostile(
        "a.docx", added("word/media/a.png", png_head(40_000, 40_000)), R.BOMB
    ),
    "too many parts": Hostile("a.docx", many_entries, R.BOMB),
    "archive in the archive": Hostile(
        "a.docx", lambda: docx(more={"word/media/a.zip": docx()}), R.EMBEDDED
    ),
    "parts that overlap": Hostile("a.docx", overlapping, R.ARCHIVE),
    "path that leads out": Hostile("a.docx", added("../../etc/cron.d/a.xml", "<a/>"), R.ARCHIVE),
    "path from the root": Hostile("a.docx", added("/etc/a.xml", "<a/>"), R.ARCHIVE),
    "path with a drive": Hostile("a.docx", added("c:\\a.xml", "<a/>"), R.ARCHIVE),
    "same name twice": Hostile("a.docx", added("WORD/document.xml", "<a/>"), R.ARCHIVE),
    "program before the archive": Hostile("a.docx", lambda: PROGRAM + docx(), R.DISGUISED),
    "archive before the archive": Hostile("a.docx", lambda: docx() + docx(), R.DISGUISED),
    "something behind the archive": Hostile("a.docx", lambda: docx() + PROGRAM, R.DISGUISED),
    "parts that are encrypted": Hostile("a.docx", flagged_encrypted, R.ENCRYPTED),
    "checksums that are wrong": Hostile("a.docx", broken_checksum, R.BROKEN),
    "archive cut short": Hostile("a.docx", lambda: docx()[:300], R.BROKEN),
    "no document": Hostile(
        "a.docx",
        lambda: packed({TYPES: types(), RELATIONSHIPS: relationships()}),
        R.BROKEN,
    ),
    "another document than it says": Hostile(
        "a.docx",
        added(RELATIONSHIPS, relationships(relationship("officeDocument", "word/a.xml"))),
        R.BROKEN,
    ),
    "empty document": Hostile("a.docx", shown(paragraph(" ")), R.NO_PAGES),
    "eleven pages by breaks": Hostile(
        "a.docx", shown(PAGE_BREAK * 10 + paragraph("x")), R.TOO_LONG
    ),
    "eleven pages of pictures": Hostile("a.docx", shown(picture(160, 200) * 11), R.TOO_LONG),
    "text of thirty pages": Hostile("a.docx", shown(paragraph("字" * 40_000)), R.TOO_LONG),
    "text of a hundred pages": Hostile("a.docx", shown(paragraph("字" * 120_000)), R.TOO_LONG),
    "one word of thirty pages": Hostile("a.docx", shown(paragraph("x" * 90_000)), R.TOO_LONG),
    "lines without end": Hostile("a.docx", shown("<w:p/>" * 9_000 + paragraph("x")), R.TOO_LONG),
    "forty pages said to be one": Hostile(
        "a.docx",
        lambda: docx(
            paragraph("字" * 60_000),
            {"docProps/app.xml": "<Properties><Pages>1</Pages></Properties>"},
        ),
        R.TOO_LONG,
    ),
}
EVIDENCE = ACTIVE_PDFS | MISSHAPEN_PDFS | DISGUISED | ACTIVE_WORD_FILES | MISSHAPEN_WORD_FILES
PHOTOS = {
    "program": Hostile("a.jpg", lambda: PROGRAM, R.PICTURE),
    "page": Hostile("a.png", lambda: PAGE, R.PICTURE),
    "drawing": Hostile("a.svg", lambda: b"<svg><script>x</script></svg>", R.PICTURE),
    "another suffix": Hostile("a.png", jpeg, R.PICTURE),
    "GIF": Hostile("a.jpg", lambda: saved(halves(), "GIF"), R.PICTURE),
    "moving": Hostile("a.png", moving, R.PICTURE),
    "a thousand million points": Hostile("a.png", lambda: png_head(40_000, 40_000), R.PICTURE),
    "cut short": Hostile("a.jpg", lambda: jpeg()[:3_000], R.PICTURE),
    "archive behind it": Hostile("a.jpg", lambda: zipped_behind(jpeg()), R.DISGUISED),
    "PDF inside": Hostile("a.jpg", lambda: saved(halves(), "JPEG", comment=pdf()), R.DISGUISED),
    "PDF by name": Hostile("a.pdf", jpeg, R.PICTURE),
    "wide": Hostile("a.jpg", lambda: jpeg(700, 500), R.NOT_TWO_INCH),
    "one inch": Hostile("a.jpg", lambda: jpeg(500, 500), R.NOT_TWO_INCH),
    "small": Hostile("a.jpg", lambda: jpeg(350, 490), R.PHOTO_TOO_SMALL),
    "empty": Hostile("a.jpg", lambda: b"", R.EMPTY),
    "too large": Hostile("a.jpg", lambda: jpeg().ljust(MAX_FILE_BYTES + 1), R.TOO_LARGE),
}
SCANS = {
    "program": Hostile("a.exe", lambda: PROGRAM, R.OTHER_SCAN),
    "Word file": Hostile("a.docx", docx, R.OTHER_SCAN),
    "small": Hostile("a.png", lambda: saved(halves(500, 1400), "PNG"), R.SCAN_TOO_SMALL),
    "six pages": Hostile("a.pdf", lambda: pdf(6), R.TOO_MANY_PAGES),
    "script": ACTIVE_PDFS["script when opened"],
    "archive behind a PDF": DISGUISED["archive behind a PDF"],
}


def big_files() -> dict[str, Hostile]:
    """Files that would fill the memory of a program that unpacks them."""
    names = (
        "content of a gigabyte", "object stream of a gigabyte", "too many objects",
        "brackets without end", "a thousand million laughs", "XML that is packed zeros",
        "more than it may unpack to", "part larger than it says", "text of a hundred pages",
        "picture of a thousand million points", "ten thousand pages", "table that promises",
    )  # fmt: skip
    return {name: EVIDENCE[name] for name in names}
