"""A form that is refused is shown again on its page, filled in, with the fault beside its field."""

from __future__ import annotations

from tests.sites.console.running_staff_app import StaffApp

BASE = "/contests/test-2022"


async def test_a_refused_form_keeps_what_was_typed(staff_app: StaffApp) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    page = f"{BASE}/holds/new?ballot={'0' * 32}&done=made"
    typed = {"ballots": "zz", "label": "Night & day", "why": "typed with care"}
    headers = {"referer": f"{staff_app.origin}{page}"}
    answer = await clerk.post(f"{BASE}/holds/new", data=typed, headers=headers)
    print(answer.text)
    assert answer.status_code == 422
    assert "typed with care" in answer.text
    assert 0
