"""The officers' pages over HTTP: drafts, colleagues, files, hand-in, return, withdrawal."""

from __future__ import annotations

import re
from datetime import timedelta
from hashlib import sha256
from io import BytesIO

import msgspec
import pytest
from pypdf import PdfReader

from tests.nomination.files.pdf_files import pdf
from tests.picture_files import halves, jpeg, opened, saved
from tests.sites.console.running_staff_app import StaffApp, StaffClient
from tests.sites.nomination.bodies.selection_data import (
    Chosen,
    acting,
    move_window,
    seat_officer,
)
from tests.sites.nomination.recommendations.posting import LIST, post_step
from tests.sites.nomination.recommendations.recommendation_data import (
    EVIDENCE,
    PHOTO,
    drafted_in_north,
    person,
    submitted,
)
from voting_service.infrastructure.postgres.pool import connect
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.recommendations.model import Recommendation
from voting_service.nomination.recommendations.repository import (
    load_recommendation,
    load_recommendations,
    load_submitted_file,
)
from voting_service.nomination.recommendations.service import (
    create_draft,
    submit,
)
from voting_service.nomination.review.service import give_verdict
from voting_service.sites.nomination.recommendations.routes import ROUTES
from voting_service.sites.shared.signed_in import uploads
from voting_service.staff.accounts.model import Account


