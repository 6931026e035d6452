"""Hostile files of later kinds: rich text, web pages named .doc, bombs of scanners."""

from __future__ import annotations

from functools import partial

from tests.nomination.files.hostile_files import PAGE, Hostile
from tests.nomination.files.pdf_files import pdf, stream
from tests.nomination.files.pdf_samples import holding, written
from tests.nomination.files.writer_samples import rich_text
from voting_service.nomination.files.rejections import RejectionReason as R


def field(code: str) -> str:
    return "{\\field{\\*\\fldinst {\\rtlch " + code + "}}{\\fldrslt 1}}"


RICH_TEXTS = {
    name: Hostile("a.doc", partial(rich_text, inside), reason)
    for name, inside, reason in (
        ("object", "{\\object\\objemb{\\*\\objclass Package}{\\*\\objdata 0105}}", R.EMBEDDED),
        ("object that updates itself", "{\\object\\objautlink\\objupdate}", R.EMBEDDED),
        ("object without its frame", "{\\*\\objdata 01050000 02000000}", R.EMBEDDED),
        ("control", "{\\object\\objocx{\\*\\objdata 0105}}", R.EMBEDDED),
        ("web object", "{\\object\\objhtml x}", R.EMBEDDED),
        ("field that runs", field("DDEAUTO c:\\\\\\\\windows\\\\\\\\cmd.exe"), R.FIELD),
        ("field in letters", field("\\'44\\'44\\'45AUTO cmd"), R.FIELD),
        ("field that takes in text", field('INCLUDETEXT "https://example.org/a.doc"'), R.FIELD),
        ("field of a database", field("DATABASE \\\\d x"), R.FIELD),
        ("picture from outside", field('INCLUDEPICTURE "https://example.org/a.png"'), R.EXTERNAL),
        (
            "picture of a share",
            field('INCLUDEPICTURE "\\\\\\\\\\\\\\\\h\\\\\\\\a.png"'),
            R.EXTERNAL,
        ),
        ("link to a share", field('HYPERLINK "file://h/a.doc"'), R.EXTERNAL),
        ("template from outside", "{\\*\\template https://example.org/a.dotm}", R.EXTERNAL),
        ("template of a share", "{\\*\\template \\\\\\\\h\\\\a.dot}", R.EXTERNAL),
        ("template in letters", "{\\*\\template \\'68ttps://example.org/a.dotm}", R.EXTERNAL),
    )
}
_WEB = b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n\r\n"
LATER_EVIDENCE = {
    "web page called Word file": Hostile("a.doc", lambda: b"<html>" + PAGE, R.LEGACY_WORD),
    "web archive called Word file": Hostile("a.doc", lambda: _WEB + PAGE, R.LEGACY_WORD),
    "web page called PDF": Hostile("a.pdf", lambda: b"<html>" + PAGE, R.DISGUISED),
    "scan of a billion dots": Hostile(
        "a.pdf",
        lambda: holding(
            b"/Width 60000 /Height 60000 /ColorSpace /DeviceGray /BitsPerComponent 1"
            b" /Filter /JBIG2Decode",
            b"\0" * 40,
        ),
        R.BOMB,
    ),
    "fax of a billion dots": Hostile(
        "a.pdf",
        lambda: holding(
            b"/Width 60000 /Height 60000 /ColorSpace /DeviceGray /BitsPerComponent 1"
            b" /Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 60000 /Rows 60000 >>",
            b"\0" * 40,
        ),
        R.BOMB,
    ),
    "field that calculates": Hostile(
        "a.pdf",
        lambda: written(
            catalog=b"/AcroForm << /Fields [] /CO [6 0 R] >>",
            extra=(b"<< /AA << /C << /S /JavaScript /JS (app.alert\\(1\\)) >> >> >>",),
        ),
        R.ACTIVE,
    ),
    "program that belongs to the document": Hostile(
        "a.pdf",
        lambda: written(
            catalog=b"/AF [<< /Type /Filespec /F (a.exe) /EF << /F 6 0 R >> >>]",
            extra=(stream(b"MZ\x90\0", b"/Type /EmbeddedFile"),),
        ),
        R.EMBEDDED,
    ),
    "portfolio with a cover": Hostile(
        "a.pdf", lambda: written(catalog=b"/Collection << /View /D >>"), R.EMBEDDED
    ),
    "picture from a share": Hostile(
        "a.pdf",
        lambda: holding(
            b"/Width 9 /Height 9 /ColorSpace /DeviceGray /BitsPerComponent 8"
            b" /F (\\\\\\\\h\\\\a.png)",
            b"",
        ),
        R.EXTERNAL,
    ),
    "script in letters": Hostile(
        "a.pdf", lambda: pdf(catalog=b"/OpenAction << /S /J#61vaScript /J#53 (x) >>"), R.ACTIVE
    ),
}
