"""A contest from nothing to its announcement on the console: forms, list, pictures, preview."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from zipfile import ZipFile

import openpyxl
from playwright.async_api import Page, expect

from tests.browser.accessibility import assert_accessible, assert_nothing_lost
from tests.contests.test_candidate_files import CHINESE, workbook
from tests.picture_files import jpeg
from tests.sites.console.running_staff_app import StaffApp, StaffClient
from tests.staff.audit_log.chained import stored
from voting_service.contests.model import Organiser
from voting_service.contests.pictures.repository import load_all_pictures
from voting_service.contests.repository import load_contest
from voting_service.i18n.text import Text
from voting_service.sites.shared.signed_in.access import csrf_token

NAMES = {
    "title.zh": "匠人评选",
    "title.en": "Crafts",
    "slug": "crafts-2027",
    "time_zone": "Asia/Shanghai",
}
CUT = {"cut.size": "2", "cut.tie": "committee"}
ORGANISERS = (("主办", "Host", "工会", "Union"), ("承办", "Carried out by", "报社", "Newspaper"))
PAGE = {
    "theme.zh": "匠心",
    "theme.en": "",
    "introduction.zh": "介绍",
    "introduction.en": "About",
    "own_rules.zh": "规则",
    "own_rules.en": "Rule",
    "telephone": "023-12333",
    "list_order": "shuffled",
    "expected_voters_per_day": "1000",
    **{
        f"organisers[{2 * place}].{name}": text  # the row between them stays empty
        for place, texts in enumerate(ORGANISERS)
        for name, text in zip(("role.zh", "role.en", "name.zh", "name.en"), texts, strict=True)
    },
}
BALLOT = {"ballot.every": "day", "ballot.min_choices": "1", "ballot.max_choices": "3"}


def listed(*numbers: int, trade: str = "焊工") -> bytes:
    return workbook(CHINESE, *((n, f"候选{n}", trade, "渝中区", "摘要", "事迹") for n in numbers))


def zipped(*names: str, content: bytes = b"") -> bytes:
    stream = io.BytesIO()
    with ZipFile(stream, "w") as packed:
        for name in names:
            packed.writestr(name, content or jpeg(350, 490))
    return stream.getvalue()


async def new_draft(client: StaffClient, **names: str) -> str:
    """Return the address of a new draft."""
    answer = await client.post("/drafts/new", data={**NAMES, **names})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"].partition("?")[0])


async def revision(client: StaffClient, address: str) -> str:
    page = (await client.get(f"{address}/steps/names")).text
    return str(re.findall(r'name="revision" value="(\d+)"', page)[0])


async def save(client: StaffClient, address: str, step: str, values: dict[str, str]) -> Any:
    data = {"revision": await revision(client, address), **values}
    return await client.post(f"{address}/steps/{step}", data=data)


async def upload(
    client: StaffClient,
    address: str,
    field: str,
    *files: tuple[str, bytes],
    to: str = "",
) -> Any:
    data = {"csrf": csrf_token(client.token), "revision": await revision(client, address)}
    sent = [(field, file) for file in files]
    below = to or f"candidates/{field}"
    return await client.post(f"{address}/{below}", data=data, files=sent)


async def complete_draft(client: StaffClient) -> str:
    address = await new_draft(client)
    for step, values in (("cut", CUT), ("ballot", BALLOT)):
        assert (await save(client, address, step, values)).status_code == 303
    answer = await upload(client, address, "list", ("名单.xlsx", listed(1, 2, 3)))
    assert answer.status_code == 303, answer.text
    return address


async def test_a_contest_is_set_up_previewed_and_announced_by_two(staff_app: StaffApp) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    supervisor = await staff_app.signed_in_client("supervisor")
    address = await complete_draft(clerk)
    draft_id = int(address.rpartition("/")[2])
    pictures = zipped("照片/1.jpg", "02.jpg", "1-1 In the workshop.jpg", "9.jpg", "notes.txt")
    answer = await upload(clerk, address, "pictures", ("all.zip", pictures))
    assert answer.status_code == 200
    assert "Pictures saved: 3" in answer.text
    assert "9.jpg" in answer.text and "belongs to nobody" in answer.text
    assert "notes.txt" in answer.text
    assert "No photo: number 3." in (await clerk.get(address)).text

    await save(clerk, address, "page", PAGE)
    overview = (await clerk.get(address)).text
    assert "Host: Union · Carried out by: Newspaper" in overview
    answer = await upload(clerk, address, "logo", ("logo.png", jpeg(600, 300)), to="logo")
    assert answer.status_code == 422, "the name says PNG"
    answer = await upload(clerk, address, "logo", ("logo.jpg", jpeg(600, 300)), to="logo")
    assert answer.headers["location"] == f"{address}/logo?done=saved"

    shown = (await clerk.get(f"{address}/preview/en")).text
    [logo] = re.findall(rf"{address}/pictures/[0-9a-f]{{32}}-320\.png", shown)
    assert (await clerk.get(logo)).headers["content-type"] == "image/png"
    assert "Crafts" in shown and "Preview: as it will look once voting is open. Staff only" in shown
    assert f'href="{address}/preview/en/candidates/2"' in shown
    portrait = re.search(rf"{address}/pictures/[0-9a-f]{{32}}-160\.webp", shown)
    assert portrait is not None
    picture = await clerk.get(portrait[0])
    assert picture.headers["content-type"] == "image/webp"
    profile = (await clerk.get(f"{address}/preview/zh/candidates/1")).text
    assert "候选1" in profile and "In the workshop" in profile
    for below in ("rules", "coming"):
        assert (await clerk.get(f"{address}/preview/zh/{below}")).status_code == 200
    assert "not part of the preview" in (await clerk.get(f"{address}/preview/en/standings")).text
    styles = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', shown))
    assert len(styles) > 3
    for style in styles:
        assert (await clerk.get(style)).status_code == 200, style
    # Nothing of it is public, and nobody else sees it.
    assert not set(re.findall(r'(?:href|action|src)="(/[^"]*)"', shown)) - {
        link
        for link in re.findall(r'"(/[^"]*)"', shown)
        if link.startswith((address, "/static/", "/view"))
    }
    for page in (shown, profile):
        assert {"/view.css", "/view?size=elder"} <= set(re.findall(r'href="(/view[^"]*)"', page))
        assert "og:image" not in page and 'elsewhere" width' not in page, "no share picture"
    for page in (address, f"{address}/preview/zh", portrait[0]):
        assert (await staff_app.client().get(page)).headers["location"].startswith("/sign-in")
        expert = await staff_app.signed_in_client("reviewer")
        assert (await expert.get(page)).status_code == 403

    at = {"revision": await revision(clerk, address)}
    assert (
        (await clerk.post(f"{address}/announce", data=at))
        .headers["location"]
        .endswith("?done=proposed")
    )
    approval = await staff_app.database.fetchval("select max(id) from approval_requests")
    own = await clerk.post(f"{address}/approvals/{approval}/approve", data={})
    assert own.status_code == 409
    assert "Crafts" in (await supervisor.get("/")).text
    answer = await supervisor.post(f"{address}/approvals/{approval}/approve", data={})
    announced = answer.headers["location"]
    assert announced == "/drafts?done=announced&slug=crafts-2027", answer.text
    links = (await supervisor.get(announced)).text
    assert '/en/crafts-2027"' in links and '/contests/crafts-2027/settings"' in links

    contest = await load_contest(staff_app.database, "crafts-2027")
    assert contest.rules.title == Text("匠人评选", "Crafts")
    assert contest.rules.theme == Text("匠心", "匠心"), (
        "without English the Chinese stands for both"
    )
    assert (contest.rules.cut.size, len(contest.candidates)) == (2, 3)
    assert contest.rules.organisers == (
        Organiser(Text("主办", "Host"), Text("工会", "Union")),
        Organiser(Text("承办", "Carried out by"), Text("报社", "Newspaper")),
    )
    assert (contest.rules.telephone, contest.rules.own_rules) == ("023-12333", Text("规则", "Rule"))
    assert contest.logo is not None and (contest.logo.width, contest.logo.height) == (320, 160)
    stored_pictures = await load_all_pictures(staff_app.database, contest.id)
    assert {number: len(shown) for number, shown in stored_pictures.items()} == {1: 2, 2: 1}
    row = await staff_app.database.fetchrow(
        "select content, contest_id, (select count(*) from draft_picture_files)"
        " + (select count(*) from draft_logos) as files from contest_drafts where id = $1",
        draft_id,
    )
    assert row is not None
    assert (row["content"], row["contest_id"], row["files"]) == (None, contest.id, 0)
    assert (await clerk.get(address)).status_code == 404
    acts = [entry.act for entry in await stored(staff_app.database)]
    assert acts.count("draft_saved") == 7
    assert acts[-3:] == ["proposed", "approved", "contest_announced"]
    log = (await (await staff_app.signed_in_client("auditor")).get("/audit-log")).text
    assert "contest announced" in log and address in log


async def test_every_fault_of_a_list_at_once_and_nothing_is_stored(staff_app: StaffApp) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    address = await complete_draft(clerk)
    for language, texts in (
        ("zh-CN", ("A3", "编号", "编号 1 已用于 A2", "C2", "请填写。", "须为整数。")),
        ("en", ("A3", "number 1 is also used by A2", "C2", "is empty", "must be a valid integer")),
    ):
        reader = await staff_app.signed_in_client("tally_clerk")
        reader.headers["accept-language"] = language
        bad = workbook(CHINESE, (1, "a", "", "d", "s", "t"), (1, *"bcdef"), ("x", *"bcdef"))
        answer = await upload(reader, address, "list", ("list.xlsx", bad))
        assert answer.status_code == 422
        for text in texts:
            assert text in answer.text, text
    for name, content in (("list.xlsx", b"PK\x03\x04"), ("list.csv", b"\xff\xd8\xff\0")):
        answer = await upload(clerk, address, "list", (name, content))
        assert answer.status_code == 422
    nothing = await upload(clerk, address, "pictures", ("", b""))
    assert nothing.status_code == 422 and "choose a file" in nothing.text
    answer = await upload(clerk, address, "pictures", ("1.jpg", b"no picture"))
    assert answer.status_code == 422 and "1.jpg" in answer.text
    assert "Candidates: 3." in (await clerk.get(address)).text
    again = openpyxl.load_workbook(
        io.BytesIO((await clerk.get(f"{address}/candidates.xlsx")).content)
    )
    assert again.worksheets[0].max_row == 4
    template = await clerk.get("/drafts/candidates-template.xlsx")
    assert template.headers["content-disposition"] == 'attachment; filename="Candidates.xlsx"'
    notes = openpyxl.load_workbook(io.BytesIO(template.content)).worksheets[1]
    assert "Add no other columns" in str(notes["B1"].value)
    chinese = await clerk.get(
        "/drafts/candidates-template.xlsx", headers={"accept-language": "zh-CN"}
    )
    assert quote("候选人名单.xlsx") in chinese.headers["content-disposition"]


async def test_a_new_list_keeps_the_pictures_of_the_same_people(staff_app: StaffApp) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    address = await complete_draft(clerk)
    await upload(clerk, address, "pictures", ("1.jpg", jpeg(350, 490)), ("2.jpg", jpeg(360, 504)))
    changed = workbook(
        (*CHINESE, "照片"),
        (1, "候选1", "车工", "渝中区", "摘要", "事迹", ""),
        (2, "另一人", "焊工", "渝中区", "摘要", "事迹", "two.jpg"),
        (4, "候选4", "焊工", "渝中区", "摘要", "事迹", ""),
    )
    assert (await upload(clerk, address, "list", ("l.xlsx", changed))).status_code == 303
    kept = await staff_app.database.fetch("select number from draft_pictures")
    assert [row["number"] for row in kept] == [1]
    page = (await clerk.get(address)).text
    assert "the photo two.jpg of candidate 2 has not been uploaded" in page
    at = {"revision": await revision(clerk, address)}
    assert (await clerk.post(f"{address}/announce", data=at)).status_code == 422
    assert (
        await upload(clerk, address, "pictures", ("two.jpg", jpeg(360, 504)))
    ).status_code == 200
    assert "Everything is complete" in (await clerk.get(address)).text


FAULTY_STEPS: tuple[tuple[str, dict[str, str], str], ...] = (
    ("names", {**NAMES, "slug": "Crafts"}, "Use 2 to 40"),
    ("names", {**NAMES, "title.en": " "}, "Fill this in"),
    ("names", {**NAMES, "time_zone": "Beijing"}, "no such time zone"),
    ("cut", {**CUT, "cut.size": "x"}, "Enter a whole number"),
    ("cut", {**CUT, "cut.size": "0"}, "Enter 1 or more"),
    ("cut", {**CUT, "cut.size": "4"}, "This is 4, but there are only 3 candidates"),
    ("cut", {**CUT, "cut.tie": "lot"}, "Fill this in"),
    ("ballot", {**BALLOT, "ballot.min_choices": "4"}, "4, are more than the most, 3"),
    (
        "window",
        {"window.opens_at": "2027-05-01T09:00", "window.closes_at": "2027-04-01T09:00"},
        "later than the opening",
    ),
    ("window", {"window.closes_at": "2027-04-01T09:00"}, "Enter a date and a time"),
    ("release", {"release.mode": "daily", "release.blackout_hours": "1"}, "Enter a time, such"),
    ("page", {"list_order": "age", "expected_voters_per_day": "1"}, "Choose one of these"),
    ("page", {**PAGE, "telephone": "ask us"}, "telephone"),
    ("page", {**PAGE, "organisers[2].name.zh": " "}, 'id="organisers[1].name.zh-wrong">Fill'),
)


async def test_the_overview_names_the_faulty_steps_and_those_that_nobody_has_checked(
    staff_app: StaffApp,
) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    address = await new_draft(clerk)
    await upload(clerk, address, "list", ("名单.xlsx", listed(1, 2, 3)))
    overview = (await clerk.get(address)).text
    assert overview.count("Usual settings: please check") == 2, "Voting period and Public counts"
    assert "Not filled in: introduction, organisers, contact" in overview
    assert "but there are only 3 candidates. Enter a number below 3, such as 1." in overview
    announcement = overview[overview.index('id="announce"') :]
    assert re.findall(r'<a href="([^"]+)">(step [^<]+)</a>', announcement) == [
        (f"{address}/steps/ballot", "step 3, Ballot"),
        (f"{address}/steps/cut", "step 5, Finalists"),
    ]
    release = {"release.mode": "hidden", "release.daily_at": "", "release.blackout_hours": "24"}
    for step, values in (("release", release), ("page", PAGE)):
        assert (await save(clerk, address, step, values)).status_code == 303
    overview = (await clerk.get(address)).text
    assert overview.count("Usual settings: please check") == 1
    assert "Not filled in" not in overview
    assert (
        f'href="{address}/preview/en">Preview</a>'
        in (await clerk.get(f"{address}/candidates")).text
    )


async def test_a_faulty_step_is_shown_as_it_was_filled_in(staff_app: StaffApp) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    address = await complete_draft(clerk)
    before = await revision(clerk, address)
    for step, values, text in FAULTY_STEPS:
        answer = await save(clerk, address, step, values)
        assert answer.status_code == 422, step
        assert text in answer.text, (step, text)
        for value in values.values():
            assert value in answer.text
    assert await revision(clerk, address) == before


async def test_what_a_colleague_saved_since_is_shown_and_not_overwritten(
    staff_app: StaffApp,
) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    colleague = await staff_app.signed_in_client("supervisor")
    address = await complete_draft(clerk)
    old = await revision(clerk, address)
    assert (await save(colleague, address, "cut", {**CUT, "cut.size": "1"})).status_code == 303
    answer = await clerk.post(f"{address}/steps/cut", data={"revision": old, **CUT})
    assert answer.status_code == 409
    assert "supervisor-1 saved other values" in answer.text
    assert "Stored now: <strong>1</strong>" in answer.text
    data = {"csrf": csrf_token(clerk.token), "revision": old}
    files = [("list", ("l.xlsx", listed(1)))]
    stale = await clerk.post(f"{address}/candidates/list", data=data, files=files)
    assert stale.status_code == 409
    for path in ("announce", "discard"):
        form = {"revision": old, "confirm": NAMES["slug"]}
        assert (await clerk.post(f"{address}/{path}", data=form)).status_code == 409
    second = await clerk.post("/drafts/new", data=NAMES)
    assert second.status_code == 422 and "Another contest or draft has this address" in second.text


async def test_an_announcement_needs_the_draft_as_it_was_proposed(staff_app: StaffApp) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    supervisor = await staff_app.signed_in_client("supervisor")
    address = await complete_draft(clerk)
    await clerk.post(f"{address}/announce", data={"revision": await revision(clerk, address)})
    approval = await staff_app.database.fetchval("select max(id) from approval_requests")
    await save(clerk, address, "cut", {**CUT, "cut.size": "1"})
    assert "can no longer be approved" in (await supervisor.get(address)).text
    decide = f"{address}/approvals/{approval}"
    assert (await supervisor.post(f"{decide}/approve", data={})).status_code == 409
    assert (await supervisor.post(f"{decide}/decline", data={"because": "old"})).status_code == 303
    await clerk.post(f"{address}/announce", data={"revision": await revision(clerk, address)})
    approval = await staff_app.database.fetchval("select max(id) from approval_requests")
    opens = datetime.fromisoformat(
        await staff_app.database.fetchval(
            "select content -> 'window' ->> 'opens_at' from contest_drafts"
        )
    )
    staff_app.clock.set(opens.replace(tzinfo=UTC))
    late = await staff_app.signed_in_client("supervisor")
    answer = await late.post(f"{address}/approvals/{approval}/approve", data={})
    assert answer.status_code == 422 and "at least five minutes from now" in answer.text


async def test_a_draft_is_discarded_with_everything_in_it(staff_app: StaffApp) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    address = await complete_draft(clerk)
    await upload(clerk, address, "pictures", ("1.jpg", jpeg(350, 490)))
    form = {"revision": await revision(clerk, address), "confirm": "no"}
    assert (await clerk.post(f"{address}/discard", data=form)).status_code == 422
    answer = await clerk.post(f"{address}/discard", data={**form, "confirm": NAMES["slug"]})
    assert answer.headers["location"] == "/drafts?done=discarded"
    left = await staff_app.database.fetchrow(
        "select (select count(*) from contest_drafts where content is not null) as drafts,"
        " (select count(*) from draft_pictures) as pictures,"
        " (select count(*) from draft_picture_files) as files"
    )
    assert left is not None and tuple(left) == (0, 0, 0)
    await new_draft(clerk)  # the address is free again


async def test_the_pages_are_accessible_and_the_preview_runs_the_public_scripts(
    staff_app: StaffApp, desktop: Page
) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    address = await complete_draft(clerk)
    await staff_app.sign_in(desktop, "tally_clerk", "/drafts")
    for path in (
        "/drafts",
        address,
        f"{address}/steps/cut",
        f"{address}/steps/page",
        f"{address}/logo",
        f"{address}/candidates",
        f"{address}/preview/zh",
    ):
        await desktop.goto(staff_app.origin + path)
        await assert_accessible(desktop)
        await assert_nothing_lost(desktop)
    await desktop.locator("[data-choose]").first.click()
    await expect(desktop.locator(".choice-bar [role=status]")).to_contain_text("1")
    await desktop.locator("#review").click()
    await expect(desktop.locator("h1")).to_have_text("预览中没有这一页")
