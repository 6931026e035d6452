"""The chaos harness in its short form: every kind of kill under load, then the record."""

from __future__ import annotations

import pytest

from loadtests import chaos, check, killing, stand
from tests.patience import PATIENCE_SECONDS

_KILLS = 3


@pytest.fixture
def patient_harness(monkeypatch: pytest.MonkeyPatch) -> None:
    """How soon a service is back is measured on a machine of its own; here it must be back."""
    for module, name in (
        (chaos, "CONVERGENCE_SECONDS"),
        (check, "PATIENCE_SECONDS"),
        (killing, "_RECOVERY_SECONDS"),
        (stand, "_READY_SECONDS"),
    ):
        monkeypatch.setattr(module, name, PATIENCE_SECONDS)


@pytest.mark.usefixtures("patient_harness")
async def test_no_confirmed_vote_is_hurt_whatever_is_killed() -> None:
    async with stand.open_stand(workers=2) as running:
        chaos_run = await chaos.run_all(running, seconds=10, kills=_KILLS, voters=32, seed=2022)
    assert chaos_run.faults == []
    assert chaos_run.killer.kills == {
        "a web worker": _KILLS,
        "PostgreSQL": _KILLS,
        "Valkey": _KILLS,
    }
    assert chaos_run.killer.flushes == 1
    assert len(chaos_run.crowd.confirmed) > 3 * _KILLS
    assert chaos_run.crowd.lost > 0
    assert chaos_run.crowd.unavailable > 0
