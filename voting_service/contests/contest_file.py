"""The contest file: one TOML file that holds a whole contest, checked as a whole.

Whoever writes such a file gets to hear every fault at once, each with its place.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from voting_service.contests import source_lines
from voting_service.contests.contest_file_pictures import NamedPicture, picture_fault
from voting_service.contests.file_schema import (
    DEFAULT_DAILY_AT,
    DEFAULTS,
    Both,
    CandidateSection,
    ContestDocument,
)
from voting_service.contests.model import (
    BallotRules,
    Candidate,
    ContestRules,
    CutRules,
    ReleaseSchedule,
    ScreeningRules,
    Text,
)
from voting_service.errors import Fault, InvalidInput

MAX_WINDOW_DAYS = 366
"""A longer window is a slip of the pen in a year."""

_SYNTAX_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_MESSAGES = {
    "missing": "is missing",
    "extra_forbidden": "is no key of a contest file; docs/contest-file.md lists them all",
    "string_unicode": "contains half a character (a lone surrogate)",
    "datetime_type": "must be a TOML date and time without quotes, such as 2022-07-18T09:00:00",
    "time_type": "must be a TOML time without quotes, such as 20:00:00",
    "model_type": "must be a table",
    "list_type": "must be an array of tables, such as [[candidates]]",
    "too_short": "holds no candidate",
}
"""What pydantic's error types mean to someone who writes TOML."""


@dataclass(frozen=True, slots=True)
class ContestFile:
    """A valid contest file, ready for `store.insert_contest`; the window is in UTC.

    `folder` is where the pictures' paths begin; None for a text that came without a folder.
    """

    slug: str
    rules: ContestRules
    opens_at: datetime
    closes_at: datetime
    candidates: tuple[Candidate, ...]
    pictures: tuple[NamedPicture, ...]
    folder: Path | None


def load_contest_file(source: Path | str) -> ContestFile:
    """Reads a contest file (a Path) or a contest file's text (a str).

    Raises InvalidInput with every fault; a fault's field is the key's path and its line,
    `candidates[3].number (line 212)`. In a text, pictures' names are checked for their form only.
    """
    text = source if isinstance(source, str) else _read(source)
    folder = None if isinstance(source, str) else source.resolve().parent
    tree, lines = _parse(text)
    draft = _Draft(tree, lines)
    document = _validate(draft)
    _check_window(draft)
    _check_ballot_and_cut(draft)
    _check_release(draft)
    _check_screening(draft)
    _check_numbers(draft)
    _check_pictures(draft, folder)
    if draft.faults or document is None:
        raise InvalidInput(*sorted(draft.faults.values(), key=draft.place))
    return _finish(document, folder, draft)


class _Draft:
    """A parsed file in which some values are known to be faulty, and the faults so far."""

    def __init__(self, tree: dict[str, Any], lines: Mapping[source_lines.Path, int]) -> None:
        self.tree = tree
        self.faults: dict[tuple[source_lines.Path, str], Fault] = {}
        self._lines = lines
        self._faulty: set[source_lines.Path] = set()
        self._places: dict[Fault, tuple[int, int]] = {}

    def fault(self, path: source_lines.Path, message: str) -> None:
        fault = Fault(self.name(path), message)
        self._places[fault] = (self._line(path), len(self._places))
        self.faults[path, message] = fault
        self._faulty.add(path)

    def place(self, fault: Fault) -> tuple[int, int]:
        """Sorts faults as they stand in the file."""
        return self._places[fault]

    def name(self, path: source_lines.Path) -> str:
        """`candidates[3].number (line 212)`; a key that is missing stands where its table does."""
        line = self._line(path)
        return f"{_spell(path)} (line {line})" if line else _spell(path)

    def _line(self, path: source_lines.Path) -> int:
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 0)

    def get(self, *path: str | int) -> Any:
        """The value at `path` or its default; None where there is none, or a faulty one."""
        if any(path[:depth] in self._faulty for depth in range(1, len(path) + 1)):
            return None
        value: Any = self.tree
        for part in path:
            if isinstance(value, dict) and part not in value:
                return DEFAULTS.get(".".join(map(str, path)))
            value = value[part]
        return value

    def is_given(self, *path: str | int) -> bool:
        """Whether the file has the key, whatever its value."""
        return path in self._lines

    def candidates(self) -> list[Any]:
        """Every entry, faulty or not; empty when there is no list of them."""
        entries = self.tree.get("candidates")
        return entries if isinstance(entries, list) else []


