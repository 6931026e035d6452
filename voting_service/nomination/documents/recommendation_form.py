"""The recommendation form as it looks on paper, followed by the text of the deeds and by the
conditions with the pages of evidence that show them.

Only in Chinese: it is the form of the official notice. Fields that a draft leaves empty stay
blank, to be filled in by hand.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from voting_service.i18n.catalogues import load_catalogue
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
from voting_service.nomination.form.page_ranges import format_page_ranges
from voting_service.nomination.model import SelectionRules

PHOTO_MILLIMETRES = (35.0, 49.0)
"""A two-inch photo."""


class SubmissionReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """The server's record of a submission: its number, when it arrived, the form's SHA-256."""

    number: str
    received_at: datetime
    sha256: str


class JointOfficeOpinion(msgspec.Struct, frozen=True, kw_only=True):
    """The joint office's opinion in the third box; `stamp` is a PNG with a transparent ground."""

    text: str
    signed_on: date
    stamp: bytes


class RecommendationSheet(msgspec.Struct, frozen=True, kw_only=True):
    """A form and what is printed around it: the selection's rules, name of the recommending body,
    photo, receipt and the joint office's opinion. `is_incomplete` marks a draft that
    lacks something or has faults, `is_withdrawn` a withdrawn recommendation."""

    rules: SelectionRules
    form: RecommendationForm
    body: str
    photo: bytes | None = None
    receipt: SubmissionReceipt | None = None
    joint_office_opinion: JointOfficeOpinion | None = None
    is_incomplete: bool = False
    is_withdrawn: bool = False


def render_recommendation_form(sheet: RecommendationSheet) -> bytes:
    """Return the PDF on A4. Raises InvalidInput for an unreadable photo."""
    assets = {}
    if sheet.photo is not None:
        person = sheet.form.name or sheet.body
        assets["photo.jpg"] = crop_to_frame(
            sheet.photo, PHOTO_MILLIMETRES, PRINT_DPI, person=person
        )
    if sheet.joint_office_opinion is not None:
        assets["stamp.png"] = sheet.joint_office_opinion.stamp
    return typeset(__package__, "recommendation_form.typ", _template_data(sheet), assets=assets)


def _template_data(sheet: RecommendationSheet) -> dict[str, Any]:
    texts = document_texts("zh", "recommendation_form")
    form, rules = sheet.form, sheet.rules
    confirmed = form.evidence_confirmed_on
    return {
        "title": rules.form_title,
        "year": str(rules.year),
        "award": rules.award.zh,
        "office": rules.office.zh,
        "paper_address": (rules.office_address or rules.office).zh,
        "body": sheet.body,
        "is_incomplete": sheet.is_incomplete,
        "is_withdrawn": sheet.is_withdrawn,
        "has_photo": sheet.photo is not None,
        "fields": _fields(form, texts),
        "skills": paragraphs(form.skills),
        "deeds": paragraphs(form.deeds),
        "opinions": _opinions(sheet, texts["opinions"]),
        "conditions": _conditions(form),
        "confirmed": None
        if confirmed is None
        else f"{form.evidence_handler.strip()} {texts['day'].format(day=confirmed)}",
        "receipt": None
        if sheet.receipt is None
        else {
            "number": sheet.receipt.number,
            "moment": beijing_time(sheet.receipt.received_at, "zh"),
            "sha256": sheet.receipt.sha256,
        },
    }


def _fields(form: RecommendationForm, texts: DocumentTexts) -> dict[str, str]:
    as_typed = (
        *("name", "id_number", "ethnic_group", "political_status", "education", "trade"),
        *("skill_grade", "employer", "employer_address", "employer_postcode"),
        *("employer_contact", "employer_telephone"),
    )
    return {
        **{name: getattr(form, name).strip() for name in as_typed},
        "sex": "" if form.sex is None else texts["sexes"][form.sex],
        "birth": _month(form.birth, texts),
        "first_employed": _month(form.first_employed, texts),
    }


def _month(value: Month | None, texts: DocumentTexts) -> str:
    if value is None:
        return ""
    return str(texts["month"]).format(year=value.year, month=value.month)


def _opinions(sheet: RecommendationSheet, labels: DocumentTexts) -> list[dict[str, Any]]:
    given = sheet.joint_office_opinion
    decided = Opinion() if given is None else Opinion(text=given.text, signed_on=given.signed_on)
    return [
        _opinion(labels["employer"], sheet.form.employer_opinion),
        _opinion(labels["body"], sheet.form.body_opinion),
        {
            **_opinion(labels["office"], decided),
            "has_signer": False,
            "has_stamp": given is not None,
        },
    ]


def _opinion(label: str, opinion: Opinion) -> dict[str, Any]:
    signed = opinion.signed_on
    return {
        "label": label,
        "text": paragraphs(opinion.text),
        "has_signer": True,
        "signer": opinion.signer.strip(),
        "signed": None if signed is None else [signed.year, signed.month, signed.day],
        "has_stamp": False,
    }


def _conditions(form: RecommendationForm) -> list[dict[str, str]]:
    """Return the conditions that the form claims, in the notice's words, with their pages."""
    words = load_catalogue("recommendations", "zh")
    claimed = [
        (words["achievements"][achievement.kind], achievement.pages)
        for achievement in form.achievements
    ]
    if form.qualification is not None:
        claimed.insert(0, (words["qualifications"][form.qualification], form.qualification_pages))
    return [
        {"words": sentence, "pages": format_page_ranges(pages) or "\u3000"}
        for sentence, pages in claimed
    ]
