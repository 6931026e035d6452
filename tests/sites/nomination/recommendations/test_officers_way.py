"""What a new officer found hard: where to print, which page is which, what is still wrong."""

from __future__ import annotations

import re
from io import BytesIO

import msgspec
from pypdf import PdfReader

from tests.nomination.files.pdf_files import pdf
from tests.picture_files import jpeg
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen, acting
from tests.sites.nomination.recommendations.posting import LIST, post_step
from tests.sites.nomination.recommendations.recommendation_data import (
    STAMPED_FILE,
    drafted_in_north,
    person,
    submitted,
)
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.recommendations.repository import load_recommendation
from voting_service.nomination.recommendations.service import attach_file, create_draft
from voting_service.sites.nomination.recommendations.form_steps import Step, step_values
from voting_service.staff.accounts.model import Account

WRONG = "500101198005170111"


async def test_a_fault_is_shown_once_when_the_step_is_left_and_kept(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    client = await staff_app.signed_in_client("recommender", officer.name)
    actor = acting(officer, chosen.selection, keys, staff_app.database)
    number = await create_draft(actor, chosen.bodies["north"])
    shown = await post_step(client, number, "person", {"id_number": WRONG, "go": "work"})
    assert shown.status_code == 422
    assert 'Saved. To correct: <a href="#id_number">ID number (身份证号)</a> (' in shown.text
    assert f'value="{WRONG}"' in shown.text
    assert 'name="marked" value="id_number"' in shown.text
    stored = await load_recommendation(staff_app.database, keys, chosen.selection, number)
    assert stored.form.id_number == WRONG
    assert 'data-lacking="work">8 to do<' in shown.text, (
        "what is missing and optional is not counted"
    )
    again = await post_step(
        client, number, "person", {"go": "work", "marked": "id_number"}, seen=stored.form
    )
    assert again.headers["location"] == f"{LIST}/{number}/steps/work"
    saved = await post_step(client, number, "work", {"trade": "钳工"}, json=True)
    assert saved.json()["lacking"]["work"] == "7 to do"
    page = (await client.get(LIST)).text
    assert re.search(r">\d+ to do</a>", page)
    page = (await client.get(f"{LIST}/{number}")).text
    assert "Submit the recommendation” appears here" in page
    assert 'aria-current="step">Check and submit' in page


async def test_page_fields_stand_under_their_condition_and_faults_name_it(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    draft = await drafted_in_north(staff_app, keys, chosen, officer, person(1))
    client = await staff_app.signed_in_client("recommender", officer.name)
    client.headers["accept-language"] = "zh"
    fields = {"achievements": "method", "achievements.method.pages": "99"}
    answer = await post_step(
        client, draft.id, "evidence", {**fields, "go": "opinions"}, seen=draft.form
    )
    assert answer.status_code == 422
    assert "业绩条件第2条的佐证页码写有第99页，而佐证材料共10页" in answer.text
    option, following = (answer.text.index(f'value="{kind}"') for kind in ("method", "technology"))
    assert option < answer.text.index('id="achievements-method-pages"') < following


async def test_the_pages_of_each_joined_file_are_shown(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    draft = await drafted_in_north(staff_app, keys, chosen, officer, person(1))
    client = await staff_app.signed_in_client("recommender", officer.name)
    files = [("evidence", ("证书 <1>.pdf", pdf(2))), ("evidence", ("photo.jpg", jpeg(900, 1200)))]
    fields = {"go": "stay", "placing.evidence": "replace"}
    await post_step(client, draft.id, "evidence", fields, seen=draft.form, files=files)
    for path in ("/steps/evidence", ""):
        page = (await client.get(f"{LIST}/{draft.id}{path}")).text
        assert "Pages 1 to 2: 证书 &lt;1&gt;.pdf" in page
        assert "Page 3: photo.jpg" in page
    names = await staff_app.database.fetchval(
        "select sources from nomination.files "
        "where recommendation_id = $1 and slot = 'evidence' and replaced_at is null",
        draft.id,
    )
    assert "证书".encode() not in names, "a name may name a person: it is encrypted"


async def test_the_last_step_asks_to_print_stamp_photograph_and_drafts_are_marked(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    draft = await drafted_in_north(staff_app, keys, chosen, officer, person(1))
    client = await staff_app.signed_in_client("recommender", officer.name)
    path = f"{LIST}/{draft.id}"
    page = (await client.get(f"{path}/steps/opinions")).text
    assert "Print, stamp, photograph" in page
    assert f'href="{path}/form.pdf" target="_blank"' in page
    assert "草稿" not in await printed_form(client, path), "it is printed to be stamped"
    await post_step(client, draft.id, "opinions", {"remove": "body_scan"}, seen=draft.form)
    assert "草稿" not in await printed_form(client, path)
    assert "must not be stamped" not in (await client.get(path)).text
    changes: tuple[tuple[Step, str, str], ...] = (
        ("work", "trade", ""),
        ("opinions", "employer_opinion.signed_on", "2099-01-01"),
        ("opinions", "body_opinion.signed_on", "2000-01-01"),
    )
    for step, field, value in changes:
        await post_step(client, draft.id, step, {field: value}, seen=draft.form)
        assert "草稿" in await printed_form(client, path), field
        for shown in (path, f"{path}/steps/opinions"):
            assert "must not be stamped" in (await client.get(shown)).text, field
        now = await load_recommendation(staff_app.database, keys, chosen.selection, draft.id)
        whole = step_values(draft.form, step)[field]
        assert isinstance(whole, str)
        await post_step(client, draft.id, step, {field: whole}, seen=now.form)
        assert "草稿" not in await printed_form(client, path)


async def printed_form(client: object, path: str) -> str:
    answer = await client.get(f"{path}/form.pdf")  # type: ignore[attr-defined]
    return "".join(page.extract_text() for page in PdfReader(BytesIO(answer.content)).pages)


async def test_after_the_receipt_it_is_clear_what_comes_next(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    sent = await submitted(
        staff_app.database,
        keys,
        chosen,
        body=chosen.bodies["north"],
        officer=officer,
        form=person(1),
    )
    client = await staff_app.signed_in_client("recommender", officer.name)
    page = (await client.get(f"{LIST}/{sent.id}/receipt")).text
    assert "What happens next" in page
    handled = re.search(r"Handled by</dt><dd>([^<]*)<span", page)
    assert handled and handled[1].strip() == sent.form.evidence_handler
    assert "You can withdraw it until" in page
    shown, folded = page.split("<details>")
    assert not re.search(r"[0-9a-f]{64}", shown)
    assert len(re.findall(r"[0-9a-f]{64}", folded)) == 5
    assert "Can be withdrawn until" in (await client.get(LIST)).text
    await client.post(f"{LIST}/{sent.id}/withdraw", data={"reason": "有误"})
    page = (await client.get(f"{LIST}/{sent.id}")).text
    assert "they were stamped for the original" in page
    top = page.split("<h2", 1)[0]
    assert "<button>Copy into a new draft</button>" in top
    receipt = (await client.get(f"{LIST}/{sent.id}/receipt")).text
    assert "What happens next" not in receipt
    for shown in (top, receipt):
        assert "This recommendation was withdrawn on" in shown
    printed = await printed_form(client, f"{LIST}/{sent.id}")
    assert "已撤回" in printed
    assert printed.count("签字：") == 2


async def test_a_coarse_photo_is_shown_to_reviewers(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    draft = await drafted_in_north(staff_app, keys, chosen, officer, person(1))
    client = await staff_app.signed_in_client("recommender", officer.name)
    answer = await post_step(
        client,
        draft.id,
        "person",
        {"go": "stay"},
        seen=draft.form,
        files={"photo": ("a.jpg", jpeg(300, 420))},
    )
    assert answer.headers["location"].endswith("?done=coarse")
    stored = await load_recommendation(staff_app.database, keys, chosen.selection, draft.id)
    form = {"revision": str(stored.revision)}
    assert (await client.post(f"{LIST}/{draft.id}/submit", data=form)).status_code == 303
    reviewer = await staff_app.signed_in_client("reviewer")
    page = await reviewer.get(f"/selections/selection-2022/review/{draft.id}")
    assert "photo is coarse" in page.text


async def test_the_sample_has_every_field(
    staff_app: StaffApp, chosen: Chosen, officer: Account
) -> None:
    client = await staff_app.signed_in_client("recommender", officer.name)
    page = (await client.get(f"{LIST}/sample")).text
    fields = len(msgspec.structs.fields(RecommendationForm))
    assert page.count("<dt>") >= fields
    assert '<dd><span class="lines"></span>' not in page


async def test_a_form_that_is_changed_after_its_stamp_is_marked_on_the_last_two_steps(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    form = person(1)
    draft = await drafted_in_north(staff_app, keys, chosen, officer, form)
    client = await staff_app.signed_in_client("recommender", officer.name)

    async def is_marked() -> list[bool]:
        pages = (f"{LIST}/{draft.id}/steps/opinions", f"{LIST}/{draft.id}")
        return ["data-outdated" in (await client.get(page)).text for page in pages]

    assert await is_marked() == [False, False]
    signed = {"employer_opinion.text": "同意推荐该同志。", "employer_opinion.signer": "负责人"}
    await post_step(client, draft.id, "opinions", signed, seen=form)
    assert await is_marked() == [False, False], "typed from the stamped pages"
    await post_step(client, draft.id, "deeds", {"deeds": "盖章后改动"}, seen=form)
    assert await is_marked() == [True, True]
    actor = acting(officer, chosen.selection, keys, staff_app.database)
    await attach_file(actor, draft.id, "employer_scan", STAMPED_FILE)
    assert await is_marked() == [True, True], "the other page is of the old form"
    await attach_file(actor, draft.id, "body_scan", STAMPED_FILE)
    assert await is_marked() == [False, False]


async def test_evidence_is_seen_beside_its_step_and_hints_are_of_what_can_be_done(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    draft = await drafted_in_north(staff_app, keys, chosen, officer, person(1))
    client = await staff_app.signed_in_client("recommender", officer.name)
    page = (await client.get(f"{LIST}/{draft.id}/steps/evidence")).text
    assert page.count(f'src="{LIST}/{draft.id}/files/evidence/') == 10
    image = await client.get(f"{LIST}/{draft.id}/files/evidence/10")
    assert (image.status_code, image.headers["content-type"]) == (200, "image/png")
    for missing in ("evidence/11", "photo/1"):
        assert (await client.get(f"{LIST}/{draft.id}/files/{missing}")).status_code == 404
    actor = acting(officer, chosen.selection, keys, staff_app.database)
    empty = await create_draft(actor, chosen.bodies["north"])
    page = (await client.get(f"{LIST}/{empty}/steps/evidence")).text
    assert "evidence-beside" not in page
    assert "<span data-scripted hidden> A single file is uploaded at once." in page
