"""A Word file (.docx), written again with only what is needed to print it.

Parts are read from the document along its relationships, and written under names of ours. What
nothing leads to, or what no page shows, is left out; what reaches out or runs is rejected wherever
it stands.
"""

from __future__ import annotations

import html
import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from voting_service.nomination.files.content_safety import check_picture, looks_foreign
from voting_service.nomination.files.docx_archive import MAX_PART_BYTES, Archive
from voting_service.nomination.files.docx_relationships import (
    KINDS,
    ContentTypes,
    Target,
    read_relationships,
)
from voting_service.nomination.files.docx_xml import clean_xml, local, read_xml
from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.nomination.files.word_links import check_hyperlink

TYPES, RELATIONSHIPS, MAIN = "[content_types].xml", "_rels/.rels", "word/document.xml"
MAIN_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_MAIN_TYPES = frozenset({MAIN_TYPE, MAIN_TYPE.replace("document.main", "template.main")})
_MAIN_RELATIONSHIP = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
)
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/"
_PACKAGE_TYPE = "application/vnd.openxmlformats-package.relationships+xml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_JUNK_FOLDERS = frozenset({"[trash]", "__macosx"})
_JUNK = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_UNREADABLE = frozenset({".odttf", ".ttf", ".otf", ".fntdata"})
"""Fonts, garbled on purpose."""
_PICTURES = (
    (b"\x89PNG\r\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"RIFF", "webp"),
    (b"\x01\0\0\0", "emf"),
    (b"\xd7\xcd\xc6\x9a", "wmf"),
    (b"\x01\0\x09\0", "wmf"),
)
_GZIP = b"\x1f\x8b"


def clean_docx(content: bytes) -> bytes:
    """Return a Word file that prints the same and holds nothing else. Raises FileRejected."""
    return _Copy(Archive(content)).made()


@dataclass
class _Copy:
    """One file on its way from the archive it came in to the one that is made."""

    archive: Archive
    relationships: dict[str, dict[str, Target | None]] = field(default_factory=dict)
    """Of each part, by its name in lower case."""
    names: dict[str, str] = field(default_factory=dict)
    """The name of each part in the new archive, by its name in the old."""
    kinds: dict[str, str] = field(default_factory=dict)
    """The last word of the relationship that led to each part, by its name in the old archive."""

    def made(self) -> bytes:
        main = self._main_part()
        self._read_relationships()
        self._check_parts()
        self.names[main], self.kinds[main] = MAIN, _MAIN_RELATIONSHIP.rpartition("/")[2]
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as copy:
            done = 0
            while done < len(self.names):
                self._copy_part(copy, list(self.names)[done])
                done += 1
            self._check_unused()
            copy.writestr("_rels/.rels", _relationships([("r1", _MAIN_RELATIONSHIP, "/" + MAIN)]))
            copy.writestr("[Content_Types].xml", self._content_types())
        return target.getvalue()

    def _main_part(self) -> str:
        """Return the name of the document part; content types and relationships must agree."""
        if TYPES not in self.archive or RELATIONSHIPS not in self.archive:
            raise FileRejected(RejectionReason.DISGUISED)
        types = ContentTypes()
        read_xml(self.archive.read(TYPES), types)
        if not _MAIN_TYPES & set(types.parts.values()):  # a workbook, a presentation
            raise FileRejected(RejectionReason.DISGUISED)
        roots = read_relationships("", self.archive.read(RELATIONSHIPS)).values()
        mains = {root.name for root in roots if root and root.kind == "officeDocument"}
        if len(mains) != 1 or not mains <= set(self.archive.names()):
            raise FileRejected(RejectionReason.BROKEN)
        [main] = mains
        if types.parts.get(main) not in _MAIN_TYPES:
            raise FileRejected(RejectionReason.BROKEN)
        return main

    def _read_relationships(self) -> None:
        for name in self.archive.names():
            path = PurePosixPath(name)
            if path.suffix == ".rels" and path.parent.name == "_rels" and not _is_junk(path):
                source = str(path.parent.parent / path.stem)
                self.relationships[source] = read_relationships(source, self.archive.read(name))

    def _check_parts(self) -> None:
        """Check what the file brings along, also where it is left out."""
        tables = {
            target.name
            for source, targets in self.relationships.items()
            for target in targets.values()
            if target and "/charts/" in source
        }
        for name in self.archive.names():
            path = PurePosixPath(name)
            if not (_is_junk(path) or (name in tables and path.suffix == ".xlsx")):
                _check_part(path, self.archive.read(name))

    def _check_unused(self) -> None:
        """Check the XML that nothing leads to: another program might find it."""
        for name in self.archive.names():
            if name.startswith("word/") and name.endswith(".xml") and name not in self.names:
                clean_xml(self.archive.read(name), {})

    def _copy_part(self, copy: zipfile.ZipFile, old: str) -> None:
        """Write one part, and name those that it leads to."""
        name, content = self.names[old], self.archive.read(old)
        if self.kinds[old] == "image":
            copy.writestr(name, _unpacked(content))
            return
        targets = self.relationships.get(old, {})
        parts = {key: self._named(target) for key, target in targets.items()}
        cleaned, prints = clean_xml(content, parts)
        if name == MAIN and not prints:
            raise FileRejected(RejectionReason.NO_PAGES)
        copy.writestr(name, cleaned)
        links = [
            (key, KINDS[target.kind].relationship, f"/{parts[key]}")
            for key, target in targets.items()
            if target and parts[key]
        ]
        if links:
            path = PurePosixPath(name)
            copy.writestr(f"{path.parent}/_rels/{path.name}.rels", _relationships(links))

    def _named(self, target: Target | None) -> str | None:
        """Return the name of a part in the new archive, None where it is left out."""
        if target is None or target.kind not in KINDS or target.name not in self.archive:
            return None
        if target.name not in self.names:
            suffix: str | None = "xml"
            if target.kind == "image":
                suffix = _picture_suffix(_unpacked(self.archive.read(target.name)))
            if suffix is None:
                return None
            self.names[target.name] = f"word/part{len(self.names)}.{suffix}"
            self.kinds[target.name] = target.kind
        return self.names[target.name] if self.kinds[target.name] == target.kind else None

    def _content_types(self) -> str:
        defaults = {"rels": _PACKAGE_TYPE, "xml": "application/xml"}
        defaults |= {suffix: f"image/{suffix}" for _, suffix in _PICTURES}
        overrides = {MAIN: MAIN_TYPE}
        overrides |= {
            self.names[old]: KINDS[kind].content_type
            for old, kind in self.kinds.items()
            if kind in KINDS and kind != "image"
        }
        lines = [
            *(f'<Default Extension="{end}" ContentType="{it}"/>' for end, it in defaults.items()),
            *(f'<Override PartName="/{on}" ContentType="{it}"/>' for on, it in overrides.items()),
        ]
        return f'{_XML}<Types xmlns="{_PACKAGE}content-types">{"".join(lines)}</Types>'


@dataclass
class _Properties:
    """Reader of the properties that checks where relative links lead."""

    _is_base: bool = False
    _base: str = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._is_base = local(tag) == "HyperlinkBase"

    def data(self, text: str) -> None:
        self._base += text if self._is_base else ""

    def end(self, tag: str) -> None:
        check_hyperlink(self._base)


def _is_junk(path: PurePosixPath) -> bool:
    """Whether a part is left behind by a file system or by Word's own writing."""
    return path.parts[0] in _JUNK_FOLDERS or path.name in _JUNK or path.name.startswith("._")


def _check_part(path: PurePosixPath, content: bytes) -> None:
    if path.name.startswith("vba") or "activex" in path.parts[:-1]:
        raise FileRejected(RejectionReason.MACROS)
    if "embeddings" in path.parts[:-1]:
        raise FileRejected(RejectionReason.EMBEDDED, what="embeddings")
    if path.suffix == ".svg":
        clean_xml(content, {})
    elif str(path) == "docprops/app.xml":
        read_xml(content, _Properties())
    elif path.suffix not in _UNREADABLE and not path.name.endswith((".xml", ".rels")):
        # Word for Mac keeps pictures as PDF too, beside a picture that others can show.
        is_picture = path.suffix == ".pdf" and path.parent.name == "media"
        if looks_foreign(content) and not is_picture:
            raise FileRejected(RejectionReason.EMBEDDED, what=path.suffix[:12] or "?")
        check_picture(content)


def _unpacked(picture: bytes) -> bytes:
    """Return a picture; metafiles are often packed (.emz, .wmz)."""
    if not picture.startswith(_GZIP):
        return picture
    unpacking = zlib.decompressobj(wbits=31)
    try:
        content = unpacking.decompress(picture, MAX_PART_BYTES)
    except zlib.error:
        raise FileRejected(RejectionReason.BROKEN) from None
    if unpacking.unconsumed_tail:
        raise FileRejected(RejectionReason.BOMB)
    return content


def _picture_suffix(content: bytes) -> str | None:
    """Return what a picture is by its first bytes, None for what the converter need not read."""
    suffix = next((suffix for head, suffix in _PICTURES if content.startswith(head)), None)
    marks = {"emf": content[40:44] == b" EMF", "webp": content[8:12] == b"WEBP"}
    return suffix if suffix is None or marks.get(suffix, True) else None


def _relationships(links: list[tuple[str, str, str]]) -> str:
    lines = "".join(
        f'<Relationship Id="{html.escape(key)}" Type="{kind}" Target="{target}"/>'
        for key, kind, target in links
    )
    return f'{_XML}<Relationships xmlns="{_PACKAGE}relationships">{lines}</Relationships>'
