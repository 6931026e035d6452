"""The way of a reviewer through many recommendations: next, previous, scores, what was changed."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import timedelta

import asyncpg
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from tests.nomination.files.word_files import PAGE_BREAK, docx, paragraph
from tests.patience import PATIENCE_SECONDS
from tests.sites.console.kept_forms import end_sessions, open_mark
from tests.sites.console.running_staff_app import StaffApp, StaffClient
from tests.sites.nomination.bodies.selection_data import Chosen, acting, move_window, seat_officer
from tests.sites.nomination.recommendations.posting import LIST, post_step
from tests.sites.nomination.recommendations.recommendation_data import person, submitted
from tests.sites.nomination.review.review_data import PATH, personal_keys, store_submitted
from voting_service.infrastructure.postgres.pool import connect
from voting_service.nomination.files import libreoffice
from voting_service.nomination.files.model import UploadedFile
from voting_service.nomination.recommendations.file_intake import examine_upload
from voting_service.nomination.recommendations.repository import load_recommendation
from voting_service.nomination.recommendations.service import attach_file
from voting_service.nomination.review.differences import GAP, compare_texts
from voting_service.staff.accounts.model import Role

REVIEW = f"{PATH}/review"
PERSON = re.compile(rf'<th scope="row"><a href="({REVIEW}/[0-9]+[^"]*)">')


async def list_links(client: StaffClient, **query: str) -> list[str]:
    """The links of the list under a filter, in its order."""
    page = (await client.get(REVIEW, params=query)).text
    return [link.replace("&amp;", "&") for link in PERSON.findall(page)]


def link_to(page: str, text: str) -> str:
    match = re.search(rf'<a class="button second" href="([^"]+)"[^>]*>{text}</a>', page)
    return match[1].replace("&amp;", "&") if match else ""


async def follow(client: StaffClient, answer: httpx.Response) -> str:
    assert answer.status_code == 303, answer.text
    page = await client.get(answer.headers["location"])
    assert page.status_code == 200
    return page.text


async def judge(client: StaffClient, page: str, **data: str) -> httpx.Response:
    """Post the verdict form of a page."""
    match = re.search(r'action="([^"]+/verdict[^"]*)"', page)
    assert match is not None
    return await client.post(match[1].replace("&amp;", "&"), data=data)


async def test_the_way_keeps_filter_and_length_while_its_people_are_judged(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    waiting = await store_submitted(staff_app, chosen, 4, state="submitted")
    await store_submitted(staff_app, chosen, 2, state="accepted")
    reviewer = await staff_app.signed_in_client("reviewer")
    links = await list_links(reviewer, state="submitted")
    assert [link.split("?")[0] for link in links] == [f"{REVIEW}/{n}" for n in waiting]
    page = (await reviewer.get(links[0])).text
    assert "1 of 4" in page
    assert link_to(page, "Previous") == ""

    answer = await judge(reviewer, page, verdict="accepted")
    page = await follow(reviewer, answer)
    assert answer.headers["location"].startswith(f"{REVIEW}/{waiting[1]}?")
    assert "2 of 4" in page, "judged people stay in the way that is being gone"
    assert f">Recommendation {waiting[0]}</a>: Accepted." in page, "a slip can be put right"
    back = (await reviewer.get(link_to(page, "Previous"))).text
    assert "1 of 4" in back
    assert 'value="reopened"' in back

    page = (await reviewer.get(link_to(page, "Next"))).text
    assert "3 of 4" in page
    page = await follow(reviewer, await judge(reviewer, page, verdict="rejected", reason="不符"))
    answer = await judge(reviewer, page, verdict="returned", reason="请补充")
    assert re.fullmatch(
        rf"{REVIEW}\?state=submitted&done=returned&of={waiting[3]}", answer.headers["location"]
    ), "back to the list as it is now"
    assert (await follow(reviewer, answer)).count('<th scope="row"><a') == 1
    whole = (await reviewer.get(f"{REVIEW}/{waiting[0]}")).text
    assert "1 of 6" in whole, "without a filter it is the way through everything"


async def test_words_are_kept_on_the_way_and_never_stand_in_an_address(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    _, other = await store_submitted(staff_app, chosen, 2, state="submitted")
    reviewer = await staff_app.signed_in_client("reviewer")
    answer = await reviewer.post(REVIEW, data={"words": f"人选{other}"})
    shown = await follow(reviewer, answer) if answer.is_redirect else answer.text
    (link,) = PERSON.findall(shown)
    address = link.replace("&amp;", "&")
    page = (await reviewer.get(address)).text
    assert "1 of 1" in page
    assert "人选" not in "".join(re.findall(r'(?:href|action)="([^"]*)"', page))
    assert "%E4%BA%BA" not in page


async def test_a_refused_verdict_comes_back_with_its_text_and_its_place(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    await store_submitted(staff_app, chosen, 2, state="submitted")
    reviewer = await staff_app.signed_in_client("reviewer")
    (first, _) = await list_links(reviewer, state="submitted")
    page = (await reviewer.get(first)).text
    refused = await judge(reviewer, page, verdict="rejected", reason=" ", score="88")
    assert refused.status_code == 422
    assert 'id="reason-fault"' in refused.text
    assert re.search(r'name="reason"[^>]* autofocus aria-describedby="reason-fault', refused.text)
    assert re.search(r'name="score"[^>]* value="88"', refused.text)
    assert re.search(r'value="rejected"[^>]* checked', refused.text)
    assert "1 of 2" in refused.text
    assert await staff_app.database.fetchval("select count(*) from nomination.preliminary_scores") \
        == 0, "nothing of it is stored"  # fmt: skip
    both = await judge(reviewer, page, verdict="rejected", reason=" ", score="888")
    assert 'id="reason-fault"' in both.text
    assert 'id="score-fault"' in both.text, "all faults at once"

    await judge(reviewer, page, verdict="accepted")
    late = await judge(reviewer, page, verdict="rejected", reason="写了很久的理由")
    assert (late.status_code, "写了很久的理由" in late.text) == (409, True)
    owner = await connect(staff_app.settings.migration_url)
    await owner.execute("update nomination.recommendations set state = 'withdrawn'")
    await owner.close()
    gone = await judge(reviewer, page, verdict="rejected", reason="写了很久的理由")
    assert (gone.status_code, "写了很久的理由" in gone.text) == (409, True)

    mark = await open_mark(reviewer, REVIEW)
    await end_sessions(staff_app)
    number = first.split("?")[0]
    data = {"csrf": mark, "verdict": "rejected", "reason": "会话过期前写的"}
    await reviewer.post(f"{number}/verdict?state=submitted", data=data)
    owner = await connect(staff_app.settings.migration_url)
    await owner.execute("update nomination.recommendations set state = 'submitted'")
    await owner.close()
    again = await staff_app.signed_in_client("reviewer")
    assert "会话过期前写的" in (await again.get(f"{number}?state=submitted")).text


async def test_preliminary_scores(staff_app: StaffApp, chosen: Chosen) -> None:
    (first,) = await store_submitted(staff_app, chosen, 1, state="submitted")
    reviewer = await staff_app.signed_in_client("reviewer")
    supervisor = await staff_app.signed_in_client("supervisor")
    auditor = await staff_app.signed_in_client("auditor")
    address = f"{REVIEW}/{first}"
    for text in ("101", "-1", "many", "8.5", "9" * 30):
        refused = await reviewer.post(f"{address}/verdict", data={"act": "score", "score": text})
        assert refused.status_code == 422, text
        assert f'value="{text}"' in refused.text
        assert "whole number from 0 to 100" in refused.text
    for client, text in ((reviewer, "70"), (reviewer, "８０"), (supervisor, "91")):
        page = await follow(
            client, await client.post(f"{address}/verdict", data={"act": "score", "score": text})
        )
        assert "Score saved." in page
    assert 'name="verdict"' in page, "no verdict was given"
    assert re.search(r'name="score"[^>]* value="91"', page)
    shown = (await auditor.get(address)).text
    assert "average 85.5, from 80 to 91, by 2." in shown
    assert "reviewer-1 80" in shown
    assert 'name="score"' not in shown
    data = {"act": "score", "score": "5"}
    assert (await auditor.post(f"{address}/verdict", data=data)).status_code == 403
    row = re.sub(r"<[^>]+>", "", (await auditor.get(REVIEW)).text.split("<tbody>")[-1])
    assert "85.5 80–91 (2)" in row
    lines = await staff_app.database.fetch(
        "select details ->> 'score' as score from audit_log where act = 'scored' order by entry"
    )
    assert [line["score"] for line in lines] == ["70", "80", "91"]


@pytest.mark.parametrize(
    ("score", "account", "constraint"),
    [
        (101, "reviewer-1", "preliminary_scores_range"),
        (-1, "reviewer-1", "preliminary_scores_range"),
        (50, "auditor-1", "reviews_reviewers"),
    ],
)
async def test_the_database_takes_no_other_score(
    staff_app: StaffApp, chosen: Chosen, score: int, account: str, constraint: str
) -> None:
    (first,) = await store_submitted(staff_app, chosen, 1, state="submitted")
    role: Role = "auditor" if account.startswith("auditor") else "reviewer"
    who = await staff_app.account(role, account)
    error = await refused_by_database(
        staff_app,
        "insert into nomination.preliminary_scores (recommendation_id, account_id, score)"
        " values ($1, $2, $3)",
        (first, who.id, score),
    )
    assert error == constraint


async def refused_by_database(
    staff_app: StaffApp, statement: str, values: Sequence[object]
) -> str | None:
    """The constraint that refuses a statement of the application's role."""
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await staff_app.database.execute(statement, *values)
    return caught.value.constraint_name


