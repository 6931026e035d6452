"""Why a proposal was turned down is kept for ever, so nothing personal may stand in it."""

from __future__ import annotations

import pytest

from tests.nomination.form.people import id_number
from tests.sites.console.running_office import Office
from tests.sites.nomination.bodies.selection_data import Chosen
from voting_service.errors import InvalidInput
from voting_service.nomination.declining import reject
from voting_service.nomination.panel.approval_kinds import PANEL
from voting_service.staff.approvals.repository import find_approval, load_selection_approvals
from voting_service.staff.approvals.service import propose


async def test_a_reason_with_personal_data_is_refused(office: Office, chosen: Chosen) -> None:
    reviewer = await office.account("reviewer")
    proposed = await propose(
        office.database, chosen.selection, reviewer, kind=PANEL, subject="rules/1",
        payload={}, now=office.clock(),
    )  # fmt: skip
    for because in (f"与{id_number()}不符", "打 13812345678 核实"):
        decision = find_approval(
            await load_selection_approvals(office.database, chosen.selection.id), proposed
        )
        with pytest.raises(InvalidInput):
            await reject(
                office.database, chosen.selection, reviewer, decision, because, now=office.clock()
            )
    assert decision.state == "waiting"
    await reject(
        office.database, chosen.selection, reviewer, decision, "规则须重拟", now=office.clock()
    )
    (after,) = await load_selection_approvals(office.database, chosen.selection.id)
    assert (after.state, after.declined_because) == ("declined", "规则须重拟")
