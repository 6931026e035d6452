"""The relationships between the parts of a Word file: which of them lead where."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote

from voting_service.nomination.files.docx_xml import local, read_xml
from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.nomination.files.word_links import (
    PlaceKind,
    check_hyperlink,
    check_resource,
    place,
)

_MACROS = ("macroenabled", "vba", "activex", "control", "toolbar", "keymap", "webextension")
_EMBEDDING = ("oleobject", "package", "afchunk", "subdocument", "frame", "video", "audio", "media")
_PREFIX = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml."
_DRAWING = "application/vnd.openxmlformats-officedocument.drawingml."


class PartKind(NamedTuple):
    """A kind of part that the converter may read."""

    relationship: str
    content_type: str


KINDS = {
    **{
        name: PartKind(_PREFIX + name, f"{_WORD}{name}+xml")
        for name in (
            "styles",
            "numbering",
            "settings",
            "fontTable",
            "header",
            "footer",
            "footnotes",
            "endnotes",
        )
    },
    "theme": PartKind(_PREFIX + "theme", "application/vnd.openxmlformats-officedocument.theme+xml"),
    "chart": PartKind(_PREFIX + "chart", f"{_DRAWING}chart+xml"),
    "chartUserShapes": PartKind(_PREFIX + "chartUserShapes", f"{_DRAWING}chartshapes+xml"),
    "diagramData": PartKind(_PREFIX + "diagramData", f"{_DRAWING}diagramData+xml"),
    "diagramLayout": PartKind(_PREFIX + "diagramLayout", f"{_DRAWING}diagramLayout+xml"),
    "diagramQuickStyle": PartKind(_PREFIX + "diagramQuickStyle", f"{_DRAWING}diagramStyle+xml"),
    "diagramColors": PartKind(_PREFIX + "diagramColors", f"{_DRAWING}diagramColors+xml"),
    "diagramDrawing": PartKind(
        "http://schemas.microsoft.com/office/2007/relationships/diagramDrawing",
        "application/vnd.ms-office.drawingml.diagramDrawing+xml",
    ),
    "image": PartKind(_PREFIX + "image", ""),
}
"""By the last word of their relationship. What is not here is left out: properties, comments,
signatures, fonts, thumbnails, printer settings, custom XML."""


class Target(NamedTuple):
    """A part that another leads to; `kind` is the last word of the relationship."""

    kind: str
    name: str


@dataclass
class Relationships:
    """Reader of a .rels part. Raises FileRejected for what reaches out or runs."""

    source: str
    """Name of the part that they belong to, "" for the archive."""
    targets: dict[str, Target | None] = field(default_factory=dict)
    """By id; None for what is outside the archive."""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if local(tag) == "Relationship":
            own = {local(key): value for key, value in attributes.items()}
            kind = own.get("Type", "").rpartition("/")[2]
            address = own.get("Target", "")
            is_outside = own.get("TargetMode", "").strip().lower() == "external"
            self.targets[own.get("Id", "")] = self._checked(kind, address, is_outside=is_outside)

    def end(self, tag: str) -> None:
        pass

    def data(self, text: str) -> None:
        pass

    def _checked(self, kind: str, address: str, *, is_outside: bool) -> Target | None:
        lowered = kind.lower()
        if any(word in lowered for word in _MACROS):
            raise FileRejected(RejectionReason.MACROS)
        if is_outside or place(address) is not PlaceKind.HERE:
            if lowered == "hyperlink":
                check_hyperlink(address)
            else:
                check_resource(address, kind[:40])
        if any(word in lowered for word in _EMBEDDING) and not self._is_data_of_chart(lowered):
            raise FileRejected(RejectionReason.EMBEDDED, what=kind[:40])
        return None if is_outside else Target(kind, self._resolved(address))

    def _is_data_of_chart(self, kind: str) -> bool:
        """Every chart carries its table as a workbook, which is left out."""
        return kind in {"package", "oleobject"} and "/charts/" in self.source

    def _resolved(self, address: str) -> str:
        folder = posixpath.dirname(self.source)
        path = unquote(address).replace("\\", "/")
        return posixpath.normpath(posixpath.join("/", folder, path)).lstrip("/").casefold()


def read_relationships(source: str, content: bytes) -> dict[str, Target | None]:
    """Return where the relationships of a part lead, by id. Raises FileRejected."""
    relationships = Relationships(source)
    read_xml(content, relationships)
    return relationships.targets


@dataclass
class ContentTypes:
    """Reader of [Content_Types].xml. Raises FileRejected for macros and embedded files."""

    parts: dict[str, str] = field(default_factory=dict)
    """By name in lower case."""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if local(tag) != "Override":
            return
        kind = attributes.get("ContentType", "")
        lowered = kind.lower()
        if any(word in lowered for word in _MACROS):
            raise FileRejected(RejectionReason.MACROS)
        if "oleobject" in lowered or "afchunk" in lowered:
            raise FileRejected(RejectionReason.EMBEDDED, what=lowered.rpartition(".")[2][:40])
        name = unquote(attributes.get("PartName", "")).replace("\\", "/")
        self.parts[name.lstrip("/").casefold()] = kind

    def end(self, tag: str) -> None:
        pass

    def data(self, text: str) -> None:
        pass