async def corrected(staff_app: StaffApp, chosen: Chosen) -> int:
    """Returned and submitted again with other deeds and one page of evidence; then returned once
    more and changed, which nobody has submitted."""
    officer = await seat_officer(staff_app, chosen.bodies["north"], "officer")
    keys, now = personal_keys(staff_app), staff_app.clock()
    await move_window(staff_app, chosen.selection, now - timedelta(days=9), now + timedelta(days=1))
    recommendation = await submitted(
        staff_app.database,
        keys,
        chosen,
        body=chosen.bodies["north"],
        officer=officer,
        form=person(1),
    )
    number = recommendation.id
    reviewer = await staff_app.signed_in_client("reviewer")
    client = await staff_app.signed_in_client("recommender", "officer")
    actor = acting(officer, chosen.selection, keys, staff_app.database, staff_app.clock())
    returned = {"verdict": "returned", "reason": "请补充"}
    await reviewer.post(f"{REVIEW}/{number}/verdict", data=returned)
    await post_step(client, number, "deeds", {"deeds": "完成革新63项"}, seen=recommendation.form)
    one_page = await examine_upload("evidence", [UploadedFile("a.docx", word_evidence())])
    await attach_file(actor, number, "evidence", one_page)
    now_stored = await load_recommendation(staff_app.database, keys, chosen.selection, number)
    again = await client.post(f"{LIST}/{number}/submit", data={"revision": now_stored.revision})
    assert again.status_code == 303, again.text
    await reviewer.post(f"{REVIEW}/{number}/verdict", data=returned)
    await post_step(client, number, "deeds", {"deeds": "草稿"}, seen=now_stored.form)
    return number


