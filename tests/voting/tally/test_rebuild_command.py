"""`voting-service tally rebuild` as an operator uses it."""

from __future__ import annotations

import pytest

from tests.commands import Command, run_command, set_environment
from tests.contest_data import SLUG, store_contest
from tests.cut_data import (
    MASTER_KEY,
    member,
)
from tests.voting.tally.forged import insert_ballot
from voting_service.errors import Refused, WrongRole
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import Settings
from voting_service.voting.tally.errors import TallyOfAnotherCluster
from voting_service.voting.tally.repository import advance_floor, count_now


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Command:
    assert settings.owner_database_url is not None
    set_environment(monkeypatch, settings, OWNER_DATABASE_URL=settings.owner_database_url)
    return run_command


async def test_one_command_counts_every_contest_again_that_is_named(
    database: Connection, command: Command
) -> None:
    contests = [await store_contest(database, MASTER_KEY, slug=slug) for slug in ("one", "two")]
    await member(database, "supervisor", "supervisor")
    for contest in contests:
        await insert_ballot(database, contest.id, [1])
        await advance_floor(database, contest.id)
        await database.execute("update tally_hours set votes = votes + 7")
    done = await command("tally", "rebuild", "one", "two", "--as", "supervisor")
    assert done.exit_code == 0, done.output
    assert done.stdout.count("agrees with a recount of all 1 ballots") == 2
    for contest in contests:
        assert await count_now(database, contest.id) == (1, {1: 1})
    acts = await database.fetch("select actor, contest from audit_log where act = 'tally_rebuilt'")
    assert {tuple(row) for row in acts} == {("supervisor", "one"), ("supervisor", "two")}


async def test_it_takes_the_owner_and_somebody_who_answers_for_the_vote(
    database: Connection, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    contest = await store_contest(database, MASTER_KEY)
    await database.execute("insert into tally_floors values ($1, '3', now(), 1)", contest.id)
    await member(database, "auditor", "auditor")
    with pytest.raises(WrongRole):
        await command("tally", "rebuild", SLUG, "--as", "auditor")
    monkeypatch.delenv("VOTING_OWNER_DATABASE_URL")
    with pytest.raises(Refused, match="VOTING_OWNER_DATABASE_URL"):
        await command("tally", "rebuild", SLUG, "--as", "auditor")
    with pytest.raises(TallyOfAnotherCluster):
        await count_now(database, contest.id)
    assert (await command("tally", "rebuild", "--as", "auditor")).exit_code == 2


async def test_a_contest_may_be_called_like_a_subcommand(
    database: Connection, command: Command
) -> None:
    await store_contest(database, MASTER_KEY, slug="rebuild")
    counted = await command("tally", "count", "rebuild")
    assert counted.exit_code == 0
    assert "(rebuild)" in counted.stdout
    assert (await command("tally")).exit_code == 2
