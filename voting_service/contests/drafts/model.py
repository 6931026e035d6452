"""A draft: the content of a contest file that is filled in step by step. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from voting_service.contests.candidate_list.picture_files import ListedCandidate
from voting_service.contests.candidate_list.reader import CandidateList, CellFault, ListRefused
from voting_service.contests.contest_file.candidate_files import listed_people
from voting_service.contests.contest_file.reader import ContestFile, check_contest, finish_contest
from voting_service.contests.contest_file.toml_lines import Path
from voting_service.contests.contest_file.tree import ContestFileContents
from voting_service.contests.pictures.model import Picture
from voting_service.errors import Fault, InvalidInput

PORTRAITS = "portraits"
"""The key of the content that holds the picture file that the list names for each candidate; all
but it and SAVED are keys of a contest file, with moments and times as ISO 8601."""
NOTICE = timedelta(minutes=5)
"""Voting opens at least so long after the approval: every worker knows the contest by then."""
SAVED = "saved"
"""The key of the content that holds the keys that somebody has saved; all others are still what
most contests have."""
_DAYS_UNTIL_OPEN, _DAYS_OPEN = 14, 30

_OWN = frozenset({PORTRAITS, SAVED})

Content = dict[str, Any]
DraftFault = tuple[Path, Fault]


class ContestDraft(msgspec.Struct, frozen=True):
    """A draft as stored; `revision` grows with every change."""

    id: int
    slug: str
    content: Content
    revision: int
    saved_by: str
    saved_at: datetime

    @property
    def zone(self) -> tzinfo:
        """Return the contest's time zone; UTC while it has none that exists."""
        try:
            return ZoneInfo(str(self.content.get("time_zone")))
        except (ZoneInfoNotFoundError, ValueError):
            return UTC

    @property
    def title(self) -> Mapping[str, str]:
        both: Mapping[str, str] = self.content["title"]
        return both

    @property
    def entries(self) -> Sequence[Mapping[str, Any]]:
        """Return the candidates, as sections of a contest file."""
        return self.content.get("candidates") or ()

    @property
    def people(self) -> Sequence[ListedCandidate]:
        """Return the candidates as pictures are assigned to them."""
        portraits = self.content.get(PORTRAITS) or [""] * len(self.entries)
        return listed_people([dict(entry) for entry in self.entries], portraits)


class DraftPicture(msgspec.Struct, frozen=True):
    """A picture of a draft: whom it shows, in which place, and from which file; place 0 is the
    portrait."""

    number: int
    place: int
    name: str
    picture: Picture


class DraftChecks(NamedTuple):
    """Everything that keeps a draft from being announced, and the contest as far as every value is
    one: that is what a preview shows."""

    faults: tuple[DraftFault, ...]
    contest: ContestFile | None


def new_content(names: Mapping[str, Any], now: datetime) -> Content:
    """Return the content of a new draft: `names` are its title, slug and time zone, everything else
    is what most contests have."""
    zone = ZoneInfo(names["time_zone"])
    day = now.astimezone(zone).date() + timedelta(days=_DAYS_UNTIL_OPEN)
    opens = datetime.combine(day, time(9))
    closes = datetime.combine(day + timedelta(days=_DAYS_OPEN), time(18))
    return {
        **names,
        "window": {"opens_at": _iso(opens), "closes_at": _iso(closes)},
        "ballot": {"min_choices": 1, "max_choices": 10, "every": "day"},
        "release": {"mode": "daily", "daily_at": "20:00", "blackout_hours": 24},
        "cut": {"size": 30, "tie": "committee"},
        "list_order": "shuffled",
        "expected_voters_per_day": 100_000,
        SAVED: sorted(names),
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")


def changed_content(content: Content, changes: Mapping[str, Any]) -> Content:
    """Return the content with values saved, by dotted key; None removes a key."""
    after = deepcopy(content)
    after[SAVED] = sorted({*content.get(SAVED, ()), *changes})
    for key, value in changes.items():
        *sections, name = key.split(".")
        table = after
        for section in sections:
            table = table.setdefault(section, {})
        if value is None:
            table.pop(name, None)
        else:
            table[name] = value
    return after


def with_candidates(content: Content, listed: CandidateList) -> Content:
    """Return the content with the candidates of a list. Raises ListRefused with every fault."""
    after = {**content, "candidates": [dict(entry) for entry in listed.entries]}
    checked = ContestFileContents(contest_tree(after), {}, listed)
    check_contest(checked)
    faults = [
        *listed.faults,
        *(
            CellFault(listed.cell(path), fault)
            for (path, _), fault in checked.faults.items()
            if path[0] == "candidates"
        ),
    ]
    if faults:
        raise ListRefused(
            sorted(faults, key=lambda fault: (fault.cell.row, fault.cell.column or 0))
        )
    return {**after, PORTRAITS: list(listed.portraits)}


def keeps_pictures(before: Content, after: Content) -> frozenset[int]:
    """Return the numbers that stand for the same person on both lists: their pictures stay."""
    names = [
        {entry["number"]: entry["name"] for entry in content.get("candidates") or ()}
        for content in (before, after)
    ]
    return frozenset(number for number, name in names[1].items() if names[0].get(number) == name)


def check_draft(
    draft: ContestDraft,
    portraits: Collection[int],
    *,
    taken: Collection[str],
    now: datetime,
) -> DraftChecks:
    """Return every fault; `portraits` are the numbers that have one, `taken` the slugs of
    contests."""
    checked = ContestFileContents(contest_tree(draft.content), {})
    document = check_contest(checked)
    if draft.slug in taken:
        checked.add(("slug",), Fault("", "contests.slug_taken"))
    for person in draft.people:
        if person.portrait and person.number not in portraits:
            checked.add(
                ("pictures", person.number),
                Fault(
                    "",
                    "contests.drafts.picture_missing",
                    number=person.number,
                    name=person.portrait,
                ),
            )
    contest = None if document is None else finish_contest(document, checked)
    if contest is not None and contest.opens_at < now + NOTICE:
        checked.add(("window", "opens_at"), Fault("", "contests.drafts.opens_too_soon"))
    faults = tuple((path, fault) for (path, _), fault in checked.faults.items())
    return DraftChecks(faults, contest)


def find_section_faults(content: Content, keys: Iterable[str]) -> list[DraftFault]:
    """Return the faults of some dotted keys and what is below them."""
    checked = ContestFileContents(contest_tree(content), {})
    check_contest(checked)
    wanted_paths = [tuple(key.split(".")) for key in keys]
    return [
        (path, fault)
        for (path, _), fault in checked.faults.items()
        if any(path[: len(start)] == start for start in wanted_paths)
    ]


def require_no_faults(faults: Sequence[DraftFault]) -> None:
    """Raises InvalidInput with the faults."""
    if faults:
        raise InvalidInput(*(fault for _, fault in faults))


def contest_tree(content: Content) -> dict[str, Any]:
    """Return the content as a parsed contest file, with moments and times. What is none stays, for
    its fault."""
    tree = deepcopy({key: value for key, value in content.items() if key not in _OWN})
    window, release = tree.get("window", {}), tree.get("release", {})
    for key, value in window.items():
        window[key] = _read(value, datetime)
    if "daily_at" in release:
        release["daily_at"] = _read(release["daily_at"], time)
    return tree


def _read(value: Any, kind: type[datetime] | type[time]) -> Any:
    try:
        return kind.fromisoformat(value)
    except (TypeError, ValueError):
        return value
