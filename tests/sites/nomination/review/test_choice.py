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
from tests.infrastructure.postgres.waiting import eventually
from tests.nomination.form.people import id_number
from tests.sites.console.running_office import Office
from tests.sites.nomination.bodies.selection_data import (
    Chosen,
    acting,
    move_window,
    store_selection,
)
from tests.sites.nomination.review.public_site import running_public_site
from tests.sites.nomination.review.review_data import (
    PATH,
    SEED,
    SMALL,
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
from voting_service.errors import InvalidInput, Refused
from voting_service.i18n.text import Text
from voting_service.infrastructure.crypto.public_draw import lot_order
from voting_service.infrastructure.postgres.pool import connect
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


@pytest.fixture
async def small(office: Office) -> Chosen:
    """Three are chosen, recommending is over."""
    now = office.clock()
    return await store_selection(
        office.database, now, rules=SMALL, opens_at=now - timedelta(days=20),
        closes_at=now - timedelta(days=1),
    )  # fmt: skip


async def test_fifty_of_a_hundred_and_fifty_reach_the_vote(office: Office, chosen: Chosen) -> None:
    everybody = await store_submitted(office, chosen, 150)
    wanted = everybody[::3]
    first, second = await two_clients(office)
    answer = await first.post(f"{PATH}/picks", data={"recommendation": wanted})
    assert answer.headers["location"] == f"{PATH}/picks?done=proposed"
    proposal = await waiting_decision(office, chosen)
    approval = f"{PATH}/picks/decisions/{proposal}/approve"
    assert (await first.post(approval, data={})).status_code == 409
    assert (await second.post(approval, data={})).status_code == 303
    assert set(await numbers(office)) == set(wanted)

    await draw(office, chosen)
    tickets = {
        row["recommendation_id"]: row["form_sha256"].hex()
        for row in await office.database.fetch(
            "select recommendation_id, form_sha256 from office.submissions"
        )
    }
    order = lot_order(SEED.lstrip("0"), chosen.selection.slug, [tickets[one] for one in wanted])
    assert await numbers(office) == {one: order.index(tickets[one]) + 1 for one in wanted}

    assert (await second.post(f"{PATH}/notice/publish", data={})).status_code == 303
    await write_profiles(office, chosen, wanted)
    now = office.clock()
    settings = default_settings(chosen.selection, now)
    assert (
        await first.post(f"{PATH}/picks/hand-over", data={"settings": settings})
    ).status_code == 303
    proposal = await waiting_decision(office, chosen)
    approval = f"{PATH}/picks/decisions/{proposal}/approve"
    early = await second.post(approval, data={})
    assert early.status_code == 409
    assert "notice period" in early.text
    with pytest.raises(asyncpg.CheckViolationError, match="cannot be handed over yet: period"):
        await office.database.execute(
            "update decisions set approved_by = $2, approved_at = now() where id = $1",
            proposal,
            office.accounts["supervisor-1"].id,
        )
    await age_notices(office)
    assert (await second.post(approval, data={})).status_code == 303

    selection = await load_selection(office.database, chosen.selection.slug)
    assert selection.contest_id is not None
    await execute_as_owner(
        office.settings.migration_url,
        "update contests set opens_at = now() - interval '1 hour' where id = $1",
        selection.contest_id,
    )
    async with running_public_site(office.settings) as client:
        shown = (await client.get("/api/v1/contests/selection-2022-vote/candidates")).json()
    names = {number: f"人选{one}" for one, number in (await numbers(office)).items()}
    assert {each["number"]: each["name"]["zh"] for each in shown["candidates"]} == names
    assert sorted(names) == list(range(1, 51))
    assert all(each["portrait"]["width"] for each in shown["candidates"])


@pytest.mark.parametrize("people", [2, 4])
async def test_one_more_or_less_is_refused(office: Office, small: Chosen, people: int) -> None:
    everybody = await store_submitted(office, small, 5)
    first, _ = await two_people(office)
    with pytest.raises(InvalidInput, match="choose exactly 3"):
        await propose_shortlist(await reviewer(office), small.selection, everybody[:people])
    # Whatever a program proposes, the database refuses it when it is approved.
    wrong = await propose(
        office.database, small.selection, first, kind=SHORTLIST, subject="fifty",
        payload={"recommendations": everybody[:people]}, now=office.clock(),
    )  # fmt: skip
    with pytest.raises(Refused, match="exactly the announced number"):
        await approve(office, small, wrong)
    assert await numbers(office) == {}


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
    office: Office, small: Chosen, payload: Any
) -> None:
    ids = await store_submitted(office, small, 5)
    ids += await store_submitted(office, small, 1, state="rejected")
    first, _ = await two_people(office)
    wrong = await propose(
        office.database, small.selection, first, kind=SHORTLIST, subject="fifty",
        payload={"recommendations": payload(ids)}, now=office.clock(),
    )  # fmt: skip
    with pytest.raises(Refused, match="exactly the announced number"):
        await approve(office, small, wrong)


