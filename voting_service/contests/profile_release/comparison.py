"""What a platform shows, compared with the record. No I/O.

A platform's page may be JSON like ours, or any HTML. In HTML names are looked for as text, and
numbers beside them: whether a page writes the number before the name or after it is decided for
the page as a whole, so that two swapped numbers are noticed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any, NamedTuple

from voting_service.contests.pictures.model import PublicProfile
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text

BESIDE_CHARACTERS = 60
"""How far from a name its number may stand."""
_FIELDS = ("name", "trade", "district", "summary", "story")
_IN_PROFILE_PAGES = ("trade", "district", "story")
_SILENT = frozenset({"script", "style", "template", "title"})
_NUMBER = re.compile(r"(?<![\d.,])0*(\d{1,4})(?![.,]?\d)")


def release_text(path: str, /, **params: Any) -> str:
    """Return a text of the catalogue `release_probe` in English, as all command-line output."""
    return load_text("release_probe", path, **params).en


class Difference(NamedTuple):
    """One thing that is not as it should be; `number` is the candidate's, where it is about one."""

    number: int | None
    what: str
    expected: str
    actual: str


class ShownProfile(NamedTuple):
    """What a page shows: differences in words, and by candidate the pictures that may be the
    portrait, which are compared by their bytes."""

    differences: tuple[Difference, ...]
    pictures: Mapping[int, tuple[str, ...]]


def compare_json(
    document: Any, profiles: Sequence[PublicProfile], numbers: Collection[int]
) -> ShownProfile:
    """A list of profiles, an object with `candidates`, or one profile; fields named like ours.

    A text may be in either language or in both. `numbers` are all numbers of the contest.
    """
    entries = {
        entry["number"]: entry for entry in _entries(document) if isinstance(entry["number"], int)
    }
    differences = [
        Difference(number, "candidate", release_text("nobody"), release_text("shown"))
        for number in sorted(entries.keys() - set(numbers))
    ]
    pictures = {}
    for profile in profiles:
        entry = entries.get(profile.number)
        if entry is None:
            differences.append(_missing(profile))
            continue
        for field in _FIELDS:
            expected, actual = getattr(profile, field), entry.get(field)
            wrong = _first_wrong(expected, actual)
            if wrong is not None:
                differences.append(Difference(profile.number, field, *wrong))
        pictures[profile.number] = tuple(_addresses(entry.get("portrait")))
    return ShownProfile(tuple(differences), pictures)


def compare_html(
    html: str, profiles: Sequence[PublicProfile], everybody: Sequence[PublicProfile]
) -> ShownProfile:
    """A page that must show `wanted`; a page of one candidate must tell the story too."""
    page = _Page()
    page.feed(html)
    page.close()
    text = unicodedata.normalize("NFC", " ".join("".join(page.texts).split()))
    beside = _numbers_beside_names(text, everybody)
    differences: list[Difference] = []
    for profile in profiles:
        numbers = beside.get(profile.number)
        if numbers is None:
            differences.append(_missing(profile))
        elif profile.number not in numbers:
            actual = ", ".join(map(str, sorted(numbers))) or release_text("no_number")
            what = release_text("number_beside_name")
            differences.append(Difference(profile.number, what, str(profile.number), actual))
    if len(profiles) == 1:
        differences += _missing_texts(text, profiles[0])
    pictures = tuple(dict.fromkeys(page.pictures))
    return ShownProfile(tuple(differences), {profile.number: pictures for profile in profiles})


def _missing(profile: PublicProfile) -> Difference:
    return Difference(profile.number, "candidate", profile.name.zh, release_text("not_shown"))


