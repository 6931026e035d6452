"""The contest file: one TOML file that holds a whole contest, checked as a whole.

All faults are reported at once, each with its place in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from voting_service.contests.contest_file import toml_lines
from voting_service.contests.contest_file.candidate_files import (
    CandidateFiles,
    assign_listed,
    take_candidates,
)
from voting_service.contests.contest_file.pictures import (
    NamedLogo,
    NamedPicture,
    find_picture_fault,
)
from voting_service.contests.contest_file.schema import (
    DEFAULT_DAILY_AT,
    Both,
    CandidateSection,
    ContestDocument,
)
from voting_service.contests.contest_file.toml_text import parse_toml, read_toml
from voting_service.contests.contest_file.tree import ContestFileContents
from voting_service.contests.contest_file.value_check import read_fault
from voting_service.contests.model import (
    MAX_WINDOW_DAYS,
    BallotRules,
    Candidate,
    ContestRules,
    CutRules,
    Organiser,
    ReleaseSchedule,
    ScreeningRules,
)
from voting_service.errors import InvalidInput
from voting_service.i18n.text import Text


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
    logo: NamedLogo | None = None


def load_contest_file(source: Path | str, files: CandidateFiles | None = None) -> ContestFile:
    """Return the contest of a contest file (a Path) or of its text (a str), with the candidates of
    `files` or of the list that the file names.

    Raises InvalidInput with every fault; its field is the path of the key and the line,
    `candidates[3].number (line 212)`, or the cell of the list. In a text, names of pictures are
    only checked for their form, and a list cannot be named.
    """
    text = source if isinstance(source, str) else read_toml(source)
    folder = None if isinstance(source, str) else source.resolve().parent
    tree, lines = parse_toml(text)
    files = take_candidates(tree, files, folder)
    checked = ContestFileContents(tree, lines, files.listed if files else None)
    document = check_contest(checked, folder)
    assigned, file_faults = assign_listed(files) if files else ((), ())
    listed = [fault.at(str(cell)) for cell, fault in files.listed.faults] if files else []
    if checked.faults or listed or file_faults or document is None:
        faults = sorted(checked.faults.values(), key=checked.place)
        raise InvalidInput(*faults, *listed, *file_faults)
    return finish_contest(document, checked, folder=folder, more_pictures=assigned)


def check_contest(
    checked: ContestFileContents, folder: Path | None = None
) -> ContestDocument | None:
    """Check every value of a contest and all rules about several together; the faults are those of
    `checked`. Return the document, or None if it has faults of its own."""
    document = _validate(checked)
    _check_window(checked)
    _check_ballot_and_cut(checked)
    _check_release(checked)
    _check_screening(checked)
    _check_numbers(checked)
    _check_pictures(checked, folder)
    return document


def _validate(checked: ContestFileContents) -> ContestDocument | None:
    try:
        return ContestDocument.model_validate(checked.tree)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            checked.add(_in_file(checked.tree, details["loc"]), read_fault(details))
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


def _check_window(checked: ContestFileContents) -> None:
    opens, closes = checked.get("window", "opens_at"), checked.get("window", "closes_at")
    zone_name = checked.get("time_zone")
    if zone_name is not None:
        opens = _check_clock(checked, "opens_at", opens, ZoneInfo(zone_name))
        closes = _check_clock(checked, "closes_at", closes, ZoneInfo(zone_name))
        publishes = checked.get("window", "publish_at")
        publishes = _check_clock(checked, "publish_at", publishes, ZoneInfo(zone_name))
        if publishes and opens and publishes > opens:
            checked.fault(("window", "publish_at"), "published_after_opening")
    if opens is None or closes is None or (opens.tzinfo is None) != (closes.tzinfo is None):
        return
    if closes <= opens:
        checked.fault(("window", "closes_at"), "closes_before_opening")
        return
    window = closes - opens
    if window > timedelta(days=MAX_WINDOW_DAYS):
        checked.fault(
            ("window", "closes_at"),
            "window_too_long",
            days=window.days,
            max_days=MAX_WINDOW_DAYS,
        )
    blackout_hours = checked.get("release", "blackout_hours")
    if blackout_hours is not None and blackout_hours * 3600 >= window.total_seconds():
        checked.fault(
            ("release", "blackout_hours"),
            "blackout_too_long",
            hours=blackout_hours,
        )


def _check_clock(
    checked: ContestFileContents, key: str, value: datetime | None, zone: ZoneInfo
) -> datetime | None:
    """Return the moment in UTC, if `value` exists exactly once in `zone`."""
    if value is None:
        return None
    moment = _moment(value, zone)
    if value.tzinfo is None:
        if moment.astimezone(zone).replace(tzinfo=None) != value:
            checked.fault(("window", key), "time_does_not_exist", zone=zone.key)
            return None
        if _moment(value.replace(fold=1), zone) != moment:
            checked.fault(
                ("window", key),
                "time_exists_twice",
                zone=zone.key,
            )
            return None
    return moment


def _moment(value: datetime, zone: ZoneInfo) -> datetime:
    return (value.replace(tzinfo=zone) if value.tzinfo is None else value).astimezone(UTC)


def _check_ballot_and_cut(checked: ContestFileContents) -> None:
    least, most = checked.get("ballot", "min_choices"), checked.get("ballot", "max_choices")
    count = len(checked.candidates())
    if least is not None and most is not None and least > most:
        checked.fault(("ballot", "min_choices"), "min_above_max", least=least, most=most)
    tie = checked.get("cut", "tie")
    if tie is not None and (tie == "lot") != checked.is_given("cut", "lot_source"):
        checked.fault(("cut", "lot_source"), "lot_source_only_with_lot")
    if not count:
        return
    fewer = {"count": count, "example": max(count // 2, 1)}
    if most is not None and most > count:
        checked.fault(("ballot", "max_choices"), "more_than_candidates", value=most, **fewer)
    size = checked.get("cut", "size")
    if size is not None and size > count:
        checked.fault(("cut", "size"), "more_than_candidates", value=size, **fewer)


def _check_release(checked: ContestFileContents) -> None:
    mode, daily_at = checked.get("release", "mode"), checked.get("release", "daily_at")
    if daily_at is not None and mode is not None and mode != "daily":
        checked.fault(("release", "daily_at"), "daily_time_without_daily", mode=mode)


def _check_screening(checked: ContestFileContents) -> None:
    captcha = checked.get("screening", "captcha")
    if captcha and not checked.is_given("screening", "site_key"):
        checked.fault(("screening", "site_key"), "site_key_missing", captcha=captcha)
    if checked.is_given("screening", "site_key") and not checked.is_given("screening", "captcha"):
        checked.fault(("screening", "site_key"), "site_key_without_captcha")
    if captcha and checked.get("screening", "challenge") is False:
        checked.fault(("screening", "captcha"), "captcha_without_challenge")


def _check_numbers(checked: ContestFileContents) -> None:
    first_with: dict[int, int] = {}
    for index, _entry in enumerate(checked.candidates()):
        number = checked.get("candidates", index, "number")
        if number is None:
            continue
        first = first_with.setdefault(number, index)
        if first != index:
            checked.fault(
                ("candidates", index, "number"),
                "number_used_twice",
                number=number,
                other=checked.name(("candidates", first)),
            )


def _picture_paths(index: int, entry: Any) -> Iterator[toml_lines.Path]:
    """Yield the paths at which a candidate names files, well-formed or not."""
    yield "candidates", index, "portrait"
    pictures = entry.get("pictures") if isinstance(entry, dict) else None
    for place, picture in enumerate(pictures if isinstance(pictures, list) else ()):
        if isinstance(picture, dict):
            yield "candidates", index, "pictures", place, "file"


def _check_pictures(checked: ContestFileContents, folder: Path | None) -> None:
    paths: list[toml_lines.Path] = [("logo",)]
    for index, entry in enumerate(checked.candidates()):
        paths.extend(_picture_paths(index, entry))
    for path in paths:
        name = checked.get(*path)
        fault = None if name is None else find_picture_fault(name.strip(), folder)
        if fault is not None:
            checked.add(path, fault)


def finish_contest(
    document: ContestDocument,
    checked: ContestFileContents,
    *,
    folder: Path | None = None,
    more_pictures: Sequence[NamedPicture] = (),
) -> ContestFile:
    """Return the contest of a document without faults."""
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
                _optional(document.cut.lot_source),
                document.cut.panel,
            ),
            screening=ScreeningRules(**document.screening.model_dump()),
            list_order=document.list_order,
            expected_voters_per_day=document.expected_voters_per_day,
            theme=_optional(document.theme),
            introduction=_optional(document.introduction),
            organisers=tuple(
                Organiser(_text(section.role), _text(section.name))
                for section in document.organisers
            ),
            own_rules=_optional(document.own_rules),
            contact=_optional(document.contact),
            telephone=document.telephone,
            email=document.email,
            address=_optional(document.address),
            publish_at=_moment(publish_at, zone) if publish_at else None,
        ),
        opens_at=_moment(document.window.opens_at, zone),
        closes_at=_moment(document.window.closes_at, zone),
        candidates=tuple(_candidate(entry) for entry in document.candidates),
        pictures=(*_pictures(document, checked), *more_pictures),
        folder=folder,
        logo=NamedLogo(Path(document.logo), checked.name(("logo",))) if document.logo else None,
    )


def _text(both: Both[str]) -> Text:
    return Text(zh=both.zh, en=both.en)


def _optional(both: Both[str] | None) -> Text | None:
    return None if both is None else _text(both)


def _candidate(entry: CandidateSection) -> Candidate:
    return Candidate(
        number=entry.number,
        name=_text(entry.name),
        trade=_text(entry.trade),
        district=_text(entry.district),
        summary=_text(entry.summary),
        story=_text(entry.story),
        employer=_text(entry.employer) if entry.employer else None,
        skill_grade=_text(entry.skill_grade) if entry.skill_grade else None,
        honours=tuple(_text(honour) for honour in entry.honours),
        film=entry.film,
    )


def _pictures(document: ContestDocument, checked: ContestFileContents) -> Iterator[NamedPicture]:
    for index, entry in enumerate(document.candidates):
        at: toml_lines.Path = ("candidates", index)
        if entry.portrait:
            place = checked.name((*at, "portrait"))
            yield NamedPicture(entry.number, Path(entry.portrait), place)
        for position, picture in enumerate(entry.pictures):
            place = checked.name((*at, "pictures", position, "file"))
            caption = _text(picture.caption)
            yield NamedPicture(entry.number, Path(picture.file), place, caption)
