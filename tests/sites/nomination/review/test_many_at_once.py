"""The list of recommendations: accepting and assigning many, the even distribution, places against
quotas, the workbook and the pack of documents."""

from __future__ import annotations

import io
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from tests.database_clocks import as_database_clock
from tests.jobs.queue_workers import document_context, queue_worker
from tests.nomination.form.people import id_number
from tests.patience import eventually
from tests.sites.console.running_staff_app import StaffApp, StaffClient
from tests.sites.nomination.bodies.selection_data import Chosen
from tests.sites.nomination.review.review_data import (
    EVIDENCE,
    PATH,
    PHOTO,
    pick,
    reviewer,
    store_submitted,
)
from voting_service.infrastructure.postgres.pool import connect
from voting_service.jobs.document_packs import document_packs_loop
from voting_service.nomination.review.assignment import distribute
from voting_service.nomination.review.coverage import coverage_by_body, coverage_by_industry
from voting_service.nomination.review.document_packs import (
    DOCUMENT_PACK_JOBS,
    KEPT_FOR,
)
from voting_service.nomination.review.pack_writer import PIECE_BYTES, PackWriter, file_name
from voting_service.nomination.review.repository import load_submitted_recommendations
from voting_service.nomination.review.service import accept_all, assign

REVIEW = f"{PATH}/review"


def hidden(page: str, name: str) -> list[str]:
    """The values that a form of the page posts under a name."""
    return re.findall(rf'type="hidden" name="{name}" value="([^"]*)"', page)


async def states(staff_app: StaffApp) -> dict[int, str]:
    rows = await staff_app.database.fetch("select id, state from nomination.recommendations")
    return {row["id"]: row["state"] for row in rows}


