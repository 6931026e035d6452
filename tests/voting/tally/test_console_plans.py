"""The console's statements read a stretch of an index, however many ballots there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.contest_data import store_contest
from tests.infrastructure.postgres.query_plans import plan
from voting_service.contests.model import Contest
from voting_service.errors import Refused
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.voting.tally import live_figures, time_window
from voting_service.voting.tally.live_figures import first_ballot_id, load_figures
from voting_service.voting.tally.repository import advance_floor
from voting_service.voting.tally.time_window import Window, load_window

FILL = Queries("loadtests", "console_fill.sql")
BALLOTS = 60_000
ENDS = datetime(2022, 7, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
async def filled(database: Connection, owner_database_url: str) -> Contest:
    contest = await store_contest(database, b"m" * 32)
    owner = await connect(owner_database_url)
    await owner.execute(FILL["ballots"], contest.id, 1, BALLOTS, ENDS, 8)
    await advance_floor(owner, contest.id)
    await owner.execute("analyze")
    await owner.close()
    return contest


async def test_windows_are_ranges_of_the_ids(database: Connection, filled: Contest) -> None:
    hour = first_ballot_id(ENDS - timedelta(hours=1)), first_ballot_id(ENDS)
    anything = None, None, None
    statements = (
        (time_window.QUERIES["window"], (*hour, *anything, 50)),
        (time_window.QUERIES["window"], (*hour, 1, b"12345678", 3, 50)),
        (time_window.QUERIES["ballots"], (*hour, *anything, None, 51)),
        (time_window.QUERIES["ballots"], (*hour, *anything, "void", 51)),
        (live_figures.QUERIES["minutes"], hour),
        (live_figures.QUERIES["cast_between"], hour),
    )
    for mode in ("force_custom_plan", "force_generic_plan"):
        await database.execute(f"set plan_cache_mode = {mode}")
        for statement, arguments in statements:
            shown = await plan(database, statement, filled.id, *arguments)
            assert f"ballots_{filled.id}_ballot_id_idx" in shown, (mode, shown)
            assert f"Seq Scan on ballots_{filled.id}" not in shown, (mode, shown)


async def test_a_window_with_too_much_in_it_is_refused(
    database: Connection, filled: Contest
) -> None:
    await database.execute("set statement_timeout = 1")
    with pytest.raises(Refused, match="shorter period"):
        await load_window(database, filled, Window(ENDS - timedelta(hours=24), ENDS))


async def test_the_export_s_cursor_needs_no_sort(database: Connection, filled: Contest) -> None:
    shown = await plan(database, time_window.QUERIES["every_ballot"], filled.id)
    assert "Sort" not in shown
    assert f"Index Scan using ballots_{filled.id}_ballot_id_idx" in shown


async def test_the_tally_reads_no_ballot_below_the_floor(
    database: Connection, filled: Contest
) -> None:
    async def read() -> int:
        count: int = await database.fetchval(
            "select coalesce(idx_tup_fetch, 0) + seq_tup_read from pg_stat_xact_user_tables"
            " where relname = $1",
            f"ballots_{filled.id}",
        )
        return count

    async with database.transaction(isolation="repeatable_read", readonly=True):
        figures = await load_figures(database, filled, ENDS)
        assert figures.ballots.gross == BALLOTS
        assert await read() == 0
        half_an_hour_ago = ENDS - timedelta(minutes=30)
        await load_figures(database, filled, ENDS, at=half_an_hour_ago)
        assert 0 < await read() < BALLOTS / 100
