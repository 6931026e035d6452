"""The contest file: one TOML file that holds a whole contest, checked as a whole.

All faults are reported at once, each with its place in the file.
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
from pydantic_core import ErrorDetails

from voting_service.contests.contest_file import toml_lines
from voting_service.contests.contest_file.pictures import NamedPicture, find_picture_fault
from voting_service.contests.contest_file.schema import (
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
)
from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.text import Text

MAX_WINDOW_DAYS = 366
"""A longer voting period is taken for a mistyped year."""

_SYNTAX_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_CODES = {
    "missing": "missing",
    "extra_forbidden": "unknown_key",
    "string_unicode": "lone_surrogate",
    "datetime_type": "not_a_datetime",
    "time_type": "not_a_time",
    "model_type": "not_a_table",
    "list_type": "not_a_list",
    "too_short": "no_candidates",
}
"""Our error codes by pydantic's error types."""


@dataclass(frozen=True, slots=True)
class ContestFile:
    """A valid contest file, ready for `service.create_contest`; moments are in UTC.

    `folder` is where the paths of the pictures begin; None for a text without a folder.
    """

    slug: str
    rules: ContestRules
    opens_at: datetime
    closes_at: datetime
    candidates: tuple[Candidate, ...]
    pictures: tuple[NamedPicture, ...]
    folder: Path | None


