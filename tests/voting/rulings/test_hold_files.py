"""What an examination found becomes holds, once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.contest_data import store_contest
from tests.cut_data import (
    CLOSES,
    MASTER_KEY,
    OPENS,
    StoredBallot,
)
from tests.voting.rulings.rulings_data import store_ballots
from voting_service.antifraud.forensics.findings import BallotVerdict as ForensicVerdict
from voting_service.antifraud.forensics.findings import (
    Campaign,
    HeatMap,
    SharedValue,
)
from voting_service.antifraud.forensics.result_files import write_campaigns
from voting_service.contests.model import Contest
from voting_service.errors import InvalidInput
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.voting.rulings.forensics_import import HoldOrigin, import_holds, read_campaigns
from voting_service.voting.rulings.model import HoldAttribute, HoldEvidence
from voting_service.voting.rulings.repository import load_hold_ballots, load_holds

NOW = datetime(2022, 7, 11, tzinfo=UTC)


@pytest.fixture
async def contest(database: Connection) -> Contest:
    return await store_contest(database, MASTER_KEY, opens_at=OPENS, closes_at=CLOSES)


def campaign(number: int, ballots: int, verdict: str = "hold") -> dict[str, Any]:
    return {
        "campaign": number,
        "kind": "network",
        "verdict": verdict,
        "window": {
            "first": OPENS.isoformat(),
            "last": (OPENS + timedelta(hours=1)).isoformat(),
        },
        "attributes": [{"name": "device", "value": "a1b2", "ballots": ballots, "expected": 0.5}],
        "candidates": [1],
        "ballots": ballots,
        "observed": 9,
        "expected": 1.5,
        "p_value": 1e-9,
        "q_value": 1e-7,
        "sentence": {"zh": "证据", "en": "evidence"},
    }


def write(folder: Path, campaigns: list[dict[str, Any]], members: dict[str, int | None]) -> Path:
    (folder / "campaigns.json").write_text(json.dumps(campaigns), encoding="utf-8")
    lines = ["ballot_id,verdict,score,campaign,reason"]
    for ballot, number in members.items():
        lines.append(f"{ballot},clean,0,," if number is None else f"{ballot},hold,1,{number},words")
    (folder / "verdicts.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


async def test_one_hold_a_campaign_and_again_changes_nothing(
    database: Connection, contest: Contest, tmp_path: Path
) -> None:
    ids = await store_ballots(database, contest, [StoredBallot([1])] * 6)
    members = {item.hex(): number for item, number in zip(ids, (0, 0, 0, 1, 1, None), strict=True)}
    folder = write(tmp_path, [campaign(0, 3), campaign(1, 2, "bloc")], members)
    for is_new in (True, False):
        imported = await import_holds(database, contest, folder, HoldOrigin("test", NOW))
        assert [(item.ballots, item.is_new) for item in imported] == [(3, is_new), (2, is_new)]
        first, second = await load_holds(database, contest)
        assert [first.kind, second.kind] == ["campaign", "bloc"]
    assert [item.id for item in (first, second)] == [item.hold_id for item in imported]
    assert first.evidence.attributes[0].value == "a1b2"
    assert (first.evidence.first_at, first.evidence.q_value) == (OPENS, 1e-7)
    shown = await load_hold_ballots(database, contest, second.id, limit=9)
    assert [item.ballot_id for item in shown] == ids[3:5]


def test_it_reads_what_forensics_writes(tmp_path: Path) -> None:
    milliseconds = int(OPENS.timestamp()) * 1000
    written = Campaign(
        number=4,
        kind="device",
        verdict=ForensicVerdict.BLOC,
        attributes=(SharedValue("device", "a1b2", 7, 0.25),),
        first_at=milliseconds,
        last_at=milliseconds + 60_000,
        candidates=(3, 1),
        ballots=9,
        voters=8,
        observed=7.5,
        expected=0.5,
        p_value=1e-12,
        q_value=1e-9,
        sentence_zh="证据",
        sentence_en="evidence",
        heat_map=HeatMap("device", ("a1b2",), milliseconds, 60_000, ((1.0,),), ((0.5,),)),
    )
    write_campaigns([written], tmp_path / "campaigns.json")
    (read,) = read_campaigns(tmp_path / "campaigns.json")
    assert (read.campaign, read.verdict, read.ballots) == (4, "bloc", 9)
    assert read.evidence() == HoldEvidence(
        sentence=Text(zh="证据", en="evidence"),
        pattern="device",
        first_at=OPENS,
        last_at=OPENS + timedelta(minutes=1),
        attributes=(HoldAttribute("device", "a1b2", 7, 0.25),),
        candidates=(3, 1),
        observed=7.5,
        expected=0.5,
        p_value=1e-12,
        q_value=1e-9,
    )


@pytest.mark.parametrize(
    ("campaigns", "numbers", "output"),
    [
        ([campaign(0, 2)], (0,), "has 1 ballots here and 2"),
        ([campaign(0, 1)], (7,), "no campaign 7"),
        ([campaign(0, 1), campaign(0, 1)], (0,), "twice"),
        ([{**campaign(0, 1), "verdict": "void"}], (0,), "Invalid enum value"),
    ],
)
async def test_files_that_do_not_fit_are_refused_whole(
    database: Connection,
    contest: Contest,
    tmp_path: Path,
    campaigns: list[dict[str, Any]],
    numbers: tuple[int, ...],
    output: str,
) -> None:
    ids = await store_ballots(database, contest, [StoredBallot([1])] * len(numbers))
    members: dict[str, int | None] = dict(zip((item.hex() for item in ids), numbers, strict=True))
    folder = write(tmp_path, campaigns, members)
    with pytest.raises(InvalidInput, match=output):
        await import_holds(database, contest, folder, HoldOrigin("test", NOW))
    assert await load_holds(database, contest) == ()


@pytest.mark.parametrize(
    ("content", "output"),
    [
        ("ballot,verdict\n", "line 1: must be ballot_id,verdict,score,campaign,reason"),
        ("ballot_id,verdict,score,campaign,reason\nab,hold,1,0,x\n", "line 2: must give a ballot"),
        ("ballot_id,verdict,score,campaign,reason\nab,hold\n", "line 2: has the wrong number"),
        (None, "cannot be read"),
    ],
)
async def test_a_file_s_fault_is_named_with_its_line(
    database: Connection, contest: Contest, tmp_path: Path, content: str | None, output: str
) -> None:
    write(tmp_path, [campaign(0, 1)], {})
    if content is None:
        (tmp_path / "verdicts.csv").unlink()
    else:
        (tmp_path / "verdicts.csv").write_text(content, encoding="utf-8")
    with pytest.raises(InvalidInput, match=output):
        await import_holds(database, contest, tmp_path, HoldOrigin("test", NOW))


async def test_a_campaign_with_a_stranger_stops_all_of_them(
    database: Connection, contest: Contest, tmp_path: Path
) -> None:
    ids = await store_ballots(database, contest, [StoredBallot([1])])
    members: dict[str, int | None] = {ids[0].hex(): 0, "ab" * 16: 1}
    folder = write(tmp_path, [campaign(0, 1), campaign(1, 1)], members)
    with pytest.raises(InvalidInput, match=rf"ballots\[{'ab' * 16}\]: is not stored"):
        await import_holds(database, contest, folder, HoldOrigin("test", NOW))
    assert await load_holds(database, contest) == ()
