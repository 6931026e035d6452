"""Certificates: gold for winners, silver for nominees, A4 landscape, one page each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from importlib import resources
from typing import Any, Literal

import msgspec
import segno

from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text
from voting_service.infrastructure.typesetting.compiler import typeset
from voting_service.nomination.documents.formatting import ceremonial_day, paragraphs

CITATION_CHARACTERS = 160
"""What fits on a certificate in type that can be read from a distance."""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """One person's certificate. `citation` stands below the name; `verification_url` is where
    anybody can verify the certificate."""

    selection: Text
    award: Literal["winner", "nominee"]
    number: str
    name: str
    citation: str
    issuers: tuple[str, ...]
    issued_on: date
    verification_url: str


def render_certificates(batch: Sequence[Certificate]) -> bytes:
    """Return the PDF: one page each, in this order, in Chinese with the title in English too.

    Raises MissingGlyphs, and InvalidInput for an empty batch or a citation that is too long.
    """
    if not batch:
        raise InvalidInput(Fault("certificates", "nomination.documents.no_certificates"))
    for certificate in batch:
        if len(certificate.citation) > CITATION_CHARACTERS:
            raise InvalidInput(
                Fault(
                    f"citation of {certificate.number}",
                    "nomination.documents.citation_too_long",
                    characters=len(certificate.citation),
                    max_characters=CITATION_CHARACTERS,
                    number=certificate.number,
                )
            )
    ornament = resources.files(__package__).joinpath("ornament.typ").read_bytes()
    data = {"certificates": [_template_data(certificate) for certificate in batch]}
    return typeset(__package__, "certificate.typ", data, assets={"ornament.typ": ornament})


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


def _template_data(certificate: Certificate) -> dict[str, Any]:
    title = load_text(
        "documents", f"certificate.titles.{certificate.award}", selection=certificate.selection
    )
    return {
        "award": certificate.award,
        "title": title.zh,
        "title_en": title.en,
        "number": certificate.number,
        "name": certificate.name,
        "citation": paragraphs(certificate.citation),
        "issuers": certificate.issuers,
        "date": ceremonial_day(certificate.issued_on),
        "qr": qr_rows(certificate.verification_url),
    }
