"""Certificates: gold for winners, silver for nominees, A4 landscape, one page each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from importlib import resources
from io import BytesIO
from typing import Any, Literal

import msgspec
import segno
from pikepdf import Name, Pdf

from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.formatting import written_day
from voting_service.i18n.text import Language, Text
from voting_service.infrastructure.typesetting.compiler import typeset
from voting_service.nomination.documents.formatting import (
    ceremonial_day,
    document_texts,
    paragraphs,
)

CITATION_CHARACTERS = {"zh": 160, "en": 320}
"""What fits on a certificate in type that can be read from a distance."""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """One person's certificate. `citation` stands below the name; `verification_url` is where
    anybody can verify the certificate."""

    title: Text
    year: int
    award: Literal["winner", "nominee"]
    number: str
    name: Text
    citation: Text
    issuers: tuple[Text, ...]
    issued_on: date
    verification_url: str


def render_certificates(batch: Sequence[Certificate], language: Language) -> bytes:
    """Return the PDF: one page each, in this order, in one language throughout.

    Raises InvalidInput for an empty batch or a citation that is too long.
    """
    if not batch:
        raise InvalidInput(Fault("certificates", "nomination.documents.no_certificates"))
    for certificate in batch:
        characters = len(getattr(certificate.citation, language))
        if characters > CITATION_CHARACTERS[language]:
            raise InvalidInput(
                Fault(
                    f"citation of {certificate.number}",
                    "nomination.documents.citation_too_long",
                    characters=characters,
                    max_characters=CITATION_CHARACTERS[language],
                    number=certificate.number,
                )
            )
    ornament = resources.files(__package__).joinpath("ornament.typ").read_bytes()
    data = {
        "language": language,
        "words": document_texts(language, "certificate"),
        "stamp": document_texts(language, "signature")["place"],
        "certificates": [_template_data(certificate, language) for certificate in batch],
    }
    return typeset(__package__, "certificate.typ", data, assets={"ornament.typ": ornament})


def split_pages(pdf: bytes) -> list[bytes]:
    """Return a PDF for each page, under the same title."""
    files = []
    with Pdf.open(BytesIO(pdf)) as batch:
        title = batch.docinfo[Name.Title]
        for page in batch.pages:
            with Pdf.new() as single:
                single.pages.append(page)
                single.docinfo[Name.Title] = title
                target = BytesIO()
                single.save(target, deterministic_id=True)
            files.append(target.getvalue())
    return files


def qr_rows(address: str) -> list[list[tuple[int, int]]]:
    """Return the dark runs of each row of a QR code without its quiet zone: (start, length)."""
    rows = []
    for modules in segno.make(address, error="m", micro=False).matrix:
        runs: list[tuple[int, int]] = []
        for place, dark in enumerate(modules):
            if not dark:
                continue
            if runs and sum(runs[-1]) == place:
                runs[-1] = (runs[-1][0], runs[-1][1] + 1)
            else:
                runs.append((place, 1))
        rows.append(runs)
    return rows


def _template_data(certificate: Certificate, language: Language) -> dict[str, Any]:
    texts = document_texts(language, "certificate")
    title = getattr(certificate.title, language)
    day = certificate.issued_on
    return {
        "award": certificate.award,
        "title": texts["titles"][certificate.award].format(award=title),
        "year": texts["year"].format(year=certificate.year),
        "number": certificate.number,
        "name": getattr(certificate.name, language),
        "citation": paragraphs(getattr(certificate.citation, language)),
        "issuers": [getattr(issuer, language) for issuer in certificate.issuers],
        "date": ceremonial_day(day) if language == "zh" else written_day(day, language),
        "qr": qr_rows(certificate.verification_url),
    }