def _entries(document: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(document, Mapping):
        document = document.get("candidates", [document])
    if isinstance(document, list):
        for entry in document:
            if isinstance(entry, Mapping) and "number" in entry:
                yield entry


def _first_wrong(expected: Text, actual: Any) -> tuple[str, str] | None:
    """Return the expected and the shown text; None when a text in either language, or an object
    with one or both, matches."""
    if isinstance(actual, str):
        good = _squash(actual) in {_squash(expected.zh), _squash(expected.en)}
        return None if good else (expected.zh, actual)
    if not isinstance(actual, Mapping) or not actual:
        return expected.zh, str(actual)
    for language, text in actual.items():
        expected_text = getattr(expected, language, "") if language in ("zh", "en") else ""
        if (
            not isinstance(text, str)
            or not expected_text
            or _squash(text) != _squash(expected_text)
        ):
            return expected_text or expected.zh, str(text)
    return None


def _addresses(value: Any) -> Iterator[str]:
    """Everything in a picture's description that may be an address."""
    if isinstance(value, str) and ("/" in value):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _addresses(item)
    elif isinstance(value, list):
        for item in value:
            yield from _addresses(item)


def _missing_texts(text: str, profile: PublicProfile) -> Iterator[Difference]:
    squashed = _squash(text)
    for field in _IN_PROFILE_PAGES:
        expected: Text = getattr(profile, field)
        if _squash(expected.zh) not in squashed and _squash(expected.en) not in squashed:
            yield Difference(profile.number, field, expected.zh, release_text("shown_otherwise"))


def _squash(text: str) -> str:
    """Without white space: how a page breaks its lines does not matter."""
    return "".join(unicodedata.normalize("NFC", text).split())


class _Named(NamedTuple):
    """A place in a text where a name stands, and whose it may be."""

    start: int
    end: int
    numbers: frozenset[int]


def _numbers_beside_names(
    text: str, everybody: Sequence[PublicProfile]
) -> Mapping[int, frozenset[int]]:
    """By candidate whose name is in the text: the numbers that stand beside the name."""
    names = _find_names(text, everybody)
    figures = _find_figures(text, names, {profile.number for profile in everybody})
    before: dict[int, set[int]] = {}
    after: dict[int, set[int]] = {}
    for place, name in enumerate(names):
        left = names[place - 1].end if place else 0
        right = names[place + 1].start if place + 1 < len(names) else len(text)
        left, right = (
            max(left, name.start - BESIDE_CHARACTERS),
            min(right, name.end + BESIDE_CHARACTERS),
        )
        preceding = [figure for at, figure in figures if left <= at < name.start][-1:]
        following = [figure for at, figure in figures if name.end <= at < right][:1]
        for number in name.numbers:
            before.setdefault(number, set()).update(preceding)
            after.setdefault(number, set()).update(following)
    # Pages put the number on one side of all names; on the other side stands the neighbour's.
    sides = sorted((before, after), key=_hits, reverse=True)
    return {number: frozenset(sides[0][number] or sides[1][number]) for number in before}


def _hits(side: Mapping[int, Collection[int]]) -> int:
    return sum(number in numbers for number, numbers in side.items())


def _find_names(text: str, everybody: Iterable[PublicProfile]) -> list[_Named]:
    """Every name in the text, the longest where several begin; in the order of the text."""
    owners: dict[str, set[int]] = {}
    for profile in everybody:
        for name in (profile.name.zh, profile.name.en):
            owners.setdefault(_squash(name), set()).add(profile.number)
    ordered = sorted(owners, key=lambda name: (-len(name), name))
    pattern = "|".join(f"({_name_pattern(name)})" for name in ordered)
    return [
        _Named(match.start(), match.end(), frozenset(owners[ordered[(match.lastindex or 1) - 1]]))
        for match in re.finditer(pattern, text)
    ]


def _name_pattern(name: str) -> str:
    """A name, however its characters are spaced, and not as a part of a longer word or number."""
    pattern = r"\s*".join(map(re.escape, name))
    if name[0].isascii() and name[0].isalnum():
        pattern = r"(?<![0-9A-Za-z])" + pattern
    if name[-1].isascii() and name[-1].isalnum():
        pattern += r"(?![0-9A-Za-z])"
    return pattern


def _find_figures(
    text: str, names: Sequence[_Named], existing: Collection[int]
) -> list[tuple[int, int]]:
    """Where a candidate's number stands, outside of names: (place, number), in order."""
    within = {place for name in names for place in range(name.start, name.end)}
    return [
        (match.start(), int(match[1]))
        for match in _NUMBER.finditer(text)
        if match.start() not in within and int(match[1]) in existing
    ]


class _Page(HTMLParser):
    """The visible text of a page and the addresses of its pictures."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.pictures: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        self.texts.append(" ")
        values = {name: value or "" for name, value in attrs}
        if tag in {"img", "source"}:
            candidates = [
                part.split()[0] for part in values.get("srcset", "").split(",") if part.split()
            ]
            self.pictures += [
                address for address in (values.get("src", ""), *candidates) if address
            ]

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT and self._silent:
            self._silent -= 1
        self.texts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.texts.append(data)
