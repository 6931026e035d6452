"""Places, deadline and persons, under 200 submissions at once and against SQL by hand."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from tests.contest_data import both
from tests.sites.nomination.bodies.selection_data import Chosen, acting, store_selection
from tests.sites.nomination.recommendations.recommendation_data import (
    drafted,
    many_drafts,
    person,
    submitted,
)
from voting_service.errors import Refused
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.postgres.pool import (
    Connection,
    open_pool,
)
from voting_service.nomination.model import RecommendingBody
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.recommendations.model import AlreadyRecommended, Recommendation
from voting_service.nomination.recommendations.repository import (
    load_conflicts,
    load_recommendation,
    load_recommendations,
)
from voting_service.nomination.recommendations.service import remove_file, submit
from voting_service.nomination.repository import (
    count_places_taken,
    insert_body,
    load_bodies,
)
from voting_service.settings import Settings
from voting_service.staff.accounts.model import Account, Role
from voting_service.staff.accounts.repository import NewAccount, create_account

AT_ONCE = 8
BODIES, EACH = 10, 20
"""Two hundred submissions."""
Drafts = Iterable[tuple[Recommendation, Account]]


@pytest.fixture
async def chosen(database: Connection) -> Chosen:
    return await store_selection(database, system_clock())


async def find_account(owner: Connection, settings: Settings, role: Role, name: str) -> Account:
    key = settings.master_key.get_secret_value()
    account, _ = await create_account(
        owner, key, NewAccount(name, role, "correct horse battery staple"), clock=system_clock
    )
    return account


async def seated(
    owner: Connection, settings: Settings, body: RecommendingBody, name: str
) -> Account:
    account = await find_account(owner, settings, "recommender", name)
    await owner.execute(
        "insert into nomination.body_officers (account_id, body_id) values ($1, $2)",
        account.id,
        body.id,
    )
    return account


@pytest.fixture
async def officers(
    database: Connection, owner: Connection, settings: Settings, chosen: Chosen
) -> Mapping[RecommendingBody, Account]:
    """Ten districts with an officer each."""
    for number in range(BODIES - 2):
        await insert_body(database, f"district-{number}", "district", both(f"区{number}"))
    return {
        body: await seated(owner, settings, body, f"officer-{body.slug}")
        for body in await load_bodies(database)
        if body.kind == "district"
    }


async def submit_all(
    settings: Settings, keys: PersonalKeys, chosen: Chosen, drafts: Drafts
) -> Counter[str]:
    """Every draft at once, over eight connections; how many ended in which way. Who learns that
    the service is busy tries again, as an officer would."""
    outcomes: Counter[str] = Counter()
    async with open_pool(settings.database_url, size=AT_ONCE) as pool:
        turns = asyncio.Semaphore(AT_ONCE)

        async def first(recommendation: Recommendation, officer: Account) -> None:
            async with turns, pool.acquire() as connection:
                try:
                    await submit(
                        acting(officer, chosen.selection, keys, connection), recommendation
                    )
                    outcomes["submitted"] += 1
                except AlreadyRecommended:
                    outcomes["person"] += 1
                except Refused as refusal:
                    outcomes[constraint(refusal)] += 1

        async with asyncio.TaskGroup() as group:
            for recommendation, officer in drafts:
                group.create_task(first(recommendation, officer))
    return outcomes


def constraint(refusal: BaseException) -> str:
    cause = refusal.__cause__
    assert isinstance(cause, asyncpg.PostgresError)
    return str(cause.constraint_name)


async def test_two_hundred_concurrent_submissions_respect_the_quota(
    settings: Settings,
    database: Connection,
    keys: PersonalKeys,
    chosen: Chosen,
    officers: Mapping[RecommendingBody, Account],
) -> None:
    everybody = [person(number) for number in range(1, BODIES * EACH + 1)]
    drafts = []
    for place, (body, officer) in enumerate(officers.items()):
        mine = everybody[place * EACH : (place + 1) * EACH]
        drafts += await many_drafts(database, keys, chosen, officers={body: officer}, forms=mine)
    assert len(drafts) == BODIES * EACH
    outcomes = await submit_all(settings, keys, chosen, drafts)
    assert outcomes == {"submitted": BODIES * 6, "submissions_quota": BODIES * (EACH - 6)}
    taken = await count_places_taken(database, chosen.selection)
    assert set(taken.values()) == {6}
    assert len(taken) == BODIES


async def test_two_hundred_concurrent_submissions_recommend_nobody_twice(
    settings: Settings,
    database: Connection,
    owner: Connection,
    keys: PersonalKeys,
    chosen: Chosen,
    officers: Mapping[RecommendingBody, Account],
) -> None:
    await owner.execute("update nomination.selections set district_quota = 20")
    people = [person(number) for number in range(1, EACH + 1)]
    drafts = await many_drafts(database, keys, chosen, officers=officers, forms=people)
    outcomes = await submit_all(settings, keys, chosen, drafts)
    assert outcomes == {"submitted": EACH, "person": EACH * (BODIES - 1)}
    recommendations = await load_recommendations(database, keys, chosen.selection)
    held = Counter(item.form.id_number for item in recommendations if item.state == "submitted")
    assert set(held.values()) == {1}
    assert len(held) == EACH
    assert len(await load_conflicts(database, chosen.selection)) == EACH * (BODIES - 1)


async def test_no_submission_is_stamped_after_the_deadline(
    settings: Settings,
    database: Connection,
    owner: Connection,
    keys: PersonalKeys,
    chosen: Chosen,
    officers: Mapping[RecommendingBody, Account],
) -> None:
    await owner.execute("update nomination.selections set district_quota = 20")
    everybody = [person(number) for number in range(1, EACH + 1)]
    drafts = await many_drafts(database, keys, chosen, officers=officers, forms=everybody)
    outcomes = await submit_all(settings, keys, chosen, drafts[:BODIES])
    deadline = datetime.now(UTC) + timedelta(seconds=0.4)
    await owner.execute("update nomination.selections set closes_at = $1", deadline)
    outcomes += await submit_all(settings, keys, chosen, drafts[BODIES:])
    await owner.execute("select pg_sleep_until($1)", deadline)
    left = [
        (item, officer)
        for item, officer in drafts
        if (await load_recommendation(database, keys, chosen.selection, item.id)).state == "draft"
    ]
    late = await submit_all(settings, keys, chosen, left)
    assert late == {"submissions_deadline": len(left)}
    stamps = await database.fetch("select submitted_at from nomination.submissions")
    assert len(stamps) == outcomes["submitted"] > 0
    assert all(row["submitted_at"] < deadline for row in stamps)


@pytest.fixture
async def north(
    owner: Connection, settings: Settings, chosen: Chosen
) -> tuple[RecommendingBody, Account]:
    body = chosen.bodies["north"]
    return body, await seated(owner, settings, body, "officer-north")


async def test_no_sql_of_the_application_breaks_a_rule(
    settings: Settings,
    database: Connection,
    owner: Connection,
    keys: PersonalKeys,
    chosen: Chosen,
    north: tuple[RecommendingBody, Account],
) -> None:
    """As someone who has the application's password and nothing else."""
    body, officer = north
    stranger = await seated(owner, settings, chosen.bodies["south"], "officer-south")
    sent = await submitted(database, keys, chosen, body=body, officer=officer, form=person(1))
    draft = await drafted(database, keys, chosen, body=body, officer=officer, form=person(2))
    bare = await drafted(database, keys, chosen, body=body, officer=officer, form=person(3))
    await remove_file(acting(officer, chosen.selection, keys, database), bare.id, "body_scan")
    before = await everything(owner)
    values = {
        "sent": sent.id, "draft": draft.id, "bare": bare.id,
        "officer": officer.id, "stranger": stranger.id,
        "photo": draft.files["photo"].sha256.hex(),
        "evidence": draft.files["evidence"].sha256.hex(),
        "hash": keys.person_hash(person(2).id_number).hex(),
        "held": keys.person_hash(person(1).id_number).hex(),
    }  # fmt: skip
    for constraint_name, statement in BY_HAND:
        if constraint_name == "submissions_quota":
            await owner.execute("update nomination.selections set district_quota = 1")
            before = await everything(owner)
        with pytest.raises(asyncpg.PostgresError) as refusal:
            await database.execute(statement.format_map(values))
        assert refused_by(refusal.value) == constraint_name, statement
        assert await everything(owner) == before, statement