async def test_accepting_many_asks_first_and_names_all_that_cannot_be(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    waiting = await store_submitted(staff_app, chosen, 3, state="submitted")
    (returned,) = await store_submitted(staff_app, chosen, 1, state="returned")
    (accepted,) = await store_submitted(staff_app, chosen, 1)
    client = await staff_app.signed_in_client("reviewer")
    question = await client.post(
        f"{REVIEW}/bulk?state=submitted",
        data={"act": "accept", "recommendation": [*waiting, returned, accepted, 9999]},
    )
    assert question.status_code == 422
    for words in (
        f"recommendation {returned} has been returned",
        f"recommendation {accepted} has been accepted already",
        "there is no recommendation 9999",
        "Yes, accept these 3",
        "3 of them have no preliminary score yet.",
    ):
        assert words in question.text
    assert "assigned to other reviewers" not in question.text
    left_out = hidden(question.text, "left_out")
    assert list(map(int, left_out)) == [returned, accepted, 9999]
    assert list(map(int, hidden(question.text, "recommendation"))) == waiting
    assert set((await states(staff_app)).values()) == {"submitted", "returned", "accepted"}

    # A colleague has accepted one of them: none is accepted, and the question lists it.
    colleague = await reviewer(staff_app, chosen)
    await accept_all(colleague, waiting[:1])
    second = await staff_app.account("supervisor")
    await assign(colleague, {waiting[1]: (second.id,)})
    late = await client.post(
        f"{REVIEW}/bulk/accept", data={"recommendation": waiting, "left_out": left_out}
    )
    assert "1 of them are assigned to other reviewers, not to you." in late.text
    assert late.status_code == 422
    assert (await states(staff_app))[waiting[2]] == "submitted"
    again = {name: hidden(late.text, name) for name in ("recommendation", "left_out")}
    assert list(map(int, again["recommendation"])) == waiting[1:]
    done = await client.post(f"{REVIEW}/bulk/accept?state=submitted", data=again)
    assert done.headers["location"].startswith(f"{REVIEW}?state=submitted&done=all_accepted&")
    notice = (await client.get(done.headers["location"])).text
    for words in (
        "2 recommendations accepted.",
        "4 were left out",
        f"recommendation {waiting[0]} has been accepted already",
        f"recommendation {returned} has been returned",
        "there is no recommendation 9999",
    ):
        assert words in notice
    for forged in ("all_accepted", "all_accepted&count=many", "assigned&left=1"):
        assert "left out" not in (await client.get(f"{REVIEW}?done={forged}")).text
    assert [(await states(staff_app))[number] for number in waiting] == ["accepted"] * 3
    acts = await staff_app.database.fetch("select subject from audit_log where act = 'reviewed'")
    assert len(acts) == 3, "each acceptance is its own entry"
    for nothing in ({"act": "accept"}, {"act": "assign", "recommendation": ["x"]}):
        answer = await client.post(f"{REVIEW}/bulk", data=nothing)
        assert (answer.status_code, "choose at least one" in answer.text) == (422, True)


async def test_assigning_many_and_distributing_evenly(staff_app: StaffApp, chosen: Chosen) -> None:
    numbers = await store_submitted(staff_app, chosen, 6, state="submitted")
    client = await staff_app.signed_in_client("reviewer")
    first = staff_app.accounts["reviewer-1"]
    second, third = await staff_app.account("supervisor"), await staff_app.account("reviewer", "吴")

    async def reviewers() -> dict[int, set[int]]:
        people = await load_submitted_recommendations(
            staff_app.database, (await reviewer(staff_app, chosen)).keys, chosen.selection
        )
        return {person.id: {number for number, _ in person.reviewers} for person in people}

    question = await client.post(
        f"{REVIEW}/bulk",
        data={"act": "assign", "recommendation": numbers[:2], "assignee": [first.id, third.id]},
    )
    pairs = hidden(question.text, "assignment")
    assert pairs == [f"{number}:{who.id}" for number in numbers[:2] for who in (first, third)]
    assert not any((await reviewers()).values()), "only a question"
    for people, words in (
        ("2", "Reviewers assigned to 2 recommendations."),
        ("0", f"recommendation {numbers[0]} has enough reviewers, or has these already"),
    ):
        given_out = await client.post(f"{REVIEW}/bulk/assign", data={"assignment": pairs})
        assert f"&count={people}" in given_out.headers["location"]
        assert words in (await client.get(given_out.headers["location"])).text
    assert (await reviewers())[numbers[0]] == {first.id, third.id}
    mine = await client.get(REVIEW, params={"assignee": third.id})
    assert mine.text.count('form="bulk"') == 2

    question = await client.post(f"{REVIEW}/bulk", data={"act": "distribute", "each": 2})
    pairs = hidden(question.text, "assignment")
    await client.post(f"{REVIEW}/bulk/assign", data={"assignment": pairs})
    given = await reviewers()
    assert all(len(people) == 2 for people in given.values())
    assert Counter(n for people in given.values() for n in people) == {
        first.id: 4,
        second.id: 4,
        third.id: 4,
    }
    again = await client.post(f"{REVIEW}/bulk", data={"act": "distribute", "each": 2})
    assert "all have enough reviewers" in again.text
    await assign(await reviewer(staff_app, chosen), {numbers[0]: ()})
    assert (await reviewers())[numbers[0]] == set()
    for wrong in (
        {"act": "distribute", "each": 6},
        {"act": "distribute", "each": "x"},
        {"act": "assign", "recommendation": numbers, "assignee": 9999},
        {"act": "burn", "recommendation": numbers},
    ):
        assert (await client.post(f"{REVIEW}/bulk", data=wrong)).status_code == 422


@given(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 3))
def test_a_distribution_is_even_and_complete(loads: list[int], per_recommendation: int) -> None:
    class Unassigned:
        reviewers = ()

        def __init__(self, number: int) -> None:
            self.id = number

    people = [Unassigned(number) for number in range(len(loads))]
    result = distribute(people, [1, 2, 3, 4], {}, per_recommendation)  # type: ignore[arg-type]
    assert set(result) == {person.id for person in people}
    assert all(len(set(given)) == len(given) == per_recommendation for given in result.values())
    counts = Counter(number for given in result.values() for number in given)
    if people:
        assert max(counts.values()) - min(counts[number] for number in (1, 2, 3, 4)) <= 1


