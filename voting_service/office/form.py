"""The recommendation form (推荐表) with everything that is asked for on it. No I/O.

A draft may leave anything open: an empty text, None, or False. All of it is personal until
somebody decided what becomes public, so it is stored sealed, as one (office/sealing.py).
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

Sex = Literal["male", "female"]

Qualification = Literal["technician", "heritage", "title"]
"""Technician (技师) or a higher grade; municipal or higher inheritor of intangible heritage
(非遗传承人); intermediate or higher professional title (中级以上职称)."""

AchievementKind = Literal["innovation", "method", "technology", "special_skill"]
"""The notice's four, in its order: technical innovation, key problem or averted hazard; leading
skill with a widely adopted method; key new product or technology, or its spreading; special skill
of an advanced national level with work in training apprentices."""

SKILLS_CHARACTERS = 1000
DEEDS_CHARACTERS = 1500
EVIDENCE_PAGES = 10


class Month(msgspec.Struct, frozen=True, order=True):
    """A year and a month, as the form asks for them."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """What an employer, or a district or department, says; signed with name and date."""

    text: str = ""
    signer: str = ""
    signed_on: date | None = None


class Achievement(msgspec.Struct, frozen=True, kw_only=True):
    """One achievement, and the pages of the evidence that show it, such as `3-5`."""

    kind: AchievementKind
    pages: str = ""


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """One person's recommendation. Texts hold what the paper form says beside the field."""

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
    """A central unit in the city: it recommends through the district it is in."""
    first_employed: Month | None = None
    employer_address: str = ""
    employer_postcode: str = ""
    employer_contact: str = ""
    employer_telephone: str = ""
    industry: str = ""
    """One of the selection's industries, by its key."""
    chain: str = ""
    """The key industry chain, if there is one, as people call it."""
    skills: str = ""
    """Skills, deeds and awards: at most SKILLS_CHARACTERS."""
    deeds: str = ""
    """The deeds text: at most DEEDS_CHARACTERS."""
    qualification: Qualification | None = None
    qualification_pages: str = ""
    achievements: tuple[Achievement, ...] = ()
    evidence_handler: str = ""
    """Who confirmed that the copies are identical with the original (此件与原件相符)."""
    evidence_confirmed_on: date | None = None
    employer_opinion: Opinion = Opinion()
    body_opinion: Opinion = Opinion()