async def test_the_shortlist_comes_after_the_deadline_and_every_verdict(
    office: Office, small: Chosen
) -> None:
    accepted = await store_submitted(office, small, 3)
    first, _ = await two_people(office)
    (waiting,) = await store_submitted(office, small, 1, state="submitted")
    proposal = await propose_shortlist(await reviewer(office), small.selection, accepted)
    with pytest.raises(Refused, match="every submission has been reviewed"):
        await approve(office, small, proposal)
    keys = personal_keys(office)
    verdict_actor = acting(first, small.selection, keys, office.database)
    await give_verdict(verdict_actor, waiting, "rejected", "不符")
    now = office.clock()
    await move_window(office, small.selection, now - timedelta(days=1), now + timedelta(days=1))
    with pytest.raises(Refused, match="once recommendations have closed"):
        await approve(office, small, proposal)
    await move_window(office, small.selection, now - timedelta(days=2), now - timedelta(days=1))
    await approve(office, small, proposal)
    with pytest.raises(Refused, match="has been decided"):
        await give_verdict(verdict_actor, accepted[0], "reopened", "再看")


@pytest.mark.parametrize(
    "statement",
    [
        "insert into office.picks (recommendation_id, selection_id, decision_id) values ($1, 1, 1)",
        "update office.picks set number = 7 where recommendation_id = $1",
        "update office.picks set removed_by = decision_id where recommendation_id = $1",
        "delete from office.picks where recommendation_id = $1",
        "update office.recommendations set state = 'accepted' where id = $1",
        "update notices set visible_from = now() where $1 > 0",
        "delete from notices where $1 > 0",
        "delete from office.notes where $1 > 0",
        "update office.objections set notice = 'result' where $1 > 0",
        "delete from office.objection_answers where $1 > 0",
    ],
)
async def test_the_application_cannot_change_the_shortlist_by_sql(
    office: Office, small: Chosen, statement: str
) -> None:
    ids = await store_submitted(office, small, 4)
    await pick(office, small, ids[:3])
    before = await numbers(office)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await office.database.execute(statement, ids[0])
    assert await numbers(office) == before


async def test_only_two_people_can_link_a_contest_to_a_selection(
    office: Office, small: Chosen
) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="two people hand"):
        await office.database.execute(
            "update office.selections set contest_id = $1", office.contest.id
        )


async def test_a_seed_counts_only_after_its_source_was_named(office: Office, small: Chosen) -> None:
    ids = await store_submitted(office, small, 3)
    await pick(office, small, ids)
    first, _ = await two_people(office)
    now = office.clock()

    async def proposed(subject: str, payload: Mapping[str, Any]) -> int:
        return await propose(
            office.database, small.selection, first, kind=DRAW, subject=subject,
            payload=dict(payload), now=now,
        )  # fmt: skip

    unnamed = await proposed("seed", {"seed": "5"})
    with pytest.raises(Refused, match="before they are known"):
        await approve(office, small, unnamed)
    with pytest.raises(InvalidInput, match="must be in the future"):
        await propose_source(
            await reviewer(office), small.selection, Text("号码", "Digits"), now - timedelta(days=1)
        )
    known_before = {"zh": "号码", "en": "Digits", "known_at": now.isoformat()}
    late = await proposed("source", known_before)
    with pytest.raises(Refused, match="must be in the future"):
        await approve(office, small, late)
    in_time = {**known_before, "known_at": (now + timedelta(hours=1)).isoformat()}
    await approve(office, small, await proposed("source", in_time))
    with pytest.raises(Refused, match="once they are"):
        await approve(office, small, unnamed)
    assert set((await numbers(office)).values()) == {None}


