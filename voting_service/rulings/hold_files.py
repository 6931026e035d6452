"""What an examination of ballots found becomes holds: `campaigns.json` and `verdicts.csv`, as
`voting-service forensics` writes them. One hold a campaign; importing again changes nothing."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from voting_service.contests.model import Contest, Text
from voting_service.errors import Fault, InvalidInput, MalformedInput
from voting_service.rulings.holds import QUERIES, find_hold_of, make_hold
from voting_service.rulings.model import Attribute, Evidence
from voting_service.storage.postgres import AnyConnection, domain_errors

CAMPAIGNS, VERDICTS = "campaigns.json", "verdicts.csv"
VERDICT_COLUMNS = ("ballot_id", "verdict", "score", "campaign", "reason")
_MAX_BYTES = 64 * 1024 * 1024
_BALLOT_ID = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(r"[0-9]{1,9}")


class _Window(msgspec.Struct, frozen=True):
    first: datetime
    last: datetime


class FoundCampaign(msgspec.Struct, frozen=True):
    """An entry of campaigns.json (antifraud/forensics/result_files.py)."""

    campaign: int
    kind: str
    verdict: Literal["hold", "bloc"]
    window: _Window
    attributes: tuple[Attribute, ...]
    candidates: tuple[int, ...]
    ballots: int
    observed: float
    expected: float
    p_value: float
    q_value: float
    sentence: Text

    def evidence(self) -> Evidence:
        """The same for whoever rules."""
        return Evidence(
            sentence=self.sentence,
            pattern=self.kind,
            first_at=self.window.first,
            last_at=self.window.last,
            attributes=self.attributes,
            candidates=self.candidates,
            observed=self.observed,
            expected=self.expected,
            p_value=self.p_value,
            q_value=self.q_value,
        )


class ImportedHold(NamedTuple):
    """What became of a campaign; `is_new` is false when the hold was there."""

    campaign: int
    hold_id: int
    ballots: int
    is_new: bool


async def import_holds(
    connection: AnyConnection,
    contest: Contest,
    folder: Path,
    *,
    actor: str,
    now: datetime,
    source: str | None = None,
    fresh: bool = False,
) -> tuple[ImportedHold, ...]:
    """Makes the holds of a folder, all of them or none. With `fresh`, ballots that are in a hold
    of a campaign or a bloc already are left out, and a campaign that has none left with them.

    Raises InvalidInput that names what is wrong and where, ballots of other contests included.
    """
    campaigns = read_campaigns(folder / CAMPAIGNS)
    members = _members(folder / VERDICTS, campaigns)
    imported = []
    with domain_errors():
        async with connection.transaction():
            known = await _in_campaigns(connection, contest) if fresh else frozenset()
            for campaign in campaigns:
                ballots = members[campaign.campaign] - known
                if not ballots:
                    continue
                hold_id = await find_hold_of(connection, contest, ballots)
                is_new = hold_id is None
                if hold_id is None:
                    hold_id = await make_hold(
                        connection,
                        contest,
                        ballots,
                        actor=actor,
                        kind="bloc" if campaign.verdict == "bloc" else "campaign",
                        source=source or f"forensics, {folder.name}",
                        label=f"{campaign.kind} {campaign.campaign}",
                        evidence=campaign.evidence(),
                        now=now,
                    )
                imported.append(ImportedHold(campaign.campaign, hold_id, len(ballots), is_new))
    return tuple(imported)


async def _in_campaigns(connection: AnyConnection, contest: Contest) -> frozenset[bytes]:
    rows = await connection.fetch(QUERIES["ballots_in_campaigns"], contest.id)
    return frozenset(row["ballot_id"] for row in rows)


def read_campaigns(path: Path) -> tuple[FoundCampaign, ...]:
    """Raises InvalidInput, also when a campaign is named twice."""
    try:
        campaigns = msgspec.json.decode(_content(path), type=tuple[FoundCampaign, ...])
    except msgspec.MsgspecError as error:
        raise MalformedInput(Fault(path.name, str(error))) from None
    numbers = [campaign.campaign for campaign in campaigns]
    if len(set(numbers)) != len(numbers):
        raise InvalidInput(Fault(path.name, "names a campaign twice"))
    return campaigns


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise InvalidInput(Fault(str(path), f"cannot be read: {error.strerror}")) from None
    if len(content) > _MAX_BYTES:
        raise InvalidInput(Fault(path.name, f"is larger than {_MAX_BYTES} bytes"))
    return content


def _members(path: Path, campaigns: tuple[FoundCampaign, ...]) -> dict[int, set[bytes]]:
    """The ballots of each campaign, as many as it says it has."""
    members: dict[int, set[bytes]] = {campaign.campaign: set() for campaign in campaigns}
    for line, number, ballot in _verdicts(path):
        if number not in members:
            raise InvalidInput(
                Fault(f"{path.name} line {line}", f"{CAMPAIGNS} has no campaign {number}")
            )
        members[number].add(ballot)
    faults = [
        Fault(
            path.name,
            f"campaign {campaign.campaign} has {len(members[campaign.campaign])} ballots here and "
            f"{campaign.ballots} in {CAMPAIGNS}: are the files of one examination?",
        )
        for campaign in campaigns
        if len(members[campaign.campaign]) != campaign.ballots
    ]
    if faults:
        raise InvalidInput(*faults)
    return members


def _verdicts(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Line, campaign and ballot of every line that names a campaign."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            if tuple(next(reader, ())) != VERDICT_COLUMNS:
                raise MalformedInput(
                    Fault(f"{path.name} line 1", f"must be {','.join(VERDICT_COLUMNS)}")
                )
            for row in reader:
                if len(row) != len(VERDICT_COLUMNS):
                    raise MalformedInput(
                        Fault(f"{path.name} line {reader.line_num}", "has another number of fields")
                    )
                if row[3]:
                    yield reader.line_num, *_member(path, reader.line_num, row[0], row[3])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(Fault(path.name, f"cannot be read: {error}")) from None


def _member(path: Path, line: int, ballot: str, campaign: str) -> tuple[int, bytes]:
    if not _BALLOT_ID.fullmatch(ballot) or not _NUMBER.fullmatch(campaign):
        raise MalformedInput(
            Fault(
                f"{path.name} line {line}",
                "must name a ballot by 32 hexadecimal digits and a campaign by its number",
            )
        )
    return int(campaign), bytes.fromhex(ballot)