def _spell(path: source_lines.Path) -> str:
    spelled = ""
    for part in path:
        if isinstance(part, int):
            spelled += f"[{part}]"
        else:
            key = part if _BARE_KEY.fullmatch(part) else ascii(part)
            spelled += f".{key}" if spelled else key
    return spelled


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(Fault(str(path), f"cannot be read: {error.strerror}")) from error
    try:
        return content.decode("utf-8-sig")  # some editors begin a file with a byte order mark
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidInput(Fault(f"line {line}", "is not UTF-8; save the file as UTF-8")) from error


def _parse(text: str) -> tuple[dict[str, Any], Mapping[source_lines.Path, int]]:
    try:
        return tomllib.loads(text), source_lines.find_lines(text)
    except RecursionError as error:
        raise InvalidInput(Fault("", "values are nested too deeply")) from error
    except ValueError as error:  # TOMLDecodeError is one; so is what int() says to 5,000 digits
        message = str(error)
        place = _SYNTAX_PLACE.search(message)
        if place is None:
            field = f"line {text.count(chr(10)) + 1}" if "end of document" in message else ""
            raise InvalidInput(Fault(field, f"is not TOML: {message}")) from error
        field = f"line {place[1]}, column {place[2]}"
        what = message[: place.start()]
        raise InvalidInput(Fault(field, f"is not TOML: {what}")) from error


def _validate(draft: _Draft) -> ContestDocument | None:
    try:
        return ContestDocument.model_validate(draft.tree)
    except ValidationError as error:
        for found in error.errors(include_url=False, include_context=False):
            draft.fault(_in_file(draft.tree, found["loc"]), _say(found["type"], found["msg"]))
        return None


def _in_file(tree: dict[str, Any], path: source_lines.Path) -> source_lines.Path:
    """`name` for `name.zh` where the file has one plain text for both languages."""
    value: Any = tree
    for depth, part in enumerate(path):
        if isinstance(value, str):
            return path[:depth]
        if isinstance(value, dict) and part not in value:
            break
        value = value[part]
    return path


def _say(kind: str, message: str) -> str:
    return _MESSAGES.get(kind) or message.replace("Input should be", "must be")


def _check_window(draft: _Draft) -> None:
    opens, closes = draft.get("window", "opens_at"), draft.get("window", "closes_at")
    zone_name = draft.get("time_zone")
    if zone_name is not None:
        opens = _check_clock(draft, "opens_at", opens, ZoneInfo(zone_name))
        closes = _check_clock(draft, "closes_at", closes, ZoneInfo(zone_name))
        publishes = draft.get("window", "publish_at")
        publishes = _check_clock(draft, "publish_at", publishes, ZoneInfo(zone_name))
        if publishes and opens and publishes > opens:
            draft.fault(("window", "publish_at"), "must not be after opens_at")
    if opens is None or closes is None or (opens.tzinfo is None) != (closes.tzinfo is None):
        return
    if closes <= opens:
        draft.fault(("window", "closes_at"), "must be after opens_at")
        return
    window = closes - opens
    if window > timedelta(days=MAX_WINDOW_DAYS):
        draft.fault(
            ("window", "closes_at"),
            f"the window is {window.days} days long, at most {MAX_WINDOW_DAYS} are allowed",
        )
    blackout_hours = draft.get("release", "blackout_hours")
    if blackout_hours is not None and blackout_hours * 3600 >= window.total_seconds():
        draft.fault(
            ("release", "blackout_hours"),
            f"a blackout of {blackout_hours} hours must be shorter than the window",
        )


def _check_clock(
    draft: _Draft, key: str, value: datetime | None, zone: ZoneInfo
) -> datetime | None:
    """The moment in UTC, if the clock of `zone` shows `value` exactly once."""
    if value is None:
        return None
    moment = _moment(value, zone)
    if value.tzinfo is None:
        if moment.astimezone(zone).replace(tzinfo=None) != value:
            draft.fault(
                ("window", key), f"does not exist in {zone.key}: clocks are put forward then"
            )
            return None
        if _moment(value.replace(fold=1), zone) != moment:
            draft.fault(
                ("window", key),
                f"happens twice in {zone.key}; add the offset from UTC that is meant",
            )
            return None
    return moment


def _moment(value: datetime, zone: ZoneInfo) -> datetime:
    return (value.replace(tzinfo=zone) if value.tzinfo is None else value).astimezone(UTC)


