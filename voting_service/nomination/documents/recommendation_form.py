"""The recommendation form as it looks on paper, followed by the text of the deeds.

Only in Chinese: it is the form of the official notice. Fields that a draft leaves empty stay
blank, to be filled in by hand.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from voting_service.infrastructure.typesetting.compiler import typeset
from voting_service.nomination.documents.formatting import (
    DocumentTexts,
    beijing_time,
    document_texts,
    paragraphs,
)
from voting_service.nomination.documents.photos import PRINT_DPI, crop_to_frame
from voting_service.nomination.form.model import (
    Month,
    Opinion,
    RecommendationForm,
)

PHOTO_MILLIMETRES = (35.0, 49.0)
"""A two-inch photo."""


class SubmissionReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """The server's record of a submission: its number, when it arrived, the form's SHA-256."""

    number: str
    received_at: datetime
    sha256: str


class RecommendationSheet(msgspec.Struct, frozen=True, kw_only=True):
    """A form and what is printed around it: title of the selection, name of the recommending
    body, photo, receipt, and the joint office's opinion in `approval`."""

    selection: str
    form: RecommendationForm
    body: str
    photo: bytes | None = None
    receipt: SubmissionReceipt | None = None
    approval: Opinion = Opinion()


def render_recommendation_form(sheet: RecommendationSheet) -> bytes:
    """Return the PDF on A4. Raises MissingGlyphs, and InvalidInput for an unreadable photo."""
    assets = {}
    if sheet.photo is not None:
        person = sheet.form.name or sheet.body
        assets["photo.jpg"] = crop_to_frame(
            sheet.photo, PHOTO_MILLIMETRES, PRINT_DPI, person=person
        )
    return typeset(__package__, "recommendation_form.typ", _template_data(sheet), assets=assets)


def _template_data(sheet: RecommendationSheet) -> dict[str, Any]:
    texts = document_texts("zh", "recommendation_form")
    form, receipt = sheet.form, sheet.receipt
    opinions = {
        "employer": form.employer_opinion,
        "body": form.body_opinion,
        "joint_office": sheet.approval,
    }
    return {
        "title": texts["title"].format(
            selection=sheet.selection.removesuffix(texts["title_leaves_out"])
        ),
        "body": sheet.body,
        "has_photo": sheet.photo is not None,
        "fields": {
            **{
                name: getattr(form, name).strip()
                for name in (
                    *("name", "id_number", "ethnic_group", "political_status", "education"),
                    *("trade", "skill_grade", "employer", "employer_address"),
                    *("employer_postcode", "employer_contact", "employer_telephone"),
                )
            },
            "sex": "" if form.sex is None else texts["sexes"][form.sex],
            "birth": _month(form.birth, texts),
            "first_employed": _month(form.first_employed, texts),
        },
        "skills": paragraphs(form.skills),
        "deeds": paragraphs(form.deeds),
        "opinions": [
            _opinion(texts["opinions"][name], opinion) for name, opinion in opinions.items()
        ],
        "receipt": None
        if receipt is None
        else {
            "number": receipt.number,
            "moment": beijing_time(receipt.received_at, "zh"),
            "sha256": receipt.sha256,
        },
    }


def _month(value: Month | None, texts: DocumentTexts) -> str:
    if value is None:
        return ""
    return str(texts["month"]).format(year=value.year, month=value.month)


def _opinion(label: str, opinion: Opinion) -> dict[str, Any]:
    signed = opinion.signed_on
    return {
        "label": label,
        "text": paragraphs(opinion.text),
        "signer": opinion.signer.strip(),
        "signed": None if signed is None else [signed.year, signed.month, signed.day],
    }
