"""Exactly fifty, by two people; their numbers by a draw that anybody can do again; the notice
with its objections; and the vote that opens with them."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from PIL import Image

from tests.contest_data import execute_as_owner
from tests.nomination.form.people import id_number
from tests.patience import eventually
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import (
    Chosen,
    acting,
    move_window,
)
from tests.sites.nomination.review.review_data import (
    PATH,
    SEED,
    age_notices,
    approve,
    draw,
    numbers,
    pass_until_known,
    personal_keys,
    pick,
    reviewer,
    store_submitted,
    two_clients,
    two_people,
    waiting_decision,
    write_profiles,
)
from tests.sites.public.public_site import public_site
from voting_service.errors import InvalidInput, Refused
from voting_service.i18n.text import Text
from voting_service.infrastructure.crypto.public_draw import lot_order
from voting_service.infrastructure.postgres.pool import connect
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.repository import load_selection
from voting_service.nomination.review.service import give_verdict
from voting_service.nomination.shortlist.approval_kinds import DRAW, SHORTLIST
from voting_service.nomination.shortlist.contest_file import default_settings
from voting_service.nomination.shortlist.contest_publication import propose_contest_publication
from voting_service.nomination.shortlist.service import (
    approve_proposal,
    propose_shortlist,
    propose_source,
)
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.service import propose


async def test_fifty_of_a_hundred_and_fifty_reach_the_vote(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    everybody = await store_submitted(staff_app, chosen, 150)
    shortlisted = everybody[::3]
    first, second = await two_clients(staff_app)
    answer = await first.post(f"{PATH}/shortlist", data={"recommendation": shortlisted})
    assert answer.headers["location"] == f"{PATH}/shortlist?done=proposed"
    proposal = await waiting_decision(staff_app, chosen)
    approval = f"{PATH}/shortlist/approvals/{proposal}/approve"
    assert (await first.post(approval, data={})).status_code == 409
    assert (await second.post(approval, data={})).status_code == 303
    assert set(await numbers(staff_app)) == set(shortlisted)

    await draw(staff_app, chosen)
    tickets = {
        row["recommendation_id"]: row["form_sha256"].hex()
        for row in await staff_app.database.fetch(
            "select recommendation_id, form_sha256 from nomination.submissions"
        )
    }
    order = lot_order(
        SEED.lstrip("0"), chosen.selection.slug, [tickets[person] for person in shortlisted]
    )
    assert await numbers(staff_app) == {
        person: order.index(tickets[person]) + 1 for person in shortlisted
    }

    assert (await second.post(f"{PATH}/notice/publish", data={})).status_code == 303
    await write_profiles(staff_app, chosen, shortlisted)
    now = staff_app.clock()
    settings = default_settings(chosen.selection, now)
    assert (
        await first.post(f"{PATH}/shortlist/publish-to-contest", data={"settings": settings})
    ).status_code == 303
    proposal = await waiting_decision(staff_app, chosen)
    approval = f"{PATH}/shortlist/approvals/{proposal}/approve"
    early = await second.post(approval, data={})
    assert early.status_code == 409
    assert "notice period" in early.text
    with pytest.raises(asyncpg.CheckViolationError, match="published to the contest yet: period"):
        await staff_app.database.execute(
            "update approval_requests set approved_by = $2, approved_at = now() where id = $1",
            proposal,
            staff_app.accounts["supervisor-1"].id,
        )
    await age_notices(staff_app)
    assert (await second.post(approval, data={})).status_code == 303

    selection = await load_selection(staff_app.database, chosen.selection.slug)
    assert selection.contest_id is not None
    await execute_as_owner(
        staff_app.settings.migration_url,
        "update contests set opens_at = now() - interval '1 hour' where id = $1",
        selection.contest_id,
    )
    async with public_site(staff_app.settings) as client:
        shown = (await client.get("/api/v1/contests/selection-2022-vote/candidates")).json()
    names = {number: f"人选{person}" for person, number in (await numbers(staff_app)).items()}
    assert {
        candidate["number"]: candidate["name"]["zh"] for candidate in shown["candidates"]
    } == names
    assert sorted(names) == list(range(1, 51))
    assert all(candidate["portrait"]["width"] for candidate in shown["candidates"])
    written = {(c["employer"]["zh"], c["skill_grade"]["zh"]) for c in shown["candidates"]}
    assert written == {("某某路桥机械有限公司", "高级技师")}, "as on the recommendation form"


@pytest.mark.parametrize("people", [2, 4])
async def test_one_more_or_less_is_refused(staff_app: StaffApp, small: Chosen, people: int) -> None:
    everybody = await store_submitted(staff_app, small, 5)
    first, _ = await two_people(staff_app)
    with pytest.raises(InvalidInput, match="1 missing" if people == 2 else "1 too many"):
        await propose_shortlist(await reviewer(staff_app, small), everybody[:people])
    # Whatever a program proposes, the database refuses it when it is approved.
    wrong = await propose(
        Actor(staff_app.database, first, staff_app.clock()),
        small.selection,
        kind=SHORTLIST,
        subject="choice",
        payload={"recommendations": everybody[:people]},
    )
    with pytest.raises(Refused, match="exactly the announced number"):
        await approve(staff_app, small, wrong)
    assert await numbers(staff_app) == {}


@pytest.mark.parametrize(
    "payload",
    [
        lambda ids: [ids[0], ids[0], ids[1]],
        lambda ids: [*ids[:2], ids[5]],
        lambda ids: [*ids[:2], 999_999],
        lambda _: "all of them",
        lambda _: None,
    ],
    ids=["one twice", "one rejected", "nobody's number", "no list", "nothing"],
)
async def test_only_accepted_ones_count_each_once(
    staff_app: StaffApp, small: Chosen, payload: Any
) -> None:
    ids = await store_submitted(staff_app, small, 5)
    ids += await store_submitted(staff_app, small, 1, state="rejected")
    first, _ = await two_people(staff_app)
    wrong = await propose(
        Actor(staff_app.database, first, staff_app.clock()),
        small.selection,
        kind=SHORTLIST,
        subject="choice",
        payload={"recommendations": payload(ids)},
    )
    with pytest.raises(Refused, match="exactly the announced number"):
        await approve(staff_app, small, wrong)


async def test_the_shortlist_comes_after_the_deadline_and_every_verdict(
    staff_app: StaffApp, small: Chosen
) -> None:
    accepted = await store_submitted(staff_app, small, 3)
    first, _ = await two_people(staff_app)
    (waiting,) = await store_submitted(staff_app, small, 1, state="submitted")
    proposal = await propose_shortlist(await reviewer(staff_app, small), accepted)
    with pytest.raises(Refused, match="every submission has been reviewed"):
        await approve(staff_app, small, proposal)
    keys = personal_keys(staff_app)
    verdict_actor = acting(first, small.selection, keys, staff_app.database)
    await give_verdict(verdict_actor, waiting, "rejected", "不符")
    now = staff_app.clock()
    await move_window(staff_app, small.selection, now - timedelta(days=1), now + timedelta(days=1))
    with pytest.raises(Refused, match="once recommendations have closed"):
        await approve(staff_app, small, proposal)
    await move_window(staff_app, small.selection, now - timedelta(days=2), now - timedelta(days=1))
    await approve(staff_app, small, proposal)
    with pytest.raises(Refused, match="has been decided"):
        await give_verdict(verdict_actor, accepted[0], "reopened", "再看")


@pytest.mark.parametrize(
    "statement",
    [
        "insert into nomination.shortlist_entries (recommendation_id, selection_id, approval_id)"
        " values ($1, 1, 1)",
        "update nomination.shortlist_entries set number = 7 where recommendation_id = $1",
        "update nomination.shortlist_entries set removed_by = approval_id"
        " where recommendation_id = $1",
        "delete from nomination.shortlist_entries where recommendation_id = $1",
        "update nomination.recommendations set state = 'accepted' where id = $1",
        "update notices set visible_from = now() where $1 > 0",
        "delete from notices where $1 > 0",
        "delete from nomination.notes where $1 > 0",
        "update nomination.objections set notice = 'result' where $1 > 0",
        "delete from nomination.objection_answers where $1 > 0",
    ],
)
async def test_the_application_cannot_change_the_shortlist_by_sql(
    staff_app: StaffApp, small: Chosen, statement: str
) -> None:
    ids = await store_submitted(staff_app, small, 4)
    await pick(staff_app, small, ids[:3])
    before = await numbers(staff_app)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await staff_app.database.execute(statement, ids[0])
    assert await numbers(staff_app) == before


async def test_only_two_people_can_link_a_contest_to_a_selection(
    staff_app: StaffApp, small: Chosen
) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="two people publish"):
        await staff_app.database.execute(
            "update nomination.selections set contest_id = $1", staff_app.contest.id
        )


async def test_a_seed_counts_only_after_its_source_was_named(
    staff_app: StaffApp, small: Chosen
) -> None:
    ids = await store_submitted(staff_app, small, 3)
    await pick(staff_app, small, ids)
    first, _ = await two_people(staff_app)
    now = staff_app.clock()

    async def proposed(subject: str, payload: Mapping[str, Any]) -> int:
        return await propose(
            Actor(staff_app.database, first, now),
            small.selection,
            kind=DRAW,
            subject=subject,
            payload=dict(payload),
        )

    unnamed = await proposed("seed", {"seed": "5"})
    with pytest.raises(Refused, match="before they are known"):
        await approve(staff_app, small, unnamed)
    with pytest.raises(InvalidInput, match="must be in the future"):
        await propose_source(
            await reviewer(staff_app, small), Text("号码", "Digits"), now - timedelta(days=1)
        )
    known_before = {"zh": "号码", "en": "Digits", "known_at": now.isoformat()}
    late = await proposed("source", known_before)
    with pytest.raises(Refused, match="must be in the future"):
        await approve(staff_app, small, late)
    in_time = {**known_before, "known_at": (now + timedelta(hours=1)).isoformat()}
    await approve(staff_app, small, await proposed("source", in_time))
    with pytest.raises(Refused, match="once they are"):
        await approve(staff_app, small, unnamed)
    assert set((await numbers(staff_app)).values()) == {None}


async def test_an_objection_keeps_the_chosen_from_the_vote(
    staff_app: StaffApp, small: Chosen
) -> None:
    ids = await store_submitted(staff_app, small, 5)
    await pick(staff_app, small, ids[:3])
    await draw(staff_app, small)
    first, second = await two_clients(staff_app)
    await second.post(f"{PATH}/notice/publish", data={})
    await age_notices(staff_app)
    entered = await first.post(
        f"{PATH}/notice/objections",
        data={
            "notice": "shortlist", "about": ids[0], "received_on": "2022-08-01",
            "sender": "异议人己", "content": "事迹不实",
        },
    )  # fmt: skip
    assert entered.status_code == 303
    assert await blocked(staff_app, small) == "objections"
    stored = await staff_app.database.fetchrow("select sender, content from nomination.objections")
    assert stored and "己".encode() not in stored["sender"] + stored["content"]

    answered = await second.post(
        f"{PATH}/notice/objections/1/answer", data={"verdict": "upheld", "answer": "经核实成立"}
    )
    assert answered.status_code == 303
    assert await blocked(staff_app, small) == "replacement"
    number = (await numbers(staff_app))[ids[0]]
    replaced = await first.post(
        f"{PATH}/notice/objections/1/replace", data={"remove": ids[0], "add": ids[4]}
    )
    assert replaced.status_code == 303
    await approve(staff_app, small, await waiting_decision(staff_app, small))
    standing = await numbers(staff_app)
    assert (ids[0] in standing, standing[ids[4]]) == (False, number)

    assert await blocked(staff_app, small) == "notice"
    assert (await second.post(f"{PATH}/notice/publish", data={})).status_code == 303
    assert await blocked(staff_app, small) == "period"
    await still_follows_from_the_digits(staff_app, number)
    await age_notices(staff_app)
    assert await blocked(staff_app, small) is None


async def still_follows_from_the_digits(staff_app: StaffApp, taken_over: int) -> None:
    """The replacement has the number and is marked as such; the draw is unchanged."""
    content = await staff_app.database.fetchval(
        "select content from notices where slug like '%-shortlist' order by version desc limit 1"
    )
    tickets = [row.get("ticket") for row in content["rows"]]
    drawn = content["draw"]["tickets"]
    assert tickets == [None if n == taken_over else drawn[n - 1] for n in (1, 2, 3)]
    assert drawn == list(lot_order(content["draw"]["seed"], content["draw"]["selection"], drawn))


async def test_no_form_changes_after_the_seed_is_known(staff_app: StaffApp, small: Chosen) -> None:
    ids = await store_submitted(staff_app, small, 4)
    await pick(staff_app, small, ids[:3])
    first, second = await two_clients(staff_app)
    await first.post(
        f"{PATH}/notice/objections",
        data={"notice": "shortlist", "about": ids[0], "received_on": "2022-08-01",
              "sender": "某人", "content": "某事"},
    )  # fmt: skip
    upheld = {"verdict": "upheld", "answer": "成立"}
    alone = await first.post(f"{PATH}/notice/objections/1/answer", data=upheld)
    assert alone.status_code == 409
    assert "you cannot uphold an objection that you recorded" in alone.text
    answered = await second.post(f"{PATH}/notice/objections/1/answer", data=upheld)
    assert answered.status_code == 303
    await first.post(f"{PATH}/notice/objections/1/replace", data={"remove": ids[0], "add": ids[3]})
    replacement = await waiting_decision(staff_app, small)
    await draw(staff_app, small, between=lambda: refused_replacement(staff_app, small, replacement))
    number = (await numbers(staff_app))[ids[0]]
    await approve(staff_app, small, replacement)
    assert (await numbers(staff_app))[ids[3]] == number


async def refused_replacement(staff_app: StaffApp, chosen: Chosen, decision_id: int) -> None:
    with pytest.raises(Refused, match="draw the numbers first"):
        await approve(staff_app, chosen, decision_id)


async def blocked(staff_app: StaffApp, chosen: Chosen) -> str | None:
    reason: str | None = await staff_app.database.fetchval(
        "select nomination.contest_publication_blocker($1)", chosen.selection.id
    )
    return reason


async def test_without_an_upheld_objection_nobody_is_replaced(
    staff_app: StaffApp, small: Chosen
) -> None:
    ids = await store_submitted(staff_app, small, 4)
    await pick(staff_app, small, ids[:3])
    first, second = await two_clients(staff_app)
    await first.post(
        f"{PATH}/notice/objections",
        data={"notice": "shortlist", "about": ids[0], "received_on": "2022-08-01",
              "sender": "某人", "content": "某事"},
    )  # fmt: skip
    for act in ("open", "dismissed"):
        if act == "dismissed":
            await second.post(
                f"{PATH}/notice/objections/1/answer", data={"verdict": act, "answer": "不成立"}
            )
        await first.post(
            f"{PATH}/notice/objections/1/replace", data={"remove": ids[0], "add": ids[3]}
        )
        with pytest.raises(Refused, match="objection was upheld"):
            await approve(staff_app, small, await waiting_decision(staff_app, small))
    assert set(await numbers(staff_app)) == set(ids[:3])


PLANTED = {
    "ID number": ("summary", f"身份证号{id_number(serial=77)}"),
    "own ID number": ("story", f"编号 {' '.join(id_number(serial=1))}"),
    "telephone": ("story", "联系电话023-63000000"),
    "mobile": ("story", "请拨打13812345678"),
    "address": ("story", "住在示范路36号附2号"),
}


@pytest.mark.parametrize("planted", PLANTED)
async def test_personal_data_is_not_published(
    staff_app: StaffApp, small: Chosen, planted: str
) -> None:
    ids = await store_submitted(staff_app, small, 3)
    await pick(staff_app, small, ids)
    await draw(staff_app, small)
    await write_profiles(staff_app, small, ids)
    first, _ = await two_clients(staff_app)
    field, text = PLANTED[planted]
    page = await first.get(f"{PATH}/shortlist/{ids[0]}")
    assert page.status_code == 200
    form = {
        f"{name}.{language}": "焊工" for name in ("name", "trade", "district", "summary", "story")
        for language in ("zh", "en")
    }  # fmt: skip
    form = {**form, "revision": "1", f"{field}.zh": text}
    checked = (await first.post(f"{PATH}/shortlist/{ids[0]}/check", data=form)).json()
    assert list(checked["faults"]) == [f"{field}.zh"]
    assert (await first.post(f"{PATH}/shortlist/{ids[0]}", data=form)).status_code == 303
    refused = await first.post(
        f"{PATH}/shortlist/publish-to-contest",
        data={"settings": default_settings(small.selection, staff_app.clock())},
    )
    assert refused.status_code == 422
    assert f"recommendation {ids[0]}: {field}.zh" in refused.text
    assert text not in refused.text


async def test_a_photo_with_location_data_is_not_published(
    staff_app: StaffApp, small: Chosen
) -> None:
    ids = await store_submitted(staff_app, small, 3, photo=with_position())
    await pick(staff_app, small, ids)
    await draw(staff_app, small)
    await write_profiles(staff_app, small, ids)
    settings = default_settings(small.selection, staff_app.clock())
    with pytest.raises(InvalidInput, match="also contains data such as"):
        await propose_contest_publication(await reviewer(staff_app, small), settings)


def with_position() -> bytes:
    """A JPEG that states where it was taken."""
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    target = io.BytesIO()
    Image.new("RGB", (500, 700), "grey").save(target, "JPEG", exif=exif)
    return target.getvalue()


async def test_the_proposal_is_what_is_published(staff_app: StaffApp, small: Chosen) -> None:
    ids = await store_submitted(staff_app, small, 3)
    await pick(staff_app, small, ids)
    await draw(staff_app, small)
    _, second_client = await two_clients(staff_app)
    await second_client.post(f"{PATH}/notice/publish", data={})
    await age_notices(staff_app)
    await write_profiles(staff_app, small, ids)
    _, second = await two_people(staff_app)
    keys = personal_keys(staff_app)
    settings = default_settings(small.selection, staff_app.clock())
    proposal = await propose_contest_publication(await reviewer(staff_app, small), settings)
    form = {
        f"{name}.{language}": "焊工" for name in ("name", "trade", "district", "summary", "story")
        for language in ("zh", "en")
    }  # fmt: skip
    await second_client.post(f"{PATH}/shortlist/{ids[0]}", data={**form, "revision": "1"})
    with pytest.raises(Refused, match="has changed since this was proposed"):
        await approve_proposal(
            SelectionActor(
                Actor(staff_app.database, second, staff_app.clock()), small.selection, keys
            ),
            proposal,
            staff_app.settings.master_key.get_secret_value(),
        )
    assert await staff_app.database.fetchval("select count(*) from contests") == 1
    assert (await load_selection(staff_app.database, small.selection.slug)).contest_id is None


async def test_the_settings_hold_no_candidates_and_the_announced_cut(
    staff_app: StaffApp, small: Chosen
) -> None:
    ids = await store_submitted(staff_app, small, 3)
    await pick(staff_app, small, ids)
    await draw(staff_app, small)
    await write_profiles(staff_app, small, ids)
    settings = default_settings(small.selection, staff_app.clock())
    for wrong, match in (
        (settings + "\n[[candidates]]\nnumber = 9\n", "settings only"),
        (settings.replace("size = 2", "size = 3"), "must be 2, as announced"),
        (settings.replace("[ballot]", "[ballots]"), "is not a key of"),
    ):
        with pytest.raises(InvalidInput, match=match):
            await propose_contest_publication(await reviewer(staff_app, small), wrong)


async def test_a_source_of_the_draw_is_public_at_once(staff_app: StaffApp, small: Chosen) -> None:
    ids = await store_submitted(staff_app, small, 3)
    await pick(staff_app, small, ids)
    first, second = await two_clients(staff_app)
    known_at = staff_app.clock() + timedelta(seconds=2)
    local = known_at.astimezone(small.selection.zone).strftime("%Y-%m-%dT%H:%M:%S")
    form = {"source_zh": "彩票", "source_en": "A lottery", "known_at": local}
    telling = {**form, "source_zh": f"身份证号{id_number(serial=1)}的末位"}
    assert (await first.post(f"{PATH}/shortlist/source", data=telling)).status_code == 422
    assert (await first.post(f"{PATH}/shortlist/source", data=form)).status_code == 303
    proposal = await waiting_decision(staff_app, small)
    await second.post(f"{PATH}/shortlist/approvals/{proposal}/approve", data={})
    tickets = {
        row["form_sha256"].hex()
        for row in await staff_app.database.fetch("select form_sha256 from nomination.submissions")
    }
    async with public_site(staff_app.settings) as client:
        before = (await client.get("/api/v1/notices/selection-2022-draw")).json()
        assert set(before["draw"]["tickets"]) == tickets
        assert "seed" not in before["draw"]
        await pass_until_known(staff_app)
        await first.post(f"{PATH}/shortlist/seed", data={"drawn": "0042"})
        proposal = await waiting_decision(staff_app, small)
        await second.post(f"{PATH}/shortlist/approvals/{proposal}/approve", data={})
        after = (await client.get("/api/v1/notices/selection-2022-draw")).json()
    assert after["draw"]["seed"] == "42"
    assert after["draw"]["tickets"] == list(lot_order("42", "selection-2022", tickets))


async def test_a_concurrent_verdict_is_seen_by_the_shortlist(
    staff_app: StaffApp, small: Chosen
) -> None:
    """The second transaction waits for the first and then sees its result."""
    ids = await store_submitted(staff_app, small, 3)
    first, _ = await two_people(staff_app)
    proposal = await propose_shortlist(await reviewer(staff_app, small), ids)
    reviewing = await connect(staff_app.settings.database_url)
    transaction = reviewing.transaction()
    await transaction.start()
    verdict_actor = acting(first, small.selection, personal_keys(staff_app), reviewing)
    await give_verdict(verdict_actor, ids[0], "reopened", "再看")
    approval = asyncio.create_task(approve(staff_app, small, proposal))
    waits = "select exists (select from pg_locks where not granted)"
    watching = await connect(staff_app.settings.database_url)
    await eventually(lambda: watching.fetchval(waits))
    await watching.close()
    await transaction.commit()
    await reviewing.close()
    with pytest.raises(Refused, match="exactly the announced number"):
        await approval
    assert await numbers(staff_app) == {}