def _check_ballot_and_cut(draft: _Draft) -> None:
    least, most = draft.get("ballot", "min_choices"), draft.get("ballot", "max_choices")
    count = len(draft.candidates())
    if least is not None and most is not None and least > most:
        draft.fault(
            ("ballot", "min_choices"), f"is {least}, more than max_choices, which is {most}"
        )
    if not count:
        return
    if most is not None and most > count:
        draft.fault(
            ("ballot", "max_choices"), f"is {most}, but the number of candidates is {count}"
        )
    size = draft.get("cut", "size")
    if size is not None and size > count:
        draft.fault(("cut", "size"), f"is {size}, but the number of candidates is {count}")


def _check_release(draft: _Draft) -> None:
    mode, daily_at = draft.get("release", "mode"), draft.get("release", "daily_at")
    if daily_at is not None and mode is not None and mode != "daily":
        draft.fault(("release", "daily_at"), f'has a meaning only with mode "daily", not "{mode}"')


def _check_screening(draft: _Draft) -> None:
    captcha = draft.get("screening", "captcha")
    if captcha and not draft.is_given("screening", "site_key"):
        draft.fault(("screening", "site_key"), f"is missing; the console of {captcha} shows it")
    if draft.is_given("screening", "site_key") and not draft.is_given("screening", "captcha"):
        draft.fault(("screening", "site_key"), "has a meaning only with a captcha")
    if captcha and draft.get("screening", "challenge") is False:
        draft.fault(("screening", "captcha"), "is never asked for while challenge is false")


def _check_numbers(draft: _Draft) -> None:
    first_with: dict[int, int] = {}
    for index, _entry in enumerate(draft.candidates()):
        number = draft.get("candidates", index, "number")
        if number is None:
            continue
        first = first_with.setdefault(number, index)
        if first != index:
            draft.fault(
                ("candidates", index, "number"),
                f"number {number} is used by {draft.name(('candidates', first))} too",
            )


def _picture_paths(index: int, entry: Any) -> Iterator[source_lines.Path]:
    """Where the entry of one candidate names files, well-formed or not."""
    yield "candidates", index, "portrait"
    pictures = entry.get("pictures") if isinstance(entry, dict) else None
    for place, picture in enumerate(pictures if isinstance(pictures, list) else ()):
        if isinstance(picture, dict):
            yield "candidates", index, "pictures", place, "file"


def _check_pictures(draft: _Draft, folder: Path | None) -> None:
    for index, entry in enumerate(draft.candidates()):
        for path in _picture_paths(index, entry):
            name = draft.get(*path)
            wrong = None if name is None else picture_fault(name.strip(), folder)
            if wrong:
                draft.fault(path, wrong)


def _finish(document: ContestDocument, folder: Path | None, draft: _Draft) -> ContestFile:
    zone = ZoneInfo(document.time_zone)
    publish_at = document.window.publish_at
    release = document.release
    daily_at = (release.daily_at or DEFAULT_DAILY_AT) if release.mode == "daily" else None
    return ContestFile(
        slug=document.slug,
        rules=ContestRules(
            title=_text(document.title),
            time_zone=document.time_zone,
            ballot=BallotRules(**document.ballot.model_dump()),
            release=ReleaseSchedule(
                mode=release.mode, daily_at=daily_at, blackout_hours=release.blackout_hours
            ),
            cut=CutRules(**document.cut.model_dump()),
            screening=ScreeningRules(**document.screening.model_dump()),
            list_order=document.list_order,
            expected_voters_per_day=document.expected_voters_per_day,
            contact=_text(document.contact) if document.contact else None,
            publish_at=_moment(publish_at, zone) if publish_at else None,
        ),
        opens_at=_moment(document.window.opens_at, zone),
        closes_at=_moment(document.window.closes_at, zone),
        candidates=tuple(_candidate(entry) for entry in document.candidates),
        pictures=tuple(_pictures(document, draft)),
        folder=folder,
    )


def _text(both: Both[str]) -> Text:
    return Text(zh=both.zh, en=both.en)


def _candidate(entry: CandidateSection) -> Candidate:
    return Candidate(
        number=entry.number,
        name=_text(entry.name),
        trade=_text(entry.trade),
        district=_text(entry.district),
        summary=_text(entry.summary),
        story=_text(entry.story),
    )


def _pictures(document: ContestDocument, draft: _Draft) -> Iterator[NamedPicture]:
    for index, entry in enumerate(document.candidates):
        at: source_lines.Path = ("candidates", index)
        if entry.portrait:
            place = draft.name((*at, "portrait"))
            yield NamedPicture(entry.number, Path(entry.portrait), place)
        for position, picture in enumerate(entry.pictures):
            place = draft.name((*at, "pictures", position, "file"))
            caption = _text(picture.caption)
            yield NamedPicture(entry.number, Path(picture.file), place, caption)
