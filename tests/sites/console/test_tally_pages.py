"""The live tally's pages: figures to the last vote, drill-downs, and who may see them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.contest_data import rules, store_platform
from tests.cut_data import OPENS
from tests.sites.console.running_staff_app import StaffApp
from tests.voting.tally.cast_ballots import (
    Cast,
    Field,
    open_field,
)
from voting_service.contests.model import Contest, ReleaseSchedule
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.sites.console.time_ranges import last_window
from voting_service.staff.accounts.model import Role
from voting_service.voting.tally.recount import Count

SLUG = "field"
BASE = f"/contests/{SLUG}"
HOUR = timedelta(hours=1)
PAGES = [
    BASE,
    f"{BASE}/tally.json",
    f"{BASE}/charts/minutes.json",
    f"{BASE}/charts/hours.json",
    f"{BASE}/candidates/1",
    f"{BASE}/compare?a=1&b=2",
    f"{BASE}/hours/2022-07-01T00Z",
    f"{BASE}/window?from=2022-07-01T08:00&to=2022-07-01T09:00",
]


@pytest.fixture
async def field(staff_app: StaffApp) -> Field:
    """Ballots over two hours and two platforms, one hold voided and one counted."""
    database = staff_app.database
    made = await open_field(database, SLUG)
    alpha, beta = [await store_platform(database, slug) for slug in ("alpha", "beta")]
    peak = OPENS + timedelta(minutes=30, seconds=5)
    await made.add(
        database,
        [
            *(Cast([1, 2], OPENS + timedelta(minutes=n), alpha) for n in range(10)),
            *(Cast([3], peak, beta, network=b"network1") for _ in range(60)),
            *(Cast([3, 4], peak, beta, held=True, network=b"network2") for _ in range(7)),
            *(Cast([4], OPENS + HOUR + timedelta(minutes=n), alpha, held=True) for n in range(5)),
            *(Cast([1], OPENS + HOUR, beta) for _ in range(4)),
        ],
    )
    now = OPENS + 3 * HOUR
    void = await made.hold(database, [b for b in made.cast if b.network == b"network1"][:20], now)
    await made.rule(database, void, "void", now + timedelta(minutes=1))
    count = await made.hold(database, [b for b in made.cast if b.network == b"network2"], now)
    await made.rule(database, count, "count", now + timedelta(minutes=2))
    await staff_app.refresh()
    return made


def counted(count: Count) -> dict[str, int]:
    return {"gross": count.gross, "held": count.held, "void": count.void, "net": count.net}


def table(answer: httpx.Response, name: str) -> list[list[str]]:
    """The rows of the table marked `data-<name>`, as their texts."""
    assert answer.status_code == 200, answer.text
    body = re.search(rf"<table data-{name}>(.*?)</table>", answer.text, re.DOTALL)
    assert body is not None
    rows = re.findall(r"<tr\b.*?</tr>", body[1], re.DOTALL)
    cells = [re.findall(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[re.sub(r"<[^>]*>", "", cell).strip() for cell in row] for row in cells]


def inline_chart(answer: httpx.Response) -> dict[str, Any]:
    data = re.search(r'<script type="application/json">(.*?)</script>', answer.text, re.DOTALL)
    assert data is not None
    chart: dict[str, Any] = json.loads(data[1])
    return chart


def by_state(chart: Mapping[str, Any]) -> dict[str, int]:
    return {series["state"]: sum(series["values"]) for series in chart["series"]}


def states(count: Count) -> dict[str, int]:
    return {"counted": count.net, "held": count.held, "void": count.void}


async def test_what_a_restore_lost_is_said_with_the_moments_that_matter(
    staff_app: StaffApp, field: Field
) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    assert "backup" not in (await clerk.get(BASE)).text
    await staff_app.database.execute(
        "insert into record_losses (contest_id, confirmed_until, ballots, newest_at)"
        " values ($1, $2, 1234, $3), ($1, $3, 5, null)",
        field.contest.id,
        OPENS + HOUR,
        OPENS,
    )
    shown = (await clerk.get(BASE)).text
    assert "restored from a backup: 1,234 confirmed ballots are missing" in shown
    assert "restored from an empty backup: 5 ballots" in shown


async def audit_log(database: Connection, act: str) -> list[dict[str, Any]]:
    rows = await database.fetch(
        "select actor, contest, subject, details from audit_log where act = $1 order by entry", act
    )
    return [dict(row) for row in rows]


async def test_the_tally_is_that_of_the_ballots(staff_app: StaffApp, field: Field) -> None:
    auditor = await staff_app.signed_in_client("auditor")
    tally = (await auditor.get(f"{BASE}/tally.json")).json()
    everything = field.count(lambda _: ["all"])["all"]
    votes = field.count(lambda b: b.choices)
    assert tally["ballots"] == counted(everything)
    assert {row["number"]: row["counted"] for row in tally["candidates"]} == {
        n: counted(votes.get(n, Count())) for n in range(1, 7)
    }
    platforms = field.count(lambda b: [b.platform_id])
    assert {row["platform_id"]: row["counted"] for row in tally["platforms"]} == {
        p: counted(c) for p, c in platforms.items()
    }
    # 3: 40 + 7, 1: 14, 2: 10, 4: 7 (five more are held); three go on.
    assert tally["line"] == {"place": 3, "last_in": 2, "first_out": 4, "margin": 3}
    assert [row["to_line"] for row in tally["candidates"][:4]] == [40, 7, 3, -3]
    rows = table(await auditor.get(BASE), "candidates")
    assert [(row[0], *row[2:6]) for row in rows if len(row) == 9][1:] == [
        (str(row["rank"]), *(str(row["counted"][s]) for s in ("gross", "held", "void", "net")))
        for row in tally["candidates"]
    ]
    assert rows[4] == ["The cut: top 3 shortlisted"]


async def test_charts_add_up_to_the_tally(staff_app: StaffApp, field: Field) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    everything = states(field.count(lambda _: ["all"])["all"])
    charts = {
        name: (await clerk.get(f"{BASE}/charts/{name}.json")).json()
        for name in ("hours", "platforms", "candidates")
    }
    assert by_state(charts["hours"]) == everything
    assert by_state(charts["platforms"]) == everything
    votes = field.count(lambda b: ["all"] * len(b.choices))["all"]
    assert by_state(charts["candidates"]) == states(votes)
    assert charts["hours"]["time"][0] == "2022-07-01T08:00:00+08:00"
    assert charts["hours"]["links"][0] == f"{BASE}/hours/2022-07-01T00Z"
    assert (await clerk.get(f"{BASE}/charts/nothing.json")).status_code == 404


async def test_minutes_are_of_the_last_three_hours(staff_app: StaffApp, field: Field) -> None:
    staff_app.clock.set(OPENS + 2 * HOUR + timedelta(seconds=30))
    clerk = await staff_app.signed_in_client("tally_clerk")
    chart = (await clerk.get(f"{BASE}/charts/minutes.json")).json()
    assert len(chart["time"]) == 180
    assert chart["time"][-1] == "2022-07-01T10:00:00+08:00"
    assert by_state(chart) == states(field.count(lambda _: ["all"])["all"])
    at_peak = chart["time"].index("2022-07-01T08:30:00+08:00")
    assert [series["values"][at_peak] for series in chart["series"]] == [47, 0, 20]
    peak = await clerk.get(chart["links"][at_peak])
    assert "2022-07-01 08:30:00 to 2022-07-01 08:31:00" in peak.text


async def test_a_peak_opens_to_platforms_networks_and_ballots(
    staff_app: StaffApp, field: Field
) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    path = f"{BASE}/window?from=2022-07-01T08:30&to=2022-07-01T08:31"
    answer = await clerk.get(path)
    assert [row[:5] for row in table(answer, "platforms")[1:]] == [["beta", "67", "0", "20", "47"]]
    assert table(answer, "networks")[1:] == [
        [b"network1".hex(), "60", "0", "20", "40"],
        [b"network2".hex(), "7", "0", "0", "7"],
    ]
    # 67 of the 74 votes here, of the 103 in the whole contest.
    shares = table(answer, "shares")
    assert shares[1] == ["3 候选 3", "67", "0", "20", "47", "90.54%", "65.05%", "1.39"]
    assert by_state(inline_chart(answer)) == {"counted": 47, "held": 0, "void": 20}
    first = table(answer, "ballots")[1:]
    assert len(first) == 50
    more = re.search(r'href="([^"]*after=[^"]*)"', answer.text)
    assert more is not None
    rest = table(await clerk.get(more[1].replace("&amp;", "&")), "ballots")[1:]
    ids = sorted(b.ballot_id.hex() for b in field.cast if b.network)
    assert [row[0] for row in first + rest] == ids
    narrowed = await clerk.get(f"{path}&network={b'network2'.hex()}&candidate=4&state=counted")
    assert [row[-1] for row in table(narrowed, "ballots")[1:]] == ["Counted"] * 7
    lines = await audit_log(staff_app.database, "viewed")
    assert [(line["actor"], line["contest"]) for line in lines] == [("tally_clerk-1", SLUG)] * 3
    assert lines[2]["details"] == {
        "from": "2022-07-01T00:30:00+00:00",
        "to": "2022-07-01T00:31:00+00:00",
        "network": b"network2".hex(),
        "candidate": "4",
        "state": "counted",
    }


async def test_an_hour_is_a_window(staff_app: StaffApp, field: Field) -> None:
    clerk = await staff_app.signed_in_client("supervisor")
    answer = await clerk.get(f"{BASE}/hours/2022-07-01T01Z?candidate=4")
    assert [row[:5] for row in table(answer, "platforms")[1:]] == [["alpha", "5", "5", "0", "0"]]
    assert (await clerk.get(f"{BASE}/hours/yesterday")).status_code == 404


async def test_a_candidate_s_votes_and_where_they_come_from(
    staff_app: StaffApp, field: Field
) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    answer = await clerk.get(f"{BASE}/candidates/3")
    votes = field.count(lambda b: b.choices)[3]
    assert by_state(inline_chart(answer)) == states(votes)
    # 47 of 47 votes; 51 of the 61 ballots that count.
    assert table(answer, "origins")[1:] == [
        ["beta", "67", "0", "20", "47", "100.00%", "83.61%"],
        ["alpha", "0", "0", "0", "0", "0.00%", "16.39%"],
    ]
    assert [row[1] for row in table(answer, "neighbours")[1:]] == [
        "3 候选 3", "1 候选 1", "2 候选 2", "4 候选 4",
    ]  # fmt: skip
    assert "hold of 20" in answer.text
    assert "hold of 7" in answer.text
    assert (await clerk.get(f"{BASE}/candidates/7")).status_code == 404


async def test_two_candidates_side_by_side(staff_app: StaffApp, field: Field) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    answer = await clerk.get(f"{BASE}/compare?a=1&b=3")
    chart = inline_chart(answer)
    assert [series["values"][-1] for series in chart["series"]] == [14, 47, -33]
    assert table(answer, "sides")[1:] == [["alpha", "10", "0", "+10"], ["beta", "4", "47", "-43"]]
    assert "3 候选 3 is 33 votes ahead of 1 候选 1" in answer.text
    assert (await clerk.get(f"{BASE}/compare")).status_code == 200
    assert (await clerk.get(f"{BASE}/compare?a=1&b=99")).status_code == 404
    assert (await clerk.get(f"{BASE}/compare?a=1&b=x")).status_code == 422


async def test_the_counts_of_a_moment(staff_app: StaffApp, field: Field) -> None:
    auditor = await staff_app.signed_in_client("auditor")
    for text, moment in (
        ("2022-07-01T08:30:06", OPENS + timedelta(minutes=30, seconds=6)),
        ("2022-07-01T11:01:30", OPENS + 3 * HOUR + timedelta(seconds=90)),
    ):
        whole = field.count(lambda _: ["all"], at=moment)["all"]
        tally = (await auditor.get(f"{BASE}/tally.json?at={text}")).json()
        assert tally["ballots"] == counted(whole)
        answer = await auditor.get(f"{BASE}?at={text}")
        assert "data-live" not in answer.text
        assert by_state(inline_chart(answer)) == states(whole)
    assert (await auditor.get(f"{BASE}?at=now")).status_code == 422


async def test_it_states_what_the_public_sees(staff_app: StaffApp, field: Field) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    assert "The public also sees live counts." in (await clerk.get(BASE)).text
    hidden = rules(release=ReleaseSchedule(mode="hidden"))
    quiet = await open_field(staff_app.database, "quiet", contest_rules=hidden)
    await quiet.add(staff_app.database, [Cast([1]) for _ in range(77)])
    await staff_app.refresh()
    shown = (await clerk.get("/contests/quiet")).text
    assert "The public sees no counts until the result is published." in shown
    assert ">77<" in shown


async def test_counts_are_for_those_who_answer_for_them(staff_app: StaffApp, field: Field) -> None:
    stranger = staff_app.client()
    for path in PAGES:
        answer = await stranger.get(path)
        assert answer.status_code == (401 if ".json" in path else 303), path
    roles: tuple[Role, ...] = ("reviewer", "administrator")
    for role in roles:
        client = await staff_app.signed_in_client(role)
        assert {(await client.get(path)).status_code for path in PAGES} == {403}
    assert await audit_log(staff_app.database, "viewed") == []


async def test_odd_windows_are_explained(staff_app: StaffApp, field: Field) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    hour = "from=2022-07-01T08:00&to=2022-07-01T09:00"
    for query, status in (
        ("from=2022-07-01T08:00&to=2022-07-03T08:00", 422),
        ("from=2022-07-01T08:00&to=2022-07-01T08:00", 422),
        ("from=&to=", 422),
        ("from=2022-07-01T08:00&to=99999-01-01", 422),
        (f"{hour}&platform=other", 422),
        (f"{hour}&network=' or 1=1", 422),
        (f"{hour}&network=ab", 422),
        (f"{hour}&state=open", 422),
        (f"{hour}&after=00", 422),
        (f"{hour}&candidate=5", 200),
        (f"{hour}&candidate=7", 404),
    ):
        assert (await clerk.get(f"{BASE}/window?{query}")).status_code == status, query
    assert len(await audit_log(staff_app.database, "viewed")) == 1


async def test_another_contest_s_ballots_and_candidates_are_not_shown(
    staff_app: StaffApp, field: Field
) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    other = staff_app.contest.slug
    after = max(ballot.ballot_id for ballot in field.cast).hex()
    query = f"from=2022-07-01T08:00&to=2022-07-01T12:00&after={after[:-2]}00"
    assert table(await clerk.get(f"/contests/{other}/window?{query}"), "ballots")[1:] == [
        ["There are no ballots."]
    ]
    # The field has six candidates, the other contest five.
    assert (await clerk.get(f"{BASE}/candidates/6")).status_code == 200
    assert (await clerk.get(f"/contests/{other}/candidates/6")).status_code == 404
    assert (await clerk.get("/contests/nowhere")).status_code == 404


def test_the_hours_before_the_close_stay_within_reach_after_it() -> None:
    opens = OPENS.replace(minute=0)
    contest = Contest(
        id=1, slug="c", rules=rules(), opens_at=opens, closes_at=opens + timedelta(hours=9),
        candidates=(), revision=1,
    )  # fmt: skip
    during = last_window(contest, opens + timedelta(hours=5), 2, platform="demo")
    assert parse_qs(urlsplit(during).query) == {
        "from": ["2022-07-01T03:00:00Z"],
        "to": ["2022-07-01T05:00:00Z"],
        "platform": ["demo"],
    }
    later = last_window(contest, opens + timedelta(days=5), 1)
    assert parse_qs(urlsplit(later).query)["to"] == ["2022-07-01T09:00:00Z"]
