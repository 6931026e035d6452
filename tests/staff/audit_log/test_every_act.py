"""Every act is recorded somewhere, and nothing is recorded that is no act."""

from __future__ import annotations

from tests.staff.audit_log.recorded_acts import recorded_acts
from voting_service.staff.audit_log.model import ACTS


def test_each_act_is_written_where_it_happens() -> None:
    written = {act for act, _ in recorded_acts()}
    assert written == set(ACTS)
    assert list(ACTS) == sorted(ACTS)
