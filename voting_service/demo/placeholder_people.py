"""Complete placeholder recommendations for the demo. Their Chinese texts are demo data."""

from __future__ import annotations

import io
from datetime import date, timedelta
from hashlib import sha256
from math import cos, pi, sin

from PIL import Image, ImageDraw, ImageFont

from voting_service.demo.contest import trade_and_district
from voting_service.demo.portrait import portrait
from voting_service.demo.stories import write_at_length
from voting_service.infrastructure.typesetting.compiler import typeset
from voting_service.infrastructure.typesetting.glyph_coverage import FONTS
from voting_service.nomination.form.id_numbers import check_character
from voting_service.nomination.form.industries import PILLAR_INDUSTRIES
from voting_service.nomination.form.model import (
    DEEDS_CHARACTERS,
    EVIDENCE_PAGES,
    OTHER_INDUSTRY,
    SKILLS_CHARACTERS,
    Achievement,
    Month,
    Opinion,
    RecommendationForm,
)
from voting_service.nomination.model import RecommendingBody
from voting_service.nomination.recommendations.model import File

PHOTO_SIZE = (413, 579)
"""A two-inch photo, 35 × 49 mm, at 300 pixels per inch."""
FEW_PAGES = 3
"""Of the evidence of most people."""
_NOT_REAL = "演示用占位内容，并非真实人物。"
_DIGITS = "零一二三四五六七八九"
_DIVISION = "500000"
"""The code of the whole city, which issues no ID cards: so no person has these numbers."""
GRADES = {"技师": "Technician", "高级技师": "Senior technician"}
"""Skill grades, with their English names."""
_VERMILION = (190, 30, 30)
_KINDS = ("innovation", "method", "technology", "special_skill")


def numeral(number: int) -> str:
    """Return a number from 1 to 999 digit by digit in Chinese: 107 is 一〇七."""
    return "".join(_DIGITS[int(digit)] for digit in str(number)).replace("零", "〇")


def form(number: int, today: date, body: RecommendingBody) -> RecommendationForm:
    """Return the complete form of a placeholder person whom a body recommends, signed before
    `today`; its texts and addresses name the places of that body only."""
    trade, _ = trade_and_district(number)
    district = body.name.zh if body.kind == "district" else ""
    name = f"占位人选{numeral(number)}"
    born = date(1965, 1, 1) + timedelta(days=number * 61 % 12_000)
    serial = f"{number * 2 + 1:03}" if number % 3 else f"{number * 2:03}"
    digits = f"{_DIVISION}{born:%Y%m%d}{serial[-3:]}"
    signed = today - timedelta(days=3)
    industry = list(PILLAR_INDUSTRIES)[number % len(PILLAR_INDUSTRIES)]
    employer = f"演示单位{numeral(number % 60 + 1)}（占位）"
    grade = tuple(GRADES)[number % 2]
    written = {"name": name, "trade": trade.zh, "grade": grade, "employer": employer}
    return RecommendationForm(
        name=name,
        sex="male" if int(digits[-1]) % 2 else "female",
        birth=Month(born.year, born.month),
        id_number=digits + check_character(digits),
        ethnic_group="汉族",
        political_status="群众",
        education=("高中", "大专", "本科")[number % 3],
        trade=trade.zh,
        skill_grade=grade,
        employer=employer,
        is_central_unit=number % 11 == 0,
        first_employed=Month(born.year + 20, 7),
        employer_address=f"重庆市{district}占位路1号",
        employer_postcode="400000",
        employer_contact="联络人（占位）",
        employer_telephone="023-60000000",
        industry=industry,
        industry_other="演示产业（占位）" if industry == OTHER_INDUSTRY else "",
        chain="",
        skills=_NOT_REAL + write_at_length(number, body.name, SKILLS_CHARACTERS - 20, **written),
        deeds=_NOT_REAL + write_at_length(number, body.name, DEEDS_CHARACTERS - 20, **written),
        conduct_declared=True,
        qualification="technician",
        qualification_pages="1",
        achievements=(
            Achievement(
                kind=_KINDS[number % 4],  # type: ignore[arg-type]
                pages=f"2-{evidence_pages(number)}",
            ),
        ),
        evidence_handler="经办人（占位）",
        evidence_confirmed_on=signed,
        employer_opinion=Opinion(text="同意推荐。", signer="负责人（占位）", signed_on=signed),
        body_opinion=Opinion(text="同意推荐。", signer="负责人（占位）", signed_on=signed),
    )


def photo(number: int) -> File:
    """Return the drawn portrait, cropped to the proportions of a two-inch photo."""
    width, height = PHOTO_SIZE
    drawn = portrait(number % 100, number % 25)
    tall = drawn.width * height // width
    top = (drawn.height - tall) // 2
    stream = io.BytesIO()
    drawn.crop((0, top, drawn.width, top + tall)).resize(PHOTO_SIZE).save(
        stream, "JPEG", quality=85
    )
    return _file("image/jpeg", 1, stream.getvalue())


def evidence_pages(number: int) -> int:
    """Return how many pages the evidence of a person has: of every third one, as many as it may."""
    return EVIDENCE_PAGES if number % 3 == 0 else FEW_PAGES


def evidence(pages: int) -> File:
    """Return a PDF of placeholder evidence pages."""
    content = typeset("voting_service.demo", "evidence.typ", {"pages": pages})
    return _file("application/pdf", pages, content)


def stamped_page() -> File:
    """Return the PDF of a placeholder page with an opinion and a drawn stamp."""
    return _file("application/pdf", 1, typeset("voting_service.demo", "stamped_page.typ", {}))


def stamp() -> bytes:
    """Return the PNG of a drawn stamp with words that no real one has."""
    side, line = 480, 16
    drawing = Image.new("RGB", (side, side), "white")
    pen = ImageDraw.Draw(drawing)
    pen.ellipse((line, line, side - line, side - line), outline=_VERMILION, width=line)
    star = [
        (side / 2 + radius * sin(turn * pi / 5), side * 0.42 - radius * cos(turn * pi / 5))
        for turn, radius in enumerate((100, 38) * 5)
    ]
    pen.polygon(star, fill=_VERMILION)
    font = ImageFont.truetype(FONTS / "NotoSansSC-Bold.ttf", 56)
    pen.text((side / 2, side * 0.74), "演示用章", fill=_VERMILION, font=font, anchor="mm")
    stream = io.BytesIO()
    drawing.save(stream, "PNG")
    return stream.getvalue()


def _file(media_type: str, pages: int, content: bytes) -> File:
    return File(media_type, pages, sha256(content).digest(), content)
