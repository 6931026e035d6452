"""The recommendation form with all its fields. No I/O.

A draft may leave any field empty: an empty text, None, or False. Everything on the form is
personal data until it is decided what is published, so a form is encrypted as one value
(nomination/privacy/encryption.py).
"""

from __future__ import annotations

from datetime import date
from typing import Literal, get_args

import msgspec

Sex = Literal["male", "female"]

Qualification = Literal["technician", "heritage", "title"]
"""Technician or a higher grade; inheritor of intangible heritage, municipal level or higher;
intermediate or higher professional title."""

AchievementKind = Literal["innovation", "method", "technology", "special_skill"]
"""The four achievements of the notice, in its order: technical innovation, a solved key problem or
an averted hazard; leading skill with a widely adopted method; a key new product or technology, or
its dissemination; a special skill of an advanced national level and the training of apprentices."""
ACHIEVEMENT_KINDS: tuple[AchievementKind, ...] = get_args(AchievementKind)

SKILLS_CHARACTERS = 1000
DEEDS_CHARACTERS = 1500
EVIDENCE_PAGES = 10
OTHER_INDUSTRY = "other"
"""The key of the industry that is none of the others; the form names it in `industry_other`."""


class Month(msgspec.Struct, frozen=True, order=True):
    """A year and a month."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """A signed opinion: of the employer, or of the district or department."""

    text: str = ""
    signer: str = ""
    signed_on: date | None = None


class Achievement(msgspec.Struct, frozen=True, kw_only=True):
    """One achievement, and the pages of the evidence that show it, such as `3-5`."""

    kind: AchievementKind
    pages: str = ""


class RecommendationForm(msgspec.Struct, frozen=True, kw_only=True):
    """The recommendation of one person. Texts hold what the paper form has in the field."""

    name: str = ""
    sex: Sex | None = None
    birth: Month | None = None
    id_number: str = ""
    ethnic_group: str = ""
    political_status: str = ""
    education: str = ""
    trade: str = ""
    skill_grade: str = ""
    employer: str = ""
    is_central_unit: bool = False
    """Whether the employer is a central unit, which recommends through its district."""
    first_employed: Month | None = None
    employer_address: str = ""
    employer_postcode: str = ""
    employer_contact: str = ""
    employer_telephone: str = ""
    industry: str = ""
    """One of the selection's industries, by its key. The paper form does not ask for it."""
    industry_other: str = ""
    """The industry in words, where `industry` is OTHER_INDUSTRY."""
    chain: str = ""
    """The name of the key industry chain, if it belongs to one."""
    skills: str = ""
    """Skills, achievements and awards: at most SKILLS_CHARACTERS."""
    deeds: str = ""
    """The account of deeds: at most DEEDS_CHARACTERS."""
    conduct_declared: bool = False
    """Whether the body declares the notice's first condition: a lawful life, devotion to the work
    and professional ethics."""
    qualification: Qualification | None = None
    qualification_pages: str = ""
    achievements: tuple[Achievement, ...] = ()
    evidence_handler: str = ""
    """Who confirmed that the copies match the originals."""
    evidence_confirmed_on: date | None = None
    employer_opinion: Opinion = Opinion()
    body_opinion: Opinion = Opinion()
