"""Whether a text or a picture may become public: no ID number, no telephone number, no address,
nothing else of the form that was given for the office alone, no picture that tells more than it
shows. No I/O.

Two nets: shapes (personal_traces.py), for anybody's data, and the very values of the form, in
whatever spelling. A fault says which characters, never what they are: it may be logged.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from datetime import date
from types import MappingProxyType

from voting_service.errors import Fault, InvalidInput
from voting_service.office.form import Form
from voting_service.office.id_numbers import parse_id_number
from voting_service.office.personal_traces import (
    KIND_NAMES,
    NO_AMOUNT,
    Trace,
    TraceKind,
    personal_traces,
)
from voting_service.office.picture_metadata import picture_metadata
from voting_service.office.plain_text import PlainText

_NO_PICTURES: Mapping[str, bytes] = MappingProxyType({})
_MIN_ID_CHARACTERS = 15
_MIN_TELEPHONE_DIGITS = 7
_MIN_ADDRESS_CHARACTERS = 5
_MIN_NAME_CHARACTERS = 2
_CITY_AND_DISTRICT = re.compile(
    r"^(?:中国)?(?:重庆市?)?(?:[\u4e00-\u9fff]{1,8}?(?:自治县|新区|区|县))?"
)
_TELEPHONE_PREFIX = re.compile(
    r"(?:0{0,2}86)?0(?:10|2[0-9]|[3-9][0-9]{2})(?=[0-9]{7,8}$)"
    r"|(?:0{0,2}86)(?=1[3-9][0-9]{9}$)"
    r"|(?:0{0,2}86)(?:10|2[0-9]|[3-9][0-9]{2})(?=[0-9]{7,8}$)"
)
_NO_NUMBER_GOES_ON = re.compile(r"(?![0-9])" + NO_AMOUNT)
_EXTENSION = re.compile(r"\s*(?:转|ext\.?|(?<=[0-9]{7})-)\s*[0-9]{1,6}$", re.IGNORECASE)


def disclosures(
    texts: Mapping[str, str],
    pictures: Mapping[str, bytes] = _NO_PICTURES,
    known: Form | None = None,
) -> tuple[Fault, ...]:
    """Whatever keeps `texts` and `pictures`, by field, from becoming public; empty when nothing
    does. `known` is the form of the person they are about."""
    return (
        *(fault for field, text in texts.items() for fault in _of_text(field, text, known)),
        *(fault for field, data in pictures.items() for fault in _of_picture(field, data)),
    )


def refuse_disclosures(texts: Mapping[str, str]) -> None:
    """Raises InvalidInput with whatever keeps `texts`, by field, from becoming public."""
    if faults := disclosures(texts):
        raise InvalidInput(*faults)


def masked(text: str, known: Form | None = None, mask: str = "■") -> str:
    """`text` with every character of a trace of personal data replaced, as long as before."""
    shown = list(text)
    for trace in _traces(PlainText.of(text), known):
        shown[trace.start : trace.end] = mask * (trace.end - trace.start)
    return "".join(shown)


def _traces(plain: PlainText, known: Form | None) -> list[Trace]:
    """Everything that is found; traces may overlap."""
    found = [trace for trace in personal_traces(plain) if not _is_employer(trace, plain, known)]
    if known is not None:
        found.extend(_known_traces(plain, known))
    return found


def _of_text(field: str, text: str, known: Form | None) -> Iterator[Fault]:
    found = _traces(PlainText.of(text), known)
    told: list[Trace] = []
    order = {kind: place for place, kind in enumerate(KIND_NAMES)}
    for trace in sorted(found, key=lambda trace: order[trace.kind]):
        if all(trace.end <= other.start or other.end <= trace.start for other in told):
            told.append(trace)
    for trace in sorted(told, key=lambda trace: trace.start):
        name, first, last = KIND_NAMES[trace.kind], trace.start + 1, trace.end
        yield Fault(
            field,
            f"characters {first} to {last} read as {name.en}, which must not become public: "
            "take it out",
            f"第{first}至{last}个字符像是{name.zh}，不得公开，请删去。",
        )


def _of_picture(field: str, data: bytes) -> Iterator[Fault]:
    carried = picture_metadata(data)
    if carried is None:
        yield Fault(
            field,
            "is no JPEG, PNG, WebP or AVIF picture that can be checked: save it anew as one",
            "无法作为JPEG、PNG、WebP或AVIF图片检查，请重新保存后上传。",
        )
    elif carried:
        yield Fault(
            field,
            f"carries more than the picture ({', '.join(carried)[:100]}), such as place, time or "
            "device: save it without",
            "图片文件带有拍摄地点、时间或设备等附加信息，请去除后重新上传。",
        )


# The very values of the form


def _known_traces(plain: PlainText, known: Form) -> Iterator[Trace]:
    digits, bare = plain.with_numerals_as_digits().bare(), plain.bare()
    for id_number in _values(known.id_number, _MIN_ID_CHARACTERS):
        yield from _occurrences(digits, plain, id_number, "id_number")
    for telephone in _telephones(known.employer_telephone):
        yield from _occurrences(digits, plain, telephone, "telephone")
    for address in _addresses(known):
        yield from _occurrences(bare, plain, address, "address")
    for name in _contacts(known):
        yield from _occurrences(bare, plain, name, "contact")
    birth = _birth(known.id_number)
    if birth is not None:
        day = re.compile(
            rf"(?<![0-9]){birth.year}\s?[年.\-/]?\s?0?{birth.month}\s?[月.\-/]\s?0?{birth.day}(?![0-9])日?"
            rf"|(?<![0-9]){birth:%Y%m%d}(?![0-9])"
        )
        for found in day.finditer(plain.text):
            yield _trace("birthday", plain, *found.span())


def _occurrences(view: PlainText, plain: PlainText, value: str, kind: TraceKind) -> Iterator[Trace]:
    """Wherever `value` stands in a view without punctuation; digits only as a number of their
    own, which is no amount."""
    start = view.text.find(value)
    while start >= 0:
        first, last = view.places[start], view.places[start + len(value) - 1]
        if not value.isdecimal() or _is_whole_number(plain, first, last):
            yield Trace(kind, first, last + 1)
        start = view.text.find(value, start + 1)


def _is_whole_number(plain: PlainText, first: int, last: int) -> bool:
    before = bisect_left(plain.places, first) - 1
    return not (before >= 0 and plain.text[before].isdecimal()) and (
        _NO_NUMBER_GOES_ON.match(plain.text, bisect_left(plain.places, last + 1)) is not None
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
    """The number without its extension, and a landline's without country and area."""
    digits = "".join(filter(str.isdecimal, _EXTENSION.sub("", PlainText.of(text).text.strip())))
    if len(digits) < _MIN_TELEPHONE_DIGITS:
        return
    yield digits
    if (prefixed := _TELEPHONE_PREFIX.match(digits)) is not None:
        yield digits[prefixed.end() :]


