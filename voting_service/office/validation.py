"""Everything the notice requires of a recommendation before it may be submitted. No I/O.

Two kinds of faults: what is still open, and what is filled in but wrong. A draft may have the
first, and is told the second as it is typed; a submission has neither. The database enforces
quota, deadline and one person once; whether the fonts have a glyph is seen when it prints.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from types import MappingProxyType

import msgspec

from voting_service.errors import Fault, InvalidInput
from voting_service.office.characters import count_characters
from voting_service.office.evidence_pages import pages_in
from voting_service.office.field_names import FIELD_NAMES, field_name
from voting_service.office.form import (
    DEEDS_CHARACTERS,
    EVIDENCE_PAGES,
    SKILLS_CHARACTERS,
    Form,
    Month,
    Opinion,
)
from voting_service.office.id_numbers import EARLIEST_BIRTH_YEAR, parse_id_number

WORKING_AGE_YEARS = 16
"""Labour Law of the PRC, article 15."""

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
        "employer_telephone": 30,
        "industry": 50,
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
"""The most characters of every text, as people count them."""

_SEVERAL_LINES = frozenset({"skills", "deeds", "employer_opinion.text", "body_opinion.text"})
_MAY_STAY_OPEN = frozenset({"chain"})
_CODE_POINTS_A_CHARACTER = 4
"""On average, spaces included; above it somebody piles accents or blank lines."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LINE_BREAKS = re.compile(r"[\t\r\n]")
_POSTCODE = re.compile(r"[0-9]{6}")
_AREA = r"(?:10|2[0-9]|[3-9][0-9]{2})"
_TELEPHONE = re.compile(
    r"(?:(?:\+|00)?86[- ]?)?1[3-9][0-9][- ]?[0-9]{4}[- ]?[0-9]{4}"
    rf"|(?:(?:(?:\+|00)86[- ]?\(?0?|\(?0){_AREA}\)?[- ]?)?[2-8][0-9]{{2,3}}[- ]?[0-9]{{4}}"
    r"(?:\s*(?:-|转|ext\.?)\s*[0-9]{1,6})?"
)


class FormRules(msgspec.Struct, frozen=True):
    """What a selection itself says about its forms: the keys of its industries."""

    industries: Collection[str]


def faults(
    form: Form, rules: FormRules, *, evidence_pages: int | None, has_photo: bool, today: date
) -> tuple[Fault, ...]:
    """Whatever keeps `form` from being submitted, in the form's order; empty when nothing does.

    `evidence_pages` is the counted length of the evidence, None as long as there is none; `today`
    is the day in Beijing. Faults name fields as `achievements[0].pages`, and `photo` and
    `evidence`; their messages never quote what is filled in.
    """
    found = [
        *_open(form, evidence_pages, has_photo=has_photo),
        *_wrong(form, rules, evidence_pages, today),
    ]
    return _in_order(found)


def draft_faults(
    form: Form, rules: FormRules, *, evidence_pages: int | None, today: date
) -> tuple[Fault, ...]:
    """The same for what is filled in already: what is open is no fault of a draft."""
    return _in_order(_wrong(form, rules, evidence_pages, today))


def _in_order(found: Iterable[Fault]) -> tuple[Fault, ...]:
    places = {path.partition(".")[0]: place for place, path in enumerate(FIELD_NAMES)}
    return tuple(sorted(found, key=lambda fault: places[re.split(r"[.\[]", fault.field)[0]]))


def _texts(form: Form) -> Iterator[tuple[str, str]]:
    """Every text with its path."""
    for path in LONGEST:
        if path != "achievements.pages":
            text: object = form
            for name in path.split("."):
                text = getattr(text, name)
            assert isinstance(text, str)
            yield path, text
    for place, achievement in enumerate(form.achievements):
        yield f"achievements[{place}].pages", achievement.pages


# What is still open