async def test_places_of_bodies_and_industries(staff_app: StaffApp, small: Chosen) -> None:
    accepted = await store_submitted(staff_app, small, 4)
    await store_submitted(staff_app, small, 1, state="rejected", industry="energy")
    await store_submitted(staff_app, small, 1, state="returned", industry="energy")
    actor = await reviewer(staff_app, small)
    client = await staff_app.signed_in_client("auditor")
    await pick(staff_app, small, accepted[:3])
    people = await load_submitted_recommendations(staff_app.database, actor.keys, small.selection)
    north, south, health = coverage_by_body(
        people,
        small.bodies.values(),
        small.selection,
        accepted[:3],
        {small.bodies["health"].id: [True, False]},
    )
    assert tuple(north.places) == (1, 1, 1, 1, 0, 0, 2)
    assert tuple(health.places) == (1, 0, 0, 0, 1, 1, 0)
    assert (north.completeness, health.completeness) == ("submitted", "submitted")
    assert north.places.people + north.places.free == north.quota == 6
    assert south.places.chosen == 1
    by_industry = coverage_by_industry(people, small.selection, accepted[:3])
    assert sum(places.people for places in by_industry.values()) == 6
    page = (await client.get(f"{REVIEW}/coverage")).text
    assert "4 recommended of 6 places" in page
    assert page.count('class="chosen"') == 2 * 3 + 1, "each picture, and the key"


async def test_the_workbook_is_what_a_bureau_makes(staff_app: StaffApp, chosen: Chosen) -> None:
    await store_submitted(staff_app, chosen, 2)
    await store_submitted(staff_app, chosen, 1, state="submitted")

    async def rows(role: str, spoken: str) -> list[tuple[object, ...]]:
        client = await staff_app.signed_in_client(role)  # type: ignore[arg-type]
        client.headers["accept-language"] = spoken
        answer = await client.get(f"{REVIEW}/list.xlsx?state=accepted")
        assert ".xlsx" in answer.headers["content-disposition"]
        sheet = load_workbook(io.BytesIO(answer.content)).active
        assert sheet is not None
        return [tuple(row) for row in sheet.iter_rows(values_only=True)]

    title, made, heading, *people = await rows("reviewer", "zh")
    assert title[0] == "选树推荐人选汇总表"
    assert str(made[0]).startswith("制表单位：")
    assert heading[:6] == ("序号", "推荐编号", "推荐单位", "姓名", "性别", "出生年月")
    assert len(people) == 2, "as filtered"
    listed = dict(zip(heading, people[0], strict=True))
    assert listed["身份证号"] == id_number(serial=1), "text, with all its digits"
    assert isinstance(listed["单位联系电话"], str)
    assert (listed["推荐单位"], listed["姓名"], listed["审核情况"]) == ("北区", "人选1", "审核通过")

    _, _, heading, *people = await rows("auditor", "en")
    assert heading[1:4] == ("No.", "Recommended by", "Name")
    assert "ID number" not in heading
    assert id_number(serial=1) not in str(people), "an auditor sees them one by one"
    entries = await staff_app.database.fetch(
        "select actor, details::text from audit_log where act = 'exported' order by entry"
    )
    assert [row["actor"] for row in entries] == ["reviewer-1", "auditor-1"]
    assert '"contacts": true' in entries[0]["details"]
    assert "人选" not in entries[0]["details"]


async def pack_is(staff_app: StaffApp, condition: str) -> bool:
    met: bool = await staff_app.database.fetchval(
        f"select {condition} from nomination.document_packs order by id desc limit 1"
    )
    return met


async def made(staff_app: StaffApp, client: StaffClient, query: str = "") -> None:
    """Request a pack and wait until it is made."""
    assert (await client.post(f"{REVIEW}/download{query}", data={})).status_code == 303
    await eventually(lambda: pack_is(staff_app, "finished_at is not null"))


