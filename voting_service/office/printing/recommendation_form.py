"""The recommendation form (推荐表) as it looks on paper, with the deeds text behind it.

Only in Chinese: it is the form of the notice. What a draft leaves open stays blank, to be filled
in by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from voting_service.office.form import Form, Month, Opinion, Sex
from voting_service.office.printing.pictures import PRINT_DPI, framed
from voting_service.office.printing.wording import moment, paragraphs
from voting_service.typesetting.compile import typeset

PHOTO_MILLIMETRES = (35.0, 49.0)
"""A two-inch photo (二寸照片)."""

_SEXES: Mapping[Sex, str] = {"male": "男", "female": "女"}


class SubmissionReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """That the form was handed in: what the server stamped."""

    number: str
    received_at: datetime
    sha256: str


class RecommendationSheet(msgspec.Struct, frozen=True, kw_only=True):
    """A form and what stands around it."""

    selection: str
    """The title of the selection, such as 最美巴渝工匠."""
    form: Form
    body: str
    """The district or department that recommends."""
    photo: bytes | None = None
    receipt: SubmissionReceipt | None = None
    approval: Opinion = Opinion()
    """The joint office's (市高技办审批意见)."""


def recommendation_form(sheet: RecommendationSheet) -> bytes:
    """The PDF on A4. Raises MissingGlyphs, and InvalidInput for a photo that is no picture."""
    assets = {}
    if sheet.photo is not None:
        whose = sheet.form.name or sheet.body
        assets["photo.jpg"] = framed(sheet.photo, PHOTO_MILLIMETRES, PRINT_DPI, whose=whose)
    return typeset(__package__, "recommendation_form.typ", _printed(sheet), assets=assets)


def _printed(sheet: RecommendationSheet) -> dict[str, Any]:
    form, receipt = sheet.form, sheet.receipt
    return {
        "title": f"{sheet.selection}推荐表",
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
            "sex": "" if form.sex is None else _SEXES[form.sex],
            "birth": _month(form.birth),
            "first_employed": _month(form.first_employed),
        },
        "skills": paragraphs(form.skills),
        "deeds": paragraphs(form.deeds),
        "opinions": [
            _opinion("所在单位\n意见", form.employer_opinion),
            _opinion("区县人力\n社保部门、\n市级主管\n部门意见", form.body_opinion),
            _opinion("市高技办\n审批意见", sheet.approval),
        ],
        "receipt": None
        if receipt is None
        else {
            "number": receipt.number,
            "moment": moment(receipt.received_at, "zh"),
            "sha256": receipt.sha256,
        },
    }


def _month(value: Month | None) -> str:
    return "" if value is None else f"{value.year}年{value.month}月"


def _opinion(label: str, opinion: Opinion) -> dict[str, Any]:
    signed = opinion.signed_on
    return {
        "label": label,
        "text": paragraphs(opinion.text),
        "signer": opinion.signer.strip(),
        "signed": None if signed is None else [signed.year, signed.month, signed.day],
    }
