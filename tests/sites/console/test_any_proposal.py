"""Pages that show proposals show one of any shape: an older version or another hand wrote it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contest_data import execute_as_owner
from tests.sites.console.running_staff_app import StaffApp
from voting_service.staff.approvals.repository import payload_hash

BASE = "/contests/test-2022"
KINDS = (
    *("tie_order", "lot", "publication", "ruling", "settings", "platform"),
    *("profile_correction", "withdrawal"),
)
SHAPES: list[dict[str, Any]] = [
    {},
    {"reason": None},
    {"visible_from": 7, "reason": [], "order": {}, "hold": "x", "number": "none"},
    {"visible_from": "soon", "document_sha256": None, "order": "no", "drawn": [1], "words": {}},
    {"setting": {}, "from": {"a": []}, "to": 1, "revision": "x", "fields": 3, "before": None},
]
PAGES = (
    "/", f"{BASE}/approvals", f"{BASE}/publication", f"{BASE}/settings", f"{BASE}/corrections",
    f"{BASE}/holds",
    *(f"{BASE}/exports/approvals?format={name}" for name in ("csv", "xlsx", "json")),
)  # fmt: skip


@pytest.mark.parametrize("state", ["waiting", "approved", "declined"])
async def test_a_proposal_of_any_shape_is_shown(staff_app: StaffApp, state: str) -> None:
    proposer = (await staff_app.account("tally_clerk")).id
    other = (await staff_app.account("supervisor", "second")).id
    ends = {
        "waiting": "null, null, null, null, null",
        "approved": f"{other}, now(), null, null, null",
        "declined": f"null, null, {other}, now(), 'no'",
    }[state]
    for kind in KINDS:
        for number, shape in enumerate(SHAPES):
            payload, subject = json.dumps(shape), f"{number}/x"
            hashed = payload_hash(kind, subject, shape)
            await execute_as_owner(
                staff_app.settings.owner_database_url,
                "alter table approval_requests disable trigger user;"
                "insert into approval_requests (contest_id, kind, subject, payload, payload_hash,"
                " proposed_by, proposed_at, approved_by, approved_at, declined_by, declined_at,"
                f" declined_because) values ({staff_app.contest.id}, '{kind}', '{subject}',"
                f" '{payload}', '{hashed}', {proposer}, now(), {ends})",
            )
    await staff_app.refresh()
    reader = await staff_app.signed_in_client("supervisor")
    broken = [page for page in PAGES if (await reader.get(page)).status_code != 200]
    assert broken == []
