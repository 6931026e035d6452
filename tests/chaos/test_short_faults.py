"""The fault campaign in a form that a suite can afford: after each kind of fault a recount."""

from __future__ import annotations

import pytest

from loadtests import check, stand
from loadtests.faults import campaign, field
from loadtests.faults.campaign import FAULTS, Campaign, open_wired_stand
from tests.patience import PATIENCE_SECONDS

_TIMES = {
    "SIGKILL of a worker of serve": 2,
    "SIGKILL of PostgreSQL": 2,
    "SIGKILL of Valkey": 2,
    "SIGKILL of work": 1,
    "connection reset after the commit": 2,
    "partition: serve and work from PostgreSQL": 1,
    "partition: serve and work from Valkey": 1,
    "FLUSHALL, every second": 1,
}


@pytest.fixture
def patient_campaign(monkeypatch: pytest.MonkeyPatch) -> None:
    """How soon a service is back is measured on a machine of its own; here it must be back."""
    for module, name in (
        (campaign, "CONVERGENCE_SECONDS"),
        (check, "PATIENCE_SECONDS"),
        (field, "RECOVERY_SECONDS"),
        (stand, "_READY_SECONDS"),
    ):
        monkeypatch.setattr(module, name, PATIENCE_SECONDS)


@pytest.mark.usefixtures("patient_campaign")
async def test_no_confirmed_vote_is_hurt_whatever_fails() -> None:
    faults = [fault for fault in FAULTS if fault.name in _TIMES]
    assert len(faults) == len(_TIMES)
    async with open_wired_stand(faults, workers=2) as (running, disk):
        short = Campaign(running, seed=2022, disk=disk, voters=16)
        results = [await short.run(fault, _TIMES[fault.name]) for fault in faults]
        await short.conclude()
    assert short.broken == []
    assert [len(result.gaps_seconds) for result in results] == [
        _TIMES[fault.name] for fault in faults
    ]
    assert all(result.recount.created for result in results)
    by_name = {result.fault.name: result for result in results}
    assert by_name["SIGKILL of a worker of serve"].unanswered > 0
    assert by_name["SIGKILL of PostgreSQL"].unavailable > 0
    assert by_name["connection reset after the commit"].recount.repeated > 0
