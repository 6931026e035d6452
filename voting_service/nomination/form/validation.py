"""Validation of a recommendation form against the notice. No I/O.

Faults are of two kinds: a field is still empty, or it is filled in wrongly. A draft may have empty
fields, and its page shows what is wrong while it is typed; a submission may have neither. Quota,
deadline and "each person once" are enforced by the database. Whether the fonts have a glyph for
every character is checked when the form is printed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from types import MappingProxyType

import msgspec

from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.patterns import load_patterns
from voting_service.i18n.text import Text
from voting_service.nomination.form.field_names import FIELD_PATHS, field_name, pages_name
from voting_service.nomination.form.id_numbers import EARLIEST_BIRTH_YEAR, parse_id_number
from voting_service.nomination.form.model import (
    DEEDS_CHARACTERS,
    EVIDENCE_PAGES,
    OTHER_INDUSTRY,
    SKILLS_CHARACTERS,
    Month,
    Opinion,
    RecommendationForm,
)
from voting_service.nomination.form.page_ranges import parse_page_ranges
from voting_service.nomination.form.telephones import are_telephones
from voting_service.nomination.form.text_length import count_characters
from voting_service.nomination.model import Slot

LONGEST: Mapping[str, int] = MappingProxyType(
    {
        "name": 50,
        "id_number": 25,
        "ethnic_group": 20,
        "political_status": 20,
        "education": 30,
        "trade": 50,
        "skill_grade": 50,
        "employer": 100,
        "employer_address": 150,
        "employer_postcode": 10,
        "employer_contact": 50,
        "employer_telephone": 60,
        "industry": 50,
        "industry_other": 50,
        "chain": 50,
        "skills": SKILLS_CHARACTERS,
        "deeds": DEEDS_CHARACTERS,
        "qualification_pages": 30,
        "achievements.pages": 30,
        "evidence_handler": 50,
        "employer_opinion.text": 500,
        "employer_opinion.signer": 50,
        "body_opinion.text": 500,
        "body_opinion.signer": 50,
    }
)
"""The limit of each text, in characters as count_characters() counts them."""

_MULTILINE = frozenset({"skills", "deeds", "employer_opinion.text", "body_opinion.text"})
OPTIONAL = frozenset({"industry", "industry_other", "chain", "is_central_unit"})
"""What the notice's form does not ask for, and a mark that most people do not have."""
STAMPED_PAGES: tuple[Slot, ...] = ("employer_scan", "body_scan")
"""The files without which an opinion is not given: the scan or photograph of its stamped page."""
_CODE_POINTS_A_CHARACTER = 4
"""On average, spaces included. More than this means stacked accents or blank lines."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LINE_BREAKS = re.compile(r"[\t\r\n]")
_WORDS = load_patterns(__package__)
_POSTCODE = re.compile(r"[0-9]{6}")


class FormRules(msgspec.Struct, frozen=True):
    """What a selection's rules say about its forms: the keys of its industries."""

    industries: Collection[str]


def faults(
    form: RecommendationForm,
    rules: FormRules,
    *,
    evidence_pages: int | None,
    attached: Collection[str],
    today: date,
) -> tuple[Fault, ...]:
    """Return every fault that prevents submission, in the form's order.

    `evidence_pages` is the counted length of the evidence, None while there is no evidence;
    `attached` names the slots that have a file; `today` is the date in Beijing. Faults name fields
    as `achievements[0].pages`, `photo` or `evidence`; they never quote what is filled in.
    """
    return _sort_faults(
        [
            *_empty_fields(form, evidence_pages, attached),
            *_wrong_fields(form, rules, evidence_pages, today),
        ]
    )


def draft_faults(
    form: RecommendationForm, rules: FormRules, *, evidence_pages: int | None, today: date
) -> tuple[Fault, ...]:
    """Return the faults of what is filled in. An empty field is no fault of a draft."""
    return _sort_faults(_wrong_fields(form, rules, evidence_pages, today))