def _open(form: Form, evidence_pages: int | None, *, has_photo: bool) -> Iterator[Fault]:
    for path, text in _texts(form):
        if count_characters(text) == 0 and path not in _MAY_STAY_OPEN:
            yield _fill_in(path)
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
            yield _fill_in(path)
    if not form.achievements:
        yield Fault(
            "achievements",
            "is missing: choose at least one of the four and name the pages that show it",
            "请至少选择一项业绩条件，并注明佐证页码。",
        )
    if not has_photo:
        yield Fault("photo", "is missing: add a two-inch photo", "请上传二寸照片。")
    if not evidence_pages:
        yield Fault(
            "evidence",
            f"is missing: add one PDF or Word file of at most {EVIDENCE_PAGES} pages",
            f"请上传佐证材料：合并为一个PDF或Word文件，不超过{EVIDENCE_PAGES}页。",
        )


def _fill_in(path: str) -> Fault:
    name = field_name(path)
    if path == "skill_grade":
        return Fault(
            path,
            f"is missing: fill in {name.en}, or 无 where there is none",
            f"请填写{name.zh}，没有的填“无”。",
        )
    return Fault(path, f"is missing: fill in {name.en}", f"请填写{name.zh}。")


# What is filled in, but wrong


def _wrong(
    form: Form, rules: FormRules, evidence_pages: int | None, today: date
) -> Iterator[Fault]:
    for path, text in _texts(form):
        yield from _wrong_text(path, text)
    yield from _wrong_person(form, today)
    yield from _wrong_work(form, rules, today)
    yield from _wrong_evidence(form, evidence_pages, today)
    yield from _wrong_opinions(form, today)


def _wrong_text(path: str, text: str) -> Iterator[Fault]:
    kind = "achievements.pages" if path.startswith("achievements[") else path
    name, limit, count = field_name(path), LONGEST[kind], count_characters(text)
    if count > limit:
        yield Fault(
            path,
            f"has {count} characters, spaces not counted: shorten it to at most {limit}",
            f"{name.zh}共{count}字（不计空格），请压缩到{limit}字以内。",
        )
    elif len(text) > _CODE_POINTS_A_CHARACTER * limit:
        yield Fault(
            path,
            "holds too many spaces, blank lines or piled accents: take them out",
            f"{name.zh}中的空格、空行或叠加符号过多，请删去。",
        )
    several_lines = kind in _SEVERAL_LINES
    if _CONTROLS.search(_LINE_BREAKS.sub("", text) if several_lines else text):
        yield Fault(
            path,
            "holds control characters that cannot be seen: type it anew instead of pasting it"
            if several_lines
            else "holds a line break or control characters: write it in one line, without them",
            f"{name.zh}中有不可见的控制字符，请重新键入，不要粘贴。"
            if several_lines
            else f"{name.zh}中有换行或不可见的控制字符，请写成一行并重新键入。",
        )


def _wrong_person(form: Form, today: date) -> Iterator[Fault]:
    if any(unicodedata.category(character) in {"Nd", "So"} for character in form.name):
        yield Fault(
            "name",
            "holds digits or symbols: write the name as on the ID card",
            "姓名中不应有数字或符号，请按身份证填写。",
        )
    if form.birth is not None:
        yield from _wrong_month("birth", form.birth, today)
    if count_characters(form.id_number) == 0:
        return
    try:
        identity = parse_id_number(form.id_number)
    except InvalidInput as refusal:
        yield from refusal.faults
        return
    if identity.birth > today:
        yield Fault(
            "id_number",
            "holds a day of birth in the future: compare it with the card",
            "身份证号码中的出生日期晚于今天，请对照证件核对。",
        )
    if form.birth is not None and form.birth != Month(identity.birth.year, identity.birth.month):
        yield Fault(
            "birth",
            "is not the month in the ID number: correct whichever is wrong",
            "出生年月与身份证号码不一致，请核对并改正。",
        )
    if form.sex is not None and form.sex != identity.sex:
        yield Fault(
            "sex",
            "is not the sex in the ID number: correct whichever is wrong",
            "性别与身份证号码不一致，请核对并改正。",
        )


def _wrong_month(path: str, month: Month, today: date) -> Iterator[Fault]:
    name = field_name(path)
    if not (1 <= month.month <= 12 and month.year >= EARLIEST_BIRTH_YEAR):
        yield Fault(
            path,
            f"must be a year from {EARLIEST_BIRTH_YEAR} on and a month from 1 to 12",
            f"{name.zh}应为{EARLIEST_BIRTH_YEAR}年以后的年份和1至12的月份。",
        )
    elif month > Month(today.year, today.month):
        yield Fault(path, "is in the future: correct it", f"{name.zh}晚于今天，请改正。")


