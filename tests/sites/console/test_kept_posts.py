"""What a form posts after its session is kept for its account, and for nobody else."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.sites.console.kept_forms import end_sessions, mark_in, open_mark
from tests.sites.console.running_staff_app import PASSWORD, StaffApp, StaffClient
from tests.sites.console.test_draft_pages import complete_draft, revision
from voting_service.sites.shared.signed_in.form_filling import KEPT as KEPT_FIELD
from voting_service.staff.accounts.kept_posts import KEPT_EACH

ACCOUNTS = "/accounts"
NOTE = 'Für "Li Ming" <第二科>'
KEPT = "data-kept"


def notice_in(page: str) -> str:
    """Return the notice of what was kept, on a page."""
    start = page.index("<section", page.index('<main id="main"'))
    assert KEPT in page[start : page.index(">", start)]
    return page[start : page.index("</section>", start)]


async def refuse_note(staff_app: StaffApp, note: str = NOTE, **headers: str) -> None:
    """An administrator's invitation is posted when the session has ended."""
    client = await staff_app.signed_in_client("administrator")
    mark = await open_mark(client, ACCOUNTS)
    await end_sessions(staff_app)
    answer = await client.post(
        f"{ACCOUNTS}/invite",
        data={"csrf": mark, "role": "reviewer", "note": note},
        headers=headers,
    )
    assert answer.headers["location"] == "/sign-in?next=/accounts&kept=yes"
    shown = (await client.get(answer.headers["location"])).text
    assert "What you entered is kept" in shown


async def test_a_form_is_shown_again_to_its_account_until_it_is_taken(staff_app: StaffApp) -> None:
    await refuse_note(staff_app)
    stored = await staff_app.database.fetchval("select content from kept_posts")
    assert "第二科".encode() not in stored
    stranger = await staff_app.signed_in_client("administrator", "stranger")
    assert KEPT not in (await stranger.get(ACCOUNTS)).text
    client = await staff_app.signed_in_client("administrator")
    shown = (await client.get(ACCOUNTS)).text
    assert shown.count(KEPT) == 1
    assert "You had been signed out" in shown
    assert 'value="Für &quot;Li Ming&quot; &lt;第二科&gt;"' in shown
    assert '<option value="reviewer" selected>' in shown
    assert 'name="kept"' in shown
    assert await staff_app.database.fetchval("select count(*) from invitations") == 0
    other = {"role": "auditor", "note": "another window"}
    assert (await client.post(f"{ACCOUNTS}/invite", data=other)).status_code == 201
    assert KEPT in (await client.get(ACCOUNTS)).text, "that was not the form that was kept"
    data = {"role": "reviewer", "note": NOTE, "kept": "yes"}
    assert (await client.post(f"{ACCOUNTS}/invite", data=data)).status_code == 201
    assert KEPT not in (await client.get(ACCOUNTS)).text


async def test_it_can_be_given_up_and_is_gone_after_half_a_day(staff_app: StaffApp) -> None:
    await refuse_note(staff_app)
    client = await staff_app.signed_in_client("administrator")
    data = {"path": f"{ACCOUNTS}/invite", "next": ACCOUNTS}
    assert (await client.post("/kept/discard", data=data)).headers["location"] == ACCOUNTS
    assert KEPT not in (await client.get(ACCOUNTS)).text
    await refuse_note(staff_app)
    staff_app.clock.offset += timedelta(hours=13)
    client = await staff_app.signed_in_client("administrator")
    assert KEPT not in (await client.get(ACCOUNTS)).text


@pytest.mark.parametrize(
    ("mark", "headers"),
    [
        ("", {}),
        ("{session}", {}),
        ("{session}-99-" + "0" * 32, {}),
        ("{mark}", {"sec-fetch-site": "cross-site"}),
        ("{mark}", {"origin": "https://evil.example"}),
    ],
)
async def test_nothing_is_kept_of_a_form_that_is_not_ours(
    staff_app: StaffApp, mark: str, headers: dict[str, str]
) -> None:
    client = await staff_app.signed_in_client("administrator")
    ours = await open_mark(client, ACCOUNTS)
    await end_sessions(staff_app)
    data = {"csrf": mark.format(session=ours[:32], mark=ours), "role": "reviewer", "note": NOTE}
    answer = await client.post(f"{ACCOUNTS}/invite", data=data, headers=headers)
    assert answer.headers["location"].startswith("/sign-in?next=")
    assert await staff_app.database.fetchval("select count(*) from kept_posts") == 0


async def test_a_form_waits_for_the_identity_to_be_confirmed(staff_app: StaffApp) -> None:
    client = await staff_app.signed_in_client("administrator")
    mark = await open_mark(client, ACCOUNTS)
    staff_app.clock.offset += timedelta(minutes=6)
    data = {"csrf": mark, "role": "auditor", "note": NOTE}
    answer = await client.post(f"{ACCOUNTS}/invite", data=data)
    assert answer.headers["location"] == "/confirm?next=/accounts"
    shown = (await client.get(ACCOUNTS)).text
    assert "Your identity has to be confirmed first" in shown
    assert "第二科" in shown
    await client.post("/confirm", data={"proof": PASSWORD, "next": ACCOUNTS})
    shown = (await client.get(ACCOUNTS)).text
    assert "Your identity is confirmed, but what you sent has not been carried out" in shown
    assert "press “Create link” once more" in shown