def refused_by(error: asyncpg.PostgresError) -> str:
    """The rule that was broken; nothing for what the role may not do at all."""
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return ""
    assert isinstance(error, asyncpg.IntegrityConstraintViolationError), error
    return str(error.constraint_name)


async def everything(owner: Connection) -> list[list[asyncpg.Record]]:
    return [
        await owner.fetch(f"select * from nomination.{table} order by 1")
        for table in ("selections", "recommendations", "submissions", "reviews", "files")
    ]


INSERT = (
    "insert into nomination.submissions (recommendation_id, person_hash, form_sha256, "
    "photo_sha256, evidence_sha256, evidence_pages, submitted_by) values "
)
X, OF_DRAFT = "'\\x{hash}'", "'\\x{hash}', '\\x{hash}', '\\x{photo}', '\\x{evidence}'"
BY_HAND = [
    ("submissions_officer", INSERT + f"({{draft}}, {OF_DRAFT}, 10, {{stranger}})"),
    (
        "submissions_files",
        INSERT + f"({{draft}}, {X}, {X}, {X}, '\\x{{evidence}}', 10, {{officer}})",
    ),
    ("submissions_files", INSERT + f"({{draft}}, {OF_DRAFT}, 9, {{officer}})"),
    ("submissions_stamped", INSERT + f"({{bare}}, {OF_DRAFT}, 10, {{officer}})"),
    ("submissions_state", INSERT + f"({{sent}}, {OF_DRAFT}, 10, {{officer}})"),
    (
        "recommendations_person_once",
        INSERT
        + "({draft}, '\\x{held}', '\\x{hash}', '\\x{photo}', '\\x{evidence}', 10, {officer})",
    ),
    ("submissions_quota", INSERT + f"({{draft}}, {OF_DRAFT}, 10, {{officer}})"),
    ("", "update nomination.recommendations set state = 'submitted' where id = {draft}"),
    ("", "update nomination.recommendations set state = 'draft' where id = {sent}"),
    ("", f"update nomination.recommendations set person_hash = {X} where id = {{sent}}"),
    ("", "update nomination.recommendations set submitted_at = now() where id = {draft}"),
    (
        "recommendations_fixed",
        "update nomination.recommendations set form = '\\x00' where id = {sent}",
    ),
    ("", "update nomination.recommendations set body_id = body_id + 1 where id = {draft}"),
    ("", "delete from nomination.recommendations where id = {draft}"),
    (
        "",
        "insert into nomination.recommendations (selection_id, body_id, form, created_by, "
        "saved_by, state) select selection_id, body_id, form, created_by, saved_by, 'accepted' "
        "from nomination.recommendations where id = {draft}",
    ),
    ("", "update nomination.selections set district_quota = 100"),
    (
        "",
        "update nomination.selections set closes_at = closes_at + interval '1 day'",
    ),
    (
        "",
        "update nomination.selections set opens_at = now() + interval '1 hour'",
    ),
    ("", "delete from nomination.selections"),
    ("", "update nomination.submissions set submitted_at = now() - interval '1 day'"),
    ("", "update nomination.submissions set late_by_approval = 1"),
    ("", "delete from nomination.submissions"),
    ("", "truncate nomination.submissions"),
    ("", f"update nomination.files set sha256 = {X} where recommendation_id = {{sent}}"),
    (
        "recommendations_fixed",
        "update nomination.files set replaced_at = now() where recommendation_id = {sent}",
    ),
    (
        "recommendations_fixed",
        "insert into nomination.files (recommendation_id, slot, sha256, media_type, pages, "
        f"content, added_by) values ({{sent}}, 'body_scan', {X}, 'x', 1, 'x', {{officer}})",
    ),
    ("", "delete from nomination.files"),
    ("", "insert into nomination.body_officers (account_id, body_id) values ({officer}, 1)"),
    (
        "submissions_officer",
        "insert into nomination.reviews (recommendation_id, verdict, reason, account_id) "
        "values ({sent}, 'withdrawn', 'x', {stranger})",
    ),
    (
        "reviews_reviewers",
        "insert into nomination.reviews (recommendation_id, verdict, reason, account_id) "
        "values ({sent}, 'accepted', 'x', {officer})",
    ),
    (
        "reviews_state",
        "insert into nomination.reviews (recommendation_id, verdict, reason, account_id) "
        "values ({draft}, 'withdrawn', 'x', {officer})",
    ),
    ("", "update nomination.reviews set reason = 'x'"),
    ("", "delete from nomination.person_conflicts"),
    ("", "alter table nomination.recommendations disable trigger all"),
    ("", "set session_replication_role = replica"),
]
"""The rule that refuses it, where it is not the role's rights, and what is tried: to submit for
another body, with a photo that was never attached or fewer pages than were counted, twice, a
person who is held, beyond the places; to change what follows from that, its rules, its times."""