def _sort_faults(unsorted: Iterable[Fault]) -> tuple[Fault, ...]:
    places = {path.partition(".")[0]: place for place, path in enumerate(FIELD_PATHS)}
    return tuple(sorted(unsorted, key=lambda fault: places[re.split(r"[.\[]", fault.field)[0]]))


def _texts(form: RecommendationForm) -> Iterator[tuple[str, str]]:
    """Yield every text of the form with its path."""
    for path in LONGEST:
        if path != "achievements.pages":
            text: object = form
            for name in path.split("."):
                text = getattr(text, name)
            assert isinstance(text, str)
            yield path, text
    for place, achievement in enumerate(form.achievements):
        yield f"achievements[{place}].pages", achievement.pages


# Empty fields


def _empty_fields(
    form: RecommendationForm, evidence_pages: int | None, attached: Collection[str]
) -> Iterator[Fault]:
    for path, text in _texts(form):
        if count_characters(text) == 0 and path not in OPTIONAL:
            yield _enter(form, path)
    chosen = {
        "sex": form.sex,
        "birth": form.birth,
        "first_employed": form.first_employed,
        "qualification": form.qualification,
        "evidence_confirmed_on": form.evidence_confirmed_on,
        "employer_opinion.signed_on": form.employer_opinion.signed_on,
        "body_opinion.signed_on": form.body_opinion.signed_on,
    }
    for path, value in chosen.items():
        if value is None:
            yield _enter(form, path)
    if form.industry == OTHER_INDUSTRY and count_characters(form.industry_other) == 0:
        yield _enter(form, "industry_other")
    if not form.conduct_declared:
        yield Fault("conduct_declared", "nomination.form.declare_conduct")
    if not form.achievements:
        yield Fault("achievements", "nomination.form.choose_achievement")
    if "photo" not in attached:
        yield Fault("photo", "nomination.form.add_photo")
    if not evidence_pages:
        yield Fault("evidence", "nomination.form.add_evidence", limit=EVIDENCE_PAGES)
    for slot in STAMPED_PAGES:
        if slot not in attached:
            yield Fault(slot, "nomination.form.add_stamped_page", name=field_name(slot))


def _enter(form: RecommendationForm, path: str) -> Fault:
    code = "enter_field_or_none" if path == "skill_grade" else "enter_field"
    return Fault(path, f"nomination.form.{code}", name=_name(form, path))


def _name(form: RecommendationForm, path: str) -> Text:
    pages = re.fullmatch(r"achievements\[([0-9]+)\]\.pages", path)
    return pages_name(form.achievements[int(pages[1])].kind) if pages else field_name(path)


# Wrong fields


def _wrong_fields(
    form: RecommendationForm, rules: FormRules, evidence_pages: int | None, today: date
) -> Iterator[Fault]:
    for path, text in _texts(form):
        yield from _wrong_text(form, path, text)
    yield from _wrong_person(form, today)
    yield from _wrong_work(form, rules, today)
    yield from _wrong_evidence(form, evidence_pages, today)
    yield from _wrong_opinions(form, today)


def _wrong_text(form: RecommendationForm, path: str, text: str) -> Iterator[Fault]:
    kind = "achievements.pages" if path.startswith("achievements[") else path
    name, limit, count = _name(form, path), LONGEST[kind], count_characters(text)
    if count > limit:
        yield Fault(path, "nomination.form.too_long", name=name, count=count, limit=limit)
    elif len(text) > _CODE_POINTS_A_CHARACTER * limit:
        yield Fault(path, "nomination.form.too_many_spaces", name=name)
    is_multiline = kind in _MULTILINE
    if _CONTROLS.search(_LINE_BREAKS.sub("", text) if is_multiline else text):
        code = "control_characters" if is_multiline else "not_one_line"
        yield Fault(path, f"nomination.form.{code}", name=name)