def _wrong_work(form: Form, rules: FormRules, today: date) -> Iterator[Fault]:
    start, birth = form.first_employed, form.birth
    if start is not None:
        yield from _wrong_month("first_employed", start, today)
        if birth is not None and start < Month(birth.year + WORKING_AGE_YEARS, birth.month):
            yield Fault(
                "first_employed",
                f"is before the {WORKING_AGE_YEARS}th birthday: correct it, or the birth",
                f"参加工作时间早于年满{WORKING_AGE_YEARS}周岁，请核对出生年月和参加工作时间。",
            )
    postcode = unicodedata.normalize("NFKC", form.employer_postcode).strip()
    if postcode and not _POSTCODE.fullmatch(postcode):
        yield Fault(
            "employer_postcode",
            "must be six digits such as 400010",
            "邮政编码应为6位数字，例如400010。",
        )
    telephone = unicodedata.normalize("NFKC", form.employer_telephone).strip()
    telephone = re.sub(r"[\u2010-\u2015]", "-", telephone)
    if telephone and not _TELEPHONE.fullmatch(telephone):
        yield Fault(
            "employer_telephone",
            "must be one number, of a mobile (11 digits) or a landline (such as 023-63000000)",
            "联系电话应为一个号码：11位手机号码，或带区号的固定电话（如023-63000000）。",
        )
    if form.industry and form.industry not in rules.industries:
        yield Fault(
            "industry", "must be one of the list: choose it there", "请在列表中选择所属产业。"
        )


def _wrong_evidence(form: Form, evidence_pages: int | None, today: date) -> Iterator[Fault]:
    if evidence_pages is not None and evidence_pages > EVIDENCE_PAGES:
        yield Fault(
            "evidence",
            f"has {evidence_pages} pages: leave out what matters least, at most "
            f"{EVIDENCE_PAGES} are taken",
            f"佐证材料共{evidence_pages}页，请精简到{EVIDENCE_PAGES}页以内。",
        )
    yield from _wrong_pages("qualification_pages", form.qualification_pages, evidence_pages)
    kinds = [achievement.kind for achievement in form.achievements]
    for place, achievement in enumerate(form.achievements):
        if achievement.kind in kinds[:place]:
            yield Fault(
                f"achievements[{place}]",
                "is named twice: name each achievement once, with all its pages",
                "同一项业绩条件只能选择一次，请将佐证页码合并填写。",
            )
        yield from _wrong_pages(f"achievements[{place}].pages", achievement.pages, evidence_pages)
    yield from _wrong_day("evidence_confirmed_on", form.evidence_confirmed_on, today)


def _wrong_pages(path: str, text: str, evidence_pages: int | None) -> Iterator[Fault]:
    pages, name = pages_in(text), field_name(path)
    if pages is None:
        yield Fault(
            path,
            "must be pages of the evidence such as 3-5,8",
            f"{name.zh}应写成“3-5,8”的形式。",
        )
    elif pages and evidence_pages and pages[-1] > evidence_pages:
        yield Fault(
            path,
            f"names page {pages[-1]}, but the evidence has {evidence_pages}: correct the pages",
            f"{name.zh}写有第{pages[-1]}页，而佐证材料共{evidence_pages}页，请改正页码。",
        )


def _wrong_day(path: str, day: date | None, today: date) -> Iterator[Fault]:
    if day is not None and day > today:
        name = field_name(path)
        yield Fault(path, "is in the future: correct it", f"{name.zh}晚于今天，请改正。")


def _wrong_opinions(form: Form, today: date) -> Iterator[Fault]:
    opinions: tuple[tuple[str, Opinion], ...] = (
        ("employer_opinion", form.employer_opinion),
        ("body_opinion", form.body_opinion),
    )
    for path, opinion in opinions:
        yield from _wrong_day(f"{path}.signed_on", opinion.signed_on, today)
    employers, bodys = form.employer_opinion.signed_on, form.body_opinion.signed_on
    if employers is not None and bodys is not None and employers > bodys:
        yield Fault(
            "body_opinion.signed_on",
            "is before the employer's opinion, which comes first: correct one of the days",
            "推荐部门意见的签署日期早于所在单位意见，请核对两个日期。",
        )
