"""What is announced of a contest, whether it can be kept or not, from a file or from the database.

An import refuses a file that cannot be kept. The rehearsal takes it as it is, reports what would go
wrong, and goes on with the nearest contest that can be held.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import tomli_w

from voting_service.contests.contest_file.reader import load_contest_file
from voting_service.contests.model import ContestRules, Platform
from voting_service.contests.phases import published_at
from voting_service.contests.repository import NewContest, load_contest, load_platforms
from voting_service.errors import InvalidInput
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.nomination.repository import load_selections
from voting_service.staff.accounts.repository import load_accounts
from voting_service.staff.approvals.model import DECIDERS


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
        cut = msgspec.structs.replace(
            rules.cut, size=min(rules.cut.size, len(self.contest.candidates))
        )
        release = rules.release
        if blackout_at is not None and not self.contest.opens_at < blackout_at:
            release = msgspec.structs.replace(release, blackout_hours=0)
        if rules.early_close is None and release.blackout_hours < 0:
            release = msgspec.structs.replace(release, blackout_hours=0)
        return self.contest._replace(rules=msgspec.structs.replace(rules, cut=cut, release=release))


async def read_stored(connection: Connection, slug: str) -> Announcement:
    """Read a contest of the database. Raises NotFound."""
    stored = await load_contest(connection, slug)
    contest = NewContest(slug, stored.rules, stored.opens_at, stored.closes_at, stored.candidates)
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
    """Read a contest file. A cut or a blackout that cannot be kept is left as it is; raises
    InvalidInput with every other fault."""
    try:
        loaded, written = load_contest_file(path), None
    except InvalidInput as error:
        written = _parsed(path, error)
        try:
            loaded = load_contest_file(tomli_w.dumps(_repaired(written)))
        except InvalidInput:
            raise error from None
    tree = _parsed(path) if written is None else written
    rules = loaded.rules if written is None else _as_written(loaded.rules, written)
    contest = NewContest(loaded.slug, rules, loaded.opens_at, loaded.closes_at, loaded.candidates)
    zone = ZoneInfo(rules.time_zone)
    return Announcement(contest, other_offsets=tuple(_other_offsets(tree, zone)))


def _parsed(path: Path, fault: InvalidInput | None = None) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        raise fault or RuntimeError(path) from None


def _number(tree: Mapping[str, Any], section: str, key: str) -> int | None:
    table = tree.get(section)
    value = table.get(key) if isinstance(table, dict) else None
    return value if type(value) is int else None


def _repaired(tree: dict[str, Any]) -> dict[str, Any]:
    """Return the file with a cut and a blackout that can be kept."""
    repaired = deepcopy(tree)
    candidates = tree.get("candidates")
    size = _number(tree, "cut", "size")
    if size is not None and isinstance(candidates, list) and candidates:
        repaired["cut"]["size"] = min(size, len(candidates))
    if _number(tree, "release", "blackout_hours") is not None:
        repaired["release"]["blackout_hours"] = 0
    return repaired


def _as_written(rules: ContestRules, tree: Mapping[str, Any]) -> ContestRules:
    """Return the rules with the cut and the blackout that the file states."""
    size = _number(tree, "cut", "size")
    hours = _number(tree, "release", "blackout_hours")
    cut, release = rules.cut, rules.release
    if size is not None:
        cut = msgspec.structs.replace(cut, size=size)
    if hours is not None:
        release = msgspec.structs.replace(release, blackout_hours=hours)
    return msgspec.structs.replace(rules, cut=cut, release=release)


def _other_offsets(tree: Mapping[str, Any], zone: ZoneInfo) -> Iterator[str]:
    for key, value in tree.get("window", {}).items():
        is_given = isinstance(value, datetime) and value.tzinfo is not None
        if is_given and value.utcoffset() != value.astimezone(zone).utcoffset():
            yield f"window.{key}"
