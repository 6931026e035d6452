"""Selections, recommending bodies and the states of a recommendation. No I/O."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from voting_service.i18n.catalogues import load_text
from voting_service.i18n.patterns import load_patterns
from voting_service.i18n.text import Text
from voting_service.staff.accounts.model import Role

BodyKind = Literal["district", "department"]
State = Literal["draft", "submitted", "returned", "accepted", "rejected", "withdrawn"]
Slot = Literal["photo", "evidence", "employer_scan", "body_scan"]

QUOTA_STATES: tuple[State, ...] = ("submitted", "returned", "accepted", "rejected")
"""States that take a place of the body's quota; the database has the same list."""
EDITABLE: tuple[State, ...] = ("draft", "returned")
REVIEWERS: tuple[Role, ...] = ("reviewer", "supervisor")
"""Roles of the joint office, which reviews, and decides by two people."""
READERS: tuple[Role, ...] = (*REVIEWERS, "auditor")
"""Roles that may view every recommendation; each view of a form is recorded in the audit log."""

_QUOTED = re.compile("[\u201c\u2018](.+?)[\u201d\u2019]")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_WORDS = load_patterns(__package__)
_NOT_AWARD_ZH = re.compile(
    rf"\uff08.*?\uff09|{_YEAR.pattern}\s*(?:{_WORDS['year']})?|{_WORDS['activity']}"
)
_NOT_AWARD_EN = re.compile(rf"[,(:].*|\b{_YEAR.pattern}\b|\bselection\b", re.IGNORECASE)


class BodyContact(msgspec.Struct, frozen=True):
    """Whom to call at a recommending body; empty where nothing is stated."""

    person: str = ""
    telephone: str = ""


class SelectionRules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules announced before recommending begins.

    `shortlist_size` people are shortlisted for the public vote; `cut` of them advance to the panel,
    which names `winners` and `nominees`. `industries` are by the key that a form holds.
    `award` and `year` follow from the title unless they are given.
    """

    title: Text
    industries: dict[str, Text]
    award: Text = Text("", "")
    """The name of the award, without its year and without quotation marks."""
    year: int = 0
    """The award's year; 0 where neither the rules nor their title say it."""
    host: Text = msgspec.field(default_factory=lambda: load_text("nomination", "rules.host"))
    """Who bestows the award, in full, as documents name it."""
    office: Text = msgspec.field(default_factory=lambda: load_text("nomination", "rules.office"))
    """The joint office in full, which issues the forms and documents."""
    office_address: Text | None = None
    """Where the paper copy of a form is delivered."""
    time_zone: str = "Asia/Shanghai"
    shortlist_size: int = 50
    cut: int = 30
    winners: int = 10
    nominees: int = 10
    notice_days: int = 5
    """Days in which the shortlist, and later the result, are open to objections."""
    preliminary_score_max: int = 100
    """Reviewers give whole preliminary scores from 0 to this; none where it is 0."""
    contact: Text | None = None
    """Where to send objections."""
    document_code: str = ""
    """What its document numbers begin with; empty leaves room to write the number."""
    contact_person: str = ""
    telephone: str = ""
    """Whom to ask about a notice; empty leaves room to write it."""
    body_contacts: dict[str, BodyContact] = {}
    """Whom to call at each recommending body, by the body's slug."""

    def __post_init__(self) -> None:
        if not self.award.zh:
            msgspec.structs.force_setattr(self, "award", _award_in(self.title))
        if not self.year:
            match = _YEAR.search(self.title.zh) or _YEAR.search(self.title.en)
            msgspec.structs.force_setattr(self, "year", int(match[0]) if match else 0)

    @property
    def form_title(self) -> str:
        """The title of the paper form, which is Chinese."""
        return load_text("nomination", "rules.form_title", year=self.year, award=self.award).zh


def _award_in(title: Text) -> Text:
    """Return the award that a title names: what it has in quotation marks, or all but its year,
    brackets and the word for the activity."""
    quoted = _QUOTED.search(title.zh)
    zh = quoted[1] if quoted else _NOT_AWARD_ZH.sub("", title.zh).strip()
    quoted = _QUOTED.search(title.en)
    en = quoted[1] if quoted else " ".join(_NOT_AWARD_EN.sub("", title.en).split())
    return Text(zh or title.zh, en or title.en)


class NewSelection(msgspec.Struct, frozen=True, kw_only=True):
    """A selection to be stored; quotas are places for each district and each department."""

    slug: str
    rules: SelectionRules
    opens_at: datetime
    closes_at: datetime
    district_quota: int = 6
    department_quota: int = 3

    def __post_init__(self) -> None:
        if not self.rules.year:
            year = self.opens_at.astimezone(ZoneInfo(self.rules.time_zone)).year
            rules = msgspec.structs.replace(self.rules, year=year)
            msgspec.structs.force_setattr(self, "rules", rules)


class DeadlineExtension(msgspec.Struct, frozen=True):
    """The deadline was `closed_at`; at `approved_at` a second person moved it to `closes_at`."""

    closed_at: datetime
    closes_at: datetime
    approved_at: datetime
    reason: str


class Selection(msgspec.Struct, frozen=True, dict=True):
    """A stored selection; `contest_id` is set once the shortlist is published to a contest.
    `extensions` of its deadline are in their order: wherever the deadline is shown, so are they
    (sites/nomination/templates/deadline.html)."""

    id: int
    slug: str
    rules: SelectionRules
    opens_at: datetime
    closes_at: datetime
    district_quota: int
    department_quota: int
    contest_id: int | None
    extensions: tuple[DeadlineExtension, ...] = ()

    @property
    def title(self) -> Text:
        return self.rules.title

    @property
    def zone(self) -> tzinfo:
        return ZoneInfo(self.rules.time_zone)

    @property
    def year(self) -> int:
        """The year of the award; of a selection that names none, that of its deadline."""
        return self.rules.year or self.closes_at.astimezone(self.zone).year

    def is_open(self, now: datetime) -> bool:
        """Whether recommendations are accepted at this time."""
        return self.opens_at <= now < self.closes_at

    def quota(self, kind: BodyKind) -> int:
        return self.district_quota if kind == "district" else self.department_quota

    def body_contact(self, slug: str) -> BodyContact:
        return self.rules.body_contacts.get(slug, BodyContact())


class RecommendingBody(msgspec.Struct, frozen=True):
    """A district or county, or a municipal industry department."""

    id: int
    slug: str
    kind: BodyKind
    name: Text
