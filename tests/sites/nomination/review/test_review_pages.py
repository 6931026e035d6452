"""The queue, one recommendation with its evidence, and what reviewers do about it."""

from __future__ import annotations

import io
from hashlib import sha256
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.nomination.form.people import id_number
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import (
    Chosen,
    acting,
    move_window,
    seat_officer,
)
from tests.sites.nomination.recommendations.recommendation_data import drafted, person
from tests.sites.nomination.review.review_data import (
    EVIDENCE,
    PATH,
    PHOTO,
    personal_keys,
    store_submitted,
)
from voting_service.contests.model import SUMMARY_CHARACTERS, count_characters
from voting_service.errors import Refused
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import connect
from voting_service.nomination.model import Slot
from voting_service.nomination.recommendations.model import File
from voting_service.nomination.recommendations.service import attach_file, submit
from voting_service.nomination.review.coverage import coverage
from voting_service.nomination.review.filtering import QueueFilter, apply_filter
from voting_service.nomination.review.page_images import render_page_image
from voting_service.nomination.review.repository import (
    load_file_list,
    load_submitted_file,
    load_submitted_recommendations,
)
from voting_service.nomination.shortlist.profiles import first_sentences

REVIEW = f"{PATH}/review"


async def read_audit_log(staff_app: StaffApp, subject: str) -> list[tuple[str, str, str]]:
    """Who did what, and the details, about a subject."""
    rows = await staff_app.database.fetch(
        "select actor, act, details::text from audit_log where subject = $1 order by entry", subject
    )
    return [(row["actor"], row["act"], row["details"]) for row in rows]


async def test_every_view_is_in_the_audit_log_without_names(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    (first,) = await store_submitted(staff_app, chosen, 1, state="submitted")
    auditor = await staff_app.signed_in_client("auditor")
    assert (await auditor.get(REVIEW)).status_code == 200
    assert (await auditor.get(f"{REVIEW}/{first}")).status_code == 200
    page = await auditor.get(f"{REVIEW}/{first}/files/evidence/2")
    assert (page.status_code, page.headers["content-type"]) == (200, "image/png")
    photo = await auditor.get(f"{REVIEW}/{first}/files/photo/1")
    assert photo.content == PHOTO
    taken = await auditor.get(f"{REVIEW}/{first}/files/evidence/download")
    assert taken.headers["content-disposition"].startswith("attachment")
    entries = await read_audit_log(staff_app, f"recommendation {first}")
    assert [(act, details) for _, act, details in entries] \
        == [
            ("viewed", '{"what": "form"}'),
            ("viewed", '{"page": 2, "what": "evidence"}'),
            ("viewed", '{"page": 1, "what": "photo"}'),
            ("exported", '{"what": "evidence"}'),
        ]  # fmt: skip
    everything = await staff_app.database.fetch(
        "select subject || details::text as line from audit_log"
    )
    assert not any("人选" in row["line"] or id_number()[:14] in row["line"] for row in everything)


async def test_files_are_shown_as_images_or_downloaded(staff_app: StaffApp, chosen: Chosen) -> None:
    """Nothing of a file is opened by a reviewer's browser."""
    (first,) = await store_submitted(staff_app, chosen, 1)
    reviewer = await staff_app.signed_in_client("reviewer")
    page = await reviewer.get(f"{REVIEW}/{first}")
    assert page.text.count(f"{REVIEW}/{first}/files/evidence/") == 1 + 10  # a link and the pages
    image = await reviewer.get(f"{REVIEW}/{first}/files/evidence/1")
    assert image.headers["content-type"] == "image/png"
    taken = await reviewer.get(f"{REVIEW}/{first}/files/evidence/download")
    assert taken.content == EVIDENCE
    assert "sandbox" in taken.headers["content-security-policy"]
    assert taken.headers["x-content-type-options"] == "nosniff"
    assert (await reviewer.get(f"{REVIEW}/{first}/files/nothing/download")).status_code == 404


async def test_reviewers_see_what_was_submitted_and_no_draft(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    keys, database, body = personal_keys(staff_app), staff_app.database, chosen.bodies["north"]
    officer = await seat_officer(staff_app, body, "officer")
    now = staff_app.clock()
    await move_window(staff_app, chosen.selection, now.replace(year=2020), now.replace(year=2036))
    draft = await drafted(database, keys, chosen, body=body, officer=officer, form=person(1))

    actor = acting(officer, chosen.selection, keys, database, staff_app.clock())

    async def attach(content: bytes, slot: Slot = "employer_scan") -> None:
        scan = File("application/pdf", 1, sha256(content).digest(), content)
        await attach_file(actor, draft.id, slot, scan)

    await attach(b"as it was submitted")
    await submit(actor, draft)
    reviewer = await staff_app.signed_in_client("reviewer")
    await reviewer.post(
        f"{REVIEW}/{draft.id}/verdict", data={"verdict": "returned", "reason": "请补充"}
    )
    await attach(b"a first draft")
    await attach(b"a draft")
    await attach(b"another draft", "body_scan")
    kept = await database.fetch(
        "select sha256, replaced_at is null as now from nomination.files"
        " where slot = 'employer_scan' order by id"
    )
    assert [(row["sha256"], row["now"]) for row in kept] == [
        (sha256(b"as it was submitted").digest(), False),
        (sha256(b"a draft").digest(), True),
    ]
    shown = await load_submitted_file(database, keys, draft.id, "employer_scan")
    assert shown.content == b"as it was submitted"
    there = await load_file_list(database, draft.id)
    assert set(there) == {"photo", "evidence", "employer_scan", "body_scan"}
    owner = await connect(staff_app.settings.migration_url)
    await owner.execute(
        "insert into nomination.files (recommendation_id, slot, sha256, media_type, pages, content,"
        " added_by, replaced_at)"
        " select $1, 'photo', sha256($3), 'image/jpeg', 1, $3, $2, now()"
        " from generate_series(7, 40)",
        draft.id,
        officer.id,
        b"submitted and replaced",
    )
    await owner.close()
    with pytest.raises(Refused, match="as many files"):
        await attach(b"one too many", "photo")
    there = await load_file_list(database, draft.id)
    assert "employer_scan" in there


async def test_a_page_is_rendered_within_limits() -> None:
    wide = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj "
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 14400 14400]>>endobj\n"
        b"trailer<</Root 1 0 R>>"
    )
    with Image.open(io.BytesIO(await render_page_image(wide, 1))) as picture:
        assert picture.width <= 1240
        assert picture.height <= 1754
    for broken in (b"", b"%PDF-1.4", b"MZ" + bytes(2000)):
        with pytest.raises(Refused, match="cannot be displayed"):
            await render_page_image(broken, 1)


