"""Drafts are deleted for good, withdrawn recommendations copied, people looked up as they are
typed."""

from __future__ import annotations

import msgspec

from tests.nomination.form.people import id_number
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen, acting, seat_officer
from tests.sites.nomination.recommendations.posting import LIST, post_step
from tests.sites.nomination.recommendations.recommendation_data import (
    EVIDENCE,
    drafted_in_north,
    person,
    submitted,
)
from voting_service.infrastructure.postgres.pool import connect
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.recommendations.repository import (
    load_recommendation,
    load_recommendations,
)
from voting_service.nomination.recommendations.service import create_draft
from voting_service.sites.nomination.recommendations.form_steps import (
    merge_values,
    step_values,
    values_fingerprint,
)
from voting_service.staff.accounts.model import Account


async def test_a_draft_is_deleted_with_its_files_and_the_log_names_the_act(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    draft = await drafted_in_north(staff_app, keys, chosen, officer, person(1))
    sent = await submitted(
        staff_app.database, keys, chosen, body=chosen.bodies["north"], officer=officer,
        form=person(2),
    )  # fmt: skip
    client = await staff_app.signed_in_client("recommender", officer.name)
    page = (await client.get(f"{LIST}/{draft.id}")).text
    assert "<details" in page.split(f"{LIST}/{draft.id}/delete")[0][-400:], "it asks first"
    other = await seat_officer(staff_app, chosen.bodies["south"], "other")
    stranger = await staff_app.signed_in_client("recommender", other.name)
    assert (await stranger.post(f"{LIST}/{draft.id}/delete", data={})).status_code == 404
    assert (await client.post(f"{LIST}/{sent.id}/delete", data={})).status_code == 409
    gone = await client.post(f"{LIST}/{draft.id}/delete", data={})
    assert gone.headers["location"] == f"{LIST}?done=deleted"
    assert "The draft was deleted" in (await client.get(gone.headers["location"])).text
    assert (await client.get(f"{LIST}/{draft.id}")).status_code == 404
    rows = "select count(*) from nomination.files where recommendation_id = $1"
    assert await staff_app.database.fetchval(rows, draft.id) == 0
    assert (
        await staff_app.database.fetchval(
            "select subject from audit_log where act = 'recommendation_deleted'"
        )
        == f"recommendation {draft.id}"
    )
    [left] = await load_recommendations(staff_app.database, keys, chosen.selection)
    assert left.id == sent.id


async def test_a_withdrawn_recommendation_becomes_a_draft_with_its_files(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    sent = await submitted(
        staff_app.database, keys, chosen, body=chosen.bodies["north"], officer=officer,
        form=person(1),
    )  # fmt: skip
    client = await staff_app.signed_in_client("recommender", officer.name)
    assert (await client.post(f"{LIST}/{sent.id}/copy", data={})).status_code == 409
    refused = await client.post(f"{LIST}/{sent.id}/withdraw", data={"reason": "长" * 501})
    assert (refused.status_code, "长" * 501 in refused.text) == (422, True)
    await client.post(f"{LIST}/{sent.id}/withdraw", data={"reason": "有误"})
    assert f"{LIST}/{sent.id}/copy" in (await client.get(f"{LIST}/{sent.id}")).text
    answer = await client.post(f"{LIST}/{sent.id}/copy", data={})
    number = int(answer.headers["location"].rpartition("/")[2].partition("?")[0])
    copy = await load_recommendation(staff_app.database, keys, chosen.selection, number)
    assert (copy.state, copy.form, set(copy.files)) == ("draft", sent.form, set(sent.files))
    assert (await client.get(f"{LIST}/{number}/files/evidence")).content == EVIDENCE
    again = await client.post(f"{LIST}/{number}/submit", data={"revision": copy.revision})
    assert again.headers["location"] == f"{LIST}/{number}/receipt"


async def test_who_cannot_be_recommended_is_said_at_the_field(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    winner, taken, own, free = (person(number) for number in (1, 2, 3, 4))
    owner = await connect(staff_app.settings.migration_url)
    await owner.execute(
        "insert into nomination.earlier_winners (person_hash, year) values ($1, 2020)",
        keys.person_hash(winner.id_number),
    )
    await owner.close()
    colleague = await seat_officer(staff_app, chosen.bodies["south"], "south")
    for body, account, form in (("south", colleague, taken), ("north", officer, own)):
        held = await submitted(
            staff_app.database, keys, chosen, body=chosen.bodies[body], officer=account, form=form
        )
    client = await staff_app.signed_in_client("recommender", officer.name)
    actor = acting(officer, chosen.selection, keys, staff_app.database)
    for form, sentence in (
        (winner, "won"),
        (taken, "another body has already recommended this person"),
        (own, f"as number {held.id}"),
        (free, ""),
        (msgspec.structs.replace(taken, id_number=taken.id_number[:-1]), ""),
    ):
        number = await create_draft(actor, chosen.bodies["north"])
        fields = {"id_number": form.id_number}
        answer = await post_step(client, number, "person", fields, json=True)
        sentences = " ".join(answer.json()["faults"].get("id_number", []))
        assert sentence.lower() in sentences.lower(), sentence
        assert ("recommended" in sentences or "won" in sentences) == bool(sentence)
        assert "South" not in sentences, "which body it is, is no business of another"
        if sentence:
            for path in (f"{LIST}/{number}", f"{LIST}/{number}/steps/person"):
                assert sentences.rstrip(".") in (await client.get(path)).text, path
    acts = await staff_app.database.fetch(
        "select details::text as details from audit_log where act = 'person_checked'"
    )
    assert len(acts) == 4, "each person once, and no part of a number"
    assert not any(taken.id_number in row["details"] for row in acts)


async def test_without_scripts_it_is_said_when_the_step_is_left_and_once(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    colleague = await seat_officer(staff_app, chosen.bodies["south"], "south")
    await submitted(
        staff_app.database, keys, chosen, body=chosen.bodies["south"], officer=colleague,
        form=person(1),
    )  # fmt: skip
    client = await staff_app.signed_in_client("recommender", officer.name)
    actor = acting(officer, chosen.selection, keys, staff_app.database)
    number = await create_draft(actor, chosen.bodies["north"])
    fields = {"id_number": person(1).id_number, "go": "work"}
    shown = await post_step(client, number, "person", fields)
    assert (shown.status_code, "another body has already" in shown.text.lower()) == (422, True)
    stored = await load_recommendation(staff_app.database, keys, chosen.selection, number)
    went_on = await post_step(client, number, "person", fields, seen=stored.form)
    assert went_on.headers["location"] == f"{LIST}/{number}/steps/work"


async def test_a_body_cannot_try_the_numbers_of_strangers(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    client = await staff_app.signed_in_client("recommender", officer.name)
    actor = acting(officer, chosen.selection, keys, staff_app.database)
    number = await create_draft(actor, chosen.bodies["north"])
    owner = await connect(staff_app.settings.migration_url)
    await owner.execute(
        "insert into nomination.person_lookups (selection_id, body_id, person_hash)"
        " select $1, $2, sha256(n::text::bytea) from generate_series(1, 40) as n",
        chosen.selection.id,
        chosen.bodies["north"].id,
    )
    fields = {"id_number": id_number(serial=7)}
    full = await post_step(client, number, "person", fields, json=True)
    assert "checked when you submit" in full.json()["faults"]["id_number"][0]
    await owner.execute(
        "update nomination.person_lookups set looked_up_at = now() - '2 d'::interval"
    )
    await owner.close()
    stored = await load_recommendation(staff_app.database, keys, chosen.selection, number)
    free = await post_step(client, number, "person", fields, seen=stored.form, json=True)
    assert "id_number" not in free.json()["faults"]


def test_two_windows_merge_field_by_field() -> None:
    loaded = step_values(RecommendationForm(skills="a", deeds="b"), "deeds")
    seen = values_fingerprint(loaded)
    for stored, posted, values, theirs, conflicts in (
        ({"skills": "x"}, {}, {"skills": "x"}, {"skills"}, set()),
        ({}, {"skills": "y"}, {"skills": "y"}, set(), set()),
        ({"skills": "x"}, {"deeds": "y"}, {"skills": "x", "deeds": "y"}, {"skills"}, set()),
        ({"skills": "x"}, {"skills": "y"}, {"skills": "y"}, set(), {"skills"}),
        ({"skills": "x"}, {"skills": "x"}, {"skills": "x"}, set(), set()),
    ):
        merged = merge_values({**loaded, **stored}, {**loaded, **posted}, seen)
        assert tuple(merged) == ({**loaded, **values}, theirs, conflicts)
    unknown = merge_values({**loaded, "skills": "x"}, loaded, "")
    assert unknown.conflicts == {"skills"}
