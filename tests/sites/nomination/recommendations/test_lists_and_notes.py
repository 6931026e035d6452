"""What officers type and bring, over HTTP: old characters, numbers, lists, notes, whole lists."""

from __future__ import annotations

import csv
import io
from zipfile import ZipFile

import httpx
import openpyxl
from docx import Document

from tests.nomination.form.people import id_number
from tests.sites.console.running_staff_app import StaffApp, StaffClient
from tests.sites.nomination.bodies.selection_data import Chosen, acting
from tests.sites.nomination.recommendations.posting import LIST, post_step
from tests.sites.nomination.recommendations.recommendation_data import (
    EVIDENCE,
    PHOTO,
    drafted_in_north,
    person,
)
from voting_service.nomination.form.model import Month
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.recommendations.model import MAX_DRAFTS
from voting_service.nomination.recommendations.repository import (
    load_recommendation,
    load_recommendations,
)
from voting_service.nomination.recommendations.service import create_draft
from voting_service.sites.nomination.recommendations.form_list import COLUMNS
from voting_service.sites.shared.signed_in.access import csrf_token
from voting_service.staff.accounts.model import Account


async def test_what_is_typed_is_kept_as_it_was_meant(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    client = await staff_app.signed_in_client("recommender", officer.name)
    actor = acting(officer, chosen.selection, keys, staff_app.database)
    number = await create_draft(actor, chosen.bodies["north"])
    page = await client.get(f"{LIST}/{number}/steps/person")
    assert '<datalist id="ethnic_group-list"><option value="汉族" label="Han">' in page.text
    typed = {
        "name": "陈\ue863·\u202a买买提\u202c",
        "id_number": id_number(),
        "ethnic_group": "穿青人",
    }
    answer = await post_step(client, number, "person", typed, json=True)
    assert answer.json()["filled"] == {"sex": "male", "birth": "1980-05"}
    form = (await load_recommendation(staff_app.database, keys, chosen.selection, number)).form
    assert (form.name, form.ethnic_group) == ("陈䶮·买买提", "穿青人")
    assert (form.sex, form.birth) == ("male", Month(1980, 5))
    answer = await post_step(
        client,
        number,
        "work",
        {"first_employed": "１９９４０７", "employer_telephone": "400-820-8820、95519"},
        json=True,
    )
    assert answer.json()["faults"] == {}
    assert "before the age of 16" in answer.json()["notes"]["first_employed"][0]
    page = await client.get(f"{LIST}/{number}/steps/work")
    assert "before the age of 16" in page.text


def listed(*rows: dict[str, str]) -> bytes:
    """A workbook whose columns are those of the rows, in Chinese."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    headings = {column.name: column.heading("zh") for column in COLUMNS}
    workbook = openpyxl.Workbook()
    assert workbook.active is not None
    workbook.active.append(["某区推荐人选名单"])
    workbook.active.append([headings[name] for name in names])
    for row in rows:
        workbook.active.append([row.get(name, "") for name in names])
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with ZipFile(stream, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return stream.getvalue()


async def brought(client: StaffClient, name: str, content: bytes, act: str) -> httpx.Response:
    parts: list[tuple[str, tuple[str | None, str | bytes]]] = [
        ("csrf", (None, csrf_token(client.token))),
        ("act", (None, act)),
        ("list", (name, content)),
    ]
    return await client.post(f"{LIST}/import", files=parts)


FIRST = {"name": "张一", "id_number": id_number(serial=11), "sex": "男", "photo": "照片一.jpg"}
SECOND = {
    **{"name": "李二", "id_number": id_number(serial=13), "birth": "１９８００５"},
    **{"evidence": "absent", "achievements.method.pages": "2-3", "is_central_unit": "是"},
    **{"qualification": "取得技师及以上职业资格或技能等级证书"},
}


async def test_a_list_with_its_files_becomes_drafts(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    client = await staff_app.signed_in_client("recommender", officer.name)
    rows = [FIRST, SECOND | {"evidence": "材料.pdf"}]
    files = {"a/名单.xlsx": listed(*rows), "a/照片一.jpg": PHOTO, "材料.pdf": EVIDENCE}
    content = zipped({**files, "more.pdf": b"x"})
    checked = await brought(client, "all.zip", content, "check")
    assert checked.status_code == 200
    assert "nothing stored yet" in checked.text
    assert "more.pdf" in checked.text
    selection, database = chosen.selection, staff_app.database
    assert await load_recommendations(database, keys, selection) == ()
    made = await brought(client, "all.zip", content, "create")
    assert made.headers["location"] == f"{LIST}?done=imported"
    with_photo, with_evidence = await load_recommendations(database, keys, selection)
    assert (with_photo.form.name, with_photo.form.sex, with_photo.form.birth) == (
        "张一",
        "male",
        Month(1980, 5),
    )
    assert (set(with_photo.files), set(with_evidence.files)) == ({"photo"}, {"evidence"})
    assert with_evidence.form.is_central_unit
    assert (with_evidence.form.qualification, with_evidence.form.achievements[0].pages) == (
        "technician",
        "2-3",
    )


async def test_every_fault_of_a_list_is_named_by_row_and_nothing_is_stored(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    client = await staff_app.signed_in_client("recommender", officer.name)
    rows = [FIRST, SECOND, FIRST | {"name": "王三", "birth": "五月"}, {"id_number": "5.00101E+17"}]
    content = zipped({"list.xlsx": listed(*rows), "照片一.jpg": b"no picture"})
    answer = await brought(client, "all.zip", content, "create")
    assert answer.status_code == 422
    for sentence in (
        "The ZIP has no file “absent”",
        "Row 3 has the same ID number",
        "uch as 1980-05",
        "The spreadsheet took the ID number",
    ):
        assert sentence in answer.text, sentence
    assert answer.text.count("Two-inch photo (两寸像片): ") == 2
    assert await load_recommendations(staff_app.database, keys, chosen.selection) == ()


async def test_what_is_no_list_is_refused_with_what_to_do(
    staff_app: StaffApp, chosen: Chosen, officer: Account
) -> None:
    client = await staff_app.signed_in_client("recommender", officer.name)
    several = [{"name": str(number), "id_number": "", "sex": ""} for number in range(31)]
    for name, content, sentence in (
        ("a.zip", zipped({"a.jpg": PHOTO}), "exactly one list"),
        ("a.zip", b"no zip", "The file is not a ZIP"),
        ("a.xlsx", b"\x89PNG\xff\xff", "The file is neither an Excel workbook"),
        ("a.csv", "一,二,三\n1,2,3".encode("gb18030"), "No headings found"),
        ("a.csv", "姓名,性别,民族,星座\n甲,男,汉族,狮子".encode("utf-16"), "星座"),
        ("a.xlsx", listed(*several), f"at most {MAX_DRAFTS}"),
    ):
        answer = await brought(client, name, content, "check")
        assert answer.status_code == 422
        assert sentence in answer.text, sentence


async def test_the_template_is_a_list_that_is_read_again(
    staff_app: StaffApp, chosen: Chosen, officer: Account
) -> None:
    client = await staff_app.signed_in_client("recommender", officer.name)
    assert "template.xlsx" in (await client.get(f"{LIST}/import")).text
    answer = await client.get(f"{LIST}/template.xlsx")
    workbook = openpyxl.load_workbook(io.BytesIO(answer.content))
    sheet = workbook.worksheets[0]
    headings = [cell.value for cell in sheet[1]]
    assert len(headings) == len(set(headings)) == len(COLUMNS)
    assert sheet.data_validations.count >= 5
    sheet.append(["甲", "Female", "1980-05"])
    stream = io.BytesIO()
    workbook.save(stream)
    assert (
        "1 people, nothing wrong"
        in (await brought(client, "list.xlsx", stream.getvalue(), "check")).text
    )


async def test_a_csv_list_of_excel_is_read(
    staff_app: StaffApp, chosen: Chosen, officer: Account
) -> None:
    stream = io.StringIO()
    csv.writer(stream, delimiter=";").writerows(
        [["姓名", "性别", "参加工作时间"], ["甲", "女", "199807"]]
    )
    client = await staff_app.signed_in_client("recommender", officer.name)
    answer = await brought(client, "list.csv", f"sep=;\r\n{stream.getvalue()}".encode(), "check")
    assert answer.status_code == 200


async def test_the_overview_the_word_file_and_the_sample(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    complete = await drafted_in_north(staff_app, keys, chosen, officer, person(1))
    actor = acting(officer, chosen.selection, keys, staff_app.database)
    empty = await create_draft(actor, chosen.bodies["north"])
    client = await staff_app.signed_in_client("recommender", officer.name)
    overview = (await client.get(f"{LIST}/overview")).text
    assert overview.index(f"{LIST}/{empty}/steps/work#employer") < overview.index(
        complete.form.name
    )
    assert f"{LIST}/{complete.id}/steps/" not in overview
    answer = await client.get(f"{LIST}/{complete.id}/form.docx")
    cells = [
        cell.text
        for row in Document(io.BytesIO(answer.content)).tables[0].rows
        for cell in row.cells
    ]
    assert cells[:2] == ["姓名", complete.form.name]
    assert "男" in cells
    [conditions] = [cell for cell in cells if "□" in cell]
    assert conditions.count("□") + conditions.count("☑") == 4, "room for those not claimed yet"
    assert conditions.count("（佐证第 ＿＿ 页）") == conditions.count("□")
    assert "推荐表" not in answer.headers["content-disposition"].partition("filename*")[0]
    assert complete.form.name not in answer.headers["content-disposition"]
    sample = (await client.get(f"{LIST}/sample")).text
    assert "made up to show how" in sample
    assert sample.count("(Sample)") == 5