async def test_verdicts_take_a_reason_and_follow_the_state(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    first, other = await store_submitted(staff_app, chosen, 2, state="submitted")
    reviewer = await staff_app.signed_in_client("reviewer")

    async def decide(number: int, verdict: str, reason: str = "") -> int:
        answer = await reviewer.post(
            f"{REVIEW}/{number}/verdict", data={"verdict": verdict, "reason": reason}
        )
        return answer.status_code

    assert await decide(first, "rejected") == 422
    assert await decide(first, "withdrawn", "x") == 422
    assert await decide(first, "returned", "请补充证书") == 303
    assert await decide(first, "returned", "请补充证书和照片") == 303, "with a new term"
    assert await decide(first, "accepted") == 409
    assert await decide(other, "accepted") == 303
    assert await decide(other, "reopened", "再看一次") == 303
    assert await decide(other, "rejected", "不符合条件") == 303
    history = (await reviewer.get(f"{REVIEW}/{other}")).text
    assert history.index("accepted") < history.index("再看一次") < history.index("不符合条件")
    stored = await staff_app.database.fetchval(
        "select string_agg(reason, '') from nomination.reviews"
    )
    assert "不符合条件".encode() not in stored
    acts = [act for _, act, _ in await read_audit_log(staff_app, f"recommendation {other}")]
    assert acts.count("reviewed") == 3


async def test_notes_and_assignments(staff_app: StaffApp, chosen: Chosen) -> None:
    first, other = await store_submitted(staff_app, chosen, 2, state="submitted")
    reviewer = await staff_app.signed_in_client("reviewer")
    me = staff_app.accounts["reviewer-1"].id
    assert (
        await reviewer.post(f"{REVIEW}/{first}/notes", data={"note": "核对证书编号"})
    ).status_code == 303
    assert "核对证书编号" in (await reviewer.get(f"{REVIEW}/{first}")).text
    assigned = await reviewer.post(f"{REVIEW}/bulk/assign", data={"assignment": f"{first}:{me}"})
    assert assigned.status_code == 303
    shown = (await reviewer.get(REVIEW, params={"assignee": me})).text
    assert f'/review/{first}?assignee={me}"' in shown
    assert f"/review/{other}?" not in shown
    for wrong in ({"assignment": f"{first}:9999"}, {"assignment": "x"}, {}):
        answer = await reviewer.post(f"{REVIEW}/bulk/assign", data=wrong)
        assert answer.status_code in (404, 422)


async def test_other_roles_cannot_review(staff_app: StaffApp, chosen: Chosen) -> None:
    (first,) = await store_submitted(staff_app, chosen, 1)
    for role in ("recommender", "expert", "tally_clerk", "administrator"):
        guest = await staff_app.signed_in_client(role)
        for path in (
            REVIEW, f"{REVIEW}/{first}", f"{REVIEW}/{first}/files/photo/1", f"{PATH}/shortlist",
            f"{PATH}/shortlist/{first}", f"{PATH}/notice", f"{PATH}/notice/list.pdf",
        ):  # fmt: skip
            assert (await guest.get(path)).status_code == 403, (role, path)
    auditor = await staff_app.signed_in_client("auditor")
    for path in ("verdict", "notes"):
        assert (await auditor.post(f"{REVIEW}/{first}/{path}", data={})).status_code == 403


async def test_the_filter_stays_in_the_address_and_its_words_are_encrypted_there(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    first, other = await store_submitted(staff_app, chosen, 2)
    reviewer = await staff_app.signed_in_client("reviewer")
    answer = await reviewer.post(
        REVIEW, data={"words": f"人选{first}", "state": "accepted", "sort": "-body"}
    )
    address = answer.headers["location"]
    assert "人选" not in unquote(address)
    for _ in ("at first", "reloaded"):
        page = (await reviewer.get(address)).text
        assert f'value="人选{first}"' in page
        assert f"/review/{first}?state=accepted" in page, "one recommendation keeps the filter"
        assert f"/review/{other}?" not in page
    main = page.split("<main")[1].split("</main")[0]
    assert 'method="get"' not in main
    forged = await reviewer.get(REVIEW, params={"words": f"人选{first}"})
    assert f"/review/{other}" in forged.text, "plain words are none"


async def test_filters(staff_app: StaffApp, chosen: Chosen) -> None:
    await store_submitted(staff_app, chosen, 6)
    await store_submitted(
        staff_app, chosen, 1, state="submitted", chain="新能源汽车", qualification="heritage",
        deeds="夏布织造",
    )  # fmt: skip
    everything = await load_submitted_recommendations(
        staff_app.database, personal_keys(staff_app), chosen.selection
    )

    def result(**fields: str) -> int:
        return len(apply_filter(everything, QueueFilter(**fields)))

    assert result() == 7
    assert (result(state="submitted"), result(state="accepted")) == (1, 6)
    assert (result(body="north"), result(body="nowhere")) == (3, 0)
    assert result(industry="energy") + result(industry="equipment") == 7
    assert (
        result(chain="新能源汽车") == result(qualification="heritage") == result(words="夏布") == 1
    )
    assert result(words="夏布 不在") == 0
    assert result(assignee="nobody") == 7

    def order(sort: str) -> list[int]:
        return [submitted.id for submitted in apply_filter(everything, QueueFilter(sort=sort))]

    numbers = [submitted.id for submitted in everything]
    assert order("") == order("nonsense") == numbers == sorted(numbers)
    assert order("state")[0] == order("-state")[-1] == numbers[-1], "what waits comes first"
    bodies = [submitted.body.id for submitted in apply_filter(everything, QueueFilter(sort="body"))]
    assert bodies == sorted(bodies)
    assert QueueFilter(sort="body").sorted_by("body").sort == "-body"
    assert QueueFilter(sort="-body").sorted_by("body").sort == "body"


async def test_coverage_counts_everybody_once(staff_app: StaffApp, chosen: Chosen) -> None:
    await store_submitted(staff_app, chosen, 4)
    await store_submitted(staff_app, chosen, 1, qualification="title", sex="female")
    everything = await load_submitted_recommendations(
        staff_app.database, personal_keys(staff_app), chosen.selection
    )
    result = coverage(everything, chosen.selection, staff_app.clock().date())
    for shares in result.values():
        assert sum(share.people for share in shares) == 5
    assert {share.key: share.people for share in result["sex"]} == {"male": 4, "female": 1}
    assert {share.key: share.people for share in result["front_line"]} == {"yes": 4, "no": 1}
    assert [share.key for share in result["industry"]] == list(chosen.selection.rules.industries)
    assert chosen.bodies["north"].name == Text("北区", "North District")


@given(st.text("焊工。\n é\u0301", max_size=400))
def test_a_draft_summary_is_a_beginning_that_fits(skills: str) -> None:
    summary = first_sentences(skills * 3)
    assert summary in skills * 3
    assert count_characters(summary) <= SUMMARY_CHARACTERS
    if count_characters(skills * 3) <= SUMMARY_CHARACTERS:
        assert summary == (skills * 3).strip()
