"""A form that is refused is shown again on its page, filled in, with the fault beside its field."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from tests.sites.console.running_staff_app import StaffApp
from voting_service.sites.shared.signed_in.form_filling import (
    FormFault,
    RefusedForm,
    fill_in,
    mark_faults,
)

BASE = "/contests/test-2022"


class Mistake(NamedTuple):
    """A form that is refused: its page, what is typed, the field at fault ("" for none of the
    page's), and a part of what is typed that must not be lost."""

    page: str
    path: str
    typed: dict[str, str]
    field: str
    kept: str


MISTAKES = [
    Mistake(
        f"{BASE}/holds/new?ballot={'0' * 32}&done=made", f"{BASE}/holds/new",
        {"ballots": "zz", "label": "Night & day", "why": "typed with care"},
        "ballots", "Night &amp; day",
    ),
    Mistake(
        f"{BASE}/holds/new", f"{BASE}/holds/new",
        {"ballots": "0" * 32, "label": "a", "why": " "}, "why", "0" * 32,
    ),
    Mistake(
        f"{BASE}/holds/new", f"{BASE}/holds/new",
        {"ballots": "0" * 32, "label": "a", "why": "care"}, "ballots", "care",
    ),
    Mistake(
        f"{BASE}/settings/change/closes_at", f"{BASE}/settings/change/closes_at",
        {"moment": "1999-01-01T10:00", "why_zh": "考虑", "why_en": "care"}, "", "",
    ),
    Mistake("/drafts/new", "/drafts/new", {"slug": "Not A Slug!", "title.zh": "题"}, "", "题"),
]  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake.path} {mistake.field}")
async def test_a_mistake_loses_nothing_and_names_its_field(
    staff_app: StaffApp, mistake: Mistake
) -> None:
    clerk = await staff_app.signed_in_client("supervisor")
    headers = {"referer": staff_app.origin + mistake.page}
    answer = await clerk.post(mistake.path, data=mistake.typed, headers=headers)
    assert answer.status_code in (409, 422)
    assert 'role="alert"' in answer.text
    assert "<form" in answer.text[answer.text.index("<main") :], "no bare page"
    assert mistake.kept in answer.text
    assert 'class="notice good" role="status"' not in answer.text, "nothing of an earlier act"
    if mistake.field:
        assert f'href="#{mistake.field}"' in answer.text
        control = re.search(rf'<[^>]+ name="{mistake.field}"[^>]*>', answer.text)
        assert control
        assert 'aria-invalid="true"' in control[0]
        assert f"{mistake.field}-fault" in control[0]
        # The address in the browser is that of the post now: the form names its page.
        page = re.findall(r'name="form_page" value="([^"]+)"', answer.text)[0]
        again = await clerk.post(mistake.path, data={**mistake.typed, "form_page": page})
        assert f'href="#{mistake.field}"' in again.text


async def test_a_wrong_filter_keeps_its_page(staff_app: StaffApp) -> None:
    clerk = await staff_app.signed_in_client("supervisor")
    page = f"{BASE}/window?from=2022-07-18T12:00:00Z&to=2022-07-18T13:00:00Z"
    wrong = f"{BASE}/window?from=2022-07-18T12:00:00Z&to=2022-07-17T13:00:00Z"
    headers = {"referer": staff_app.origin + page}
    for address, status, is_kept in (
        (wrong, 422, True),
        (f"{BASE}/audit-log-of-nobody", 404, False),
        (f"{BASE}/holds/999", 404, False),
    ):
        answer = await clerk.get(address, headers=headers)
        assert answer.status_code == status
        assert ("data-refused" in answer.text) == is_kept
        assert ('id="from"' in answer.text) == is_kept
    # Without a page before it, or one that is wrong itself, there is none to keep.
    for before in ({}, {"referer": staff_app.origin + wrong}):
        answer = await clerk.get(wrong, headers=before)
        assert (answer.status_code, "data-refused" in answer.text) == (422, False)


async def test_a_page_that_is_gone_is_not_shown(staff_app: StaffApp) -> None:
    clerk = await staff_app.signed_in_client("supervisor")
    answer = await clerk.post(f"{BASE}/approvals/77/decline", data={"because": "no & never"})
    assert answer.status_code == 404
    assert "no &amp; never" in answer.text, "what was typed for a form that is no longer there"
    secret = await clerk.post("/account/password", data={"password": "s3cret-a", "again": "b"})
    assert "s3cret-a" not in secret.text


PAGE = """<main><form method="post" action="/one"><input type="hidden" name="csrf" value="x">
<label for="a">A</label><input id="a" name="a" aria-describedby="hint">
<label>B <textarea name="b"></textarea></label>
<input type="checkbox" name="box" value="1"><input type="checkbox" name="box" value="2">
<input type="password" name="password"></form></main>"""


def test_faults_stand_before_their_controls() -> None:
    faults = [
        FormFault("a", "one <b>"), FormFault("a", "two"), FormFault("b[2].zh", "three"),
        FormFault("box", "four"), FormFault("elsewhere", "five"), FormFault("", "six"),
    ]  # fmt: skip
    refused = RefusedForm("/one", "/page?x=1&y=2", {"a": ["typed"]}, faults)
    page, links = mark_faults(fill_in(PAGE, "/one", refused.fields).page, refused)
    assert links == {"a": "a", "b[2].zh": "field-1", "box": "field-2"}
    assert (
        '<span class="fault" id="a-fault">one &lt;b&gt;<br>two</span>'
        '<input id="a" name="a" aria-describedby="hint a-fault" value="typed"'
    ) in page
    assert '<span class="fault" id="field-1-fault">three</span><textarea name="b"' in page
    assert 'value="1" id="field-2">' in page
    assert 'name="form_page" value="/page?x=1&amp;y=2"' in page
    for absent in ("five", "six", 'class="fault" id="field-2'):
        assert absent not in page
    assert mark_faults(PAGE, refused._replace(path="/two")) == (PAGE, {})
