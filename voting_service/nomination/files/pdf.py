"""The PDF that evidence is stored as, built from pages that were repaired, stripped and checked.

Every file is opened as tolerantly as readers open it; what runs, fetches or hides something is
refused (pdf_rules.py); then only its pages are copied, with what a page needs to be printed. So
links, bookmarks, form fields, signatures, scripts of earlier revisions, metadata and whatever no
page uses stay behind, and what is stored is a new file that qpdf wrote and that was read again.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pikepdf import (
    Array,
    Dictionary,
    Name,
    Object,
    ObjectStreamMode,
    PasswordError,
    Pdf,
    PdfError,
    Stream,
    StreamDecodeLevel,
    String,
)

from voting_service.nomination.files.content_safety import (
    MAX_UNPACKED_BYTES,
    holds_markup,
    looks_foreign,
)
from voting_service.nomination.files.model import MAX_FILE_BYTES
from voting_service.nomination.files.pdf_rules import filter_names, refuse_active, refuse_bombs
from voting_service.nomination.files.pictures import PagePicture, bare_jpeg
from voting_service.nomination.files.rejections import FileRejected, RejectionReason

A4_POINTS = (595.28, 841.89)
_TOLERANCE_POINTS = 3.0
"""Programs round A4 up."""
MIN_SIDE_POINTS, MAX_SIDE_POINTS = 72.0, 14_400.0
"""Of the longer side: one inch, and the largest that readers accept. Phones write one point for
each pixel, so a page may be large."""
MAX_SIDES_RATIO = 3.0
"""A page that is longer than this, and than A4, is a strip of several pages."""
_PAGE_KEYS = frozenset(
    {
        "/Type",
        "/MediaBox",
        "/CropBox",
        "/Rotate",
        "/UserUnit",
        "/Resources",
        "/Contents",
        "/Group",
    }
)
_NOT_PRINTED_KEYS = ("/PieceInfo", "/AF", "/OPI", "/Alternates", "/LastModified", "/Ref")
_RUN_LENGTH = frozenset({"/RunLengthDecode", "/RL"})
_RUN_LENGTH_RATIO = 64
"""Two bytes are at most 128."""
_SCRIPT_IN_PLAIN = re.compile(rb"/S\s*/(JavaScript|Launch)\b|/JS\s*[(<]")
"""Also outside the table: some readers repair a file and find it."""


_TABLE_PLACE = re.compile(rb"startxref\s+\d+")


class PdfPages:
    """The pages added so far. Raises FileRejected as soon as there are more than `limit`."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._pdf = Pdf.new()
        self._sources: list[Pdf] = []  # their streams are read when the result is saved

    def __len__(self) -> int:
        return len(self._pdf.pages)

    def add_pdf(self, content: bytes) -> None:
        """Add the pages of a PDF. Raises FileRejected."""
        _check_shape(content)
        with _reading(content):
            source = _opened(content)
            self._sources.append(source)
            refuse_active(source)
            if not source.pages:
                raise FileRejected(RejectionReason.NO_PAGES)
            self._check_room(len(source.pages))
            _flatten(source)
            for number, page in enumerate(source.pages, start=1):
                _strip_page(page.obj, number)
            _fit_to_a4(source)
            self._pdf.add_pages_from(source, forms="strip", outlines="ignore")

    def add_picture(self, picture: PagePicture) -> None:
        """Add a page of A4, upright or not as the picture, with the picture as large as fits.
        Raises FileRejected."""
        self._check_room(1)
        sides = A4_POINTS if picture.height >= picture.width else A4_POINTS[::-1]
        scale = min(sides[0] / picture.width, sides[1] / picture.height, 1.0)
        width, height = picture.width * scale, picture.height * scale
        image = Stream(
            self._pdf,
            picture.jpeg,
            Type=Name.XObject,
            Subtype=Name.Image,
            Width=picture.width,
            Height=picture.height,
            ColorSpace=Name.DeviceGray if picture.is_grey else Name.DeviceRGB,
            BitsPerComponent=8,
            Filter=Name.DCTDecode,
        )
        place = (width, height, (sides[0] - width) / 2, (sides[1] - height) / 2)
        page = self._pdf.add_blank_page(page_size=sides)
        page.obj.Resources = Dictionary(XObject=Dictionary(Picture=image))
        page.obj.Contents = Stream(self._pdf, b"q %.2f 0 0 %.2f %.2f %.2f cm /Picture Do Q" % place)

    def finished(self) -> bytes:
        """Return the file, read again and checked. Raises FileRejected."""
        if not len(self):
            raise FileRejected(RejectionReason.EMPTY)
        with _reading(b""):
            for item in self._pdf.objects:
                _strip_object(item)
            target = io.BytesIO()
            self._pdf.save(
                target,
                stream_decode_level=StreamDecodeLevel.generalized,
                object_stream_mode=ObjectStreamMode.disable,
                deterministic_id=True,
            )
            content = target.getvalue()
            self._check_saved(content)
        return content

    def _check_saved(self, content: bytes) -> None:
        if len(content) > MAX_FILE_BYTES:
            raise FileRejected(RejectionReason.TOO_LARGE, limit=MAX_FILE_BYTES // 2**20)
        if zipfile.is_zipfile(io.BytesIO(content)):
            raise FileRejected(RejectionReason.DISGUISED)
        with Pdf.open(io.BytesIO(content), attempt_recovery=False) as saved:
            if len(saved.pages) != len(self):
                raise FileRejected(RejectionReason.BROKEN)
            refuse_active(saved)
            refuse_bombs(saved)

    def _check_room(self, pages: int) -> None:
        if len(self) + pages > self.limit:
            raise FileRejected(RejectionReason.TOO_MANY_PAGES, limit=self.limit)


@contextmanager
def _reading(content: bytes) -> Iterator[None]:
    """Turn the dozens of ways in which a damaged file fails into one."""
    try:
        yield
    except (FileRejected, MemoryError):
        raise
    except PasswordError:
        raise FileRejected(RejectionReason.ENCRYPTED) from None
    except Exception:
        is_encrypted = re.search(rb"/Encrypt\b", content[-4096:])
        raise FileRejected(
            RejectionReason.ENCRYPTED if is_encrypted else RejectionReason.BROKEN
        ) from None


def _opened(content: bytes) -> Pdf:
    """Open a file; where its table leads nowhere (one that is numbered from 1, say), let qpdf find
    the objects instead."""
    try:
        return Pdf.open(io.BytesIO(content))
    except PasswordError:
        raise
    except PdfError:
        return Pdf.open(io.BytesIO(_TABLE_PLACE.sub(b"startxref\n0", content)))


def _check_shape(content: bytes) -> None:
    """Check that the file is nothing but a PDF. Lines before the header, and line ends, padding or
    the rest of a transfer behind the end do no harm."""
    if zipfile.is_zipfile(io.BytesIO(content)) or holds_markup(content[:1024]):
        raise FileRejected(RejectionReason.DISGUISED)
    _, end, trailing = content.rpartition(b"%%EOF")
    if end and looks_foreign(trailing.lstrip(b"\0\t\n\f\r ")):
        raise FileRejected(RejectionReason.DISGUISED)
    if script := _SCRIPT_IN_PLAIN.search(content):
        raise FileRejected(RejectionReason.ACTIVE, what=(script[1] or b"JavaScript").decode())


def _flatten(pdf: Pdf) -> None:
    """Draw form fields, stamps and remarks into their pages, as they look now."""
    form = pdf.Root.get("/AcroForm")
    if isinstance(form, Dictionary):
        texts = [text for page in pdf.pages for text in _undrawn_texts(page.obj)]
        if not all(text.isascii() for text in texts):  # qpdf has no other letters
            raise FileRejected(RejectionReason.FORM_TEXT)
        form.NeedAppearances = bool(texts)
        pdf.generate_appearance_streams()
    pdf.flatten_annotations("all")


def _undrawn_texts(page: Object) -> Iterator[str]:
    """Yield what was typed into the fields of a page and has no appearance yet."""
    for widget in _annotations(page):
        if widget.get("/Subtype") == Name.Widget and "/N" not in _dictionary(widget.get("/AP")):
            value = widget.get("/V", _dictionary(widget.get("/Parent")).get("/V"))
            if isinstance(value, String) and str(value).strip():
                yield str(value)


def _annotations(page: Object) -> list[Object]:
    annotations = page.get("/Annots")
    entries = list(annotations) if isinstance(annotations, Array) else []
    return [entry for entry in entries if isinstance(entry, Dictionary)]


def _dictionary(item: Any) -> Object:
    return item if isinstance(item, Dictionary) else Dictionary()


def _strip_page(page: Object, number: int) -> None:
    """Keep what is printed. A page without a size gets A4, as readers do. Raises FileRejected for a
    size that is no paper."""
    for key in page.keys() - _PAGE_KEYS:
        del page[key]
    if _sides(page.get("/MediaBox")) is None:
        page.MediaBox = Array([0, 0, *A4_POINTS])
    sides = _sides(page.get("/MediaBox"))
    unit = page.get("/UserUnit", 1)
    if sides is None or not _is_paper(*(float(side) * float(unit) for side in sides)):
        raise FileRejected(RejectionReason.ODD_PAGE, page=number)


def _fit_to_a4(pdf: Pdf) -> None:
    """Reduce every page that is larger than A4 (Letter, A3, a point for each pixel of a telephone)
    to A4: the notice wants evidence on A4, and what is printed must not be cut off."""
    for place, page in enumerate(list(pdf.pages)):
        sides = _sides(page.cropbox)
        if sides is None:
            continue
        unit = float(page.obj.get("/UserUnit", 1))
        short, long = sorted(side * unit for side in sides)
        if short <= A4_POINTS[0] + _TOLERANCE_POINTS and long <= A4_POINTS[1] + _TOLERANCE_POINTS:
            continue
        is_turned = int(page.obj.get("/Rotate", 0)) % 180 != 0
        is_upright = (sides[1] >= sides[0]) != is_turned
        sheet = pdf.add_blank_page(page_size=A4_POINTS if is_upright else A4_POINTS[::-1])
        sheet.add_overlay(page, None)
        pdf.pages[place] = sheet
        del pdf.pages[-1]


def _sides(box: Any) -> tuple[float, float] | None:
    try:
        left, bottom, right, top = (float(side) for side in box)
    except (TypeError, ValueError):
        return None
    sides = abs(right - left), abs(top - bottom)
    return sides if all(map(math.isfinite, sides)) and all(sides) else None


def _is_paper(width: float, height: float) -> bool:
    short, long = sorted((width, height))
    is_strip = long > MAX_SIDES_RATIO * short and long > A4_POINTS[1]
    return MIN_SIDE_POINTS <= long <= MAX_SIDE_POINTS and not is_strip


def _strip_object(item: Object) -> None:
    """Remove what programs and cameras keep in the parts of a page and nobody sees. The keys may be
    names of resources in any dictionary that is not a stream's."""
    if isinstance(item, Stream):
        for key in _NOT_PRINTED_KEYS:
            if key in item:
                del item[key]
        filters = filter_names(item)
        if _RUN_LENGTH & set(filters):  # qpdf counts it among the special ones and keeps it
            if len(item.read_raw_bytes()) * _RUN_LENGTH_RATIO > MAX_UNPACKED_BYTES:
                raise FileRejected(RejectionReason.BOMB)
            item.write(item.read_bytes(StreamDecodeLevel.specialized))
        elif filters == ["/DCTDecode"]:
            bare = bare_jpeg(item.read_raw_bytes())
            item.write(bare, filter=Name.DCTDecode, decode_parms=_only(item.get("/DecodeParms")))
    if isinstance(item, Stream | Dictionary):
        metadata = item.get("/Metadata")
        if isinstance(metadata, Stream) and metadata.get("/Type") == Name.Metadata:
            del item.Metadata


def _only(item: Any) -> Any:
    """Return the first of an array, or what is none."""
    return item[0] if isinstance(item, Array) and len(item) else item
