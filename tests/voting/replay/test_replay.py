"""From the export of a contest to a replay that finds every change in it."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import aclosing
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.candidate_changes import TwoPeople
from tests.contest_data import store_platform
from tests.cut_data import (
    CLOSES,
    DRAINED,
    OPENS,
    StoredBallot,
    closed_contest,
    insert_ballots,
)
from tests.cut_data import member as staff_member
from voting_service.contests.model import Contest, CutRules
from voting_service.errors import InvalidInput
from voting_service.i18n.text import Text
from voting_service.infrastructure.crypto.canonical_json import digest
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.staff.accounts.model import Account
from voting_service.staff.actor import Actor
from voting_service.voting.cut.publication import (
    approve,
    load_shown_cut,
    propose_publication,
    propose_tie_order,
)
from voting_service.voting.cut.signature import verify_document
from voting_service.voting.replay.archive import BALLOT_COLUMNS
from voting_service.voting.replay.comparison import replay
from voting_service.voting.replay.counting import state_after
from voting_service.voting.replay.reader import open_archive
from voting_service.voting.replay.writer import audit_archive, write_audit_archive
from voting_service.voting.rulings.model import HoldEvidence, Verdict
from voting_service.voting.rulings.repository import NewHold, create_hold
from voting_service.voting.rulings.service import RulingProposal, approve_rulings, propose_rulings

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
EVIDENCE = HoldEvidence(sentence=Text(zh="同一设备集中投票", en="one device, many votes"))
WHY = Text(zh="申诉成立", en="an objection was upheld")
VOTES = {1: 9, 2: 7, 3: 6, 4: 5, 5: 1}


class Story:
    """A contest with a void hold, a tie, a reversed ruling, and two published versions."""

    def __init__(self, database: Connection) -> None:
        self.database = database
        self.now = DRAINED

    def tick(self) -> None:
        self.now += timedelta(minutes=1)

    async def begin(self) -> None:
        for slug in ("demo", "wechat"):
            await store_platform(self.database, slug)
        self.clerk: Account = await staff_member(self.database, "clerk")
        self.second: Account = await staff_member(self.database, "second", "supervisor")
        self.contest: Contest = await closed_contest(
            self.database, cut=CutRules(size=3, tie="committee"), votes=VOTES, held=2
        )
        await insert_ballots(
            self.database,
            self.contest,
            [StoredBallot([4, 5], platform_id=2, cast_at=OPENS + timedelta(days=2))] * 3,
        )

    async def ballots(self, condition: str) -> list[bytes]:
        rows = await self.database.fetch(
            f"select ballot_id from ballots where {condition} order by ballot_id"
        )
        return [row["ballot_id"] for row in rows]

    async def hold(self, label: str, ballots: list[bytes]) -> int:
        return await create_hold(
            self.database,
            self.contest,
            NewHold(ballots, kind="campaign", source="forensics", label=label, evidence=EVIDENCE),
            actor="forensics",
            now=self.now,
        )

    async def rule(self, hold: int, verdict: Verdict) -> None:
        self.tick()
        made = await propose_rulings(
            Actor(self.database, self.clerk, self.now),
            self.contest,
            [hold],
            RulingProposal(verdict=verdict, reason="other", words="as found"),
        )
        await approve_rulings(Actor(self.database, self.second, self.now), self.contest, made)

    async def publish(self, reason: Text | None = None) -> bytes:
        self.tick()
        decision = await propose_publication(
            Actor(self.database, self.clerk, self.now), self.contest, key=KEY, reason=reason
        )
        await approve(Actor(self.database, self.second, self.now), self.contest, decision, key=KEY)
        shown = await load_shown_cut(self.database, self.contest.id, self.now)
        assert shown is not None
        return shown.document

    async def unfold(self) -> tuple[bytes, bytes]:
        """Held ballots of 1 are counted, three of 4 void: 4 is tied with 3 for the last place and
        loses; then that ruling is reversed, and 4 goes on."""
        await self.begin()
        door = await self.hold("door", await self.ballots("disposition = 1"))
        campaign = await self.hold("campaign", await self.ballots("choices = '{4,5}'"))
        both = await self.hold(
            "overlap",
            (await self.ballots("choices = '{4,5}'"))[:1] + (await self.ballots("choices = '{5}'")),
        )
        await self.rule(door, "count")
        await self.rule(campaign, "void")
        await self.rule(both, "count")
        first = await self.publish()
        await self.rule(campaign, "count")
        second = await self.publish(WHY)
        return first, second


async def export(database: Connection, contest: Contest, path: Path) -> None:
    with path.open("wb") as stream:
        written = await write_audit_archive(database, contest, stream)
    assert written.sha256 == sha256(path.read_bytes()).hexdigest()


async def test_what_is_exported_gives_what_was_published_byte_for_byte(
    database: Connection, tmp_path: Path
) -> None:
    story = Story(database)
    first, second = await story.unfold()
    assert verify_document(first).document.selected == (1, 2, 3)
    assert verify_document(second).document.selected == (1, 4, 2)
    path, again = tmp_path / "audit.zip", tmp_path / "again.zip"
    await export(database, story.contest, path)
    await export(database, story.contest, again)
    assert path.read_bytes() == again.read_bytes()
    with ZipFile(path) as file:
        assert file.read("publications/1.json") == first
        assert file.read("publications/2.json") == second
    replayed = replay(path, KEY.public_key())
    assert replayed.faults == ()
    assert replayed.same == (1, 2)
    published = verify_document(second).document
    counts = replayed.now.candidates(story.contest.numbers)
    assert {c.number: (c.gross, c.held, c.void) for c in published.candidates} == counts
    assert replayed.now.platforms() == {"demo": (30, 0, 0), "wechat": (3, 0, 0)}
    program = str(Path(sys.executable).with_name("voting-service"))
    done = await asyncio.to_thread(
        subprocess.run,
        [program, "replay", str(path)],
        env={"PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "version 2: byte for byte as published" in done.stdout
    assert "33 ballots, 4 rulings: everything agrees" in done.stdout


async def test_before_anything_is_published_it_counts_all_the_same(
    database: Connection, tmp_path: Path
) -> None:
    story = Story(database)
    await story.begin()
    path = tmp_path / "audit.zip"
    await export(database, story.contest, path)
    replayed = replay(path)
    assert replayed.faults == ()
    assert replayed.now.ballots == (33, 2, 0)


async def test_what_a_correction_hides_is_in_neither_the_archive_nor_the_audit_log(
    database: Connection, tmp_path: Path
) -> None:
    story = Story(database)
    await story.begin()
    people = await TwoPeople.store(database)
    name = {"zh": "乙", "en": "B"}
    contest = await people.correct(story.contest, 1, before_hidden=True, name=name)
    [correction] = contest.corrections
    path = tmp_path / "audit.zip"
    await export(database, contest, path)
    assert replay(path).faults == ()
    with ZipFile(path) as file:
        assert json.loads(file.read("corrections.json"))[0]["before"] == {}
        [decision] = json.loads(file.read("decisions.json"))
    assert "before" not in decision["payload"]
    logged = await database.fetch(
        "select details from audit_log where details ->> 'kind' = 'profile_correction'"
    )
    assert len(logged) == 2
    for (details,) in logged:
        assert details["payload_hash"] == decision["payload_hash"]
        assert correction.before["name"]["en"] not in str(details)


async def test_a_decided_tie_is_replayed(database: Connection, tmp_path: Path) -> None:
    story = Story(database)
    await story.begin()
    door = await story.hold("door", await story.ballots("disposition = 1"))
    three = await story.hold("campaign", (await story.ballots("choices = '{4,5}'"))[:2])
    await story.rule(door, "void")
    await story.rule(three, "void")
    order = await propose_tie_order(Actor(database, story.clerk, story.now), story.contest, (4, 3))
    await approve(Actor(database, story.second, story.now), story.contest, order, key=KEY)
    document = verify_document(await story.publish()).document
    assert document.selected == (1, 2, 4)
    path = tmp_path / "audit.zip"
    await export(database, story.contest, path)
    assert replay(path).same == (1,)


Members = dict[str, bytes]


def rewritten(path: Path, change: Callable[[Members], None], *, kept_manifest: bool) -> Path:
    """The archive with changed members, and the manifest as it was or made to fit."""
    with ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    manifest = members.pop("manifest.json")
    change(members)
    if not kept_manifest:  # anybody who can change the rest can change this too
        hashes = {name: sha256(content).hexdigest() for name, content in members.items()}
        manifest = json.dumps(hashes).encode()
    target = path.with_name("changed.zip")
    with ZipFile(target, "w", ZIP_DEFLATED) as file:
        for name, content in {**members, "manifest.json": manifest}.items():
            file.writestr(name, content)
    return target


def edited(name: str, edit: Callable[[Any], None]) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        value = json.loads(members[name])
        edit(value)
        members[name] = json.dumps(value).encode()

    return change


def replaced(name: str, old: bytes, new: bytes) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        assert old in members[name]
        members[name] = members[name].replace(old, new, 1)

    return change


def other_ballot(**changed: bytes) -> Callable[[Members], None]:
    """Changes a ballot for candidate 2, which is in no hold."""

    def change(members: Members) -> None:
        lines = members["ballots.csv"].splitlines(keepends=True)
        at = next(n for n, line in enumerate(lines) if line.endswith(b",2\n"))
        fields = lines[at].rstrip(b"\n").split(b",")
        for column, value in changed.items():
            fields[BALLOT_COLUMNS.index(column)] = value
        lines[at] = b",".join(fields) + b"\n"
        members["ballots.csv"] = b"".join(lines)

    return change


def without_first_ballot(members: Members) -> None:
    lines = members["ballots.csv"].splitlines(keepends=True)
    members["ballots.csv"] = b"".join([lines[0], *lines[2:]])


def ballot_twice(members: Members) -> None:
    """Under another id, so that only the voter tells."""
    lines = members["ballots.csv"].splitlines(keepends=True)
    members["ballots.csv"] += b"f" * 32 + lines[-1][32:]


def other_verdict(value: Any) -> None:
    value[1]["verdict"] = "count"


def other_verdict_everywhere(members: Members) -> None:
    """The decision too, with a hash that fits: only the published figures tell."""
    edited("rulings.json", other_verdict)(members)

    def decided(value: Any) -> None:
        decision = next(d for d in value if d["subject"] == "2/1")
        decision["payload"]["verdict"] = "count"
        stated = {key: decision[key] for key in ("kind", "subject", "payload")}
        decision["payload_hash"] = digest(stated)

    edited("decisions.json", decided)(members)


def one_person(value: Any) -> None:
    value[0]["approver"] = value[0]["proposer"]


CHANGES: dict[str, tuple[Callable[[Members], None], list[str]]] = {
    "a ballot's choice": (
        other_ballot(choices=b"5"),
        ["candidate 2: published", "candidate 5: published"],
    ),
    "a ballot's state": (other_ballot(state=b"held"), ["version 1: ballots"]),
    "a ballot less": (without_first_ballot, ["ballots: published gross 33", "gross 32"]),
    "a ballot more": (ballot_twice, ["1 ballots are a second one of the same voter and period"]),
    "a stranger": (other_ballot(choices=b"77"), ["who is not a candidate", "[77]"]),
    "a verdict": (
        edited("rulings.json", other_verdict),
        ["ruling on hold 2, turn 1: is count, but two people decided void"],
    ),
    "a verdict and its decision": (
        other_verdict_everywhere,
        ["version 1: candidate 4: published gross 8, held 0, void 3"],
    ),
    "a ruling less": (
        edited("rulings.json", lambda value: value.pop(0)),
        ["was approved by two people, but the ruling is missing"],
    ),
    "one person": (edited("decisions.json", one_person), ["approved by the person who proposed"]),
    "a decision": (
        edited("decisions.json", lambda value: value[0]["payload"].update(words="other")),
        ["decision 1: differs from what was proposed"],
    ),
    "a hold's ballots": (
        lambda members: members.update(
            {"hold_ballots.csv": b"".join(members["hold_ballots.csv"].splitlines(True)[:-1])}
        ),
        ["its ballots are not those that were put on hold"],
    ),
    "a candidate": (
        edited("candidates.json", lambda value: value[2]["name"].update(zh="另一人")),
        ["version 1: candidate 3: published", "（另一人）".strip("（）")],
    ),
    "the size": (
        edited("contest.json", lambda value: value["rules"]["cut"].update(size=2)),
        ["version 1: selected: published differs"],
    ),
    "a document": (
        replaced("publications/1.json", b'"rank":4', b'"rank":5'),
        ["changed after it was signed", "is not the document of request"],
    ),
}


@pytest.mark.parametrize("kept_manifest", [True, False])
async def test_whatever_is_changed_is_found_and_named(
    database: Connection, tmp_path: Path, kept_manifest: bool
) -> None:
    story = Story(database)
    await story.unfold()
    path = tmp_path / "audit.zip"
    await export(database, story.contest, path)
    for name, (change, expected) in CHANGES.items():
        changed = rewritten(path, change, kept_manifest=kept_manifest)
        faults = "\n".join(map(str, replay(changed).faults))
        for words in expected:
            assert words in faults, f"{name}: {faults}"
        assert ("SHA-256 is not the one in the manifest" in faults) == kept_manifest, name


async def test_another_key_and_no_archive_at_all(database: Connection, tmp_path: Path) -> None:
    story = Story(database)
    await story.unfold()
    path = tmp_path / "audit.zip"
    await export(database, story.contest, path)
    other = Ed25519PrivateKey.generate().public_key()
    assert "not the key that was given" in str(replay(path, other).faults[0])
    for content in (b"", b"PK", path.read_bytes()[:-100]):
        broken = tmp_path / "broken.zip"
        broken.write_bytes(content)
        with pytest.raises(InvalidInput, match="is not an audit archive"):
            replay(broken)
    damaged = bytearray(path.read_bytes())
    place = damaged.index(b"ballots.csv", damaged.index(b"hold_ballots.csv") + 20) + 40
    damaged[place] ^= 0xFF
    broken.write_bytes(damaged)
    with pytest.raises(InvalidInput, match=r"ballots\.csv.*"):
        replay(broken)


@pytest.mark.parametrize(
    ("holds", "cast", "state"),
    [
        ((), "counted", "counted"),
        ((), "held", "held"),
        ((9,), "held", "held"),
        ((1,), "held", "counted"),
        ((2,), "counted", "void"),
        ((1, 2), "counted", "void"),
        ((2, 1), "held", "void"),
        ((9, 1), "held", "counted"),
    ],
)
def test_void_wins_over_counted_and_what_is_not_ruled_stays(
    holds: tuple[int, ...], cast: str, state: str
) -> None:
    states = ["counted", "held", "void"]
    verdicts = {1: "count", 2: "void"}
    assert states[state_after(holds, states.index(cast), verdicts)] == state


async def test_an_export_comes_in_pieces(database: Connection) -> None:
    story = Story(database)
    await story.begin()
    many = 25_000
    await database.executemany(
        "insert into ballots (contest_id, platform_id, disposition, screened, period, cast_at,"
        " ballot_id, voter, choices) values ($1, 1, 0, true, $2, $3, $4, $5, '{1}')",
        [
            (story.contest.id, CLOSES.date(), OPENS, os.urandom(16), os.urandom(16))
            for _ in range(many)
        ],
    )
    async with aclosing(audit_archive(database, story.contest)) as broken_off:  # type: ignore[type-var]
        for _ in range(11):
            await anext(broken_off)
    assert not database.is_in_transaction()
    pieces = [piece async for piece in audit_archive(database, story.contest)]
    assert max(map(len, pieces)) < 1_500_000
    with ZipFile(io.BytesIO(b"".join(pieces))) as file:
        assert file.testzip() is None
        assert file.read("ballots.csv").count(b"\n") == many + 33 + 1


@pytest.mark.parametrize("header", [b"", ",".join(BALLOT_COLUMNS).encode() + b"\n"])
def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "bomb.zip"
    with ZipFile(path, "w", ZIP_DEFLATED) as packed, packed.open("ballots.csv", "w") as member:
        member.write(header)
        for _ in range(128):
            member.write(bytes(1 << 20))
    tracemalloc.start()
    with open_archive(path) as archive, pytest.raises(InvalidInput, match=r"ballots\.csv:"):
        list(archive.lines("ballots.csv", BALLOT_COLUMNS))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 16 << 20
