"""What is written from a database is what the verifier accepts, at every stage."""

from __future__ import annotations

from tests.cut_data import closed_contest
from tests.voting.public_log.log_builder import tree_files
from tests.voting.public_log.log_files import MemorySource
from tests.voting.public_log.sequenced import AT_ONCE, COMPLETE, cast, write_all
from tests.voting.replay.test_replay import Story
from voting_service.contests.model import Contest, CutRules
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.voting.public_log.commitments import ballot_tag
from voting_service.voting.public_log.entries import AnyEntry, Bundle, read_entry
from voting_service.voting.public_log.repository import (
    load_bundle_ballots,
    load_documents,
    load_written,
)
from voting_service.voting.public_log.verification.contents import LogContents
from voting_service.voting.public_log.verification.verifier import ReaderEvidence, verify_log

ALONE = ReaderEvidence(allow_unwitnessed=True)


async def public_files(database: Connection, contest: Contest) -> dict[str, bytes]:
    """The public files of a log in a database."""
    written = await load_written(database, contest.id, 0)
    assert written is not None
    entries: list[AnyEntry] = [read_entry(data) for data in written.entries]
    log = LogContents(entries)
    numbers = [entry.bundle for entry in entries if isinstance(entry, Bundle)]
    ballots = await load_bundle_ballots(database, contest.id, numbers)
    documents = await load_documents(database, contest.id, list(log.documents))
    return {
        "key": f"{AT_ONCE.identity.verifier(contest.slug).text}\n".encode(),
        "checkpoint": written.checkpoint,
        **dict(tree_files(written.entries)),
        **{
            f"bundles/{number}": b"".join(sorted(map(ballot_tag, ballots[number])))
            for number in numbers
        },
        **{f"documents/{name}": data for name, data in documents.items()},
    }


async def shown(database: Connection, contest: Contest) -> list[str]:
    """Verify a log; return what it shows. Nothing is wrong with it."""
    report = verify_log(MemorySource(await public_files(database, contest)), ALONE)
    assert [line.text.en for line in report.faults] == []
    return [line.code for line in report.lines if line.kind == "shown"]


async def test_a_contest_with_rulings_and_two_results(database: Connection) -> None:
    story = Story(database)
    await story.unfold()
    await write_all(database, story.contest, complete_before=COMPLETE)
    assert (await shown(database, story.contest))[-1] == "result"


async def test_a_contest_while_people_vote_and_when_the_last_bundle_is_replaced(
    database: Connection,
) -> None:
    contest = await closed_contest(database, cut=CutRules(3, "committee"), votes={1: 0, 2: 0, 3: 0})
    await cast(database, contest, 120)
    await write_all(database, contest)
    older = (await public_files(database, contest))["checkpoint"]
    assert (await shown(database, contest))[-1] == "not_closed"
    await cast(database, contest, 99)
    await write_all(database, contest, complete_before=COMPLETE)
    assert (await shown(database, contest))[-1] == "not_opened"
    source = MemorySource(await public_files(database, contest))
    report = verify_log(source, ALONE._replace(older=older))
    assert "older" in [line.code for line in report.lines]