async def test_an_objection_keeps_the_chosen_from_the_vote(office: Office, small: Chosen) -> None:
    ids = await store_submitted(office, small, 5)
    await pick(office, small, ids[:3])
    await draw(office, small)
    first, second = await two_clients(office)
    await second.post(f"{PATH}/notice/publish", data={})
    await age_notices(office)
    entered = await first.post(
        f"{PATH}/notice/objections",
        data={
            "notice": "fifty", "about": ids[0], "received_on": "2022-08-01",
            "sender": "异议人己", "content": "事迹不实",
        },
    )  # fmt: skip
    assert entered.status_code == 303
    assert await blocked(office, small) == "objections"
    stored = await office.database.fetchrow("select sender, content from office.objections")
    assert stored and "己".encode() not in stored["sender"] + stored["content"]

    answered = await second.post(
        f"{PATH}/notice/objections/1/answer", data={"verdict": "upheld", "answer": "经核实成立"}
    )
    assert answered.status_code == 303
    assert await blocked(office, small) == "replacement"
    number = (await numbers(office))[ids[0]]
    replaced = await first.post(
        f"{PATH}/notice/objections/1/replace", data={"remove": ids[0], "add": ids[4]}
    )
    assert replaced.status_code == 303
    await approve(office, small, await waiting_decision(office, small))
    standing = await numbers(office)
    assert (ids[0] in standing, standing[ids[4]]) == (False, number)

    assert await blocked(office, small) == "notice"
    assert (await second.post(f"{PATH}/notice/publish", data={})).status_code == 303
    assert await blocked(office, small) == "period"
    await still_follows_from_the_digits(office, number)
    await age_notices(office)
    assert await blocked(office, small) is None


async def still_follows_from_the_digits(office: Office, taken_over: int) -> None:
    """The replacement has the number and is marked as such; the draw is unchanged."""
    content = await office.database.fetchval(
        "select content from notices where slug like '%-fifty' order by version desc limit 1"
    )
    tickets = [row.get("ticket") for row in content["rows"]]
    drawn = content["draw"]["tickets"]
    assert tickets == [None if n == taken_over else drawn[n - 1] for n in (1, 2, 3)]
    assert drawn == list(lot_order(content["draw"]["seed"], content["draw"]["matter"], drawn))


async def test_no_form_changes_after_the_seed_is_known(office: Office, small: Chosen) -> None:
    ids = await store_submitted(office, small, 4)
    await pick(office, small, ids[:3])
    first, second = await two_clients(office)
    await first.post(
        f"{PATH}/notice/objections",
        data={"notice": "fifty", "about": ids[0], "received_on": "2022-08-01",
              "sender": "某人", "content": "某事"},
    )  # fmt: skip
    upheld = {"verdict": "upheld", "answer": "成立"}
    alone = await first.post(f"{PATH}/notice/objections/1/answer", data=upheld)
    assert alone.status_code == 409
    assert "you cannot uphold an objection that you recorded" in alone.text
    answered = await second.post(f"{PATH}/notice/objections/1/answer", data=upheld)
    assert answered.status_code == 303
    await first.post(f"{PATH}/notice/objections/1/replace", data={"remove": ids[0], "add": ids[3]})
    replacement = await waiting_decision(office, small)
    await draw(office, small, meanwhile=lambda: refused_replacement(office, small, replacement))
    number = (await numbers(office))[ids[0]]
    await approve(office, small, replacement)
    assert (await numbers(office))[ids[3]] == number


