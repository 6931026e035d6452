"""Bodies, officers and earlier winners from Excel: looked at first, then all or nothing."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterable, Sequence

import httpx
from openpyxl import load_workbook
from xlsxwriter import Workbook

from tests.sites.console.running_staff_app import StaffApp, StaffClient
from tests.sites.nomination.bodies.selection_data import SLUG, Chosen
from tests.sites.nomination.recommendations.posting import LIST
from tests.sites.nomination.recommendations.recommendation_data import drafted_in_north, person
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.repository import load_bodies
from voting_service.staff.accounts.model import Account

SETTINGS = f"/selections/{SLUG}/settings"
WINNERS, BODIES = f"{SETTINGS}/earlier-winners", "/bodies/import"
HEADINGS = ("类别", "单位名称", "英文名称", "标识", "经办人")


def workbook(rows: Iterable[Sequence[str]]) -> bytes:
    stream = io.BytesIO()
    with Workbook(stream, {"in_memory": True}) as opened:
        sheet = opened.add_worksheet()
        for at, row in enumerate(rows):
            for place, cell in enumerate(row):
                sheet.write_string(at, place, cell)
    return stream.getvalue()


async def post(client: StaffClient, path: str, content: bytes, **form: str) -> httpx.Response:
    return await client.post(path, data=form, files={"list": ("名单.xlsx", content)})


def confirmed(page: str, name: str) -> str:
    """What the preview passes on to be confirmed."""
    shown = re.search(rf'<textarea[^>]* name="{name}"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert shown is not None
    return html.unescape(shown[1])


async def test_two_people_add_the_winners_of_an_earlier_year(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    draft = await drafted_in_north(staff_app, keys, chosen, officer, person(1))
    first = await staff_app.signed_in_client("reviewer")
    second = await staff_app.signed_in_client("supervisor")
    numbers = [person(1).id_number, person(2).id_number, person(1).id_number]
    bad = workbook([("身份证号",), (numbers[0],), ("50010319800101001X",), ("12",)])
    response = await post(first, WINNERS, bad, year="2021", act="check")
    assert response.status_code == 422
    assert all(f"Line {line}:" in response.text for line in (3, 4)), "all faults at once"

    winners = workbook([("姓名", "身份证号"), *(("某人", number) for number in numbers)])
    looked = await post(first, WINNERS, winners, year="2021", act="check")
    assert "2 people, 0 of them known already; 1 repeated lines" in looked.text
    assert await staff_app.database.fetchval("select count(*) from approval_requests") == 0
    form = {"year": "2021", "act": "propose", "numbers": confirmed(looked.text, "numbers")}
    wrong = await first.post(WINNERS, data={**form, "year": "1066"}, files={"list": ("", b"")})
    assert (wrong.status_code, "enter a year" in wrong.text.lower()) == (422, True)
    sent = await first.post(WINNERS, data=form, files={"list": ("", b"")})
    assert sent.headers["location"] == f"{SETTINGS}?done=proposed"
    approval = await staff_app.database.fetchval("select max(id) from approval_requests")
    assert "2 winners of 2021" in (await second.get(SETTINGS)).text
    recorded = await staff_app.database.fetchval(
        "select details::text from audit_log where act = 'proposed'"
    )
    assert keys.person_hash(numbers[0]).hex() not in recorded

    client = await staff_app.signed_in_client("recommender", officer.name)
    submit = f"{LIST}/{draft.id}/submit", {"revision": str(draft.revision)}
    assert (await first.post(f"{SETTINGS}/{approval}/approve", data={})).status_code == 409
    assert (await second.post(f"{SETTINGS}/{approval}/approve", data={})).status_code == 303
    refused = await client.post(submit[0], data=submit[1])
    assert refused.status_code in (409, 422), "a winner is not recommended again"
    again = await post(first, WINNERS, winners, year="2021", act="check")
    assert "2 people, 2 of them known already" in again.text


async def test_bodies_and_officers_come_from_a_list(staff_app: StaffApp, chosen: Chosen) -> None:
    admin = await staff_app.signed_in_client("administrator")
    bad = workbook(
        [
            ("2022年推荐单位",),
            HEADINGS,
            ("俱乐部", "某俱乐部", "", "", ""),
            ("区县", "", "", "", "无单位"),
            ("市级部门", "交通部门", "", "health", ""),
            ("", "北区", "", "", "张三"),
            ("", "北区", "", "", "张三"),
            ("区县", "长" * 61, "", "chang", "李" * 201),
        ]
    )
    response = await post(admin, BODIES, bad, act="create")
    assert response.status_code == 422
    rows = re.findall(r'<tr><td class="figure">(\d)</td>.*?</tr>', response.text, re.DOTALL)
    assert rows == ["3", "4", "5", "6", "7", "8"]
    assert response.text.count('<ul class="faults">') == 5, "every row with a fault, at once"
    assert len(await load_bodies(staff_app.database)) == 3

    good = workbook(
        [
            HEADINGS,
            ("", "渝中区", "", "", "李明 科长"),
            ("", "渝中区", "", "", "王芳"),
            ("市级部门", "市交通局", "", "", ""),
            ("", "北区", "", "", "张三"),
        ]
    )
    looked = await post(admin, BODIES, good, act="check")
    assert "2 new bodies, 3 officers to invite" in looked.text
    assert len(await load_bodies(staff_app.database)) == 3, "nothing is stored by looking"
    form = {"act": "create", "rows": confirmed(looked.text, "rows")}
    added = await admin.post(BODIES, data=form, files={"list": ("", b"")})
    assert added.status_code == 201
    links = re.findall(r"/invitation/([A-Za-z0-9_-]{43})", added.text)
    assert len(set(links)) == 3
    bodies = {body.slug: body for body in await load_bodies(staff_app.database)}
    assert bodies["yuzhong"].kind == "district"
    assert bodies["yuzhong"].name.en != "渝中区", "the names of the 41 are known"
    assert bodies["shijiaotongju"].kind == "department"
    assert (await staff_app.client().get(f"/invitation/{links[0]}")).status_code == 200
    again = await admin.post(BODIES, data=form, files={"list": ("", b"")})
    assert again.status_code == 201, "officers can be invited again; bodies are known"
    assert len(await load_bodies(staff_app.database)) == 5


async def test_a_list_that_is_none_is_refused_with_advice(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    admin = await staff_app.signed_in_client("administrator")
    for content, words in (
        (b"\x00\x01", "file"),
        (workbook([("a", "b"), ("1", "2")]), "no column with the names"),
        (workbook([HEADINGS]), "1 to 200 rows"),
        (workbook([(*HEADINGS, "备注"), ("", "北区")]), "heading 备注"),
        ("单位名称,经办人\n北区,张三\n".encode("gb18030"), "1 officers to invite"),
    ):
        answer = await post(admin, BODIES, content, act="check")
        assert words in answer.text, words
        assert answer.status_code == (200 if "invite" in words else 422)
    template = await admin.get(f"{BODIES}/template.xlsx")
    sheet = load_workbook(io.BytesIO(template.content)).active
    assert sheet is not None
    assert sheet.max_row == 42
    filled = await post(admin, BODIES, template.content, act="check")
    assert "41 new bodies, 0 officers" in filled.text
    for role in ("reviewer", "auditor", "recommender"):
        client = await staff_app.signed_in_client(role)
        assert (await post(client, BODIES, template.content)).status_code == 403
