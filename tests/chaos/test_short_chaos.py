"""The chaos harness in its short form: every kind of kill under load, then the record."""

from __future__ import annotations

import pytest

from loadtests.chaos import run_all
from loadtests.stand import open_stand

_KILLS = 3


@pytest.mark.timeout(180)
async def test_no_confirmed_vote_is_hurt_whatever_is_killed() -> None:
    async with open_stand(workers=2) as stand:
        chaos_run = await run_all(stand, seconds=15, kills=_KILLS, voters=32, seed=2022)
    assert chaos_run.faults == []
    assert chaos_run.killer.kills == {
        "a web worker": _KILLS,
        "PostgreSQL": _KILLS,
        "Valkey": _KILLS,
    }
    assert chaos_run.killer.flushes == 1
    assert len(chaos_run.crowd.confirmed) > 100
    assert chaos_run.crowd.lost > 0
    assert chaos_run.crowd.unavailable > 0