def _wrong_person(form: RecommendationForm, today: date) -> Iterator[Fault]:
    if any(unicodedata.category(character) in {"Nd", "So"} for character in form.name):
        yield Fault("name", "nomination.form.name_with_digits")
    if form.birth is not None:
        yield from _wrong_month("birth", form.birth, today)
    if count_characters(form.id_number) == 0:
        return
    try:
        identity = parse_id_number(form.id_number)
    except InvalidInput as error:
        yield from error.faults
        return
    if identity.birth is not None and identity.birth > today:
        yield Fault("id_number", "nomination.form.id_birth_in_future")
    if None not in {form.birth, identity.month} and form.birth != identity.month:
        yield Fault("birth", "nomination.form.birth_differs_from_id")
    if None not in {form.sex, identity.sex} and form.sex != identity.sex:
        yield Fault("sex", "nomination.form.sex_differs_from_id")


def _wrong_month(path: str, month: Month, today: date) -> Iterator[Fault]:
    name = field_name(path)
    if not (1 <= month.month <= 12 and month.year >= EARLIEST_BIRTH_YEAR):
        yield Fault(
            path,
            "nomination.form.no_such_month",
            name=name,
            earliest_year=EARLIEST_BIRTH_YEAR,
        )
    elif month > Month(today.year, today.month):
        yield Fault(path, "nomination.form.in_future", name=name)


def _wrong_work(form: RecommendationForm, rules: FormRules, today: date) -> Iterator[Fault]:
    start, birth = form.first_employed, form.birth
    if start is not None:
        yield from _wrong_month("first_employed", start, today)
        if birth is not None and start < birth:
            yield Fault("first_employed", "nomination.form.employed_before_birth")
    postcode = unicodedata.normalize("NFKC", form.employer_postcode).strip()
    if postcode and not _POSTCODE.fullmatch(postcode):
        yield Fault("employer_postcode", "nomination.form.postcode")
    if not are_telephones(form.employer_telephone):
        yield Fault("employer_telephone", "nomination.form.telephone")
    if form.industry and form.industry not in rules.industries:
        yield Fault("industry", "nomination.form.choose_industry")


def _wrong_evidence(
    form: RecommendationForm, evidence_pages: int | None, today: date
) -> Iterator[Fault]:
    if evidence_pages is not None and evidence_pages > EVIDENCE_PAGES:
        yield Fault(
            "evidence",
            "nomination.form.too_many_evidence_pages",
            pages=evidence_pages,
            limit=EVIDENCE_PAGES,
        )
    yield from _wrong_pages(form, "qualification_pages", form.qualification_pages, evidence_pages)
    kinds = [achievement.kind for achievement in form.achievements]
    for place, achievement in enumerate(form.achievements):
        if achievement.kind in kinds[:place]:
            yield Fault(f"achievements[{place}]", "nomination.form.achievement_twice")
        path = f"achievements[{place}].pages"
        yield from _wrong_pages(form, path, achievement.pages, evidence_pages)
    yield from _wrong_day("evidence_confirmed_on", form.evidence_confirmed_on, today)


def _wrong_pages(
    form: RecommendationForm, path: str, text: str, evidence_pages: int | None
) -> Iterator[Fault]:
    pages, name = parse_page_ranges(text), _name(form, path)
    if pages is None:
        yield Fault(path, "nomination.form.unreadable_pages", name=name)
    elif pages and evidence_pages and pages[-1] > evidence_pages:
        yield Fault(
            path,
            "nomination.form.no_such_evidence_page",
            name=name,
            page=pages[-1],
            evidence_pages=evidence_pages,
        )


def _wrong_day(path: str, day: date | None, today: date) -> Iterator[Fault]:
    if day is not None and day > today:
        name = field_name(path)
        yield Fault(path, "nomination.form.in_future", name=name)


def _wrong_opinions(form: RecommendationForm, today: date) -> Iterator[Fault]:
    opinions: tuple[tuple[str, Opinion], ...] = (
        ("employer_opinion", form.employer_opinion),
        ("body_opinion", form.body_opinion),
    )
    for path, opinion in opinions:
        yield from _wrong_day(f"{path}.signed_on", opinion.signed_on, today)
    employers, bodys = form.employer_opinion.signed_on, form.body_opinion.signed_on
    if employers is not None and bodys is not None and employers > bodys:
        yield Fault("body_opinion.signed_on", "nomination.form.opinions_out_of_order")
