"""Detection of personal data in a text by its pattern. No I/O.

The patterns find what people write (with spaces, full-width digits or Chinese numerals) and skip
what accounts of deeds are full of: years, amounts, standards, patents and certificates, machines
with numbers, employers named for a street. The Chinese words in them are in patterns.toml.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, NamedTuple, get_args

from voting_service.errors import InvalidInput
from voting_service.i18n.patterns import load_patterns
from voting_service.nomination.form.id_numbers import is_old_id_number, parse_id_number
from voting_service.nomination.privacy.text_normalization import PlainText

TraceKind = Literal[
    "id_number",
    "bank_card",
    "mobile",
    "landline",
    "telephone",
    "email",
    "account",
    "address",
    "postcode",
    "plate",
    "birthday",
    "contact",
]

TRACE_KINDS: tuple[TraceKind, ...] = get_args(TraceKind)
"""In order of precedence: where an earlier kind matches, a later one is not reported. Their names
are in errors_nomination.po, `nomination.privacy.kinds`."""


class Trace(NamedTuple):
    """One piece of personal data: characters `start` to `end` (exclusive) of the original text."""

    kind: TraceKind
    start: int
    end: int


def find_personal_data(plain: PlainText) -> Iterator[Trace]:
    """Yield every trace in the order of the kinds; traces may overlap."""
    numerals = plain.with_numerals_as_digits()
    letters = plain.with_letters_as_digits()
    for kind, find in _FINDERS.items():
        views = {plain, numerals} if kind in _IN_NUMERALS else {plain}
        for view in views | ({letters} if kind in _IN_LETTERS else set()):
            for start, end in find(view.text):
                yield Trace(kind, view.places[start], view.places[end - 1] + 1)


Spans = Iterator[tuple[int, int]]
_S = r"[ \-.·_]{1,2}"
_WORDS = load_patterns(__package__)
NOT_AN_AMOUNT = rf"(?!\s*{_WORDS['amount']})"
"""Units and counters that never follow a telephone number."""

# ID numbers and bank cards: their check digits make a chance match very unlikely, so any separators
# may stand between the digits.

_DIGITS = re.compile(r"[0-9](?:[\s,.·\-_/、:;()\[\]【】|*×]{0,3}[0-9Xx])+")
_OLD_ID = re.compile(r"(?<![0-9.])[0-9]{6}[ -]?[0-9]{6}[ -]?[0-9]{3}(?![0-9])" + NOT_AN_AMOUNT)
_FOREIGNERS_ID = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{3}[0-9]{12}(?![0-9])")
_YEAR = re.compile(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])")
_YEARS_OF_A_LIST = 3
_CARD = re.compile(r"(?<![0-9.])[0-9](?:[\s\-_./]?[0-9]){14,18}(?![0-9])" + NOT_AN_AMOUNT)
_CARD_ISSUERS = re.compile(
    r"62[0-9]{14,17}|9558[0-9]{15}|4[0-9]{15}|5[1-5][0-9]{14}|35[0-9]{14}|3[47][0-9]{13}"
)


def _id_numbers(text: str) -> Spans:
    for run in _DIGITS.finditer(text):
        at = [place for place in range(*run.span()) if text[place].isalnum()]
        for first, last in zip(at, at[17:], strict=False):
            digits = "".join(filter(str.isalnum, text[first : last + 1]))
            if _is_id_number(digits) and not _is_list_of_figures(text, first, last + 1):
                yield first, last + 1
    for permit in _FOREIGNERS_ID.finditer(text):
        if _is_id_number(permit.group()):
            yield permit.span()
    for old in _OLD_ID.finditer(text):
        if is_old_id_number(re.sub(r"[ -]", "", old.group())):
            yield old.span()


def _is_list_of_figures(text: str, start: int, end: int) -> bool:
    """Whether digits with separators are several figures that pass the check by chance: they begin
    or end within one, or several are years."""
    written = text[start:end]
    if written.isalnum():
        return False
    is_within_figure = text[start - 1 : start].isdecimal() or text[end : end + 1].isdecimal()
    return is_within_figure or len(_YEAR.findall(written)) >= _YEARS_OF_A_LIST


def _is_id_number(text: str) -> bool:
    try:
        parse_id_number(text)
    except InvalidInput:
        return False
    return True


def _bank_cards(text: str) -> Spans:
    for match in _CARD.finditer(text):
        number = re.sub(r"[^0-9]", "", match.group())
        if _CARD_ISSUERS.fullmatch(number) and _passes_luhn(number):
            yield match.span()


def _passes_luhn(number: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = (int(digit) * 2 for digit in number[-2::-2])
    return (sum(map(int, number[-1::-2])) + sum(n // 10 + n % 10 for n in doubled)) % 10 == 0


def _all(pattern: re.Pattern[str]) -> Callable[[str], Spans]:
    return lambda text: (match.span() for match in pattern.finditer(text))


# Telephone numbers, in the groups in which people write them

_NOT_A_SERIAL = "".join(
    f"(?<!{what}{colon})" for what in _WORDS["serials"].split("|") for colon in ("", ":", ": ")
)

_W = (
    r"(?:[\s,、/|*~#:;()·._\-\[\]【】\\'\"“”‘’<>→°=]{1,3}"
    rf"|(?<=[0-9]){_WORDS['said_separators']}(?=[0-9]))"
)
"""Separators that also stand between the figures of a list."""
_TWO_YEARS = rf"(?:19|20)[0-9]{{2}}(?:{_W})?(?:19|20)[0-9]{{2}}"
_DATE = r"(?:19|20)[0-9]{2}[01][0-9][0-3][0-9]"
_MOBILE_SHAPES = (
    r"1[3-9][0-9]{9}",
    rf"1[3-9][0-9]{_S}[0-9]{{4}}{_S}[0-9]{{4}}",
    rf"1[3-9][0-9]{_S}[0-9]{{3}}{_S}[0-9]{{5}}",
    rf"1[3-9][0-9]{_S}[0-9]{{3}}{_S}[0-9]{{3}}{_S}[0-9]{{2}}",
    rf"1[3-9][0-9](?:{_S}[0-9]{{2}}){{2}}(?:{_S}[0-9]{{4}}|(?:{_S}[0-9]{{2}}){{2}})",
    r"1[3-9]-[0-9]{3}-[0-9]{3}-[0-9]{3}",
    rf"1[3-9][0-9]{_S}[0-9]{{8}}",
    rf"1[3-9][0-9]{{5}}{_S}[0-9]{{4}}",
    rf"1[3-9][0-9]{{3}}{_S}[0-9]{{6}}",
    rf"1[3-9][0-9]{{2}}{_S}[0-9]{{3}}{_S}[0-9]{{4}}",
    rf"(?!19[0-9]{{2}}{_S}(?:19|20))1[3-9][0-9]{{2}}{_S}[0-9]{{4}}{_S}[0-9]{{3}}",  # two years
    rf"1{_W}[3-9](?:{_W}[0-9]){{9}}",
)
_SPREAD_MOBILE_SHAPES = (
    rf"1[3-9][0-9]{_W}(?!{_TWO_YEARS})[0-9]{{4}}{_W}[0-9]{{4}}",
    rf"1[3-9][0-9]{_W}(?!{_DATE})[0-9]{{8}}",
    rf"1[3-9][0-9]{{5}}{_W}[0-9]{{4}}",
)
_MOBILE = re.compile(
    rf"(?<![0-9])(?<![0-9]\.){_NOT_A_SERIAL}(?:(?:\+|00)?86[ \-)]{{0,2}}|0)?"
    rf"(?:(?:{'|'.join(_MOBILE_SHAPES)})"
    # No part of a longer list of figures, or of a date.
    rf"|(?<![0-9][,、/\s])(?:{'|'.join(_SPREAD_MOBILE_SHAPES)})(?![,、/\s][0-9]|{_WORDS['year']}))"
    rf"(?![0-9]|\.[0-9]){NOT_AN_AMOUNT}"
)
_AREA = r"(?:10|2[0-9]|[3-9][0-9]{2})"
_LANDLINE = re.compile(
    rf"(?<![0-9])(?<![0-9][.\-/]){_NOT_A_SERIAL}"
    rf"(?:(?:(?:\+|00)86[ \-]{{0,2}}\(?0?{_AREA}|\(?0{_AREA})\)?(?:{_W}|{_WORDS['extension']})?"
    rf"[2-8][0-9]{{2,3}}(?:{_W})?[0-9]{{4}}|0{_S}[1-9](?:{_S}[0-9]){{8,10}})"
    rf"(?![0-9]|\.[0-9]){NOT_AN_AMOUNT}"
)
_NAMED_TELEPHONE = (
    rf"(?:{_WORDS['telephone']}|{_WORDS['call']}|\b(?:tel|telephone|phone|mobile|fax))"
    rf"(?:{_WORDS['number']}|\.)?\s*[:{_WORDS['is']}]?\s*"
    rf"(?:[+(]?[0-9](?:[ \-()]{{0,2}}[0-9]){{6,}}|[2-8][0-9]{{2,3}}[,./·\s][0-9]{{4}})"
    rf"(?![0-9]){NOT_AN_AMOUNT}"
)
_SERVICE_NUMBER = rf"(?<![0-9])[48]00[ \-][0-9]{{3}}[ \-]?[0-9]{{4}}(?![0-9]){NOT_AN_AMOUNT}"
_SAID_NUMBER = (
    r"\b(?:(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)[\s,\-]*){7,}\b"
    r"|\b(?:(?:ling|yao|yi|er|san|si|wu|liu|qi|ba|jiu|dong|guai|gou)[\s,\-]*){7,}\b"
)
_TELEPHONE = re.compile("|".join((_NAMED_TELEPHONE, _SERVICE_NUMBER, _SAID_NUMBER)), re.IGNORECASE)

# Other contact data

_HOST = r"[A-Za-z0-9-]{1,63}"
_TOP = r"(?:com|cn|net|org|edu|gov|me|io)\b"
_EMAIL = re.compile(
    rf"[A-Za-z0-9._%+-]{{1,64}}\s?@\s?{_HOST}(?:\.{_HOST}){{0,8}}\.[A-Za-z]{{2,}}"
    # Written so that no program finds it.
    rf"|[A-Za-z0-9._%+-]{{2,64}}\s*(?:@|#|\(at\)|\[at\]|{_WORDS['at']})\s*"
    rf"{_HOST}\s*(?:\.|。|,|\(dot\)|\[dot\]|\sdot\s|{_WORDS['dot']})\s*{_TOP}"
    rf"|[A-Za-z0-9._%+-]{{2,64}}\sat\s{_HOST}\sdot\s{_TOP}"
    rf"|(?:{_WORDS['mail']}|\be-?mail)\s*[:{_WORDS['is']}]\s*[A-Za-z0-9._%+-]{{5,}}",
    re.ASCII | re.IGNORECASE,
)
_CHAT = rf"(?:{_WORDS['chat']}|{_WORDS['chat_abbreviated']})"
_NUMBER = rf"(?:\s?ID|{_WORDS['number']}|{_WORDS['mail']})?"
_NAME_WITH_DIGITS = r"(?=[A-Za-z_-]*[0-9])[A-Za-z][A-Za-z0-9_-]{5,19}"
_USER = (
    rf"(?:{_NAME_WITH_DIGITS}|[1-9][0-9]{{4,11}}|[1-9](?: [0-9]){{5,10}})(?![A-Za-z0-9])"
    rf"(?!\s*(?:{_WORDS['year']}|{_WORDS['followers']})){NOT_AN_AMOUNT}"
)
_CALLED = rf"(?:{_WORDS['telephone']})(?:{_WORDS['number']})?"
_ACCOUNT = re.compile(
    rf"{_CHAT}{_NUMBER}\s*[:|]\s*[A-Za-z0-9_-]{{5,}}"
    rf"|{_CHAT}{_NUMBER}\s*[:(\[【{_WORDS['is']}@]?\s*{_USER}"
    rf"|{_WORDS['chat_letter']}\s*:\s*(?:{_NAME_WITH_DIGITS}|[1-9][0-9]{{5,11}}){NOT_AN_AMOUNT}"
    r"|\bwxid_[A-Za-z0-9]{6,}"
    rf"|{_WORDS['add']}[\s:]*{_USER}"
    rf"|(?:{_CHAT}|{_WORDS['chat_letter']})(?:{_WORDS['together']}{_CALLED})?"
    rf"(?:{_WORDS['same_number']})"
    rf"|{_CALLED}{_WORDS['together']}{_CHAT}{_WORDS['sign']}?(?:{_WORDS['same_number']})"
    rf"|{_CHAT}{_WORDS['sign']}?(?:{_WORDS['is_also']}){_CALLED}"
    rf"|{_CALLED}(?:{_WORDS['is_also']}){_CHAT}"
    rf"|{_CHAT}{_WORDS['same_as']}{_CALLED}(?![\u4e00-\u9fff])"
    rf"|(?:{_WORDS['telephone']}|{_WORDS['number']}|[0-9])\s?{_WORDS['same_as']}{_CHAT}"
    rf"{_WORDS['sign']}?(?![\u4e00-\u9fff])",
    re.IGNORECASE | re.ASCII,
)
_PLATE = re.compile(
    rf"[{_WORDS['provinces']}]\s?[A-HJ-NP-Z]\s?[·.\-]?\s?"
    rf"(?=[A-Z]{{0,3}}[0-9])[A-HJ-NP-Z0-9]{{5,6}}(?![A-Za-z0-9-]|[{_WORDS['after_serial']}])"
)
_POSTCODE = re.compile(
    rf"(?:{_WORDS['postcode']}|\b(?:postcode|postal code|zip(?: code)?))\s*[:{_WORDS['is']}]?\s*"
    r"[0-9]{3} ?[0-9]{3}(?![0-9])",
    re.I,
)

# Postal addresses

_N = rf"(?:[0-9]{{1,5}}|[{_WORDS['numerals']}]{{1,6}})"
_HOUSE = rf"(?!{_WORDS['not_a_house']})"
"""What is numbered is a house, not a machine or a line."""
_STREET = r"(?:[A-Z][A-Za-z'-]+\s){1,4}(?:Road|Rd|Street|St|Avenue|Ave|Lane)\b"
_ADDRESS = re.compile(
    "|".join(
        (
            rf"[\u4e00-\u9fff]{{1,8}}?{_WORDS['street']}\s?\(?(?:No\.?\s?)?{_N}\s?"
            rf"(?:(?:{_WORDS['joined']})\s?{_N}\s?)?{_WORDS['sign']}{_HOUSE}"
            rf"(?:{_WORDS['annex']}?{_N}{_WORDS['sign']})?",
            rf"{_WORDS['subdistrict']}[\u4e00-\u9fff]{{0,15}}?{_N}"
            rf"(?:{_WORDS['sign']}{_HOUSE}|{_WORDS['tower']})",
            rf"(?:{_WORDS['village']})[\s,]?{_WORDS['ordinal']}?{_N}\s?"
            rf"(?:{_WORDS['village_group']})",
            rf"{_N}\s?(?:{_WORDS['block']})[^。;,、\n]{{0,8}}?"
            rf"[0-9]{{1,4}}(?:-[0-9]{{1,4}})*\s?(?:{_WORDS['room']}|{_WORDS['sign']}{_HOUSE})",
            rf"[\u4e00-\u9fff]{{1,8}}?{_WORDS['street']}\s?No\.?\s?{_N}",
            rf"(?:{_WORDS['village']})\s?{_N}{_WORDS['sign']}{_HOUSE}(?!{_WORDS['field']})",
            rf"{_N}\s?(?:{_WORDS['block']})\s?[0-9]{{1,3}}-[0-9]{{1,4}}(?!-?[0-9]|{_WORDS['not_a_flat']})",
            rf"{_WORDS['unit']}\s?[0-9]{{3,4}}(?!{_WORDS['not_a_flat']}){NOT_AN_AMOUNT}",
            rf"[A-Z]{_WORDS['wing']}\s?[0-9]{{3,4}}(?!{_WORDS['not_a_flat']}){NOT_AN_AMOUNT}",
            rf"(?<![0-9.])[0-9]{{1,2}}-[0-9]{{1,2}}-[0-9]{{1,3}}[{_WORDS['flat']}]",
            rf"(?<![0-9.])[0-9]{{3,4}}{_WORDS['room']}(?![{_WORDS['not_a_room']}])",
            rf"(?:{_WORDS['address']})\s*:\s*[^\s。;]{{4,}}",
            rf"\bNo\.?\s?[0-9]{{1,4}},?\s{_STREET}",
            rf"\b[0-9]{{1,4}},?\s{_STREET}(?=\s*(?:[,.;)]|$))",
        )
    )
)

_FINDERS: Mapping[TraceKind, Callable[[str], Spans]] = {
    "id_number": _id_numbers,
    "bank_card": _bank_cards,
    "mobile": _all(_MOBILE),
    "landline": _all(_LANDLINE),
    "telephone": _all(_TELEPHONE),
    "email": _all(_EMAIL),
    "account": _all(_ACCOUNT),
    "address": _all(_ADDRESS),
    "postcode": _all(_POSTCODE),
    "plate": _all(_PLATE),
}
_IN_NUMERALS: frozenset[TraceKind] = frozenset(
    {
        *("id_number", "bank_card", "mobile", "landline", "telephone"),
        *("address", "postcode", "plate"),
    }
)
_IN_LETTERS: frozenset[TraceKind] = frozenset({"id_number", "mobile", "landline"})
