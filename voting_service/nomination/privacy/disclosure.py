"""Check of texts and pictures before they are published: they may hold no ID number, telephone
number or address, no other value that the form gives to the joint office only, and no picture
metadata. No I/O.

Two searches: patterns for anybody's data (personal_data.py), and the values of the person's own
form in any spelling. A fault names the positions of the characters but never quotes them, because
faults may be logged.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from datetime import date
from types import MappingProxyType

from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.patterns import load_patterns
from voting_service.infrastructure.images.metadata import picture_metadata
from voting_service.nomination.form.id_numbers import parse_id_number
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.privacy.personal_data import (
    NOT_AN_AMOUNT,
    TRACE_KINDS,
    Trace,
    TraceKind,
    find_personal_data,
)
from voting_service.nomination.privacy.text_normalization import PlainText

_NO_PICTURES: Mapping[str, bytes] = MappingProxyType({})
_MIN_ID_CHARACTERS = 15
_MIN_TELEPHONE_DIGITS = 7
_MIN_ADDRESS_CHARACTERS = 5
_MIN_NAME_CHARACTERS = 2
_WORDS = load_patterns(__package__)
_CITY_AND_DISTRICT = re.compile(rf"^{_WORDS['city_and_district']}")
_TELEPHONE_PREFIX = re.compile(
    r"(?:0{0,2}86)?0(?:10|2[0-9]|[3-9][0-9]{2})(?=[0-9]{7,8}$)"
    r"|(?:0{0,2}86)(?=1[3-9][0-9]{9}$)"
    r"|(?:0{0,2}86)(?:10|2[0-9]|[3-9][0-9]{2})(?=[0-9]{7,8}$)"
)
_END_OF_NUMBER = re.compile(r"(?![0-9])" + NOT_AN_AMOUNT)
_EXTENSION = re.compile(
    rf"\s*(?:{_WORDS['extension']}|ext\.?|(?<=[0-9]{{7}})-)\s*[0-9]{{1,6}}$", re.IGNORECASE
)


def disclosures(
    texts: Mapping[str, str],
    pictures: Mapping[str, bytes] = _NO_PICTURES,
    form: RecommendationForm | None = None,
) -> tuple[Fault, ...]:
    """Return what prevents the publication of `texts` and `pictures` (each by field). `form` is
    the form of the person they are about."""
    return (
        *(fault for field, text in texts.items() for fault in _text_faults(field, text, form)),
        *(fault for field, data in pictures.items() for fault in _picture_faults(field, data)),
    )


def refuse_disclosures(texts: Mapping[str, str]) -> None:
    """Raise InvalidInput with everything that prevents the publication of `texts` (by field)."""
    if faults := disclosures(texts):
        raise InvalidInput(*faults)


def mask_personal_data(text: str, form: RecommendationForm | None = None, mask: str = "■") -> str:
    """Return `text` with every character of personal data replaced by `mask`; same length."""
    characters = list(text)
    for trace in _traces(PlainText.of(text), form):
        characters[trace.start : trace.end] = mask * (trace.end - trace.start)
    return "".join(characters)


def _traces(plain: PlainText, form: RecommendationForm | None) -> list[Trace]:
    """Return all personal data in a text; traces may overlap."""
    traces = [
        trace
        for trace in find_personal_data(plain)
        if not _is_part_of_employer_name(trace, plain, form)
    ]
    if form is not None:
        traces.extend(_known_traces(plain, form))
    return traces


def _text_faults(field: str, text: str, form: RecommendationForm | None) -> Iterator[Fault]:
    """One fault for each stretch of text: where traces overlap, the earlier kind is reported."""
    traces = _traces(PlainText.of(text), form)
    reported: list[Trace] = []
    for trace in sorted(traces, key=lambda trace: TRACE_KINDS.index(trace.kind)):
        if all(trace.end <= other.start or other.end <= trace.start for other in reported):
            reported.append(trace)
    for trace in sorted(reported, key=lambda trace: trace.start):
        yield Fault(
            field,
            "nomination.privacy.personal_data",
            first=trace.start + 1,
            last=trace.end,
            kind=load_text("errors_nomination", f"nomination.privacy.kinds.{trace.kind}"),
        )


def _picture_faults(field: str, data: bytes) -> Iterator[Fault]:
    metadata = picture_metadata(data)
    if metadata is None:
        yield Fault(field, "nomination.privacy.unreadable_picture")
    elif metadata:
        yield Fault(
            field,
            "nomination.privacy.picture_metadata",
            carried=", ".join(metadata)[:100],
        )


# The values of the form


def _known_traces(plain: PlainText, form: RecommendationForm) -> Iterator[Trace]:
    digits, bare = plain.with_numerals_as_digits().bare(), plain.bare()
    for id_number in _values(form.id_number, _MIN_ID_CHARACTERS):
        yield from _occurrences(digits, plain, id_number, "id_number")
    for telephone in _telephones(form.employer_telephone):
        yield from _occurrences(digits, plain, telephone, "telephone")
    for address in _addresses(form):
        yield from _occurrences(bare, plain, address, "address")
    for name in _contacts(form):
        yield from _occurrences(bare, plain, name, "contact")
    birth = _birth(form.id_number)
    if birth is not None:
        day = re.compile(
            rf"(?<![0-9]){birth.year}\s?[{_WORDS['year']}.\-/]?\s?0?{birth.month}"
            rf"\s?[{_WORDS['month']}.\-/]\s?0?{birth.day}(?![0-9]){_WORDS['day']}?"
            rf"|(?<![0-9]){birth:%Y%m%d}(?![0-9])"
        )
        for match in day.finditer(plain.text):
            yield _trace("birthday", plain, *match.span())


def _occurrences(view: PlainText, plain: PlainText, value: str, kind: TraceKind) -> Iterator[Trace]:
    """Yield every place where `value` occurs in a view without punctuation. Digits must be a whole
    number that is not an amount."""
    start = view.text.find(value)
    while start >= 0:
        first, last = view.places[start], view.places[start + len(value) - 1]
        if not value.isdecimal() or _is_whole_number(plain, first, last):
            yield Trace(kind, first, last + 1)
        start = view.text.find(value, start + 1)


def _is_whole_number(plain: PlainText, first: int, last: int) -> bool:
    before = bisect_left(plain.places, first) - 1
    return not (before >= 0 and plain.text[before].isdecimal()) and (
        _END_OF_NUMBER.match(plain.text, bisect_left(plain.places, last + 1)) is not None
    )


def _trace(kind: TraceKind, plain: PlainText, start: int, end: int) -> Trace:
    return Trace(kind, plain.places[start], plain.places[end - 1] + 1)


def _values(text: str, least: int) -> Iterator[str]:
    bare = _bare(text)
    if len(bare) >= least:
        yield bare


def _bare(text: str) -> str:
    return PlainText.of(text).bare().text


def _telephones(text: str) -> Iterator[str]:
    """Yield the number without its extension; for a landline also without country and area code."""
    digits = "".join(filter(str.isdecimal, _EXTENSION.sub("", PlainText.of(text).text.strip())))
    if len(digits) < _MIN_TELEPHONE_DIGITS:
        return
    yield digits
    if (prefixed := _TELEPHONE_PREFIX.match(digits)) is not None:
        yield digits[prefixed.end() :]


def _addresses(form: RecommendationForm) -> Iterator[str]:
    """Yield the address, and the address without city and district. What is part of the
    employer's name, which is public, is left out."""
    whole, employer = _bare(form.employer_address), _bare(form.employer)
    for address in {whole, _CITY_AND_DISTRICT.sub("", whole, count=1)}:
        if len(address) >= _MIN_ADDRESS_CHARACTERS and address not in employer:
            yield address


def _contacts(form: RecommendationForm) -> Iterator[str]:
    """Yield the names of those who only handled the form."""
    public = f"{_bare(form.name)} {_bare(form.employer)}"
    handled = {
        form.employer_contact,
        form.evidence_handler,
        form.employer_opinion.signer,
        form.body_opinion.signer,
    }
    for name in sorted(map(_bare, handled)):
        if len(name) >= _MIN_NAME_CHARACTERS and name not in public:
            yield name


def _birth(id_number: str) -> date | None:
    try:
        return parse_id_number(id_number).birth
    except InvalidInput:
        return None


def _is_part_of_employer_name(
    trace: Trace, plain: PlainText, form: RecommendationForm | None
) -> bool:
    """Whether an address is only part of the employer's name, such as a petrol station named for
    its street and number."""
    if form is None or trace.kind != "address":
        return False
    employer, bare = _bare(form.employer), plain.bare()
    start = bare.text.find(employer) if employer else -1
    while start >= 0:
        # The pattern includes what precedes the street, so only its end is exact.
        if bare.places[start] < trace.end <= bare.places[start + len(employer) - 1] + 1:
            return True
        start = bare.text.find(employer, start + 1)
    return False
