"""Create holds from `campaigns.json` and `verdicts.csv`, as `voting-service forensics` writes them.

One hold per campaign; importing the same files again changes nothing.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from voting_service.contests.model import Contest
from voting_service.errors import (
    Fault,
    InvalidInput,
    MalformedInput,
)
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.voting.rulings.model import HoldAttribute, HoldEvidence
from voting_service.voting.rulings.repository import (
    QUERIES,
    NewHold,
    create_hold,
    find_hold_by_ballots,
)

CAMPAIGNS, VERDICTS = "campaigns.json", "verdicts.csv"
VERDICT_COLUMNS = ("ballot_id", "verdict", "score", "campaign", "reason")
_MAX_BYTES = 64 * 1024 * 1024
_BALLOT_ID = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(r"[0-9]{1,9}")


class _Window(msgspec.Struct, frozen=True):
    first: datetime
    last: datetime


class ForensicsCampaign(msgspec.Struct, frozen=True):
    """An entry of campaigns.json (antifraud/forensics/result_files.py)."""

    campaign: int
    kind: str
    verdict: Literal["hold", "bloc"]
    window: _Window
    attributes: tuple[HoldAttribute, ...]
    candidates: tuple[int, ...]
    ballots: int
    observed: float
    expected: float
    p_value: float
    q_value: float
    sentence: Text

    def evidence(self) -> HoldEvidence:
        """Return the campaign as evidence of a hold."""
        return HoldEvidence(
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
    """The hold of a campaign; `is_new` is false when it already existed."""

    campaign: int
    hold_id: int
    ballots: int
    is_new: bool


class HoldOrigin(NamedTuple):
    """Who creates holds, and when; `source` names what found the ballots, None for the folder."""

    actor: str
    at: datetime
    source: str | None = None


async def import_holds(
    connection: AnyConnection,
    contest: Contest,
    folder: Path,
    origin: HoldOrigin,
    *,
    fresh: bool = False,
) -> tuple[ImportedHold, ...]:
    """Create the holds of a folder, all of them or none.

    With `fresh`, ballots that are already in a hold of a campaign or bloc are left out, and so is a
    campaign without other ballots. Raises InvalidInput with what is wrong and where, including
    ballots of other contests.
    """
    campaigns = read_campaigns(folder / CAMPAIGNS)
    members = _members(folder / VERDICTS, campaigns)
    imported = []
    with domain_errors():
        async with connection.transaction():
            in_campaigns = await _in_campaigns(connection, contest) if fresh else frozenset()
            for campaign in campaigns:
                ballots = members[campaign.campaign] - in_campaigns
                if not ballots:
                    continue
                hold_id = await find_hold_by_ballots(connection, contest, ballots)
                is_new = hold_id is None
                if hold_id is None:
                    hold_id = await create_hold(
                        connection,
                        contest,
                        NewHold(
                            ballots,
                            kind="bloc" if campaign.verdict == "bloc" else "campaign",
                            source=origin.source or f"forensics, {folder.name}",
                            label=f"{campaign.kind} {campaign.campaign}",
                            evidence=campaign.evidence(),
                        ),
                        actor=origin.actor,
                        now=origin.at,
                    )
                imported.append(ImportedHold(campaign.campaign, hold_id, len(ballots), is_new))
    return tuple(imported)


async def _in_campaigns(connection: AnyConnection, contest: Contest) -> frozenset[bytes]:
    rows = await connection.fetch(QUERIES["ballots_in_campaigns"], contest.id)
    return frozenset(row["ballot_id"] for row in rows)


def read_campaigns(path: Path) -> tuple[ForensicsCampaign, ...]:
    """Return the campaigns of a file. Raises InvalidInput, also when one is listed twice."""
    try:
        campaigns = msgspec.json.decode(_content(path), type=tuple[ForensicsCampaign, ...])
    except msgspec.MsgspecError as error:
        raise MalformedInput(Fault.verbatim(path.name, str(error))) from None
    numbers = [campaign.campaign for campaign in campaigns]
    if len(set(numbers)) != len(numbers):
        raise InvalidInput(Fault(path.name, "voting.rulings.campaign_repeated"))
    return campaigns


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise InvalidInput(
            Fault(str(path), "voting.rulings.unreadable", strerror=error.strerror)
        ) from None
    if len(content) > _MAX_BYTES:
        raise InvalidInput(Fault(path.name, "voting.rulings.file_too_large", max_bytes=_MAX_BYTES))
    return content


def _members(path: Path, campaigns: tuple[ForensicsCampaign, ...]) -> dict[int, set[bytes]]:
    """Return the ballots of each campaign; checks their number."""
    members: dict[int, set[bytes]] = {campaign.campaign: set() for campaign in campaigns}
    for line, number, ballot in _verdicts(path):
        if number not in members:
            raise InvalidInput(
                Fault(
                    f"{path.name} line {line}",
                    "voting.rulings.no_such_campaign",
                    campaigns=CAMPAIGNS,
                    number=number,
                )
            )
        members[number].add(ballot)
    faults = [
        Fault(
            path.name,
            "voting.rulings.campaign_size_differs",
            campaign=campaign.campaign,
            members_count=len(members[campaign.campaign]),
            ballots=campaign.ballots,
            campaigns=CAMPAIGNS,
        )
        for campaign in campaigns
        if len(members[campaign.campaign]) != campaign.ballots
    ]
    if faults:
        raise InvalidInput(*faults)
    return members


def _verdicts(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Yield line, campaign and ballot of every line that names a campaign."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            if tuple(next(reader, ())) != VERDICT_COLUMNS:
                raise MalformedInput(
                    Fault(
                        f"{path.name} line 1",
                        "voting.rulings.wrong_header",
                        verdict_columns=",".join(VERDICT_COLUMNS),
                    )
                )
            for row in reader:
                if len(row) != len(VERDICT_COLUMNS):
                    raise MalformedInput(
                        Fault(
                            f"{path.name} line {reader.line_num}",
                            "voting.rulings.wrong_number_of_fields",
                        )
                    )
                if row[3]:
                    yield reader.line_num, *_member(path, reader.line_num, row[0], row[3])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(Fault(path.name, "voting.rulings.unreadable_csv", error=error)) from None


def _member(path: Path, line: int, ballot: str, campaign: str) -> tuple[int, bytes]:
    ballot = ballot.removeprefix("'")  # as `safe_text` writes what Excel would change
    if not _BALLOT_ID.fullmatch(ballot) or not _NUMBER.fullmatch(campaign):
        raise MalformedInput(
            Fault(
                f"{path.name} line {line}",
                "voting.rulings.wrong_line",
            )
        )
    return int(campaign), bytes.fromhex(ballot)
