"""Word files that want something, and why they are refused: by what they hold (word_cleaner.py)."""

from __future__ import annotations

import gzip
import struct
import zipfile
from collections.abc import Callable
from functools import partial
from io import BytesIO
from random import Random

from tests.nomination.files.hostile_files import OLE, PROGRAM, Hostile
from tests.nomination.files.ole_files import old_word_file
from tests.nomination.files.pdf_files import pdf
from tests.nomination.files.word_files import (
    DOCUMENT,
    DOCUMENT_RELATIONSHIPS,
    MACRO_MAIN,
    RELATIONSHIPS,
    TYPES,
    document,
    docx,
    linked,
    packed,
    paragraph,
    parts,
    relationship,
    relationships,
    types,
    word_field,
)
from tests.picture_files import png_head
from voting_service.nomination.files.rejections import RejectionReason

R = RejectionReason
SETTINGS_RELATIONSHIPS = "word/_rels/settings.xml.rels"


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


def many_entries() -> bytes:
    return docx(more={f"word/item{number}.xml": "<x/>" for number in range(1_200)})


def huge_together() -> bytes:
    """Pictures that are bearable one by one, by what their heads say."""
    size = 400_000
    noise = Random(7).randbytes(size)
    file = bytearray(docx(more={f"word/media/{number}.bmp": noise for number in range(5)}))
    for place in _all(file, struct.pack("<L", size)):
        struct.pack_into("<L", file, place, 60_000_000)
    return bytes(file)


def added(name: str, content: str | bytes) -> Callable[[], bytes]:
    return lambda: docx(more={name: content})


def shown(body: str) -> Callable[[], bytes]:
    return lambda: docx(body)


def encoded_in(encoding: str) -> bytes:
    doctype = '<!DOCTYPE w [<!ENTITY a "b">]>'
    return (f'<?xml version="1.0" encoding="{encoding}"?>{doctype}<w/>').encode(encoding)


def linked_from(part: str, kind: str, target: str) -> Callable[[], bytes]:
    """A document whose `part` leads to another computer."""
    return lambda: docx(more={part: relationships(relationship(kind, target, external=True))})


def nested_field() -> str:
    """INCLUDEPICTURE inside IF inside IF, its code in pieces of two letters."""
    code = 'INCLUDEPICTURE "http://example.org/a.png"'
    pieces = [code[at : at + 2].replace('"', "&quot;") for at in range(0, len(code), 2)]
    begin, end = (f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "end"))
    inner = begin + "".join(f"<w:r><w:instrText>{it}</w:instrText></w:r>" for it in pieces) + end
    for _ in range(2):
        head = '<w:r><w:instrText xml:space="preserve"> IF 1 = 1 </w:instrText></w:r>'
        inner = begin + head + inner + end
    return f"<w:p>{inner}</w:p>" + paragraph("x")


def code_in_text() -> str:
    """Word takes plain text between the marks for code as well."""
    return word_field("D</w:instrText></w:r><w:r><w:t>DE</w:t></w:r><w:r><w:instrText>AUTO cmd")


def scripted_svg(inside: str) -> str:
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f"<svg {names}>{inside}</svg>"


def bzip2_packed() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_BZIP2) as archive:
        for name, content in parts().items():
            archive.writestr(name, content)
    return file.getvalue()


def packed_metafile() -> bytes:
    """A packed picture of 70 MiB, and a document that shows it."""
    bomb = gzip.compress(b"\0" * (70 << 20))
    return docx(more={"word/a.emz": bomb, **linked("image", "a.emz", external=False)})