def _addresses(known: Form) -> Iterator[str]:
    """The whole address, and it without city and district; a part of the employer's public name
    is none."""
    whole, employer = _bare(known.employer_address), _bare(known.employer)
    for address in {whole, _CITY_AND_DISTRICT.sub("", whole, count=1)}:
        if len(address) >= _MIN_ADDRESS_CHARACTERS and address not in employer:
            yield address


def _contacts(known: Form) -> Iterator[str]:
    """The people who only handled the form."""
    public = f"{_bare(known.name)} {_bare(known.employer)}"
    handled = {
        known.employer_contact,
        known.evidence_handler,
        known.employer_opinion.signer,
        known.body_opinion.signer,
    }
    for name in sorted(map(_bare, handled)):
        if len(name) >= _MIN_NAME_CHARACTERS and name not in public:
            yield name


def _birth(id_number: str) -> date | None:
    try:
        return parse_id_number(id_number).birth
    except InvalidInput:
        return None


def _is_employer(trace: Trace, plain: PlainText, known: Form | None) -> bool:
    """Whether an address is but a part of the employer's name, such as 中山路3号加油站."""
    if known is None or trace.kind != "address":
        return False
    employer, bare = _bare(known.employer), plain.bare()
    start = bare.text.find(employer) if employer else -1
    while start >= 0:
        # The shape takes in what stands before the street, so only its end is exact.
        if bare.places[start] < trace.end <= bare.places[start + len(employer) - 1] + 1:
            return True
        start = bare.text.find(employer, start + 1)
    return False
