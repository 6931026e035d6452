"""What is announced of a contest, whether it can be kept or not, from a file or from the database.

An import refuses a file that cannot be kept. The rehearsal takes it as it is, reports what would go
wrong, and goes on with the nearest contest that can be held.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from voting_service.contests.contest_file import toml_lines
from voting_service.contests.contest_file.candidate_files import (
    CandidateFiles,
    assign_listed,
    take_candidates,
)
from voting_service.contests.contest_file.reader import check_contest, finish_contest
from voting_service.contests.contest_file.schema import DEFAULTS
from voting_service.contests.contest_file.toml_text import parse_toml, read_toml
from voting_service.contests.contest_file.tree import ContestFileContents
from voting_service.contests.drafts.model import contest_tree
from voting_service.contests.drafts.repository import load_drafts
from voting_service.contests.model import ContestRules, Platform
from voting_service.contests.phases import published_at
from voting_service.contests.repository import NewContest, load_contest, load_platforms
from voting_service.errors import InvalidInput, NotFound
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.nomination.repository import load_selections
from voting_service.staff.accounts.repository import load_accounts
from voting_service.staff.approvals.model import DECIDERS

_NO_LINES: Mapping[toml_lines.Path, int] = MappingProxyType({})


class Surroundings(msgspec.Struct, frozen=True):
    """What a contest depends on and does not hold itself. None: unknown, and not checked.

    `notice_days` is the notice period of the selection that the candidates come from; `deciders`
    is the number of accounts that may decide about the contest.
    """

    platforms: tuple[Platform, ...] | None = None
    notice_days: int | None = None
    deciders: int | None = None


class Announcement(msgspec.Struct, frozen=True):
    """A contest as announced. `other_offsets` are the keys of its file whose times are written with
    the offset of another zone than the contest's."""

    contest: NewContest
    surroundings: Surroundings = Surroundings()
    other_offsets: tuple[str, ...] = ()

    @property
    def rules(self) -> ContestRules:
        return self.contest.rules

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.rules.time_zone)

    @property
    def published_at(self) -> datetime:
        return published_at(self.contest)

    @property
    def blackout_at(self) -> datetime | None:
        """When the blackout begins; None without one. It stays where it was announced when people
        close the contest early."""
        hours = self.rules.release.blackout_hours
        early = self.rules.early_close
        announced = early.announced if early else self.contest.closes_at
        return announced - timedelta(hours=hours) if hours else None

    @property
    def enabled_platforms(self) -> tuple[Platform, ...] | None:
        """The platforms that are switched on; None if they are unknown."""
        platforms = self.surroundings.platforms
        return None if platforms is None else tuple(p for p in platforms if p.enabled)

    def feasible(self) -> NewContest:
        """Return the nearest contest that can be held."""
        rules, blackout_at = self.rules, self.blackout_at
        cut = replace(rules.cut, size=min(rules.cut.size, len(self.contest.candidates)))
        release = rules.release
        if blackout_at is not None and not self.contest.opens_at < blackout_at:
            release = replace(release, blackout_hours=0)
        if rules.early_close is None and release.blackout_hours < 0:
            release = replace(release, blackout_hours=0)
        return self.contest._replace(rules=replace(rules, cut=cut, release=release))


async def read_stored(connection: Connection, slug: str) -> Announcement:
    """Read a contest of the database, with the candidates who stand, or a draft of that slug.

    Raises NotFound, and for a draft InvalidInput as `read_file`.
    """
    try:
        stored = await load_contest(connection, slug)
    except NotFound:
        drafts = {draft.slug: draft for draft in await load_drafts(connection)}
        if slug not in drafts:
            raise
        announced = _read(contest_tree(drafts[slug].content))
        return replace(announced, surroundings=await read_surroundings(connection, slug))
    standing = tuple(c for c in stored.candidates if c.number in stored.standing)
    contest = NewContest(slug, stored.rules, stored.opens_at, stored.closes_at, standing)
    return Announcement(contest, await read_surroundings(connection, slug, stored.id))