async def test_an_act_without_fields_has_its_button_in_the_notice_and_asks_as_before(
    staff_app: StaffApp,
) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    supervisor = await staff_app.signed_in_client("supervisor")
    address = await complete_draft(clerk)

    async def refused(client: StaffClient, path: str, form: dict[str, str]) -> str:
        staff_app.clock.offset += timedelta(minutes=6)
        mark = await open_mark(client, address)
        answer = await client.post(path, data={"csrf": mark, **form})
        assert answer.headers["location"] == f"/confirm?next={address}"
        assert "Your identity has to be confirmed first. Press once more:" in notice_in(
            (await client.get(address)).text
        )
        await client.post("/confirm", data={"proof": PASSWORD, "next": address})
        return notice_in((await client.get(address)).text)

    form = {"revision": await revision(clerk, address)}
    shown = await refused(clerk, f"{address}/announce", form)
    assert "You are confirmed, but nothing was done yet. Press once more:" in shown
    assert "Cancel this action" in shown
    assert 'class="ask"' not in shown
    posts = dict(re.findall(r'name="(\w+)" value="([^"]+)"', shown[: shown.index("<button>")]))
    assert posts == {"csrf": mark_in(shown), KEPT_FIELD: "yes", **form}
    assert (await clerk.post(f"{address}/announce", data=posts)).status_code == 303
    overview = (await supervisor.get(address)).text
    assert KEPT not in overview
    approve = re.findall(rf'action="({address}/approvals/\d+/approve)"', overview)[0]
    shown = await refused(supervisor, approve, {})
    question = shown[shown.index('<details class="ask">') : shown.index("</details>")]
    assert re.search(r"<p>[^<]+</p>\s*<button>Approve and announce</button>", question)
    assert shown.count("<button>") == 1


async def test_a_file_that_was_not_kept_is_missed_beside_its_field(staff_app: StaffApp) -> None:
    clerk = await staff_app.signed_in_client("supervisor")
    page = "/contests/test-2022/corrections/1/correct"
    mark = await open_mark(clerk, page)
    lost = "Choose the file again here: it was not kept."
    marked = re.compile(rf'{lost}</span><input id="portrait"[^>]* aria-invalid="true"')
    form, file = {"csrf": mark, "reason_zh": "照片"}, {"portrait": ("a.jpg", b"no picture")}
    assert lost not in (await clerk.get(page)).text
    refused = await clerk.post(page, data=form, files=file)
    assert refused.status_code == 422
    assert marked.search(refused.text)
    staff_app.clock.offset += timedelta(minutes=6)
    await clerk.post(page, data=form, files=file)
    await clerk.post("/confirm", data={"proof": PASSWORD, "next": page})
    shown = (await clerk.get(page)).text
    assert marked.search(shown)
    assert 'href="#kept-contests-test-2022-corrections-1-correct">Go to the form</a>' in shown


async def test_a_form_of_an_earlier_session_is_good_for_the_same_account_only(
    staff_app: StaffApp,
) -> None:
    client = await staff_app.signed_in_client("administrator")
    mark = await open_mark(client, ACCOUNTS)
    later = await staff_app.signed_in_client("administrator")
    stranger = await staff_app.signed_in_client("administrator", "stranger")
    data = {"csrf": mark, "role": "auditor", "note": NOTE}
    assert mark_in((await later.get(ACCOUNTS)).text) != mark
    assert (await stranger.post(f"{ACCOUNTS}/invite", data=data)).status_code == 403
    assert (await later.post(f"{ACCOUNTS}/invite", data=data)).status_code == 201


async def test_secrets_are_not_kept_and_an_account_keeps_a_bounded_number(
    staff_app: StaffApp,
) -> None:
    client = await staff_app.signed_in_client("administrator")
    mark = await open_mark(client, "/account")
    await end_sessions(staff_app)
    secret = {"csrf": mark, "password": "correct horse", "again": "correct horse"}
    await client.post("/account/password", data=secret)
    assert await staff_app.database.fetchval("select count(*) from kept_posts") == 0
    for number in range(KEPT_EACH + 3):
        data = {"csrf": mark, "note": "x"}
        await client.post(f"{ACCOUNTS}/{number + 1}/renew", data=data)
    assert await staff_app.database.fetchval("select count(*) from kept_posts") == KEPT_EACH


async def test_what_has_no_form_any_more_is_listed_and_an_unknown_page_shows_it_too(
    staff_app: StaffApp,
) -> None:
    account = await staff_app.account("auditor")
    client = await staff_app.signed_in_client("administrator")
    mark = await open_mark(client, f"{ACCOUNTS}/{account.id}")
    await end_sessions(staff_app)
    for path, page in (
        (f"{ACCOUNTS}/{account.id}/end-session", f"{ACCOUNTS}/{account.id}"),
        (f"{ACCOUNTS}/99/renew", f"{ACCOUNTS}/99"),
    ):
        await client.post(path, data={"csrf": mark, "session": "", "note": NOTE})
        later = await staff_app.signed_in_client("administrator")
        shown = (await later.get(page)).text
        assert "no longer has that form" in shown, path
        assert "&lt;第二科&gt;" in shown, path
        await end_sessions(staff_app)
