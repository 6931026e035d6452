"""When votes are taken, and which day they belong to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from tests.contest_data import rules
from tests.sites.public.api.running_service import (
    BALLOTS,
    CONTEST,
    MovedClock,
    Service,
    check_problem,
    running_service,
)
from voting_service.settings import Settings
from voting_service.voting.voters.keyring import destroy_voter_key

SHANGHAI = ZoneInfo("Asia/Shanghai")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


async def test_before_the_opening_is_403_with_the_window(service: Service) -> None:
    service.clock.set(service.contest.opens_at - timedelta(seconds=5))
    problem = check_problem(await service.cast(service.forged_session(), [1]), 403)
    assert problem["type"] == "/problems/not-open"
    assert moment(problem["opens_at"]) == service.contest.opens_at
    assert moment(problem["closes_at"]) == service.contest.closes_at
    assert "not opened" in problem["detail"]
    facts = (await service.client.get(CONTEST)).json()
    assert facts["phase"] == "upcoming"
    assert await service.stored_ballots() == 0


async def test_after_the_close_is_403_with_the_window(service: Service) -> None:
    session = service.forged_session
    service.clock.set(service.contest.closes_at - timedelta(seconds=30))
    stored = await service.cast(session(), [1])
    assert stored.status_code == 201
    service.clock.set(service.contest.closes_at)
    problem = check_problem(await service.cast(service.forged_session(voter=b"w" * 16), [1]), 403)
    assert moment(problem["closes_at"]) == service.contest.closes_at
    assert "closed" in problem["detail"]
    facts = (await service.client.get(CONTEST)).json()
    assert facts["phase"] == "closed"
    assert await service.stored_ballots() == 1
    # Whose answer was lost in the last second still gets it.
    again = await service.cast(session(), [1])
    assert (again.status_code, again.content) == (200, stored.content)
    other = check_problem(await service.cast(session(), [2]), 409)
    assert other["receipt"] == stored.json()["receipt"]


async def test_a_bad_ballot_outside_the_window_is_shown_what_is_wrong(service: Service) -> None:
    service.clock.set(service.contest.closes_at)
    headers = {"authorization": f"Bearer {service.forged_session()}"}
    check_problem(await service.post_bytes(BALLOTS, b"{}", headers), 422)


async def test_midnight_in_shanghai_begins_a_new_day(service: Service) -> None:
    tomorrow = datetime.now(SHANGHAI).date() + timedelta(days=1)
    midnight = datetime.combine(tomorrow, datetime.min.time(), SHANGHAI)
    session = service.forged_session

    service.clock.set(midnight - timedelta(seconds=30))
    first = await service.cast(session(), [1])
    assert first.status_code == 201
    check_problem(await service.cast(session(), [2]), 409)

    service.clock.set(midnight)
    second = await service.cast(session(), [2])
    assert second.status_code == 201
    again = await service.cast(session(), [2])
    assert (again.status_code, again.content) == (200, second.content)
    other = check_problem(await service.cast(session(), [1]), 409)
    assert other["receipt"] == second.json()["receipt"]

    periods = [answer.json()["receipt"]["period"] for answer in (first, second)]
    assert periods == [str(tomorrow - timedelta(days=1)), str(tomorrow)]
    assert await service.stored_ballots() == 2


async def test_a_retry_that_names_its_period_stays_in_it(service: Service) -> None:
    today = datetime.now(SHANGHAI).date() + timedelta(days=1)
    before, tomorrow = str(today - timedelta(days=1)), str(today + timedelta(days=1))
    midnight = datetime.combine(today + timedelta(days=1), datetime.min.time(), SHANGHAI)
    mine, late = (partial(service.forged_session, voter=voter * 16) for voter in (b"m", b"l"))
    service.clock.set(midnight - timedelta(seconds=3))
    first = await service.cast(mine(), [1], period=str(today))
    assert (first.status_code, first.json()["receipt"]["period"]) == (201, str(today))
    # By the clock of another worker it may have begun.
    ahead = await service.cast(late(), [1], period=tomorrow)
    assert check_problem(ahead, 503)["type"] == "/problems/busy"
    service.clock.set(midnight - timedelta(seconds=30))
    for period in (tomorrow, "2022-07-01", "2022-13-01", "today", 7):
        check_problem(await service.cast(mine(), [1], period=period), 422, "period")
    headers = {"authorization": f"Bearer {mine()}"}
    twice = f'{{"choices":[1],"period":"{today}","period":"{before}"}}'.encode()
    check_problem(await service.post_bytes(BALLOTS, twice, headers), 422, "period")

    service.clock.set(midnight)
    again = await service.cast(mine(), [1], period=str(today))
    assert (again.status_code, again.content) == (200, first.content)
    other = check_problem(await service.cast(mine(), [2], period=str(today)), 409)
    assert (other["type"], other["receipt"]) == (
        "/problems/already-voted", first.json()["receipt"],
    )  # fmt: skip
    over = check_problem(await service.cast(late(), [1], period=str(today)), 409)
    assert over["type"] == "/problems/period-over"
    assert str(today) in over["detail"]
    assert await service.stored_ballots() == 1, "a retry was stored in another day"
    new = await service.cast(mine(), [1], period=tomorrow)
    assert (new.status_code, new.json()["receipt"]["period"]) == (201, tomorrow)

    service.clock.set(service.contest.closes_at)
    last = str(service.contest.period(service.contest.closes_at - timedelta(seconds=1)))
    assert (await service.cast(mine(), [1], period=str(today))).content == first.content
    over = check_problem(await service.cast(late(), [1], period=str(today)), 409)
    assert over["type"] == "/problems/period-over"
    check_problem(await service.cast(late(), [1], period=last), 403)
    assert await service.stored_ballots() == 2


async def test_a_later_session_of_a_voter_learns_whether_its_ballot_is_the_stored_one(
    service: Service,
) -> None:
    """And never which one is (ARCHITECTURE.md has the reason)."""
    first = await service.cast(await service.open_session("reader"), [1, 3])
    later = await service.open_session("reader")
    same, other = await service.cast(later, [3, 1]), await service.cast(later, [1, 2])
    assert (same.status_code, same.content) == (200, first.content)
    problem = check_problem(other, 409)
    assert problem["receipt"] == first.json()["receipt"]
    assert set(problem["receipt"]) == {"ballot", "contest", "period", "issued_at", "seal"}
    assert "choices" not in other.text


async def test_midnight_in_utc_begins_nothing(service: Service) -> None:
    day = datetime.now(UTC).date() + timedelta(days=1)
    midnight = datetime.combine(day, datetime.min.time(), UTC)
    session = service.forged_session
    service.clock.set(midnight - timedelta(seconds=30))
    assert (await service.cast(session(), [1])).status_code == 201
    service.clock.set(midnight + timedelta(seconds=30))
    assert (await service.cast(session(), [1])).status_code == 200
    check_problem(await service.cast(session(), [2]), 409)


async def test_where_a_voter_votes_once_a_new_day_changes_nothing(
    settings: Settings, clock: MovedClock
) -> None:
    async with running_service(settings, rules=rules(every="contest"), clock=clock) as service:
        session = service.forged_session
        first = await service.cast(session(), [1])
        assert first.status_code == 201
        clock.offset += timedelta(days=5)
        again = await service.cast(session(), [1])
        assert (again.status_code, again.content) == (200, first.content)
        check_problem(await service.cast(session(), [2]), 409)
        period = first.json()["receipt"]["period"]
        again = await service.cast(session(), [1], period=period)
        assert (again.status_code, again.content) == (200, first.content)
        today = str(service.contest.opens_at.astimezone(SHANGHAI).date() + timedelta(days=5))
        check_problem(await service.cast(session(), [1], period=today), 422, "period")


async def test_equal_ids_of_two_platforms_are_two_voters(service: Service) -> None:
    token = service.other.token(service.contest.slug, "same", service.now_seconds())
    sessions = [
        await service.open_session("same"),
        (await service.sign_in(token, "other")).json()["session"],
    ]
    for session in sessions:
        assert (await service.cast(session, [1])).status_code == 201
    assert await service.stored_ballots() == 2


async def test_once_the_voters_key_is_destroyed_nobody_votes_any_more(service: Service) -> None:
    session = await service.open_session()
    await destroy_voter_key(service.database, service.contest.id)
    await service.database.execute("update contests set revision = revision + 1")
    await service.refresh()
    check_problem(await service.sign_in(service.token()), 409)
    check_problem(await service.cast(session, [1]), 403)


@pytest.mark.parametrize(
    ("language", "title"),
    [
        (None, "Voting is not open now"),
        ("en", "Voting is not open now"),
        ("en-GB,en;q=0.9,zh;q=0.8", "Voting is not open now"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "现在不是投票时间"),
        ("ZH", "现在不是投票时间"),
        ("\xff\xfe", "现在不是投票时间"),
        ("", "现在不是投票时间"),
    ],
)
async def test_a_problem_speaks_the_language_asked_for(
    service: Service, language: str | None, title: str
) -> None:
    service.clock.set(service.contest.closes_at)
    headers = [(b"content-type", b"application/json")]
    headers.append((b"authorization", b"Bearer " + service.forged_session().encode()))
    if language is not None:
        headers.append((b"accept-language", language.encode("latin-1")))
    answer = await service.ask(
        BALLOTS.encode(), method=b"POST", headers=headers, body=b'{"choices":[1]}'
    )
    assert check_problem(answer, 403)["title"] == title


@pytest.mark.parametrize(
    ("method", "path", "status", "title"),
    [
        ("GET", "/nowhere", 404, "没有找到"),
        ("GET", f"{CONTEST}/candidates/99", 404, "没有找到"),
        ("DELETE", CONTEST, 405, "此处不支持该方法"),
        ("POST", "/api/v1/sessions", 415, "请求须为 JSON"),
    ],
)
async def test_every_kind_of_endpoint_speaks_chinese(
    shared_service: Service, method: str, path: str, status: int, title: str
) -> None:
    answer = await shared_service.client.request(method, path, headers={"accept-language": "zh"})
    assert check_problem(answer, status)["title"] == title
