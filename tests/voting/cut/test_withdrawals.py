"""The cut without the withdrawn: before and after the publication, and recomputed from files."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console

from tests.candidate_changes import TwoPeople
from tests.contest_data import both, store_platform
from tests.cut_data import DRAINED, StoredBallot, closed_contest, insert_ballots
from tests.voting.rulings.rulings_data import hold, store_ballots
from voting_service.commands.cut_preview import print_preview
from voting_service.contests.model import Contest, CutRules
from voting_service.errors import InvalidInput, Refused
from voting_service.i18n.text import Text
from voting_service.infrastructure.crypto.canonical_json import canonical
from voting_service.infrastructure.crypto.signed_document import read_signed_file, sign_document
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.sites.console.rulings.ranking_preview import prospect
from voting_service.sites.console.tally.charts import build_tally
from voting_service.staff.actor import Actor
from voting_service.voting.cut.announcement.announcement import announced
from voting_service.voting.cut.correction import check_predecessor
from voting_service.voting.cut.examination import examine
from voting_service.voting.cut.publication import approve, load_shown_cut, propose_publication
from voting_service.voting.cut.signature import verify_document
from voting_service.voting.replay.comparison import replay
from voting_service.voting.replay.writer import write_audit_archive
from voting_service.voting.rulings.effect import load_effect
from voting_service.voting.rulings.repository import load_holds
from voting_service.voting.tally.exports import tally_table
from voting_service.voting.tally.live_figures import load_figures
from voting_service.voting.tally.recount import recount

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
COMMITTEE = CutRules(size=3, tie="committee")
VOTES = {1: 9, 2: 7, 3: 6, 4: 5, 5: 1}
WHY = both("candidate 2 withdrew after the publication")


async def publish(people: TwoPeople, contest: Contest, reason: Text | None = None) -> bytes:
    proposer = Actor(people.database, people.clerk, DRAINED)
    approver = Actor(people.database, people.supervisor, DRAINED)
    request = await propose_publication(proposer, contest, key=KEY, reason=reason)
    await approve(approver, contest, request, key=KEY)
    shown = await load_shown_cut(people.database, contest.id, DRAINED)
    assert shown is not None
    return shown.document


async def test_the_withdrawn_are_left_out_and_anybody_can_recompute_it(
    database: Connection, tmp_path: Path
) -> None:
    await store_platform(database)
    contest = await closed_contest(database, cut=COMMITTEE, votes=VOTES)
    await insert_ballots(database, contest, [StoredBallot([1, 4]), StoredBallot([1, 5])])
    people = await TwoPeople.store(database)
    contest = await people.withdraw(contest, 1, "died")
    first = await publish(people, contest)
    document = verify_document(first, KEY.public_key()).document
    # The next moves up; what else stood on the ballots that name 1 counts.
    assert [(c.number, c.net, c.rank) for c in document.candidates] == [
        *((2, 7, 1), (3, 6, 2), (4, 6, 2), (5, 2, 4))
    ]
    assert document.selected == (2, 3, 4)
    [left] = document.withdrawn
    assert (left.number, left.net, left.withdrawal.ground) == (1, 11, "died")
    assert document.ballots.net == sum(VOTES.values()) + 2, "every ballot stays a ballot"
    assert "1 候选 1" in announced(verify_document(first), "0" * 64, "zh")["opening"]
    table = tally_table(contest, await recount(database, contest), ("candidate",), DRAINED)
    assert [(row[0], row[1], row[-1]) for row in table.rows][-1] == ("", 1, "withdrawn")

    # A withdrawal after the publication changes nothing by itself; that takes a second version.
    with pytest.raises(Refused, match="nothing has changed"):
        await publish(people, contest, WHY)
    contest = await people.withdraw(contest, 2)
    shown = await load_shown_cut(database, contest.id, DRAINED)
    assert shown is not None
    assert shown.document == first
    second = await publish(people, contest, WHY)
    document = verify_document(second, KEY.public_key()).document
    assert document.selected == (3, 4, 5)
    [correction] = document.corrects
    assert (correction.entered, correction.left, correction.votes) == ((5,), (2,), ())
    check_predecessor(document, first)

    # The name stands in the signed document, so it stays; the text may still be corrected.
    with pytest.raises(Refused, match="signed result"):
        await people.correct(contest, 3, name={"zh": "另", "en": "Other"})
    contest = await people.correct(contest, 3, summary={"zh": "新", "en": "New"})

    path = tmp_path / "audit.zip"
    with path.open("wb") as file:
        await write_audit_archive(database, contest, file)
    replayed = replay(path, KEY.public_key())
    assert (replayed.faults, replayed.same) == ((), (1, 2))
    early = "2022-07-01T00:30:00+00:00"
    for member, edit, fault_text in (
        ("withdrawals", lambda rows: rows.pop(0), "decision"),
        ("withdrawals", lambda rows: rows[0].update(number=3), "withdrawal 3"),
        ("withdrawals", lambda rows: rows[1].update(ground="disqualified"), "withdrawal 2"),
        ("withdrawals", lambda rows: rows[0].update(withdrawn_at=early), "had withdrawn when"),
        (
            "withdrawals",
            lambda rows: rows[0].update(withdrawn_at=early),
            "withdrawal 1: the moment",
        ),
        ("corrections", lambda rows: rows.pop(), "not among the corrections"),
        ("corrections", lambda rows: rows[0].update(number=4), "correction 4/1"),
        ("corrections", lambda rows: rows[0]["after"].update(summary=None), "correction 3/1"),
        ("corrections", lambda rows: rows[0].update(corrected_at=early), "3/1: the moment"),
    ):
        changed = replay(rewritten(path, f"{member}.json", edit))
        assert any(fault_text in str(fault) for fault in changed.faults), fault_text


def rewritten(path: Path, member: str, edit: Callable[[Any], object]) -> Path:
    """Return the archive with another member, and a manifest made to fit."""
    with ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist() if name != "manifest.json"}
    rows = json.loads(members[member])
    edit(rows)
    members[member] = json.dumps(rows).encode()
    hashes = {name: sha256(content).hexdigest() for name, content in members.items()}
    target = path.with_name("changed.zip")
    with ZipFile(target, "w") as file:
        for name, content in {**members, "manifest.json": json.dumps(hashes).encode()}.items():
            file.writestr(name, content)
    return target


async def test_a_withdrawal_between_proposal_and_approval_stops_the_publication(
    database: Connection,
) -> None:
    contest = await closed_contest(database, cut=COMMITTEE, votes=VOTES)
    people = await TwoPeople.store(database)
    proposer = Actor(database, people.clerk, DRAINED)
    approver = Actor(database, people.supervisor, DRAINED)
    request = await propose_publication(proposer, contest, key=KEY)
    without = await people.withdraw(contest, 2)
    for contest_then in (without, contest):  # the second is what a worker knew a moment before
        with pytest.raises(Refused, match="has changed since"):
            await approve(approver, contest_then, request, key=KEY)
    assert await load_shown_cut(database, contest.id, DRAINED) is None


async def test_a_document_that_ranks_the_withdrawn_does_not_hold(database: Connection) -> None:
    contest = await closed_contest(database, cut=COMMITTEE, votes=VOTES)
    people = await TwoPeople.store(database)
    contest = await people.withdraw(contest, 5)
    document = read_signed_file(await publish(people, contest)).document
    assert verify_document(sign_document(document, KEY)).document.withdrawn
    edits: tuple[Callable[[Any], object], ...] = (
        lambda d: d["withdrawn"][0].update(gross=99, net=99),
        lambda d: d["withdrawn"][0].update(number=1),
        lambda d: d["candidates"].pop(0),
        lambda d: d.pop("withdrawn"),
    )
    for edit in edits:
        forged = json.loads(canonical(document))
        edit(forged)
        with pytest.raises(InvalidInput):
            verify_document(sign_document(forged, KEY))


async def test_an_open_hold_may_name_who_has_withdrawn(database: Connection) -> None:
    """Its votes for others still count in the safety report; the withdrawn take no place."""
    contest = await closed_contest(database, cut=COMMITTEE, votes=VOTES)
    people = await TwoPeople.store(database)
    held = await store_ballots(
        database, contest, [StoredBallot([2, 5], held=True)] * 6 + [StoredBallot([2, 4])]
    )
    hold_id = await hold(database, contest, held)
    more = [StoredBallot([2, 3], held=True), StoredBallot([1])]
    shared, single = await store_ballots(database, contest, more)
    await hold(database, contest, [shared], label="2")
    await hold(database, contest, [shared, single], label="3")
    contest = await people.withdraw(contest, 2)
    for afresh in (True, False):
        examination = await examine(database, contest, DRAINED, afresh=afresh)
        assert [(s.number, s.votes) for s in examination.standings] == [
            (1, 10),
            (3, 6),
            (4, 6),
            (5, 1),
        ]
        assert examination.safety.must_rule == (hold_id,)
        worst = {row.number: (row.lowest, row.highest) for row in examination.safety.neighbours}
        assert worst == {1: (9, 10), 3: (6, 7), 4: (5, 6), 5: (1, 7)}
        print_preview(examination, Console(file=StringIO()))
    figures = await load_figures(database, contest, DRAINED)
    holds = await load_holds(database, contest)
    [question] = [item for item in holds if item.id == hold_id]
    effects = await load_effect(database, contest, question, holds)
    assert {row.number for row in prospect(figures.standing(), effects, 3).rows} == {3, 4, 5}
    assert 2 not in {row.number for row in build_tally(contest, figures).candidates if row.rank}
