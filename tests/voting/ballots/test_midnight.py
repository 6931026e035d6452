"""The randomised runs of loadtests/midnight.py: few here, and the stores' own clock stands."""

from __future__ import annotations

from datetime import timedelta

from loadtests.midnight import Stores, run
from tests.voting.ballots.failing_worker import ANY_SECONDS
from voting_service.infrastructure.postgres.pool import Connection


async def test_no_second_vote_none_moved_none_lost_around_midnight_and_the_close(
    database: Connection, platform_id: int, database_url: str, valkey_url: str
) -> None:
    moves: list[timedelta] = []
    stores = Stores(database, database_url, valkey_url, platform_id, ANY_SECONDS)
    answers = await run(stores, moves.append, runs=4, seed=7, progress=lambda: None)
    assert len(moves) == 1 + 4
    assert answers["Accepted"] > 0
    assert answers["Repeated"] > 0
