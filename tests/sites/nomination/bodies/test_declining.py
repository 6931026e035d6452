"""Why a proposal was rejected is kept for ever, so nothing personal may stand in it."""

from __future__ import annotations

import pytest

from tests.nomination.form.people import id_number
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen
from voting_service.errors import InvalidInput
from voting_service.nomination.declining import reject
from voting_service.nomination.panel.approval_kinds import PANEL
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.repository import find_approval, load_selection_approvals
from voting_service.staff.approvals.service import propose


async def test_a_reason_with_personal_data_is_refused(staff_app: StaffApp, chosen: Chosen) -> None:
    reviewer = await staff_app.account("reviewer")
    proposed = await propose(
        Actor(staff_app.database, reviewer, staff_app.clock()),
        chosen.selection,
        kind=PANEL,
        subject="rules/1",
        payload={},
    )
    for because in (f"与{id_number()}不符", "打 13812345678 核实"):
        decision = find_approval(
            await load_selection_approvals(staff_app.database, chosen.selection.id), proposed
        )
        with pytest.raises(InvalidInput):
            await reject(
                Actor(staff_app.database, reviewer, staff_app.clock()),
                chosen.selection,
                decision,
                because,
            )
    assert decision.state == "waiting"
    await reject(
        Actor(staff_app.database, reviewer, staff_app.clock()),
        chosen.selection,
        decision,
        "规则须重拟",
    )
    (after,) = await load_selection_approvals(staff_app.database, chosen.selection.id)
    assert (after.state, after.declined_because) == ("declined", "规则须重拟")