ACTIVE_WORD_FILES = {
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
        R.EXTERNAL,
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
}
MORE_ACTIVE_WORD_FILES = {
    "remote template of the settings": Hostile(
        "a.docx",
        linked_from(SETTINGS_RELATIONSHIPS, "attachedTemplate", "http://192.0.2.1/n.dotm"),
        R.EXTERNAL,
    ),
    "template on a share": Hostile(
        "a.docx",
        linked_from(SETTINGS_RELATIONSHIPS, "attachedTemplate", "file://host/share/n.dotm"),
        R.EXTERNAL,
    ),
    "template on a share, with more slashes": Hostile(
        "a.docx",
        linked_from(SETTINGS_RELATIONSHIPS, "attachedTemplate", "file://///host/share/n.dotm"),
        R.EXTERNAL,
    ),
    "template on a share, encoded": Hostile(
        "a.docx",
        linked_from(SETTINGS_RELATIONSHIPS, "attachedTemplate", "%255C%255Chost\\n.dotm"),
        R.EXTERNAL,
    ),
    "addresses of a mail merge": Hostile(
        "a.docx",
        linked_from(SETTINGS_RELATIONSHIPS, "mailMergeSource", "https://example.org/a.csv"),
        R.EXTERNAL,
    ),
    "page of a frame": Hostile(
        "a.docx",
        linked_from("word/_rels/webSettings.xml.rels", "frame", "https://example.org/"),
        R.EXTERNAL,
    ),
    "page of a frame, local": Hostile(
        "a.docx", linked_from("word/_rels/webSettings.xml.rels", "frame", "a.html"), R.EMBEDDED
    ),
    "stylesheet from outside": Hostile(
        "a.docx",
        linked_from(SETTINGS_RELATIONSHIPS, "transform", r"\\host\share\a.xsl"),
        R.EXTERNAL,
    ),
    "picture on a share": Hostile(
        "a.docx", lambda: docx(more=linked("image", r"\\host\share\a.png")), R.EXTERNAL
    ),
    "picture from outside that is not said to be": Hostile(
        "a.docx",
        lambda: docx(more=linked("image", "https://example.org/a.png", external=False)),
        R.EXTERNAL,
    ),
    "picture through a handler": Hostile(
        "a.docx",
        lambda: docx(more=linked("image", "mhtml:http://192.0.2.1/a!x-usc:http://192.0.2.1/a")),
        R.EXTERNAL,
    ),
    "linked object": Hostile(
        "a.docx", lambda: docx(more=linked("oleObject", "file:///C:/a.xlsx")), R.EMBEDDED
    ),
    "object behind a link in the page": Hostile(
        "a.docx",
        shown('<w:p><w:pict><o:OLEObject xmlns:o="o" Type="Link" r:id="r9"/></w:pict></w:p>'),
        R.EMBEDDED,
    ),
    "VML picture from outside": Hostile(
        "a.docx",
        shown(
            '<w:p><w:r><w:pict><v:shape xmlns:v="v"><v:imagedata src="http://192.0.2.1/a.png"/>'
            "</v:shape></w:pict></w:r></w:p>"
        ),
        R.EXTERNAL,
    ),
    "VML picture by its other address": Hostile(
        "a.docx",
        shown(
            '<w:p><w:r><w:pict><v:shape xmlns:v="v"><v:imagedata r:href="//host/a.png"/>'
            "</v:shape></w:pict></w:r></w:p>"
        ),
        R.EXTERNAL,
    ),
    "shape that links to a program": Hostile(
        "a.docx",
        shown('<w:p><w:r><w:pict><v:rect xmlns:v="v" href="C:\\a\\run.hta"/></w:pict></w:r></w:p>'),
        R.EXTERNAL,
    ),
    "drawing with a picture from outside": Hostile(
        "a.docx",
        added("word/media/a.svg", scripted_svg('<image xlink:href="https://example.org/a.png"/>')),
        R.EXTERNAL,
    ),
    "drawing with a page": Hostile(
        "a.docx", added("word/media/a.svg", scripted_svg("<foreignObject/>")), R.EMBEDDED
    ),
    "film": Hostile(
        "a.docx", lambda: docx(more=linked("video", "media/a.mp4", external=False)), R.EMBEDDED
    ),
    "add-in": Hostile(
        "a.docx",
        added(
            RELATIONSHIPS,
            relationships(
                relationship("officeDocument", DOCUMENT)
                + relationship("webextensiontaskpanes", "word/webextensions/a.xml").replace(
                    "r1", "r2"
                )
            ),
        ),
        R.MACROS,
    ),
    "workbook with macros behind a chart": Hostile(
        "a.docx",
        lambda: docx(
            more={
                "word/charts/_rels/chart1.xml.rels": relationships(
                    relationship("package", "../embeddings/a.xlsm")
                ),
                "word/embeddings/a.xlsm": packed({"xl/vbaProject.bin": OLE}),
            }
        ),
        R.EMBEDDED,
    ),
    "chart with data from outside": Hostile(
        "a.docx",
        linked_from("word/charts/_rels/chart1.xml.rels", "oleObject", "https://example.org/a"),
        R.EXTERNAL,
    ),
    "picture that a field fetches, deep inside": Hostile(
        "a.docx", shown(nested_field()), R.EXTERNAL
    ),
    "picture that a field fetches from a share": Hostile(
        "a.docx", shown(word_field('INCLUDEPICTURE "\\\\host\\a.png" \\d')), R.EXTERNAL
    ),
    "picture that a field fetches from where another says": Hostile(
        "a.docx",
        shown(
            word_field(
                'INCLUDEPICTURE "</w:instrText></w:r>'
                + word_field("DOCPROPERTY a")[5:-6]
                + '<w:r><w:instrText>"'
            )
        ),
        R.FIELD,
    ),
    "field that runs, between the marks": Hostile("a.docx", shown(code_in_text()), R.FIELD),
    "field that runs, letter by letter": Hostile(
        "a.docx", shown(word_field(*'DDEAUTO c:\\cmd.exe "/k calc"')), R.FIELD
    ),
    "field that runs, in a footnote": Hostile(
        "a.docx",
        lambda: docx(
            more={
                "word/footnotes.xml": document(word_field("dde cmd")),
                **linked("footnotes", "footnotes.xml", external=False),
            }
        ),
        R.FIELD,
    ),
    "field that takes in a file": Hostile(
        "a.docx", shown('<w:fldSimple w:instr="INCLUDETEXT &quot;/etc/passwd&quot;"/>'), R.FIELD
    ),
    "field that asks a database": Hostile("a.docx", shown(word_field("DATABASE \\d x")), R.FIELD),
    "link to a share": Hostile(
        "a.docx", lambda: docx(more=linked("hyperlink", r"\\host\share\a.docx")), R.EXTERNAL
    ),
    "share as the base of links": Hostile(
        "a.docx",
        added(
            "docProps/app.xml",
            r"<Properties><HyperlinkBase>\\host\share</HyperlinkBase></Properties>",
        ),
        R.EXTERNAL,
    ),
    "page taken in, at another place": Hostile(
        "a.docx",
        lambda: docx(
            more={
                "word/afchunk.htm": "<html>",
                "word/_rels/header1.xml.rels": relationships(
                    relationship("aFChunk", "afchunk.htm")
                ),
            }
        ),
        R.EMBEDDED,
    ),
    "document taken in": Hostile("a.docx", shown('<w:subDoc r:id="r1"/>'), R.EMBEDDED),
    "PDF as a part": Hostile("a.docx", added("word/a.bin", pdf()), R.EMBEDDED),
    "packed picture of seventy megabytes": Hostile("a.docx", packed_metafile, R.BOMB),
    "XML of twenty megabytes": Hostile(
        "a.docx", shown("<w:p/>" * 3_400_000 + paragraph("x")), R.BOMB
    ),
    "another method of packing": Hostile("a.docx", bzip2_packed, R.ARCHIVE),
    "page in the comment of the archive": Hostile(
        "a.docx", lambda: docx()[:-2] + b"\x08\0<script>", R.DISGUISED
    ),
    "element with two prefixes": Hostile("a.docx", shown("<w:x:instrText/>"), R.BROKEN),
    "fields without end": Hostile(
        "a.docx", shown('<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r></w:p>' * 60), R.BROKEN
    ),
}
OLD_WORD_FILES = {
    "archive called Word file": Hostile("a.docx", lambda: packed({"a.txt": b"x"}), R.DISGUISED),
    "archive of XML called Word file": Hostile(
        "a.docx", lambda: packed({"a.xml": b"<a/>"}), R.DISGUISED
    ),
    "workbook called Word file": Hostile(
        "a.docx", added(TYPES, types("application/vnd.ms-excel")), R.DISGUISED
    ),
    "old Word file": Hostile("a.doc", lambda: OLE, R.BROKEN),
    "old Word file by the new name": Hostile("a.DOCX", lambda: OLE, R.BROKEN),
    "encrypted Word file": Hostile(
        "a.docx", lambda: OLE + "EncryptedPackage".encode("utf-16-le"), R.BROKEN
    ),
    "old file with macros": Hostile(
        "a.doc", lambda: old_word_file(("Macros", "VBA", "dir")), R.MACROS
    ),
    "old file with macros of the other kind": Hostile(
        "a.wps", lambda: old_word_file(("_VBA_PROJECT_CUR", "x")), R.MACROS
    ),
    "old file with objects": Hostile(
        "a.doc", lambda: old_word_file(("ObjectPool", "_1", "\x01Ole10Native")), R.EMBEDDED
    ),
    "old file, encrypted": Hostile("a.doc", lambda: old_word_file(flags=0x100), R.ENCRYPTED),
    "old file, garbled": Hostile("a.doc", lambda: old_word_file(flags=0x8000), R.ENCRYPTED),
    "encrypted new file": Hostile(
        "a.docx", lambda: old_word_file(("EncryptedPackage",)), R.ENCRYPTED
    ),
    "file of Word 95": Hostile("a.doc", lambda: old_word_file(version=0x68), R.LEGACY_WORD),
    "old workbook": Hostile("a.doc", lambda: old_word_file(document="Workbook"), R.DISGUISED),
    **{
        f"old file with the field {name}": Hostile(
            "a.doc", partial(old_word_file, field_kind=kind), R.FIELD
        )
        for kind, name in ((45, "DDE"), (46, "DDEAUTO"), (56, "LINK"), (68, "INCLUDETEXT"))
    },
    "old file with code in its text": Hostile(
        "a.doc", lambda: old_word_file(text=b"\x13 DDEAUTO cmd \x14\x15"), R.FIELD
    ),
    "old file with code in wide text": Hostile(
        "a.doc", lambda: old_word_file(text="\x13 ddeauto cmd".encode("utf-16-le")), R.FIELD
    ),
    "old file cut short": Hostile("a.doc", lambda: old_word_file()[:1500], R.BROKEN),
}
WORD_FILES = ACTIVE_WORD_FILES | MISSHAPEN_WORD_FILES | MORE_ACTIVE_WORD_FILES | OLD_WORD_FILES
