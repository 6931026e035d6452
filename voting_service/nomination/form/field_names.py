"""The fields of the recommendation form in the form's order, and their names in sentences."""

from __future__ import annotations

from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text
from voting_service.nomination.form.model import ACHIEVEMENT_KINDS, AchievementKind

FIELD_PATHS: tuple[str, ...] = (
    "name",
    "sex",
    "birth",
    "photo",
    "id_number",
    "ethnic_group",
    "political_status",
    "education",
    "trade",
    "skill_grade",
    "employer",
    "is_central_unit",
    "first_employed",
    "employer_address",
    "employer_postcode",
    "employer_contact",
    "employer_telephone",
    "industry",
    "industry_other",
    "chain",
    "skills",
    "deeds",
    "conduct_declared",
    "qualification",
    "qualification_pages",
    "achievements",
    "achievements.pages",
    "evidence",
    "evidence_handler",
    "evidence_confirmed_on",
    "employer_opinion.text",
    "employer_opinion.signer",
    "employer_opinion.signed_on",
    "employer_scan",
    "body_opinion.text",
    "body_opinion.signer",
    "body_opinion.signed_on",
    "body_scan",
)
"""`achievements.pages` stands for the pages of each achievement."""


def field_name(path: str) -> Text:
    """Return the name of the field at a path such as `employer_opinion.text`."""
    return load_text("recommendations", f"field_names.{path.replace('.', '_')}")


def pages_name(kind: AchievementKind) -> Text:
    """Return the name of the pages of an achievement, which has the number that the notice gives
    it."""
    number = ACHIEVEMENT_KINDS.index(kind) + 1
    return load_text("recommendations", "field_names.achievements_pages", number=number)
