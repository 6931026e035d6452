"""Texts of the printed documents, and times and days as they are printed. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date

from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.formatting import LOCALES, written_day, written_moment
from voting_service.i18n.text import LANGUAGES, Language, Text

BEIJING = ZoneInfo("Asia/Shanghai")

DocumentTexts = Mapping[str, Any]

_SHORT_DAYS: Mapping[Language, str] = {"zh": "M-d", "en": "d MMM"}


def document_texts(language: Language, document: str) -> DocumentTexts:
    """Return the texts of one kind of document, a section of the catalogue `documents`."""
    texts: DocumentTexts = load_catalogue("documents", language)[document]
    return texts


def beijing_time(value: datetime, language: Language) -> str:
    """Return a time in Beijing, to the minute."""
    return written_moment(value, BEIJING, language)


def day_text(value: date) -> Text:
    """Return a day as it is written in each language."""
    return Text(**{language: written_day(value, language) for language in LANGUAGES})


def short_day(value: date, language: Language) -> str:
    """Return a day without its year, as a chart's label."""
    return format_date(value, _SHORT_DAYS[language], locale=LOCALES[language])


def ceremonial_day(value: date) -> str:
    """Return a day in Chinese numerals, as certificates print it."""
    texts = document_texts("zh", "ceremonial_day")
    digits: str = texts["digits"]
    return str(texts["day"]).format(
        year="".join(digits[int(digit)] for digit in str(value.year)),
        month=_up_to_99(value.month, digits, texts["ten"]),
        day=_up_to_99(value.day, digits, texts["ten"]),
    )


def quotable(name: Text) -> Text:
    """Return a name to stand in quotation marks: those in it become single ones."""
    single = str.maketrans("\u201c\u201d", "\u2018\u2019")
    return Text(name.zh.translate(single), name.en.translate(single))


def _up_to_99(number: int, digits: str, ten: str) -> str:
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else ten if tens == 1 else digits[tens] + ten
    return head + (digits[ones] if ones else "")


def paragraphs(text: str) -> list[str]:
    """Return the lines that are not empty; the template indents each."""
    return [line.strip() for line in text.splitlines() if line.strip()]