async def test_the_documents_of_many_as_people_name_them(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    first, _, _, fourth = await store_submitted(staff_app, chosen, 4, name="李明", photo=PHOTO)
    await store_submitted(staff_app, chosen, 1, state="rejected")
    client = await staff_app.signed_in_client("reviewer")
    client.headers["accept-language"] = "zh"
    async with (
        document_context(staff_app) as context,
        queue_worker([DOCUMENT_PACK_JOBS], context),
    ):
        await made(staff_app, client, "?state=accepted")
    assert await pack_is(staff_app, "steps_done = steps and steps = 4 and failure is null")
    assert (await client.get(f"{REVIEW}/download/progress.json")).json() == {"1": ["finished", 4]}
    page = (await client.get(f"{REVIEW}/download")).text
    assert f"{REVIEW}/download/1.zip" in page

    answer = await client.get(f"{REVIEW}/download/1.zip")
    assert int(answer.headers["content-length"]) == len(answer.content)
    packed = ZipFile(io.BytesIO(answer.content))
    assert packed.testzip() is None
    names = set(packed.namelist())
    assert f"北区/北区_李明_{first}_推荐表.pdf" in names, "two of one name have their numbers"
    assert f"北区/北区_李明_{fourth}_推荐表.pdf" in names
    assert {
        f"南区/南区_李明_{what}"
        for what in (
            "推荐表.pdf",
            "照片.jpg",
            "证明材料.pdf",
            "所在单位意见盖章页.pdf",
            "推荐单位意见盖章页.pdf",
        )
    } <= names
    assert "推荐人选汇总表.xlsx" in names
    assert len(names) == 4 * 5 + 1
    assert all(entry.flag_bits & 0x800 for entry in packed.infolist()), "UTF-8, for Windows"
    assert packed.read("南区/南区_李明_证明材料.pdf") == EVIDENCE
    assert packed.read("南区/南区_李明_推荐表.pdf").startswith(b"%PDF")
    stored = await staff_app.database.fetchval(
        "select content from nomination.document_pack_pieces"
    )
    assert b"PK" not in stored[:64], "encrypted"
    acts = await staff_app.database.fetch(
        "select subject, details::text from audit_log where act = 'exported' order by entry"
    )
    assert [row["subject"] for row in acts] == ["document pack 1", "document pack 1"]

    auditor = await staff_app.signed_in_client("auditor")
    assert (await auditor.get(f"{REVIEW}/download/1.zip")).status_code == 403
    tomorrow = staff_app.clock() + KEPT_FOR + timedelta(minutes=5)
    async with (
        document_context(staff_app) as context,
        context.database.long_connection(60) as connection,
    ):
        await document_packs_loop(as_database_clock(lambda: tomorrow)).work(connection)
        pieces = "select count(*) from nomination.document_pack_pieces"
        assert await connection.fetchval(pieces) == 0
    assert (await client.get(f"{REVIEW}/download/1.zip")).status_code == 404
    assert "已删除" in (await client.get(f"{REVIEW}/download")).text
    nobody = await client.post(f"{REVIEW}/download?body=nowhere", data={})
    assert nobody.status_code == 409


async def test_a_pack_that_cannot_be_made_states_why_and_leaves_nothing(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    (first,) = await store_submitted(staff_app, chosen, 1)
    owner = await connect(staff_app.settings.migration_url)
    await owner.execute("delete from nomination.files where slot = 'evidence'")
    await owner.close()
    client = await staff_app.signed_in_client("reviewer")
    async with (
        document_context(staff_app) as context,
        queue_worker([DOCUMENT_PACK_JOBS], context),
    ):
        await made(staff_app, client)
    assert "there is no such file" in (await client.get(f"{REVIEW}/download")).text
    pieces = "select count(*) from nomination.document_pack_pieces"
    assert await staff_app.database.fetchval(pieces) == 0
    assert first


def test_a_pack_is_never_in_memory_as_a_whole() -> None:
    writer = PackWriter(datetime(2022, 7, 1, tzinfo=UTC))
    content = b"".join(sha256(str(n).encode()).digest() for n in range(40_000))
    pieces: list[bytes] = []
    for number in range(20):
        writer.add(f"{number}.bin", content)
        assert len(writer._written) < len(content) + PIECE_BYTES + 4096
        pieces.extend(writer.full_pieces())
        assert len(writer._written) < PIECE_BYTES
    pieces.extend(writer.last_pieces())
    with ZipFile(io.BytesIO(b"".join(pieces))) as packed:
        assert packed.read("19.bin") == content
        assert len(packed.namelist()) == 20
    assert [len(piece) for piece in pieces[:-1]] == [PIECE_BYTES] * (len(pieces) - 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("渝中区", "渝中区"),
        ('a/b\\c:d*e?"<>|', "a-b-c-d-e-----"),
        (" .. ", "-"),
        ("字" * 99, "字" * 60),
    ],
)
def test_names_that_every_file_system_takes(text: str, expected: str) -> None:
    assert file_name(text) == expected