async def refused_replacement(office: Office, chosen: Chosen, decision_id: int) -> None:
    with pytest.raises(Refused, match="draw the numbers first"):
        await approve(office, chosen, decision_id)


async def blocked(office: Office, chosen: Chosen) -> str | None:
    reason: str | None = await office.database.fetchval(
        "select office.hand_over_blocked($1)", chosen.selection.id
    )
    return reason


async def test_without_an_upheld_objection_nobody_is_replaced(
    office: Office, small: Chosen
) -> None:
    ids = await store_submitted(office, small, 4)
    await pick(office, small, ids[:3])
    first, second = await two_clients(office)
    await first.post(
        f"{PATH}/notice/objections",
        data={"notice": "fifty", "about": ids[0], "received_on": "2022-08-01",
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
            await approve(office, small, await waiting_decision(office, small))
    assert set(await numbers(office)) == set(ids[:3])


PLANTED = {
    "ID number": ("summary", f"身份证号{id_number(serial=77)}"),
    "own ID number": ("story", f"编号 {' '.join(id_number(serial=1))}"),
    "telephone": ("story", "联系电话023-63000000"),
    "mobile": ("story", "请拨打13812345678"),
    "address": ("story", "住在示范路36号附2号"),
}


@pytest.mark.parametrize("planted", PLANTED)
async def test_personal_data_is_not_published(office: Office, small: Chosen, planted: str) -> None:
    ids = await store_submitted(office, small, 3)
    await pick(office, small, ids)
    await draw(office, small)
    await write_profiles(office, small, ids)
    first, _ = await two_clients(office)
    field, text = PLANTED[planted]
    page = await first.get(f"{PATH}/picks/{ids[0]}")
    assert page.status_code == 200
    form = {
        f"{name}.{language}": "焊工" for name in ("name", "trade", "district", "summary", "story")
        for language in ("zh", "en")
    }  # fmt: skip
    form = {**form, "revision": "1", f"{field}.zh": text}
    checked = (await first.post(f"{PATH}/picks/{ids[0]}/check", data=form)).json()
    assert list(checked["faults"]) == [f"{field}.zh"]
    assert (await first.post(f"{PATH}/picks/{ids[0]}", data=form)).status_code == 303
    refused = await first.post(
        f"{PATH}/picks/hand-over",
        data={"settings": default_settings(small.selection, office.clock())},
    )
    assert refused.status_code == 422
    assert f"recommendation {ids[0]}: {field}.zh" in refused.text
    assert text not in refused.text


async def test_a_photo_with_location_data_is_not_published(office: Office, small: Chosen) -> None:
    ids = await store_submitted(office, small, 3, photo=with_position())
    await pick(office, small, ids)
    await draw(office, small)
    await write_profiles(office, small, ids)
    settings = default_settings(small.selection, office.clock())
    with pytest.raises(InvalidInput, match="also contains data such as"):
        await propose_contest_publication(
            await reviewer(office), personal_keys(office), small.selection, settings
        )


def with_position() -> bytes:
    """A JPEG that says where it was taken."""
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    target = io.BytesIO()
    Image.new("RGB", (500, 700), "grey").save(target, "JPEG", exif=exif)
    return target.getvalue()


async def test_the_proposal_is_what_is_published(office: Office, small: Chosen) -> None:
    ids = await store_submitted(office, small, 3)
    await pick(office, small, ids)
    await draw(office, small)
    _, second_client = await two_clients(office)
    await second_client.post(f"{PATH}/notice/publish", data={})
    await age_notices(office)
    await write_profiles(office, small, ids)
    _, second = await two_people(office)
    keys = personal_keys(office)
    settings = default_settings(small.selection, office.clock())
    proposal = await propose_contest_publication(
        await reviewer(office), keys, small.selection, settings
    )
    form = {
        f"{name}.{language}": "焊工" for name in ("name", "trade", "district", "summary", "story")
        for language in ("zh", "en")
    }  # fmt: skip
    await second_client.post(f"{PATH}/picks/{ids[0]}", data={**form, "revision": "1"})
    with pytest.raises(Refused, match="has changed since this was proposed"):
        await approve_proposal(
            Actor(office.database, second, office.clock()),
            keys,
            small.selection,
            proposal,
            office.settings.master_key.get_secret_value(),
        )
    assert await office.database.fetchval("select count(*) from contests") == 1
    assert (await load_selection(office.database, small.selection.slug)).contest_id is None


async def test_the_settings_hold_no_candidates_and_the_announced_cut(
    office: Office, small: Chosen
) -> None:
    ids = await store_submitted(office, small, 3)
    await pick(office, small, ids)
    await draw(office, small)
    await write_profiles(office, small, ids)
    settings = default_settings(small.selection, office.clock())
    for wrong, match in (
        (settings + "\n[[candidates]]\nnumber = 9\n", "settings only"),
        (settings.replace("size = 2", "size = 3"), "must be 2, as announced"),
        (settings.replace("[ballot]", "[ballots]"), "is not a key of"),
    ):
        with pytest.raises(InvalidInput, match=match):
            await propose_contest_publication(
                await reviewer(office), personal_keys(office), small.selection, wrong
            )


async def test_a_source_of_the_draw_is_public_at_once(office: Office, small: Chosen) -> None:
    ids = await store_submitted(office, small, 3)
    await pick(office, small, ids)
    first, second = await two_clients(office)
    known_at = office.clock() + timedelta(seconds=2)
    local = known_at.astimezone(small.selection.zone).strftime("%Y-%m-%dT%H:%M:%S")
    form = {"source_zh": "彩票", "source_en": "A lottery", "known_at": local}
    telling = {**form, "source_zh": f"身份证号{id_number(serial=1)}的末位"}
    assert (await first.post(f"{PATH}/picks/source", data=telling)).status_code == 422
    assert (await first.post(f"{PATH}/picks/source", data=form)).status_code == 303
    proposal = await waiting_decision(office, small)
    await second.post(f"{PATH}/picks/decisions/{proposal}/approve", data={})
    tickets = {
        row["form_sha256"].hex()
        for row in await office.database.fetch("select form_sha256 from office.submissions")
    }
    async with running_public_site(office.settings) as client:
        before = (await client.get("/api/v1/notices/selection-2022-draw")).json()
        assert set(before["draw"]["tickets"]) == tickets
        assert "seed" not in before["draw"]
        await pass_until_known(office)
        await first.post(f"{PATH}/picks/seed", data={"drawn": "0042"})
        proposal = await waiting_decision(office, small)
        await second.post(f"{PATH}/picks/decisions/{proposal}/approve", data={})
        after = (await client.get("/api/v1/notices/selection-2022-draw")).json()
    assert after["draw"]["seed"] == "42"
    assert after["draw"]["tickets"] == list(lot_order("42", "selection-2022", tickets))


async def test_a_concurrent_verdict_is_seen_by_the_shortlist(office: Office, small: Chosen) -> None:
    """The second transaction waits for the first and then sees its result."""
    ids = await store_submitted(office, small, 3)
    first, _ = await two_people(office)
    proposal = await propose_shortlist(await reviewer(office), small.selection, ids)
    reviewing = await connect(office.settings.database_url)
    transaction = reviewing.transaction()
    await transaction.start()
    verdict_actor = acting(first, small.selection, personal_keys(office), reviewing)
    await give_verdict(verdict_actor, ids[0], "reopened", "再看")
    approval = asyncio.create_task(approve(office, small, proposal))
    waits = "select exists (select from pg_locks where not granted)"
    watching = await connect(office.settings.database_url)
    await eventually(lambda: watching.fetchval(waits))
    await watching.close()
    await transaction.commit()
    await reviewing.close()
    with pytest.raises(Refused, match="exactly the announced number"):
        await approval
    assert await numbers(office) == {}
