"""The standings for newspapers: a table for Excel, how they grew, and a chart for any page."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import msgspec

from tests.browser.site import SLUG, Site
from tests.contest_data import candidates, rules
from voting_service.contests.model import Contest, ReleaseSchedule
from voting_service.i18n.text import LANGUAGES, Text
from voting_service.sites.public.caches.standings_files import standings_csv
from voting_service.voting.tally.standings import Standings, ranked

TABLE = f"/api/v1/contests/{SLUG}/standings.csv"
TREND = f"/api/v1/contests/{SLUG}/standings/trend"
CHART = f"/embed/{SLUG}/standings.svg"
NOON = datetime(2022, 7, 5, 4, 0, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


async def rows(site: Site, language: str) -> list[list[str]]:
    answer = await site.api.get(TABLE, params={"language": language})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.content.startswith(b"\xef\xbb\xbf"), "Excel takes it for UTF-8"
    text = answer.content.decode("utf-8-sig")
    assert text.count("\r\n") == text.count("\n"), "RFC 4180"
    return list(csv.reader(io.StringIO(text, newline="")))


async def texts_of_chart(site: Site, language: str = "zh") -> list[str]:
    answer = await site.api.get(CHART, params={"language": language})
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    drawing = ET.fromstring(answer.text)
    assert not drawing.findall(f".//{SVG}script")
    assert "style=" not in answer.text
    return [text.text or "" for text in drawing.iter(f"{SVG}text")]


async def test_the_table_and_the_chart_show_what_the_page_shows(site: Site) -> None:
    for numbers in ([50, *range(1, 10)], list(range(10, 20)), list(range(20, 30)), [50]):
        await site.crowd(1, numbers)
    await site.reconcile()
    head, *body = await rows(site, "zh")
    assert head == [
        "名次", "编号", "姓名", "职业（工种）", "票数", "与入围线相差", "新增票数",
        "新增票数起算（北京时间）", "截至（北京时间）", "备注",
    ]  # fmt: skip
    assert body[0][:2] == ["1", "50"]
    assert body[0][4:6] == ["2", "2"]
    assert body[29][4:6] == ["1", "1"], "the last above the line"
    assert body[30][:1] + body[30][4:6] == ["31", "0", "-1"]
    assert len(body) == 50
    assert (await rows(site, "en"))[0][:3] == ["Rank", "Number", "Name"]
    assert "前 30 名进入专家评审" in await texts_of_chart(site)
    assert "The top 30 advance to the expert panel" in await texts_of_chart(site, "en")
    page = (await site.api.get(f"/zh/{SLUG}/standings")).text
    assert f'href="{TABLE}?language=zh"' in page
    assert f'href="{CHART}?language=zh"' in page

    await site.crowd(1, [30])
    await site.reconcile()
    assert not any("前 30 名" in text for text in await texts_of_chart(site)), "inside a tie"
    assert {row[5] for row in (await rows(site, "zh"))[1:]} == {"1", "0", "-1"}


async def test_no_file_adds_up_votes_by_district(site: Site) -> None:
    await site.crowd(1, [1, 2, 3])
    await site.reconcile()
    for language in LANGUAGES:
        answers = [
            await site.api.get(path, params={"language": language})
            for path in (TABLE, CHART, TREND)
        ]
        for candidate in site.contest.candidates:
            district = getattr(candidate.district, language)
            assert not any(district in answer.text for answer in answers)


async def test_they_are_as_hidden_as_the_counts(site: Site) -> None:
    await site.crowd(1, [1])
    hidden = msgspec.structs.replace(site.contest.rules, release=ReleaseSchedule(mode="hidden"))
    await site.change_contest(rules=msgspec.to_builtins(hidden))
    await site.reconcile()
    for path in (TABLE, CHART):
        assert (await site.api.get(path)).status_code == 404
    assert (await site.api.get(TREND)).json() == {
        "contest": SLUG, "moments": [], "candidates": [
            {"number": number, "votes": []} for number in range(1, 51)
        ],
    }  # fmt: skip
    page = (await site.api.get(f"/zh/{SLUG}/standings")).text
    assert TABLE not in page
    assert "polyline" not in page


async def test_the_page_draws_how_counts_grew(site: Site) -> None:
    opens_at = site.clock() - timedelta(days=4)
    await site.change_contest(opens_at=opens_at)
    await site.crowd(1, [7])
    await site.reconcile()
    moments = (await site.api.get(TREND)).json()["moments"]
    assert len(moments) == 4
    page = (await site.api.get(f"/zh/{SLUG}/standings")).text
    assert page.count("<polyline") == 50
    assert 'aria-label="各期新增票数：0、0、0、0"' in page


def test_no_name_becomes_a_formula() -> None:
    named = msgspec.structs.replace(candidates(2)[0], name=Text(zh="=1+1", en="@SUM(1)"))
    contest = Contest(1, "c", rules(), NOON, NOON, 1, (named, candidates(2)[1]))
    shown = Standings("c", "live", NOON, ballots=1, candidates=ranked(contest, {1: 1}))
    for language, name in (("zh", "'=1+1"), ("en", "'@SUM(1)")):
        table = standings_csv(contest, shown, language).decode("utf-8-sig")  # type: ignore[arg-type]
        assert list(csv.reader(io.StringIO(table)))[1][2] == name
