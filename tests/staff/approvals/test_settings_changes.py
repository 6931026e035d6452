"""Settings changed in Postgres: one person before they are announced, two afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec
import pytest
from msgspec.structs import replace

from tests.contest_data import (
    rules,
    store_contest,
    store_platform,
)
from tests.cut_data import MASTER_KEY, member
from tests.staff.audit_log.chained import stored
from voting_service.contests.model import Contest, EarlyClose
from voting_service.contests.repository import load_contest, load_platforms
from voting_service.contests.settings.model import (
    NOTICE,
    ChangeRefused,
    Setting,
    setting_value,
)
from voting_service.contests.settings.platform_changes import (
    ChangeResult,
    PlatformChange,
    change_platform,
    change_platform_alone,
    load_platform,
    switch_on,
    switch_platform_off,
)
from voting_service.contests.settings.platform_terms import PlatformTerms, read_terms
from voting_service.contests.settings.repository import (
    AnnouncedChange,
    ChangeOrigin,
    PlatformState,
    load_changes,
    store_changed,
)
from voting_service.contests.settings.service import (
    approve_change,
    change_setting,
)
from voting_service.errors import (
    InvalidInput,
    NotFound,
    Refused,
    SecondPersonRequired,
)
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import Connection, domain_errors
from voting_service.staff.accounts.model import Account, Role
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.repository import load_contest_approvals
from voting_service.staff.approvals.service import decline
from voting_service.staff.audit_log.model import Entry

WHY = Text("机房停电两小时", "The servers had no power for two hours")
HOUR = timedelta(hours=1)
NEXT = "revision = revision + 1"


@pytest.fixture
async def clerk(database: Connection) -> Account:
    return await member(database, "staff-1")


@pytest.fixture
async def supervisor(database: Connection) -> Account:
    return await member(database, "staff-2", "supervisor")


@pytest.fixture
async def contest(database: Connection) -> Contest:
    """Open since yesterday."""
    return await store_contest(database, MASTER_KEY)


def now() -> datetime:
    return datetime.now(UTC)


def later(contest: Contest) -> str:
    value: str = msgspec.to_builtins(contest.closes_at + 2 * HOUR)
    return value


async def acts(database: Connection) -> list[Entry]:
    return await stored(database)


async def propose(database: Connection, account: Account, change: PlatformChange) -> int:
    result = await change_platform(Actor(database, account, now()), change, reason=WHY)
    assert result.state == "proposed" and result.approval_id is not None
    return result.approval_id


async def upcoming(database: Connection, slug: str, publish_at: datetime) -> Contest:
    announced = replace(rules(), publish_at=publish_at)
    return await store_contest(
        database, MASTER_KEY, slug=slug, contest_rules=announced, opens_at=now() + 24 * HOUR
    )


async def test_two_people_move_the_close(
    database: Connection, contest: Contest, clerk: Account, supervisor: Account
) -> None:
    proposed = await change_setting(
        Actor(database, clerk, now()), contest, "closes_at", later(contest), reason=WHY
    )
    assert proposed is not None
    assert await load_contest(database, contest.slug) == contest
    assert await load_changes(database, contest.id) == ()
    with pytest.raises(SecondPersonRequired):
        await approve_change(Actor(database, clerk, now()), contest.slug, proposed)
    assert await load_contest(database, contest.slug) == contest

    await approve_change(Actor(database, supervisor, now()), contest.slug, proposed)
    changed = await load_contest(database, contest.slug)
    assert changed.closes_at == contest.closes_at + 2 * HOUR
    assert changed.revision == contest.revision + 1
    [change] = await load_changes(database, contest.id)
    assert change == AnnouncedChange(
        change.id, change.changed_at, "closes_at", setting_value(contest, "closes_at"),
        setting_value(changed, "closes_at"), WHY, proposed,
    )  # fmt: skip
    assert [(line.actor, line.act) for line in await acts(database)] == [
        ("staff-1", "proposed"),
        ("staff-2", "contest_changed"),
        ("staff-2", "approved"),
    ]
    with pytest.raises(Refused):
        await approve_change(Actor(database, supervisor, now()), contest.slug, proposed)


async def test_before_it_is_announced_one_person_is_enough(
    database: Connection, clerk: Account
) -> None:
    contest = await upcoming(database, "secret", now() + HOUR)
    title = {"zh": "新题", "en": "New title"}
    done = await change_setting(Actor(database, clerk, now()), contest, "title", title, reason=WHY)
    assert done is None
    assert (await load_contest(database, "secret")).rules.title == Text("新题", "New title")
    [change] = await load_changes(database, contest.id)
    assert (change.setting, change.after, change.approval_id) == ("title", title, None)
    [line] = await acts(database)
    assert (line.actor, line.act, line.subject) == ("staff-1", "contest_changed", "title")


async def test_an_announced_contest_takes_two(database: Connection, clerk: Account) -> None:
    contest = await upcoming(database, "announced", now() - HOUR)
    proposed = await change_setting(
        Actor(database, clerk, now()), contest, "list_order", "number", reason=WHY
    )
    assert proposed is not None
    assert await load_contest(database, "announced") == contest


@pytest.mark.parametrize("role", ["administrator", "auditor", "reviewer"])
async def test_others_change_nothing(
    database: Connection, contest: Contest, clerk: Account, role: Role
) -> None:
    other = await member(database, "staff-3", role)
    proposed = await change_setting(
        Actor(database, clerk, now()), contest, "closes_at", later(contest), reason=WHY
    )
    assert proposed is not None
    with pytest.raises(Refused):
        await change_setting(
            Actor(database, other, now()), contest, "closes_at", later(contest), reason=WHY
        )
    with pytest.raises(Refused):
        await approve_change(Actor(database, other, now()), contest.slug, proposed)
    await store_platform(database, "demo")
    off = replace(read_terms(await load_platform(database, "demo")), enabled=False)
    with pytest.raises(Refused):
        change = PlatformChange("demo", off)
        await change_platform(Actor(database, other, now()), change, reason=WHY)
    assert await load_contest(database, contest.slug) == contest


async def test_a_contest_that_moved_on_is_looked_at_again(
    database: Connection, contest: Contest, clerk: Account, supervisor: Account
) -> None:
    settings: dict[Setting, object] = {"closes_at": later(contest), "expected_voters_per_day": 5}
    ids = [
        await change_setting(Actor(database, clerk, now()), contest, setting, value, reason=WHY)
        for setting, value in settings.items()
    ]
    first, second = ids
    assert first is not None and second is not None
    await approve_change(Actor(database, supervisor, now()), contest.slug, first)
    with pytest.raises(Refused, match="has changed since this was proposed"):
        await approve_change(Actor(database, supervisor, now()), contest.slug, second)
    decisions = await load_contest_approvals(database, contest.id)
    states = [decision.state for decision in decisions]
    assert states == ["approved", "waiting"], "nothing of a refused approval stays"
    await decline(Actor(database, supervisor, now()), contest, decisions[1], "stale")
    assert [line.act for line in await acts(database)][-1] == "declined"
    with pytest.raises(Refused, match="has changed"):
        await store_changed(
            database,
            contest,
            replace(contest, opens_at=now() - HOUR),
            ChangeOrigin("staff-1", now(), WHY),
        )


async def test_the_rules_of_the_moment_of_the_approval_hold(
    database: Connection, contest: Contest, clerk: Account, supervisor: Account
) -> None:
    soon = msgspec.to_builtins(now() + HOUR)
    proposed = await change_setting(
        Actor(database, clerk, now()), contest, "closes_at", soon, reason=WHY
    )
    assert proposed is not None
    with pytest.raises(ChangeRefused) as refused:
        await approve_change(Actor(database, supervisor, now() + HOUR), contest.slug, proposed)
    assert refused.value.why == "too_soon"
    assert await load_contest(database, contest.slug) == contest


@pytest.mark.parametrize("reason", [Text("", "x"), Text("x", ""), Text("长" * 301, "x")])
async def test_the_public_is_shown_why_in_both_languages(
    database: Connection, contest: Contest, clerk: Account, reason: Text
) -> None:
    with pytest.raises(InvalidInput, match="reason"):
        await change_setting(
            Actor(database, clerk, now()), contest, "closes_at", later(contest), reason=reason
        )


async def test_an_early_close_takes_two_people_and_is_announced(
    database: Connection, contest: Contest, supervisor: Account, clerk: Account
) -> None:
    moment = now()
    closes_at = moment + HOUR
    value = msgspec.to_builtins(closes_at)
    proposed = await change_setting(
        Actor(database, supervisor, moment), contest, "closes_at", value, reason=WHY
    )
    assert proposed is not None
    with pytest.raises(SecondPersonRequired):
        await approve_change(Actor(database, supervisor, moment), contest.slug, proposed)
    assert await load_contest(database, contest.slug) == contest
    await approve_change(Actor(database, clerk, moment), contest.slug, proposed)
    [change] = await load_changes(database, contest.id)
    assert (change.setting, change.before) == ("closes_at", setting_value(contest, "closes_at"))
    closed = await load_contest(database, contest.slug)
    assert closed.closes_at == closes_at
    assert closed.rules.early_close == EarlyClose(supervisor.name, contest.closes_at)
    assert [line.act for line in await acts(database)] == [
        "proposed",
        "contest_changed",
        "approved",
    ]


async def test_a_platform_goes_off_at_once_and_comes_back_with_two(
    database: Connection, contest: Contest, clerk: Account, supervisor: Account
) -> None:
    await store_contest(
        database, MASTER_KEY, slug="over", opens_at=now() - 9 * HOUR, closes_at=now() - HOUR
    )
    other = await store_contest(database, MASTER_KEY, slug="other")
    await store_platform(database, "demo")
    await switch_platform_off(database, "demo", by="staff-1", reason=WHY, now=now())
    with pytest.raises(Refused, match="is already off"):
        await switch_platform_off(database, "demo", by="staff-1", reason=WHY, now=now())
    with pytest.raises(NotFound):
        await switch_platform_off(database, "paper", by="staff-1", reason=WHY, now=now())
    on = switch_on(await load_platform(database, "demo"))
    with pytest.raises(Refused, match="two people"):
        await change_platform_alone(database, on, ChangeOrigin("staff-1", now(), WHY))
    proposed = await propose(database, clerk, on)
    with pytest.raises(SecondPersonRequired):
        await approve_change(Actor(database, clerk, now()), contest.slug, proposed)
    assert not (await load_platforms(database))[0].enabled
    await approve_change(Actor(database, supervisor, now()), contest.slug, proposed)
    assert (await load_platforms(database))[0].enabled

    def state(enabled: bool) -> object:
        return msgspec.to_builtins(PlatformState("demo", Text("demo", "demo"), enabled))

    for changed in (contest, other):
        changes = await load_changes(database, changed.id)
        assert [(t.setting, t.before, t.after, t.approval_id) for t in changes] == [
            ("platform", state(True), state(False), None),
            ("platform", state(False), state(True), proposed),
        ]
    assert await load_changes(database, (await load_contest(database, "over")).id) == ()
    assert [(line.actor, line.act) for line in await acts(database)] == [
        ("staff-1", "platform_switched"),
        ("staff-1", "proposed"),
        ("staff-2", "platform_switched"),
        ("staff-2", "approved"),
    ]


async def test_while_nothing_runs_one_person_switches(database: Connection) -> None:
    await store_platform(database, "demo")
    await switch_platform_off(database, "demo", by="staff-1", reason=WHY, now=now())
    on = switch_on(await load_platform(database, "demo"))
    await change_platform_alone(database, on, ChangeOrigin("staff-1", now(), WHY))
    assert (await load_platforms(database))[0].enabled


OLD, NEW = ({"kty": "OKP", "crv": "Ed25519", "x": x * 43, "kid": x} for x in "ab")


async def test_keys_change_under_the_same_id_by_two_people_and_sessions_end(
    database: Connection, contest: Contest, clerk: Account, supervisor: Account
) -> None:
    """The second person does the same, or approves; the reason may differ."""
    platform_id = await store_platform(database, "demo", [OLD], daily_ceiling=9)
    before = await load_platform(database, "demo")
    terms = replace(
        read_terms(before),
        config={"keys": [NEW]},
        origins=("https://a.example",),
        name=Text("新名", "New name"),
        daily_ceiling=None,
    )
    change = PlatformChange("demo", terms, end_sessions=True)
    proposed = await propose(database, clerk, change)
    assert await load_platform(database, "demo") == before
    with pytest.raises(SecondPersonRequired):
        await change_platform(Actor(database, clerk, now()), change, reason=WHY)
    other = PlatformChange("demo", terms)
    await decline(
        Actor(database, clerk, now()),
        contest,
        (await load_contest_approvals(database, contest.id))[0],
        "again",
    )
    again = await propose(database, clerk, other)
    proposed = await propose(database, clerk, change)
    result = await change_platform(
        Actor(database, supervisor, now()), change, reason=Text("换钥", "New keys")
    )
    assert result == ChangeResult("approved", proposed)
    after = await load_platform(database, "demo")
    assert (after.id, read_terms(after), after.revision) == (
        platform_id,
        terms,
        before.revision + 1,
    )
    assert after.sessions_not_before is not None
    assert now() < after.sessions_not_before < now() + 2 * NOTICE
    with pytest.raises(Refused, match="has changed"):
        await approve_change(Actor(database, supervisor, now()), contest.slug, again)
    changes = await load_changes(database, contest.id)
    assert [(change.setting, change.approval_id) for change in changes] == [
        ("platform", proposed),
        ("platform_keys", proposed),
    ]
    assert changes[1].before["keys"] == ["a"]
    assert (changes[1].after["keys"], changes[1].after["sessions_ended"]) == (["b"], True)
    assert "origin" not in str(changes) and "ceiling" not in str(changes)
    changed = next(line for line in await acts(database) if line.act == "platform_changed")
    assert changed.actor == "staff-2" and changed.facts["to"]["origins"] == ["https://a.example"]
    assert changed.facts["sessions_ended"] is True and changed.facts["decision"] == proposed


async def test_a_new_platform_takes_two_once_a_contest_is_announced(
    database: Connection, clerk: Account, supervisor: Account
) -> None:
    """And nobody is asked for a second person before; the error names what to do without one."""
    terms = PlatformTerms(Text("一", "One"), "jwt", {"keys": [OLD]})
    await upcoming(database, "secret", now() + HOUR)
    origin = ChangeOrigin("terminal", now(), WHY)
    await change_platform_alone(database, PlatformChange("one", terms), origin)
    contest = await upcoming(database, "announced", now() - HOUR)
    two = PlatformChange("two", terms)
    with pytest.raises(Refused, match="--as"):
        await change_platform_alone(database, two, origin)
    await propose(database, clerk, two)
    assert [p.slug for p in await load_platforms(database)] == ["one"]
    result = await change_platform(Actor(database, supervisor, now()), two, reason=WHY)
    assert result.state == "approved"
    assert [p.slug for p in await load_platforms(database)] == ["one", "two"]
    [announced] = await load_changes(database, contest.id)
    assert (announced.setting, announced.before) == ("platform", None)
    assert announced.after["slug"] == "two"
    assert [line.act for line in await acts(database)] == [
        "platform_added",
        "proposed",
        "platform_added",
        "approved",
    ]
    await database.execute("update accounts set disabled = true where id = $1", clerk.id)
    with pytest.raises(Refused, match=r"invite a second person .* platform disable three"):
        change = PlatformChange("three", terms)
        await change_platform(Actor(database, supervisor, now()), change, reason=WHY)
    assert len(await load_contest_approvals(database, contest.id)) == 1


async def test_what_decides_who_a_user_is_does_not_change_once_announced(
    database: Connection, contest: Contest, clerk: Account, supervisor: Account
) -> None:
    kind = PlatformTerms(Text("微信", "WeChat"), "wechat", {"appid": "a", "subject": "unionid"})
    change = PlatformChange("wechat", kind)
    await propose(database, clerk, change)
    await change_platform(Actor(database, supervisor, now()), change, reason=WHY)
    actor = Actor(database, clerk, now())
    with pytest.raises(Refused, match="could vote again"):
        openid = replace(kind, config={"appid": "a", "subject": "openid"})
        await change_platform(actor, PlatformChange("wechat", openid), reason=WHY)
    with pytest.raises(InvalidInput, match="kind"):
        await change_platform(
            actor, PlatformChange("wechat", replace(kind, kind="jwt")), reason=WHY
        )
    with pytest.raises(Refused, match="nothing would change"):
        await change_platform(actor, change, reason=WHY)


@pytest.mark.parametrize(
    "statement",
    [
        "config = '{\"keys\": [1]}'",
        'name = \'{"zh": "x", "en": "x"}\'',
        "origins = array['https://evil.example']",
        "daily_ceiling = 1000000",
        "entrance = 'https://evil.example'",
        'app_name = \'{"zh": "x", "en": "x"}\'',
        'logo = \'{"hash": "x", "width": 1, "height": 1}\'',
        "enabled = true",
    ],
)
async def test_platforms_change_by_two_people_in_sql_too(
    database: Connection, contest: Contest, statement: str
) -> None:
    await store_platform(database, "demo", daily_ceiling=5)
    await database.execute(f"update platforms set enabled = false, {NEXT}")  # anybody may
    with pytest.raises(Refused, match="takes two people"), domain_errors():
        await database.execute(f"update platforms set {statement}, {NEXT}")
    await database.execute(f"update platforms set sessions_not_before = now(), {NEXT}")
    for moment in ("null", "now() - interval '1 second'", "'infinity'"):
        with pytest.raises(Refused, match="stay ended"), domain_errors():
            await database.execute(f"update platforms set sessions_not_before = {moment}, {NEXT}")


@pytest.mark.parametrize(
    "change",
    [
        "rules = jsonb_set(rules, '{ballot,max_choices}', '5')",
        "rules = jsonb_set(rules, '{cut,size}', '5')",
        "rules = jsonb_set(rules, '{cut,tie}', '\"lot\"')",
        'rules = jsonb_set(rules, \'{cut,lot_source}\', \'{"zh": "x", "en": "x"}\')',
        "rules = jsonb_set(rules, '{time_zone}', '\"Europe/Berlin\"')",
        "rules = jsonb_set(rules, '{list_order}', '\"number\"')",
        "rules = jsonb_set(rules, '{release,mode}', '\"hidden\"')",
        "rules = jsonb_set(rules, '{publish_at}', '\"2100-01-01T00:00:00Z\"')",
        "rules = rules - 'screening'",
        "opens_at = opens_at + interval '1 day'",
    ],
)
async def test_what_is_fixed_since_the_opening_is_fixed_in_sql_too(
    database: Connection, contest: Contest, change: str
) -> None:
    with pytest.raises(Refused, match="once voting has opened"):
        with domain_errors():
            await database.execute(f"update contests set {change}, {NEXT}")
    assert await load_contest(database, contest.slug) == contest


@pytest.mark.parametrize(
    "change",
    [
        "closes_at = closes_at + interval '1 day'",
        "rules = jsonb_set(rules, '{release,blackout_hours}', '5')",
        "rules = jsonb_set(rules, '{title,en}', '\"Another\"')",
    ],
)
async def test_sql_changes_no_setting_that_two_people_change(
    database: Connection, contest: Contest, change: str
) -> None:
    with pytest.raises(SecondPersonRequired), domain_errors():
        await database.execute(f"update contests set {change}, {NEXT}")
    assert await load_contest(database, contest.slug) == contest


async def test_an_approval_changes_no_second_thing_in_sql(
    database: Connection, contest: Contest, clerk: Account, supervisor: Account
) -> None:
    """It names the revision that it changes, and no change leaves a revision as it was."""
    proposed = await change_setting(
        Actor(database, clerk, now()), contest, "closes_at", later(contest), reason=WHY
    )
    assert proposed is not None
    await approve_change(Actor(database, supervisor, now()), contest.slug, proposed)
    await store_platform(database, "demo")
    later_still = "closes_at = closes_at + interval '1 day'"
    for statement in (
        f"contests set revision = {contest.revision}",
        f"contests set revision = {contest.revision}, {later_still}",
        f"contests set {later_still}",
        "platforms set revision = revision - 1",
        "platforms set enabled = false",
    ):
        with pytest.raises(asyncpg.CheckViolationError, match="a new revision"):
            await database.execute(f"update {statement}")
    with pytest.raises(SecondPersonRequired), domain_errors():
        await database.execute(f"update contests set {later_still}, {NEXT}")


async def test_voting_does_not_close_in_the_past_in_sql(
    database: Connection, contest: Contest
) -> None:
    with pytest.raises(Refused, match="has passed"), domain_errors():
        await database.execute(
            f"update contests set closes_at = now() - interval '1 second', {NEXT}"
        )
    assert await load_contest(database, contest.slug) == contest


@pytest.mark.parametrize(
    "change", ["closes_at = closes_at + interval '1 day'", "closes_at = now() + interval '1 day'",
               "rules = jsonb_set(rules, '{release,blackout_hours}', '5')"]
)  # fmt: skip
async def test_a_closed_contest_is_not_opened_again_in_sql(
    database: Connection, change: str
) -> None:
    await store_contest(database, MASTER_KEY, closes_at=now() - HOUR)
    with pytest.raises(Refused, match="cannot reopen"):
        with domain_errors():
            await database.execute(f"update contests set {change}, {NEXT}")


@pytest.mark.parametrize(
    "statement",
    [
        "update contest_changes set reason = '{}'",
        "delete from contest_changes",
        "truncate contest_changes",
    ],
)
async def test_what_was_announced_stays(
    database: Connection, contest: Contest, supervisor: Account, statement: str
) -> None:
    await store_platform(database, "demo")
    await switch_platform_off(database, "demo", by=supervisor.name, reason=WHY, now=now())
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute(statement)
    assert len(await load_changes(database, contest.id)) == 1
