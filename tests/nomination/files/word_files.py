"""Word files for tests, packed part by part, so that any of them can be wrong."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BufferedWriter, BytesIO, RawIOBase
from typing import Any

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
RELATIONSHIPS_NAMESPACE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
MACRO_MAIN = "application/vnd.ms-word.document.macroEnabled.main+xml"
TYPES, RELATIONSHIPS = "[Content_Types].xml", "_rels/.rels"
DOCUMENT, DOCUMENT_RELATIONSHIPS = "word/document.xml", "word/_rels/document.xml.rels"
PAGE_BREAK = '<w:p><w:r><w:br w:type="page"/></w:r></w:p>'


def paragraph(text: str, *, half_points: int | None = None) -> str:
    size = f'<w:rPr><w:sz w:val="{half_points}"/></w:rPr>' if half_points else ""
    return f"<w:p><w:r>{size}<w:t>{text}</w:t></w:r></w:p>"


def document(body: str = paragraph("获奖证书复印件")) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f'<w:document xmlns:w="{WORD}" xmlns:r="{RELATIONSHIPS_NAMESPACE}">'
        f"<w:body>{body}<w:sectPr/></w:body></w:document>"
    )


def types(main: str = MAIN, more: str = "") -> str:
    return (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/{DOCUMENT}" ContentType="{main}"/>{more}</Types>'
    )


def relationship(kind: str, target: str, *, external: bool = False) -> str:
    mode = ' TargetMode="External"' if external else ""
    return (
        f'<Relationship Id="r1" Type="{RELATIONSHIPS_NAMESPACE}/{kind}" Target="{target}"{mode}/>'
    )


def relationships(inside: str = relationship("officeDocument", DOCUMENT)) -> str:
    names = "http://schemas.openxmlformats.org/package/2006/relationships"
    return f'<Relationships xmlns="{names}">{inside}</Relationships>'


def linked(kind: str, target: str, *, external: bool = True) -> dict[str, str]:
    """The part that states what the document leads to."""
    return {DOCUMENT_RELATIONSHIPS: relationships(relationship(kind, target, external=external))}


def parts(body: str | None = None) -> dict[str, str | bytes]:
    """The three that every document has."""
    content = document() if body is None else document(body)
    return {TYPES: types(), RELATIONSHIPS: relationships(), DOCUMENT: content}


def packed(contents: Mapping[str, str | bytes]) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def streamed(contents: Mapping[str, str | bytes]) -> bytes:
    """As programs pack that cannot go back: sizes stand behind each part."""
    file = BytesIO()
    unseekable = BufferedWriter(_Forward(file))
    with zipfile.ZipFile(unseekable, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    unseekable.flush()
    return file.getvalue()


class _Forward(RawIOBase):
    def __init__(self, file: BytesIO) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        return self._file.write(content)


def docx(body: str | None = None, more: Mapping[str, str | bytes] | None = None) -> bytes:
    """A document of these paragraphs, with `more` parts, or others instead of its own."""
    return packed({**parts(body), **(more or {})})


def word_field(*codes: str) -> str:
    """A field whose code is written in several runs."""
    written = "".join(f"<w:r><w:instrText>{code}</w:instrText></w:r>" for code in codes)
    return (
        f'<w:p><w:r><w:t>x</w:t><w:fldChar w:fldCharType="begin"/></w:r>{written}'
        '<w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>'
    )


def picture(width_millimetres: float, height_millimetres: float) -> str:
    """Room for a picture; what is in it does not matter to the page."""
    cx, cy = (round(side * 36_000) for side in (width_millimetres, height_millimetres))
    drawing = "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"
    return (
        f'<w:p><w:r><w:drawing><wp:inline xmlns:wp="{drawing}"><wp:extent cx="{cx}" cy="{cy}"/>'
        "</wp:inline></w:drawing></w:r></w:p>"
    )


def table(rows: int, *cells: str) -> str:
    row = "".join(f"<w:tc>{cell}</w:tc>" for cell in cells)
    return f"<w:tbl>{f'<w:tr>{row}</w:tr>' * rows}</w:tbl>"