async def read_surroundings(
    connection: Connection, slug: str, contest_id: int | None = None
) -> Surroundings:
    """Read what a contest depends on: the selection is the contest's, or that of the same slug."""
    days = [
        selection.rules.notice_days
        for selection in await load_selections(connection)
        if (contest_id is not None and selection.contest_id == contest_id) or selection.slug == slug
    ]
    accounts = await load_accounts(connection)
    return Surroundings(
        platforms=await load_platforms(connection),
        notice_days=days[0] if days else None,
        deciders=sum(not a.disabled and a.role in DECIDERS for a in accounts),
    )


def read_file(path: Path) -> Announcement:
    """Read a contest file, with the list of candidates that it names. A cut or a blackout that
    cannot be kept is left as it is; raises InvalidInput with every other fault."""
    tree, lines = parse_toml(read_toml(path))
    folder = path.resolve().parent
    return _read(tree, take_candidates(tree, None, folder), lines, folder)


def _read(
    written: dict[str, Any],
    files: CandidateFiles | None = None,
    lines: Mapping[toml_lines.Path, int] = _NO_LINES,
    folder: Path | None = None,
) -> Announcement:
    """Return the contest of a parsed contest file. Raises InvalidInput."""
    listed = files.listed if files else None
    checked = ContestFileContents(_repaired(written), lines, listed)
    document = check_contest(checked, folder)
    _, file_faults = assign_listed(files) if files else ((), ())
    if document is None or checked.faults or file_faults:
        as_written = ContestFileContents(written, lines, listed)
        check_contest(as_written, folder)
        faults = sorted(as_written.faults.values(), key=as_written.place)
        raise InvalidInput(*faults, *file_faults)
    loaded = finish_contest(document, checked, folder=folder)
    rules = _as_written(loaded.rules, written)
    contest = NewContest(loaded.slug, rules, loaded.opens_at, loaded.closes_at, loaded.candidates)
    zone = ZoneInfo(rules.time_zone)
    return Announcement(contest, other_offsets=tuple(_other_offsets(written, zone)))


def _number(tree: Mapping[str, Any], section: str, key: str) -> int | None:
    table = tree.get(section)
    value = table.get(key) if isinstance(table, dict) else None
    return value if type(value) is int else None


def _stated_size(tree: Mapping[str, Any]) -> int | None:
    """Return the size of the cut, also where the file leaves it out."""
    cut = tree.get("cut", {})
    if isinstance(cut, dict) and "size" not in cut:
        size: int = DEFAULTS["cut.size"]
        return size
    return _number(tree, "cut", "size")


def _repaired(tree: dict[str, Any]) -> dict[str, Any]:
    """Return the file with a cut and a blackout that can be kept."""
    repaired = deepcopy(tree)
    candidates = tree.get("candidates")
    size = _stated_size(tree)
    if size is not None and isinstance(candidates, list) and candidates:
        repaired["cut"] = {**tree.get("cut", {}), "size": min(size, len(candidates))}
    if _number(tree, "release", "blackout_hours") is not None:
        repaired["release"]["blackout_hours"] = 0
    return repaired


def _as_written(rules: ContestRules, tree: Mapping[str, Any]) -> ContestRules:
    """Return the rules with the cut and the blackout that the file states."""
    size = _stated_size(tree)
    hours = _number(tree, "release", "blackout_hours")
    cut, release = rules.cut, rules.release
    if size is not None:
        cut = replace(cut, size=size)
    if hours is not None:
        release = replace(release, blackout_hours=hours)
    return replace(rules, cut=cut, release=release)


def _other_offsets(tree: Mapping[str, Any], zone: ZoneInfo) -> Iterator[str]:
    for key, value in tree.get("window", {}).items():
        is_given = isinstance(value, datetime) and value.tzinfo is not None
        if is_given and value.utcoffset() != value.astimezone(zone).utcoffset():
            yield f"window.{key}"
