"""The chaos harness in its short form: every kind of kill under load, then the record."""

from __future__ import annotations

import pytest

from loadtests.chaos import unleash
from loadtests.stand import open_stand

_KILLS = 3


@pytest.mark.timeout(180)
async def test_no_confirmed_vote_is_hurt_whatever_is_killed() -> None:
    async with open_stand(workers=2) as stand:
        ordeal = await unleash(stand, seconds=15, kills=_KILLS, voters=32, seed=2022)
    assert ordeal.faults == []
    assert ordeal.killer.kills == {
        "a web worker": _KILLS,
        "PostgreSQL": _KILLS,
        "Valkey": _KILLS,
    }
    assert ordeal.killer.flushes == 1
    assert len(ordeal.crowd.confirmed) > 100
    assert ordeal.crowd.lost > 0
    assert ordeal.crowd.unavailable > 0