async def begun(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> tuple[StaffClient, int]:
    client = await staff_app.signed_in_client("recommender", officer.name)
    actor = acting(officer, chosen.selection, keys, staff_app.database)
    number = await create_draft(actor, chosen.bodies["north"])
    return client, number


async def complete(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account, number: int = 1
) -> Recommendation:
    return await drafted_in_north(staff_app, keys, chosen, officer, person(number))


async def stored(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, number: int
) -> Recommendation:
    return await load_recommendation(staff_app.database, keys, chosen.selection, number)


async def test_a_step_is_saved_without_scripts_and_nothing_typed_is_lost(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    client, number = await begun(staff_app, chosen, keys, officer)
    kept = await post_step(client, number, "person", {"name": " 人选一 ", "go": "work"})
    assert kept.headers["location"] == f"{LIST}/{number}/steps/work"
    before = (await stored(staff_app, chosen, keys, number)).form
    assert before == RecommendationForm(name="人选一")
    answer = await post_step(
        client, number, "person", {"birth": "五月", "education": "大专", "sex": "both"},
        seen=before,
    )  # fmt: skip
    assert answer.status_code == 422
    assert 'value="五月"' in answer.text
    assert "such as 1980-05" in answer.text
    assert (await stored(staff_app, chosen, keys, number)).form == RecommendationForm(
        name="人选一", education="大专"
    )


async def test_the_script_gets_the_faults_so_far(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    client, number = await begun(staff_app, chosen, keys, officer)
    answer = await post_step(
        client, number, "person", {"id_number": "500101198005170111", "birth": "1980.5"}, json=True
    )
    assert answer.status_code == 200
    saved = answer.json()
    assert set(saved["faults"]) == {"id_number"}, "what is open is no fault while typing"
    assert "500101198005170111" not in answer.text
    again = await post_step(client, number, "person", {"name": "人选一"}, json=True)
    theirs = {"id_number": "500101198005170111", "birth": "1980-05"}
    assert again.json()["theirs"] == theirs, "the mark is that of the empty form"
    twice = await post_step(client, number, "person", {"name": "人选二"}, json=True)
    assert (twice.status_code, twice.json()) == (409, {"conflict": True})


async def test_two_officers_in_one_step_both_keep_what_they_typed(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    first, number = await begun(staff_app, chosen, keys, officer)
    colleague = await seat_officer(staff_app, chosen.bodies["north"], "colleague")
    second = await staff_app.signed_in_client("recommender", colleague.name)
    assert (await post_step(first, number, "work", {"trade": "数控车工"})).status_code == 303
    # Another step is no conflict, though the form has changed.
    assert (await post_step(second, number, "deeds", {"deeds": "事迹"})).status_code == 303
    answer = await post_step(second, number, "work", {"trade": "钳工"})
    assert answer.status_code == 409
    assert 'value="钳工"' in answer.text
    assert "数控车工" in answer.text
    assert "This step was changed after you opened it" in answer.text
    now = (await stored(staff_app, chosen, keys, number)).form
    assert (now.trade, now.deeds) == ("数控车工", "事迹")
    # Having seen both, the second one saves.
    assert (await post_step(second, number, "work", {"trade": "钳工"}, seen=now)).status_code == 303
    assert (await stored(staff_app, chosen, keys, number)).form.trade == "钳工"


async def test_files_are_examined_stored_and_returned(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    client, number = await begun(staff_app, chosen, keys, officer)
    refused = await post_step(
        client, number, "person", {"name": "人选一"}, files={"photo": ("a.jpg", b"MZ\0")}
    )
    assert refused.status_code == 422
    assert 'value="人选一"' in refused.text
    assert "photo" not in (await stored(staff_app, chosen, keys, number)).files
    now = (await stored(staff_app, chosen, keys, number)).form
    taken = await post_step(
        client, number, "person", {}, seen=now, files={"photo": ("a.jpg", PHOTO)}
    )
    assert taken.status_code == 303
    taken = await post_step(client, number, "evidence", {}, files={"evidence": ("a.pdf", EVIDENCE)})
    assert taken.status_code == 303
    taken = await post_step(
        client, number, "opinions", {},
        files={"employer_scan": ("a.pdf", EVIDENCE), "body_scan": ("b.jpg", jpeg(150, 210))},
    )  # fmt: skip
    assert taken.status_code == 422, "ten pages are no opinion, and 150 dots no stamped page"
    recommendation = await stored(staff_app, chosen, keys, number)
    assert {slot: info.pages for slot, info in recommendation.files.items()} == {
        "photo": 1,
        "evidence": 10,
    }

    encrypted = await staff_app.database.fetchval(
        "select content from nomination.files where slot = 'evidence'"
    )
    assert EVIDENCE not in encrypted
    assert b"%PDF" not in encrypted
    given = await client.get(f"{LIST}/{number}/files/evidence")
    assert sha256(given.content).digest() == recommendation.files["evidence"].sha256
    assert given.headers["content-disposition"].startswith("attachment")
    shown = await client.get(f"{LIST}/{number}/files/photo")
    assert shown.headers["content-type"] == "image/jpeg"
    for answer in (given, shown):
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert answer.headers["cache-control"] == "no-store"
    assert (await client.get(f"{LIST}/{number}/files/body_scan")).status_code == 404
    # A second one takes the place; the first was in no submission, so nothing needs it.
    await post_step(client, number, "person", {}, seen=now, files={"photo": ("b.jpg", PHOTO)})
    rows = await staff_app.database.fetch(
        "select replaced_at is null as now from nomination.files where slot = 'photo' order by id"
    )
    assert [row["now"] for row in rows] == [True]
    # What does not belong there is taken out again.
    await post_step(client, number, "person", {"remove": "photo"}, seen=now)
    assert set((await stored(staff_app, chosen, keys, number)).files) == {"evidence"}


async def test_several_files_become_one_and_the_photo_is_cut_to_its_frame(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    client, number = await begun(staff_app, chosen, keys, officer)
    pages = [
        ("evidence", ("a.pdf", pdf(2))),
        ("evidence", ("b.heic", saved(halves(900, 1200), "HEIF"))),
    ]
    assert (await post_step(client, number, "evidence", {}, files=pages)).status_code == 303
    refused = await post_step(
        client, number, "evidence", {}, files=[*pages, ("evidence", ("c.pdf", pdf(8)))]
    )
    assert "ile 3: more than 10 pages together" in refused.text
    framed = {"photo_frame": "0.1 0.1 0.4 0.4"}
    for fields, width in (({}, 826), (framed, 400), ({"photo_frame": "nonsense"}, 826)):
        photo = {"photo": ("a.png", jpeg(1000, 1400))}
        taken = await post_step(client, number, "person", fields, files=photo)
        assert taken.headers["location"].endswith("?done=coarse" if width < 413 else "?done=saved")
        shown = opened((await client.get(f"{LIST}/{number}/files/photo")).content)
        assert shown.width == width
    page = await client.get(taken.headers["location"].replace("saved", "coarse"))
    assert "will look blurred" in page.text
    assert "img-src 'self' blob:" in page.headers["content-security-policy"]
    assert (await stored(staff_app, chosen, keys, number)).evidence_pages == 3


async def test_new_pages_never_replace_the_old_ones_unasked(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    client, number = await begun(staff_app, chosen, keys, officer)
    step = f"{LIST}/{number}/steps"
    assert "placing." not in (await client.get(f"{step}/evidence")).text
    for placing, name, pages, names in (
        ("", "a.pdf", 2, ["a.pdf"]),
        ("", "b.pdf", 3, ["a.pdf", "b.pdf"]),
        ("add", "c.pdf", 9, ["a.pdf", "b.pdf"]),
        ("add", "d.pdf", 1, ["a.pdf", "b.pdf", "d.pdf"]),
        ("replace", "e.pdf", 4, ["e.pdf"]),
    ):
        fields = {"placing.evidence": placing} if placing else {}
        files = {"evidence": (name, pdf(pages))}
        answer = await post_step(client, number, "evidence", fields, files=files)
        assert answer.status_code == (422 if name == "c.pdf" else 303), name
        assert ("More than 10 pages together" in answer.text) == (name == "c.pdf")
        info = (await stored(staff_app, chosen, keys, number)).files["evidence"]
        assert [source.name for source in info.sources] == names
        assert info.pages == sum(source.pages for source in info.sources)
    assert "Add after the uploaded pages (4)" in (await client.get(f"{step}/evidence")).text

    for placing, name in (("", "a.pdf"), ("", "b.pdf"), ("add", "b.pdf"), ("replace", "b.pdf")):
        fields = {"placing.body_scan": placing} if placing else {}
        files = {"body_scan": (name, pdf(1))}
        answer = await post_step(client, number, "opinions", fields, files=files)
        is_kept = name == "b.pdf" and placing != "replace"
        assert (answer.status_code, "press “Replace”" in answer.text) == (
            (422, True) if is_kept else (303, False)
        )
        info = (await stored(staff_app, chosen, keys, number)).files["body_scan"]
        assert [source.name for source in info.sources] == ["a.pdf" if is_kept else name]
    question = (await client.get(f"{step}/opinions")).text.split('name="remove"')[0][-500:]
    assert "(pages: 1) will be removed" in question
    assert "<details" in question
    gone = await post_step(client, number, "opinions", {"remove": "body_scan"})
    assert "Removed: " in (await client.get(gone.headers["location"])).text


async def test_uploads_need_the_csrf_token_and_have_a_limit(
    staff_app: StaffApp,
    chosen: Chosen,
    keys: PersonalKeys,
    officer: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client, number = await begun(staff_app, chosen, keys, officer)
    for mark in ("", "0" * 32, client.token):
        assert (await post_step(client, number, "person", {}, mark=mark)).status_code == 403
    address = f"{LIST}/{number}/steps/person"
    elsewhere = await client.post(address, files={"x": (None, "x")}, headers={"origin": "null"})
    assert elsewhere.status_code == 403
    assert (await client.post(address, data={"name": "x"})).status_code == 415
    many = {f"photo{place}": ("a.jpg", PHOTO) for place in range(13)}
    assert (await post_step(client, number, "person", {}, files=many)).status_code == 400
    long = {"name": "一" * 30_000}
    assert (await post_step(client, number, "person", long)).status_code == 400
    cut = await client.post(
        address,
        content=b"--x\r\ncontent-disposition: form-data; name",
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    assert cut.status_code in {400, 403}
    monkeypatch.setattr(uploads, "MAX_BODY_BYTES", 100_000)
    large = {"photo": ("a.jpg", bytes(200_000))}
    assert (await post_step(client, number, "person", {}, files=large)).status_code == 413
    assert (await stored(staff_app, chosen, keys, number)).form == RecommendationForm()


async def test_a_file_of_the_largest_size_arrives_and_one_byte_more_is_refused_by_name(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    client, number = await begun(staff_app, chosen, keys, officer)
    large = EVIDENCE + bytes(20 * 2**20 + 1 - len(EVIDENCE))
    answer = await post_step(client, number, "evidence", {}, files={"evidence": ("a.pdf", large)})
    assert answer.status_code == 422
    assert "20 MB" in answer.text.split('id="evidence-faults"')[1][:200]


async def test_missing_fields_are_listed_and_nothing_is_submitted(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    client, number = await begun(staff_app, chosen, keys, officer)
    page = (await client.get(f"{LIST}/{number}")).text
    assert "/submit" not in page
    links = re.findall(rf'href="{LIST}/{number}/steps/(\w+)#([\w-]+)"', page)
    assert {"person", "work", "deeds", "evidence", "opinions"} == {step for step, _ in links}
    for step, field in links:
        assert f'id="{field}"' in (await client.get(f"{LIST}/{number}/steps/{step}")).text
    sent = await client.post(f"{LIST}/{number}/submit", data={"revision": "1"})
    assert sent.headers["location"] == f"{LIST}/{number}?done=missing"
    assert (await stored(staff_app, chosen, keys, number)).state == "draft"
    assert (await client.get(f"{LIST}/{number}/receipt")).status_code == 404


async def test_the_submission_is_what_the_page_showed(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    recommendation = await complete(staff_app, chosen, keys, officer)
    client = await staff_app.signed_in_client("recommender", officer.name)
    await post_step(client, recommendation.id, "deeds", {"deeds": "更新"}, seen=recommendation.form)
    stale = await client.post(
        f"{LIST}/{recommendation.id}/submit", data={"revision": recommendation.revision}
    )
    assert stale.status_code == 409
    assert "another officer" in stale.text
    sent = await client.post(
        f"{LIST}/{recommendation.id}/submit", data={"revision": recommendation.revision + 1}
    )
    assert sent.headers["location"] == f"{LIST}/{recommendation.id}/receipt"
    receipt = (await client.get(sent.headers["location"])).text
    assert "Beijing time" in receipt
    printed = await client.get(f"{LIST}/{recommendation.id}/form.pdf")
    assert printed.headers["content-type"] == "application/pdf"
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(printed.content)).pages)
    assert "人选一" in text
    assert f"selection-2022-{recommendation.id}-1" in text
    # It stays as it is.
    changed = await post_step(
        client, recommendation.id, "deeds", {"deeds": "又"}, seen=recommendation.form
    )
    assert changed.status_code == 409
    shown = await client.get(f"{LIST}/{recommendation.id}/steps/deeds")
    assert shown.headers["location"] == f"{LIST}/{recommendation.id}"


async def test_a_name_without_glyphs_is_reported_and_printed_with_a_gap(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    rare = msgspec.structs.replace(person(1), name="人选\U0002a6d6")
    recommendation = await drafted_in_north(staff_app, keys, chosen, officer, rare)
    client = await staff_app.signed_in_client("recommender", officer.name)
    page = await client.get(f"{LIST}/{recommendation.id}")
    assert "fonts for printing do not have these characters" in page.text
    printed = await client.get(f"{LIST}/{recommendation.id}/form.pdf")
    assert printed.status_code == 200
    assert "人选" in "".join(
        sheet.extract_text() for sheet in PdfReader(BytesIO(printed.content)).pages
    )
    assert printed.headers["content-disposition"].startswith("inline; filename=")
    assert f"-{recommendation.id}.pdf" in printed.headers["content-disposition"]


async def test_a_returned_recommendation_is_corrected_and_submitted_again(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    recommendation = await complete(staff_app, chosen, keys, officer)
    await submit(acting(officer, chosen.selection, keys, staff_app.database), recommendation)
    reviewer = acting(
        await staff_app.account("reviewer"), chosen.selection, keys, staff_app.database
    )
    await give_verdict(reviewer, recommendation.id, "returned", "请补充带徒情况。")
    client = await staff_app.signed_in_client("recommender", officer.name)
    for path in (LIST, f"{LIST}/{recommendation.id}", f"{LIST}/{recommendation.id}/steps/deeds"):
        assert "请补充带徒情况。" in (await client.get(path)).text, path
    await post_step(
        client, recommendation.id, "deeds", {"deeds": "带徒三人"}, seen=recommendation.form
    )
    again = await client.post(
        f"{LIST}/{recommendation.id}/submit", data={"revision": recommendation.revision + 1}
    )
    assert again.status_code == 303
    receipt = (await client.get(again.headers["location"])).text
    assert f"selection-2022-{recommendation.id}-2" in receipt
    assert "Earlier submissions" in receipt
    assert "1 / 6" in (await client.get(LIST)).text


async def test_a_withdrawal_frees_the_place_and_the_person(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    recommendation = await submitted(
        staff_app.database, keys, chosen, body=chosen.bodies["north"], officer=officer,
        form=person(1),
    )  # fmt: skip
    client = await staff_app.signed_in_client("recommender", officer.name)
    assert (
        await client.post(f"{LIST}/{recommendation.id}/withdraw", data={"reason": " "})
    ).status_code == 422
    gone = await client.post(f"{LIST}/{recommendation.id}/withdraw", data={"reason": "本人不同意"})
    assert gone.headers["location"] == f"{LIST}/{recommendation.id}?done=withdrawn"
    assert "0 / 6" in (await client.get(LIST)).text
    again = await complete(staff_app, chosen, keys, officer)
    sent = await client.post(f"{LIST}/{again.id}/submit", data={"revision": again.revision})
    assert sent.status_code == 303
    twice = await client.post(f"{LIST}/{recommendation.id}/withdraw", data={"reason": "再次"})
    assert twice.status_code == 409


async def test_both_bodies_see_the_conflict(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    other = await seat_officer(staff_app, chosen.bodies["health"], "other")
    held = await submitted(
        staff_app.database,
        keys,
        chosen,
        body=chosen.bodies["health"],
        officer=other,
        form=person(1),
    )
    mine = await complete(staff_app, chosen, keys, officer)
    client = await staff_app.signed_in_client("recommender", officer.name)
    sent = await client.post(f"{LIST}/{mine.id}/submit", data={"revision": mine.revision})
    assert sent.status_code == 409
    assert f"by Health Department as number {held.id}" in sent.text
    assert person(1).id_number not in sent.text.split("<h2")[0]
    theirs = await staff_app.signed_in_client("recommender", other.name)
    assert (
        f"Health Department already recommends the person of your number {mine.id}"
        in (await client.get(LIST)).text
    )
    assert (
        f"North District also wants to recommend the person of your number {held.id}"
        in (await theirs.get(LIST)).text
    )
    # Once they let go, the person can be recommended, and nothing is in conflict any more.
    await theirs.post(f"{LIST}/{held.id}/withdraw", data={"reason": "由区里推荐"})
    sent = await client.post(f"{LIST}/{mine.id}/submit", data={"revision": mine.revision})
    assert sent.status_code == 303
    assert "also wants to recommend" not in (await theirs.get(LIST)).text


async def test_an_earlier_winner_is_refused(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    owner = await connect(staff_app.settings.migration_url)
    await owner.execute(
        "insert into nomination.earlier_winners values ($1, 2020)",
        keys.person_hash(person(1).id_number),
    )
    await owner.close()
    recommendation = await complete(staff_app, chosen, keys, officer)
    client = await staff_app.signed_in_client("recommender", officer.name)
    sent = await client.post(
        f"{LIST}/{recommendation.id}/submit", data={"revision": recommendation.revision}
    )
    assert sent.status_code == 409
    assert "won in an earlier year" in sent.text
    assert (await stored(staff_app, chosen, keys, recommendation.id)).state == "draft"


async def test_other_bodies_and_roles_get_not_found(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    recommendation = await complete(staff_app, chosen, keys, officer)
    await seat_officer(staff_app, chosen.bodies["south"], "stranger")
    stranger = await staff_app.signed_in_client("recommender", "stranger")
    reads = ["", "/steps/person", "/receipt", "/files/photo", "/form.pdf"]
    for path in reads:
        assert (await stranger.get(f"{LIST}/{recommendation.id}{path}")).status_code == 404, path
    assert (await post_step(stranger, recommendation.id, "person", {})).status_code == 404
    for act in ("submit", "withdraw"):
        form = {"revision": str(recommendation.revision), "reason": "x"}
        assert (
            await stranger.post(f"{LIST}/{recommendation.id}/{act}", data=form)
        ).status_code == 404
    assert person(1).name not in (await stranger.get(LIST)).text
    nobody = staff_app.client()
    for path in reads:
        answer = await nobody.get(f"{LIST}/{recommendation.id}{path}")
        assert answer.headers["location"].startswith("/sign-in?next=")
    for role in ("reviewer", "administrator", "auditor", "expert", "tally_clerk"):
        client = await staff_app.signed_in_client(role)
        for path in reads:
            assert (await client.get(f"{LIST}/{recommendation.id}{path}")).status_code == 403, role
    assert (await stranger.get(f"{LIST}/{2**40}")).status_code == 404


async def test_every_post_needs_the_csrf_token(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    recommendation = await complete(staff_app, chosen, keys, officer)
    parameters = {"slug": "selection-2022", "step": "person", "approval": "1"}
    parameters["recommendation"] = str(recommendation.id)
    paths = [route.path for route in ROUTES if "POST" in (route.methods or ())]
    assert len(paths) == 11
    for client in (
        await staff_app.signed_in_client("recommender", officer.name),
        await staff_app.signed_in_client("supervisor"),
    ):
        for path in paths:
            address = re.sub(r"{(\w+)(?::\w+)?}", lambda name: parameters[name[1]], path)
            form = {"csrf": "0" * 32, "revision": str(recommendation.revision), "reason": "x"}
            answers = [
                await client.post(address, data=form),
                await client.post(address, files={"csrf": (None, "0" * 32)}),
                await client.post(address, data={}, headers={"sec-fetch-site": "same-site"}),
            ]
            assert {answer.status_code for answer in answers} <= {403, 415}, path
    assert (await stored(staff_app, chosen, keys, recommendation.id)).state == "draft"
    assert len(await load_recommendations(staff_app.database, keys, chosen.selection)) == 1


async def test_one_second_after_the_deadline(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    recommendation = await complete(staff_app, chosen, keys, officer)
    now = staff_app.clock()
    await move_window(
        staff_app, chosen.selection, now - timedelta(days=30), now - timedelta(seconds=1)
    )
    client = await staff_app.signed_in_client("recommender", officer.name)
    sent = await client.post(
        f"{LIST}/{recommendation.id}/submit", data={"revision": recommendation.revision}
    )
    assert sent.status_code == 409
    assert "the deadline has passed" in sent.text
    assert "your draft is saved" in sent.text
    kept = await stored(staff_app, chosen, keys, recommendation.id)
    assert (kept.state, kept.form) == ("draft", recommendation.form)
    assert "late recommendations are not accepted" in (await client.get(LIST)).text
    assert await load_submitted_file(staff_app.database, keys, recommendation.id, "photo")


async def test_nothing_can_be_submitted_before_opening(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    recommendation = await complete(staff_app, chosen, keys, officer)
    now = staff_app.clock()
    await move_window(
        staff_app, chosen.selection, now + timedelta(hours=1), now + timedelta(days=1)
    )
    client = await staff_app.signed_in_client("recommender", officer.name)
    sent = await client.post(
        f"{LIST}/{recommendation.id}/submit", data={"revision": recommendation.revision}
    )
    assert sent.status_code == 409
    assert "recommendations have not opened" in sent.text