def word_evidence() -> bytes:
    pages = [PAGE_BREAK.join(paragraph(f"第{page}页") for page in range(1, 11))]
    return docx("".join(pages))


async def test_what_was_changed_is_marked_and_drafts_stay_unseen(
    staff_app: StaffApp, chosen: Chosen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With evidence that came as a Word file: its pages are seen like those of a PDF."""
    monkeypatch.setattr(libreoffice, "TIMEOUT_SECONDS", PATIENCE_SECONDS)
    number = await corrected(staff_app, chosen)
    reviewer = await staff_app.signed_in_client("reviewer")
    page = (await reviewer.get(f"{REVIEW}/{number}")).text
    changes = page.split('id="changes"')[1].split("</section>")[0]
    marked = re.sub(r'<span class="visually-hidden">[^<]*</span>', "", changes)
    assert "<del>事迹</del><ins>完成革新63项</ins>" in marked
    assert "Evidence: the file was replaced" in marked
    assert marked.index("Why it was last returned:</strong>请补充") < marked.index("<del>")
    assert marked.count("<dt>") == 1, "what stayed is not repeated"
    assert "草稿" not in page

    paper = await reviewer.get(f"{REVIEW}/{number}/form.pdf")
    assert (
        f'filename="Recommendation form-North District-{number}.pdf"'
        in paper.headers["content-disposition"]
    )
    text = "".join(p.extract_text() for p in PdfReader(io.BytesIO(paper.content)).pages)
    assert ("63" in text, "草稿" in text) == (True, False)
    image = await reviewer.get(f"{REVIEW}/{number}/files/evidence/10")
    assert (image.status_code, image.headers["content-type"]) == (200, "image/png")


async def test_every_link_and_picture_of_the_page_opens_for_all_who_see_it(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    first, _ = await store_submitted(staff_app, chosen, 2, state="submitted")
    for role in ("reviewer", "supervisor", "auditor"):
        client = await staff_app.signed_in_client(role)
        page = (await client.get(f"{REVIEW}/{first}?state=submitted")).text
        main = page.split("<main")[1]
        links = set(re.findall(r'(?:href|src)="(/[^"]+)"', main))
        assert f"{REVIEW}/{first}/form.pdf" in links
        for link in links:
            answer = await client.get(link.replace("&amp;", "&"))
            assert answer.status_code == 200, (role, link)
        anchors = set(re.findall(r'href="#([^"]+)"', main))
        assert anchors >= {"form", "evidence", "evidence-1"}
        assert {anchor for anchor in anchors if f'id="{anchor}"' not in page} == set()


TEXT = st.text("焊工改进 abc12。\n", max_size=120)


@given(TEXT, TEXT)
def test_the_parts_of_a_comparison_are_both_texts(before: str, after: str) -> None:
    parts = compare_texts(before, after)
    for kept, text in (("deleted", before), ("inserted", after)):
        shown = [part.text for part in parts if part.kind in ("same", kept)]
        rest = text
        for piece in "".join(shown).split(GAP):
            assert piece in rest
            rest = rest[rest.index(piece) + len(piece) :]
        if GAP not in "".join(shown):
            assert "".join(shown) == text
    assert all(part.kind == "same" for part in parts) == (before == after)


def test_single_characters_that_agree_by_chance_do_not_break_a_change() -> None:
    parts = compare_texts("带徒十八人，其中技师五人", "带徒九人，其中技师五人")
    assert [(part.kind, part.text) for part in parts] == [
        ("same", "带徒"), ("deleted", "十八"), ("inserted", "九"), ("same", "人，其中技师五人"),
    ]  # fmt: skip
    whole = compare_texts("甲乙丙丁", "子乙丑寅")
    assert [part.kind for part in whole] == ["deleted", "inserted"]
    long = compare_texts("共九十七项。" + "长" * 200, "共六十三项。" + "长" * 200)
    assert long[-1].text.endswith(GAP)
    invisible = compare_texts("\u2060" * 30_000, "\u2060" * 30_001)
    assert [part.kind for part in invisible] == ["deleted", "inserted"], "not for minutes"
