"""Why a proposal was turned down is kept for ever, so nothing personal may stand in it."""

from __future__ import annotations

import pytest

from tests.office.selection_data import Chosen
from tests.office_person.people import id_number
from tests.staff.running_office import Office
from voting_service.decisions.store import find_decision, load_selection_decisions, propose
from voting_service.errors import InvalidInput
from voting_service.office.declining import turn_down


async def test_a_reason_says_nothing_personal(office: Office, chosen: Chosen) -> None:
    reviewer = await office.account("reviewer")
    proposed = await propose(
        office.database, chosen.selection, reviewer, kind="panel", subject="rules/1",
        payload={}, now=office.clock(),
    )  # fmt: skip
    for because in (f"与{id_number()}不符", "打 13812345678 核实"):
        decision = find_decision(
            await load_selection_decisions(office.database, chosen.selection.id), proposed
        )
        with pytest.raises(InvalidInput):
            await turn_down(
                office.database, chosen.selection, reviewer, decision, because, now=office.clock()
            )
    assert decision.state == "waiting"
    await turn_down(
        office.database, chosen.selection, reviewer, decision, "规则须重拟", now=office.clock()
    )
    (after,) = await load_selection_decisions(office.database, chosen.selection.id)
    assert (after.state, after.declined_because) == ("declined", "规则须重拟")
