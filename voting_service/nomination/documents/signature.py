"""The signature of the joint office in a document, at the place of its stamp."""

from __future__ import annotations

from datetime import datetime
from threading import Lock

import pypdfium2

from voting_service.i18n.formatting import written_moment
from voting_service.i18n.text import Language
from voting_service.infrastructure.crypto.signature_place import SignaturePlace
from voting_service.infrastructure.crypto.signed_pdf import (
    DocumentSigner,
    sign_pdf,
)
from voting_service.infrastructure.typesetting.compiler import typeset
from voting_service.nomination.documents.formatting import document_texts

MILLIMETRES = (66, 15)
"""Width and height of what a reader shows."""
POINTS_PER_MILLIMETRE = 72 / 25.4
_pdfium = Lock()
"""PDFium must not run in two threads at once."""


def draw_signature(signer: DocumentSigner, signed_at: datetime, language: Language) -> bytes:
    """Return what a reader shows of a signature, as PDF: who signed, and when, in the zone of
    `signed_at`. Raises MissingGlyphs."""
    texts = document_texts(language, "signature")
    zone = signed_at.tzinfo
    assert zone is not None
    width, height = MILLIMETRES
    return typeset(
        __package__,
        "signature.typ",
        {
            "language": language,
            "width": width,
            "height": height,
            "name": signer.name,
            "signed": texts["signed"].format(moment=written_moment(signed_at, zone, language)),
        },
    )


def sign_at_stamp(
    pdf: bytes,
    signer: DocumentSigner,
    appearance: bytes,
    language: Language,
    *,
    printed: bool = True,
) -> bytes:
    """Return the PDF with a signature over the place of the stamp: the first place where the text
    `signature.place` stands. `appearance` is from `draw_signature`."""
    page, (x, y) = _find_stamp(pdf, document_texts(language, "signature")["place"])
    half_width, half_height = (side * POINTS_PER_MILLIMETRE / 2 for side in MILLIMETRES)
    box = (
        round(x - half_width),
        round(y - half_height),
        round(x + half_width),
        round(y + half_height),
    )
    return sign_pdf(pdf, signer, SignaturePlace(page, box, appearance, printed))


def _find_stamp(pdf: bytes, mark: str) -> tuple[int, tuple[float, float]]:
    """Return the page and the middle of the stamp's place, in points."""
    with _pdfium:
        document = pypdfium2.PdfDocument(pdf)
        try:
            for number, page in enumerate(document):
                texts = page.get_textpage()
                match = texts.search(mark, match_case=True).get_next()
                if match is not None:
                    start, count = match
                    left, bottom, _, top = texts.get_charbox(start)
                    right = texts.get_charbox(start + count - 1)[2]
                    return number, ((left + right) / 2, (bottom + top) / 2)
        finally:
            document.close()
    raise RuntimeError("the document has no place for a stamp")
