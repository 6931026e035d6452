"""Ten and ten: decided by two people, published at a moment, verified by anybody."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from PIL import Image

from tests.contest_data import arrange_contest
from tests.fakes.signers import private_pem
from tests.nomination.form.people import id_number
from tests.picture_files import (
    halves,
    opened,
    saved,
)
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import seat_officer
from tests.sites.nomination.panel.panel_data import (
    DOCUMENTS,
    RESULT,
    VOTE,
    Chosen,
    end_objections,
)
from tests.sites.public.public_site import public_site
from tests.staff.messages.conftest import give_address
from voting_service.errors import Refused
from voting_service.infrastructure.crypto.signed_document import (
    check_signature,
    load_signing_key,
    read_signed_file,
)
from voting_service.nomination.awards.published_result import load_certificates, load_print_portrait

TEN = list(range(1, 11))
NEXT_TEN = list(range(11, 21))
API = f"/api/v1/contests/{VOTE}/result"


@pytest.mark.parametrize(
    ("winners", "nominees"),
    [
        (TEN[:9], NEXT_TEN),
        ([*TEN, 21], NEXT_TEN),
        (TEN, NEXT_TEN[:9]),
        (TEN, [*NEXT_TEN, 21]),
        ([*TEN[:9], 9], NEXT_TEN),
        (TEN, [*NEXT_TEN[:9], 1]),
        ([*TEN[:9], 31], NEXT_TEN),
        (TEN, [*NEXT_TEN[:9], 99]),
        ([], []),
    ],
)
async def test_the_database_takes_nothing_but_ten_and_ten_of_the_cut(
    staff_app: StaffApp, chosen: Chosen, winners: list[int], nominees: list[int]
) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    await chosen.finish_scoring()
    with pytest.raises(Refused, match="exactly the announced numbers"):
        await chosen.decide("result", "1", {"winners": winners, "nominees": nominees})
    assert await staff_app.database.fetchval("select count(*) from nomination.awards") == 0


async def test_no_result_before_the_panel_has_finished(staff_app: StaffApp, chosen: Chosen) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    await chosen.submit_sheet("expert-a", {1: ("50", "20")}, submit=False)
    reviewer = await staff_app.signed_in_client("reviewer")
    answer = await reviewer.post(RESULT, data={"when": "approval"})
    assert (answer.status_code, "has not finished" in answer.text) == (409, True)
    with pytest.raises(Refused, match="must finish scoring"):
        await chosen.decide("result", "1", {"winners": TEN, "nominees": NEXT_TEN})


async def test_a_published_result_stays_and_is_the_approved_one(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    await chosen.finish_scoring()
    await chosen.publish_result()
    database, contest_id = staff_app.database, chosen.contest.id
    decision = await database.fetchval("select max(id) from approval_requests")
    assert await database.fetchval("select objections_until from award_results") is not None
    for statement in (
        "update award_results set document = 'x'",
        "delete from award_results",
        "update nomination.awards set award = 'winner'",
        "update certificates set number = 1",
    ):
        with pytest.raises(asyncpg.PostgresError):
            await database.execute(statement)
    with pytest.raises(asyncpg.CheckViolationError, match="two people"):
        await database.execute(
            "insert into award_results"
            " (contest_id, version, document, approval_id, published_at, objections_until)"
            " values ($1, 2, 'x', $2, now(), now())",
            contest_id, decision,
        )  # fmt: skip
    with pytest.raises(asyncpg.CheckViolationError, match="whom the result names"):
        await database.execute(
            "insert into certificates (contest_id, serial, number, award, code, issued_at)"
            " values ($1, '2022-999', 21, 'winner', $2, now())",
            contest_id, b"c" * 16,
        )  # fmt: skip


async def test_what_changed_since_the_proposal_is_not_published(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    await chosen.finish_scoring()
    reviewer = await staff_app.signed_in_client("reviewer")
    assert (await reviewer.post(RESULT, data={"when": "approval"})).status_code == 303
    staff_app.settings.signing_key_file.write_bytes(private_pem())
    decision = await staff_app.database.fetchval("select max(id) from approval_requests")
    supervisor = await staff_app.signed_in_client("supervisor")
    answer = await supervisor.post(f"{RESULT}/approvals/{decision}/approve", data={})
    assert (answer.status_code, "has changed since" in answer.text) == (409, True)
    assert await staff_app.database.fetchval("select count(*) from award_results") == 0
    assert await staff_app.database.fetchval("select count(*) from nomination.awards") == 0


async def test_citizens_see_it_from_the_moment_that_was_set(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    await chosen.finish_scoring()
    officer = await seat_officer(staff_app, chosen.bodies["south"], "officer-south")
    await give_address(staff_app.settings, officer.id, "south@example.org")
    zone = chosen.selection.zone
    moment = (staff_app.clock() + timedelta(hours=3)).replace(second=0, microsecond=0)
    await chosen.publish_result(
        when="moment", moment=moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M")
    )
    wait = await staff_app.database.fetchval(
        "select execute_after - created from jobs.pgqueuer join messages"
        " on dedupe_key = 'message:' || messages.id where kind = 'result'"
    )
    assert timedelta(hours=2, minutes=50) < wait < timedelta(hours=3, minutes=1)
    # The fixture of the staff site has another contest, which is open.
    other = staff_app.contest.id
    long_ago = moment - timedelta(days=8000)
    await arrange_contest(
        staff_app.settings.owner_database_url,
        other,
        opens_at=long_ago,
        closes_at=long_ago + timedelta(days=30),
    )
    async with public_site(staff_app.settings, staff_app.clock) as reader:
        staff_app.clock.set(moment - timedelta(minutes=1))
        assert (await reader.get(API)).status_code == 404
        assert "尚未公布" in (await reader.get(f"/zh/{VOTE}/result")).text
        assert (await reader.get(f"/zh/{VOTE}/result/1")).status_code == 404
        assert f"/zh/{VOTE}/result" not in (await reader.get(f"/zh/{VOTE}/cut")).text
        assert (await reader.get(f"/zh/{VOTE}/outcome")).headers["location"] == f"/zh/{VOTE}/cut"
        staff_app.clock.set(moment)
        answer = await reader.get(API)
        file = read_signed_file(answer.content)
        check_signature(file, load_signing_key(staff_app.settings.signing_key_file).public_key())
        assert [award["number"] for award in file.document["winners"]] == TEN
        assert [award["number"] for award in file.document["nominees"]] == NEXT_TEN
        tag = answer.headers["etag"]
        again = await reader.get(API, headers={"if-none-match": tag})
        assert again.status_code == 304
        assert f"/zh/{VOTE}/result" in (await reader.get(f"/zh/{VOTE}/cut")).text
        assert (await reader.get(f"/zh/{VOTE}/outcome")).headers["location"] == f"/zh/{VOTE}/result"
        english = (await reader.get(f"/en/{VOTE}/result")).text
        assert "Winners (10)" in english
        assert "Open to objections until" in english
        assert f'href="/en/{VOTE}/objection"' in english, "and how"
        person = await reader.get(f"/zh/{VOTE}/result/11")
        assert (person.status_code, "提名" in person.text) == (200, True)
        assert (await reader.get(f"/zh/{VOTE}/result/21")).status_code == 404
        notice = await reader.get("/api/v1/notices/selection-2022-result")
        assert len(notice.json()["rows"]) == 20


async def test_a_correction_moves_the_next_up_and_ends_a_certificate(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    await chosen.finish_scoring()
    await chosen.publish_result()
    await end_objections(staff_app, chosen)
    reviewer = await staff_app.signed_in_client("reviewer")
    assert (await reviewer.post(f"{DOCUMENTS}/certificates", data={})).status_code == 303
    certificates = await load_certificates(staff_app.database, chosen.contest.id)
    assert [certificate.serial[-3:] for certificate in certificates] == [
        f"{n:03}" for n in range(1, 21)
    ]
    assert len({certificate.code for certificate in certificates}) == 20
    third = next(certificate for certificate in certificates if certificate.number == 3)
    again = await reviewer.post(RESULT, data={"when": "approval"})
    assert "must state who is removed" in again.text
    missing = {"removed": "3", "reason_zh": "", "reason_en": ""}
    refused = await reviewer.post(RESULT, data={"when": "approval", **missing})
    assert refused.status_code == 422
    for personal in ("联系电话13800138000", id_number()):
        form = {"when": "approval", "removed": "3", "reason_zh": personal, "reason_en": "Upheld"}
        disclosing = await reviewer.post(RESULT, data=form)
        assert (disclosing.status_code, "reason_zh" in disclosing.text) == (422, True)
        assert f"\n{personal}</textarea>" in disclosing.text
        assert disclosing.text.count(personal) == 1
    await chosen.publish_result(removed="3", reason_zh="异议成立", reason_en="Upheld objection")
    async with public_site(staff_app.settings, staff_app.clock) as reader:
        document = (await reader.get(API)).json()["document"]
        assert [entry["number"] for entry in document["winners"]] == [
            1,
            2,
            *range(4, 12),
        ]
        assert [entry["number"] for entry in document["nominees"]] == list(range(12, 22))
        address = f"/zh/{VOTE}{third.path}"
        ended = await reader.get(address)
        assert (ended.status_code, "证书已失效" in ended.text) == (404, True)
        assert "异议成立" in (await reader.get(f"/zh/{VOTE}/result")).text
    early = await reviewer.post(f"{DOCUMENTS}/certificates", data={})
    assert (early.status_code, "Objections are accepted until" in early.text) == (409, True)
    await end_objections(staff_app, chosen)
    reviewer = await staff_app.signed_in_client("reviewer")
    assert (await reviewer.post(f"{DOCUMENTS}/certificates", data={})).status_code == 303
    renewed = await load_certificates(staff_app.database, chosen.contest.id)
    assert {(certificate.number, certificate.award) for certificate in renewed[20:]} == {
        (11, "winner"),
        (21, "nominee"),
    }


async def test_no_certificate_before_the_objection_period_ends(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    await chosen.finish_scoring()
    await chosen.publish_result()
    reviewer = await staff_app.signed_in_client("reviewer")
    page = (await reviewer.get(DOCUMENTS)).text
    assert "Certificates can be numbered and made after that." in page
    assert 'value="announcement"' in page
    assert 'value="certificates"' not in page
    assert "Create certificate numbers" not in page
    for path, form in (
        (f"{DOCUMENTS}/certificates", {}),
        (DOCUMENTS, {"kind": "certificates", "language": "zh"}),
        (DOCUMENTS, {"kind": "certificate_files", "language": "en"}),
    ):
        refused = await reviewer.post(path, data=form)
        assert (refused.status_code, "Objections are accepted until" in refused.text) == (409, True)
    insert = (
        "insert into certificates (contest_id, serial, number, award, code, issued_at)"
        " values ($1, '2022-001', 1, 'winner', $2, now())",
        chosen.contest.id,
        b"c" * 16,
    )
    with pytest.raises(asyncpg.CheckViolationError, match="after the objection period"):
        await staff_app.database.execute(*insert)
    await end_objections(staff_app, chosen)
    objection = await staff_app.database.fetchval(
        "insert into nomination.objections (selection_id, notice, received_on, sender, content,"
        " entered_by) values ($1, 'result', current_date, '', '', $2) returning id",
        chosen.selection.id,
        await staff_app.database.fetchval("select min(id) from accounts where role = 'reviewer'"),
    )
    reviewer = await staff_app.signed_in_client("reviewer")
    unanswered = await reviewer.post(f"{DOCUMENTS}/certificates", data={})
    assert unanswered.status_code == 409
    assert "objection" in unanswered.text
    with pytest.raises(asyncpg.CheckViolationError, match="every objection"):
        await staff_app.database.execute(*insert)
    await staff_app.database.execute(
        "insert into nomination.objection_answers (objection_id, verdict, answer, answered_by)"
        " select id, 'dismissed', '', entered_by from nomination.objections where id = $1",
        objection,
    )
    await staff_app.database.execute(*insert)


async def test_a_certificate_verifies_and_a_forged_one_does_not(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    await chosen.finish_scoring()
    await chosen.publish_result()
    await end_objections(staff_app, chosen)
    reviewer = await staff_app.signed_in_client("reviewer")
    await reviewer.post(f"{DOCUMENTS}/certificates", data={})
    certificate, other = (await load_certificates(staff_app.database, chosen.contest.id))[:2]
    code = certificate.code.hex()
    async with public_site(staff_app.settings, staff_app.clock) as reader:
        reader.follow_redirects = True
        good = await reader.get(certificate.path, headers={"accept-language": "en"})
        assert good.status_code == 200
        for text in ("This certificate is valid", "候选 1", certificate.serial, "Winner"):
            assert text in good.text
        flipped = f"{int(code[0], 16) ^ 1:x}{code[1:]}"
        forged = [
            f"/certificates/{certificate.serial}",
            f"/certificates/{certificate.serial}?code={flipped}",
            f"/certificates/{certificate.serial}?code={other.code.hex()}",
            f"/certificates/{other.serial}?code={code}",
            f"/certificates/2022-999?code={code}",
            f"/certificates/{certificate.serial}?code={code}00",
            f"/certificates/{certificate.serial}?code={'0' * 32}",
            f"/certificates/{certificate.serial}?code=%3Cscript%3E",
            f"/certificates/nonsense?code={code}",
            f"/zh/{VOTE}/certificates/{certificate.serial}?code={code.upper()[:-1]}g",
        ]
        for address in forged:
            answer = await reader.get(address)
            assert answer.status_code == 404, address
            assert "候选 1" not in answer.text
            assert "<script>" not in answer.text


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("video_url", "http://video.example/1", "https://"),
        ("video_url", "javascript:alert(1)", "https://"),
        ("video_url", "https://video.example/a b", "https://"),
        ("video_url", "https://video.example/13800138000", "telephone"),
        ("story_zh", "联系电话13800138000", "telephone"),
        ("story_en", "Write to somebody@example.com", "an email address"),
        ("quotation_zh", "家住重庆市渝中区示范路36号附2号", "address"),
    ],
)
async def test_nothing_personal_and_no_other_address_becomes_public(
    staff_app: StaffApp, chosen: Chosen, field: str, text: str, words: str
) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    await chosen.finish_scoring()
    await chosen.publish_result()
    reviewer = await staff_app.signed_in_client("reviewer")
    answer = await reviewer.post(f"{RESULT}/5", data={"revision": "0", field: text})
    assert (answer.status_code, words in answer.text) == (422, True), answer.text


async def test_publicity_is_shown_and_nobody_overwrites_unseen(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    await chosen.finish_scoring()
    await chosen.publish_result()
    reviewer = await staff_app.signed_in_client("reviewer")
    form = {
        "revision": "0", "story_zh": "匠心故事", "story_en": "A story",
        "quotation_zh": "精益求精", "quotation_en": "Ever better",
        "video_url": "https://video.example/one",
    }  # fmt: skip
    assert (await reviewer.post(f"{RESULT}/5", data=form)).status_code == 303
    stale = await reviewer.post(f"{RESULT}/5", data=form)
    assert (stale.status_code, "changed in another window" in stale.text) == (409, True)
    assert (await reviewer.get(f"{RESULT}/25")).status_code == 404
    async with public_site(staff_app.settings, staff_app.clock) as reader:
        page = (await reader.get(f"/zh/{VOTE}/result/5")).text
        for text in ("匠心故事", "精益求精", 'href="https://video.example/one"'):
            assert text in page


async def test_a_portrait_for_print_is_kept_without_what_it_carried(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    await chosen.finish_scoring()
    await chosen.publish_result()
    reviewer = await staff_app.signed_in_client("reviewer")
    carried = Image.Exif()
    carried[0x010E] = "家住示范路36号"
    sent = saved(halves(1000, 1400), "JPEG", exif=carried)
    for name, content, status in (
        ("p.jpg", sent, 303),
        ("p.jpg", b"no picture", 422),
        ("p.jpg", saved(halves(300, 420), "JPEG"), 422),
    ):
        answer = await reviewer.post(
            f"{RESULT}/5/portrait",
            data={},
            files={"portrait": (name, content, "image/jpeg")},
        )
        assert answer.status_code == status, answer.text
    kept = await load_print_portrait(staff_app.database, chosen.contest.id, 5)
    assert kept is not None
    assert opened(kept).size == (1000, 1400)
    assert "示范路".encode() not in kept
    async with public_site(staff_app.settings, staff_app.clock) as reader:
        page = (await reader.get(f"/zh/{VOTE}/result/5")).text
        address = re.search(r"/pictures/[^ \"]+\.webp", page)
        assert address
        assert (await reader.get(address[0])).status_code == 200


@pytest.mark.parametrize(
    "path",
    [f"{RESULT}/5", f"{RESULT}/5/portrait", f"{DOCUMENTS}/certificates", f"{DOCUMENTS}/1/online"],
)
async def test_what_one_person_makes_public_takes_a_proof_of_who_they_are(
    staff_app: StaffApp, chosen: Chosen, path: str
) -> None:
    reviewer = await staff_app.signed_in_client("reviewer")
    staff_app.clock.set(staff_app.clock() + timedelta(minutes=6))
    answer = await reviewer.post(path, data={})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/confirm?")


async def test_who_may_decide_and_who_may_look(staff_app: StaffApp, chosen: Chosen) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    await chosen.finish_scoring()
    auditor = await staff_app.signed_in_client("auditor")
    assert (await auditor.get(RESULT)).status_code == 200
    for role in ("auditor", "administrator", "tally_clerk", "recommender", "expert"):
        other: Any = await staff_app.signed_in_client(role)
        assert (await other.post(RESULT, data={"when": "approval"})).status_code == 403
        assert (await other.post(DOCUMENTS, data={"kind": "report"})).status_code == 403
    reviewer = await staff_app.signed_in_client("reviewer")
    await reviewer.post(RESULT, data={"when": "approval"})
    decision = await staff_app.database.fetchval("select max(id) from approval_requests")
    own = await reviewer.post(f"{RESULT}/approvals/{decision}/approve", data={})
    assert "cannot approve it" in own.text