def load_contest_file(source: Path | str) -> ContestFile:
    """Return the contest of a contest file (a Path) or of its text (a str).

    Raises InvalidInput with every fault; its field is the path of the key and the line,
    `candidates[3].number (line 212)`. In a text, names of pictures are only checked for their form.
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

    def __init__(self, tree: dict[str, Any], lines: Mapping[toml_lines.Path, int]) -> None:
        self.tree = tree
        self.faults: dict[tuple[toml_lines.Path, str], Fault] = {}
        self._lines = lines
        self._faulty: set[toml_lines.Path] = set()
        self._places: dict[Fault, tuple[int, int]] = {}

    def fault(self, path: toml_lines.Path, name: str, /, **params: Any) -> None:
        """Add a fault by the last part of its code."""
        self.add(path, Fault("", f"contests.contest_file.{name}", **params))

    def add(self, path: toml_lines.Path, fault: Fault) -> None:
        """Add a fault at a value, which is not used any further."""
        placed = fault.at(self.name(path))
        self._places[placed] = (self._line(path), len(self._places))
        self.faults[path, placed.message] = placed
        self._faulty.add(path)

    def place(self, fault: Fault) -> tuple[int, int]:
        """Return the sort key that puts faults in the order of the file."""
        return self._places[fault]

    def name(self, path: toml_lines.Path) -> str:
        """Return `candidates[3].number (line 212)`; a missing key has the line of its table."""
        line = self._line(path)
        return f"{_spell(path)} (line {line})" if line else _spell(path)

    def _line(self, path: toml_lines.Path) -> int:
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 0)

    def get(self, *path: str | int) -> Any:
        """Return the value at `path` or its default; None if it is missing or faulty."""
        if any(path[:depth] in self._faulty for depth in range(1, len(path) + 1)):
            return None
        value: Any = self.tree
        for part in path:
            if isinstance(value, dict) and part not in value:
                return DEFAULTS.get(".".join(map(str, path)))
            value = value[part]
        return value

    def is_given(self, *path: str | int) -> bool:
        """Return whether the file has the key, whatever its value."""
        return path in self._lines

    def candidates(self) -> list[Any]:
        """Return every entry, faulty or not; empty when there is no list."""
        entries = self.tree.get("candidates")
        return entries if isinstance(entries, list) else []


def _spell(path: toml_lines.Path) -> str:
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
        raise InvalidInput(
            Fault(str(path), "contests.contest_file.unreadable", strerror=error.strerror)
        ) from error
    try:
        return content.decode("utf-8-sig")  # some editors begin a file with a byte order mark
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidInput(Fault(f"line {line}", "contests.contest_file.not_utf8")) from error


def _parse(text: str) -> tuple[dict[str, Any], Mapping[toml_lines.Path, int]]:
    try:
        return tomllib.loads(text), toml_lines.find_lines(text)
    except RecursionError as error:
        raise InvalidInput(Fault("", "contests.contest_file.nested_too_deeply")) from error
    except ValueError as error:  # TOMLDecodeError is one; int() raises another for 5,000 digits
        message = str(error)
        place = _SYNTAX_PLACE.search(message)
        if place is None:
            field = f"line {text.count(chr(10)) + 1}" if "end of document" in message else ""
            raise InvalidInput(
                Fault(field, "contests.contest_file.not_toml_text", message=message)
            ) from error
        field = f"line {place[1]}, column {place[2]}"
        what = message[: place.start()]
        raise InvalidInput(Fault(field, "contests.contest_file.not_toml", what=what)) from error


def _validate(draft: _Draft) -> ContestDocument | None:
    try:
        return ContestDocument.model_validate(draft.tree)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            draft.add(_in_file(draft.tree, details["loc"]), _read_fault(details))
        return None


def _in_file(tree: dict[str, Any], path: toml_lines.Path) -> toml_lines.Path:
    """Return `name` for `name.zh` where the file has one plain text for both languages."""
    value: Any = tree
    for depth, part in enumerate(path):
        if isinstance(value, str):
            return path[:depth]
        if isinstance(value, dict) and part not in value:
            break
        value = value[part]
    return path


def _read_fault(details: ErrorDetails) -> Fault:
    kind, message = details["type"], details["msg"]
    if kind == "contest_file":  # raised by schema.py, with a code as its message
        return Fault("", message, **details.get("ctx", {}))
    if kind in _CODES:
        return Fault("", f"contests.contest_file.{_CODES[kind]}")
    return Fault.verbatim("", message.replace("Input should be", "must be"))


def _check_window(draft: _Draft) -> None:
    opens, closes = draft.get("window", "opens_at"), draft.get("window", "closes_at")
    zone_name = draft.get("time_zone")
    if zone_name is not None:
        opens = _check_clock(draft, "opens_at", opens, ZoneInfo(zone_name))
        closes = _check_clock(draft, "closes_at", closes, ZoneInfo(zone_name))
        publishes = draft.get("window", "publish_at")
        publishes = _check_clock(draft, "publish_at", publishes, ZoneInfo(zone_name))
        if publishes and opens and publishes > opens:
            draft.fault(("window", "publish_at"), "published_after_opening")
    if opens is None or closes is None or (opens.tzinfo is None) != (closes.tzinfo is None):
        return
    if closes <= opens:
        draft.fault(("window", "closes_at"), "closes_before_opening")
        return
    window = closes - opens
    if window > timedelta(days=MAX_WINDOW_DAYS):
        draft.fault(
            ("window", "closes_at"),
            "window_too_long",
            days=window.days,
            max_days=MAX_WINDOW_DAYS,
        )
    blackout_hours = draft.get("release", "blackout_hours")
    if blackout_hours is not None and blackout_hours * 3600 >= window.total_seconds():
        draft.fault(
            ("release", "blackout_hours"),
            "blackout_too_long",
            hours=blackout_hours,
        )


def _check_clock(
    draft: _Draft, key: str, value: datetime | None, zone: ZoneInfo
) -> datetime | None:
    """Return the moment in UTC, if `value` exists exactly once in `zone`."""
    if value is None:
        return None
    moment = _moment(value, zone)
    if value.tzinfo is None:
        if moment.astimezone(zone).replace(tzinfo=None) != value:
            draft.fault(("window", key), "time_does_not_exist", zone=zone.key)
            return None
        if _moment(value.replace(fold=1), zone) != moment:
            draft.fault(
                ("window", key),
                "time_exists_twice",
                zone=zone.key,
            )
            return None
    return moment


def _moment(value: datetime, zone: ZoneInfo) -> datetime:
    return (value.replace(tzinfo=zone) if value.tzinfo is None else value).astimezone(UTC)


def _check_ballot_and_cut(draft: _Draft) -> None:
    least, most = draft.get("ballot", "min_choices"), draft.get("ballot", "max_choices")
    count = len(draft.candidates())
    if least is not None and most is not None and least > most:
        draft.fault(("ballot", "min_choices"), "min_above_max", least=least, most=most)
    tie = draft.get("cut", "tie")
    if tie is not None and (tie == "lot") != draft.is_given("cut", "lot_source"):
        draft.fault(("cut", "lot_source"), "lot_source_only_with_lot")
    if not count:
        return
    if most is not None and most > count:
        draft.fault(("ballot", "max_choices"), "more_than_candidates", value=most, count=count)
    size = draft.get("cut", "size")
    if size is not None and size > count:
        draft.fault(("cut", "size"), "more_than_candidates", value=size, count=count)


def _check_release(draft: _Draft) -> None:
    mode, daily_at = draft.get("release", "mode"), draft.get("release", "daily_at")
    if daily_at is not None and mode is not None and mode != "daily":
        draft.fault(("release", "daily_at"), "daily_time_without_daily", mode=mode)


def _check_screening(draft: _Draft) -> None:
    captcha = draft.get("screening", "captcha")
    if captcha and not draft.is_given("screening", "site_key"):
        draft.fault(("screening", "site_key"), "site_key_missing", captcha=captcha)
    if draft.is_given("screening", "site_key") and not draft.is_given("screening", "captcha"):
        draft.fault(("screening", "site_key"), "site_key_without_captcha")
    if captcha and draft.get("screening", "challenge") is False:
        draft.fault(("screening", "captcha"), "captcha_without_challenge")


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
                "number_used_twice",
                number=number,
                other=draft.name(("candidates", first)),
            )


def _picture_paths(index: int, entry: Any) -> Iterator[toml_lines.Path]:
    """Yield the paths at which a candidate names files, well-formed or not."""
    yield "candidates", index, "portrait"
    pictures = entry.get("pictures") if isinstance(entry, dict) else None
    for place, picture in enumerate(pictures if isinstance(pictures, list) else ()):
        if isinstance(picture, dict):
            yield "candidates", index, "pictures", place, "file"


def _check_pictures(draft: _Draft, folder: Path | None) -> None:
    for index, entry in enumerate(draft.candidates()):
        for path in _picture_paths(index, entry):
            name = draft.get(*path)
            fault = None if name is None else find_picture_fault(name.strip(), folder)
            if fault is not None:
                draft.add(path, fault)


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
            cut=CutRules(
                document.cut.size,
                document.cut.tie,
                _text(document.cut.lot_source) if document.cut.lot_source else None,
            ),
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
        at: toml_lines.Path = ("candidates", index)
        if entry.portrait:
            place = draft.name((*at, "portrait"))
            yield NamedPicture(entry.number, Path(entry.portrait), place)
        for position, picture in enumerate(entry.pictures):
            place = draft.name((*at, "pictures", position, "file"))
            caption = _text(picture.caption)
            yield NamedPicture(entry.number, Path(picture.file), place, caption)
