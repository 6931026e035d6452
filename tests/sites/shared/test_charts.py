"""Charts in Chromium: drawn under the policy, read as tables, saved as pictures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.browser.accessibility import assert_accessible, tab_to
from tests.browser.guard import Guard
from tests.browser.pages import DESKTOP, open_page
from tests.sites.console.running_staff_app import StaffApp, running_staff_app
from voting_service.settings import Settings
from voting_service.sites.console.routes import ROUTES
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state

LINE = {
    "time": ["2022-07-18T23:59:00+08:00", "2022-07-19T00:00:00+08:00"],
    "series": [
        {"name": "计入", "values": [12345, 7], "state": "counted"},
        {"name": "暂扣 </script><b>", "values": [None, 2], "state": "held"},
    ],
    "links": [None, "/charts?minute=2"],
    "line": {"name": "第30名", "value": 9},
}
BAR = {"labels": ["甲", "乙"], "series": [{"name": "票", "values": [3, 4]}], "stacked": True}
HEAT = {"columns": ["00", "01"], "rows": ["demo"], "values": [[5, 6]]}
TEMPLATE = """
{% extends "signed_in/layout.html" %}
{% from "signed_in/chart.html" import chart with context %}
{% block scripts %}<script type="module" src="{{ static_url('charts.js') }}"></script>{% endblock %}
{% block main %}<h1>图</h1>
{{ chart("line", "line", "每分钟票数", source="/charts.json") }}
{{ chart("bar", "bar", "各平台票数", data=bar) }}
{{ chart("heat", "heat", "各时段票数", data=heat) }}
{{ chart("away", "line", "读不到", source="/charts-away.json") }}
{% endblock %}
"""


async def charts(request: Request) -> Response:
    template = get_state(request).theme.environment.from_string(TEMPLATE)
    return page(request, template, bar=BAR, heat=HEAT)  # type: ignore[arg-type]


async def data(_request: Request) -> Response:
    return JSONResponse(LINE)


@pytest.fixture
async def drawn(
    settings: Settings, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Page]:
    """A page of charts."""
    more = [Route("/charts", charts), Route("/charts.json", data)]
    monkeypatch.setattr("voting_service.sites.staff_app.ROUTES", [*ROUTES, *more])
    async with running_staff_app(settings) as staff_app:
        async for opened in _open(staff_app, chromium):
            yield opened


async def _open(staff_app: StaffApp, chromium: Browser) -> AsyncIterator[Page]:
    guard = Guard(staff_app.origin)
    guard.expect(r"404 \(Not Found\)")  # of the chart whose source is unavailable
    async with open_page(chromium, guard, **DESKTOP) as opened:
        await opened.goto(f"{staff_app.origin}/charts")
        for name in ("line", "bar", "heat"):
            await opened.wait_for_selector(f"#{name}[data-drawn]")
        yield opened
    assert guard.verdict() == []


async def test_a_chart_is_drawn_and_is_a_table_of_the_same_figures(drawn: Page) -> None:
    assert await drawn.locator("#line canvas").count() > 0
    assert await drawn.locator(".chart-said:visible").count() == 1, "only of the one that is away"
    await drawn.click("#line [data-do=table]")
    cells = await drawn.locator("#line .chart-table tr").all_inner_texts()
    assert [line.split("\t") for line in cells] == [
        ["时间", "计入", "暂扣 </script><b>"],
        ["2022-07-18 23:59", "12,345", "–"],
        ["2022-07-19 00:00", "7", "2"],
    ]
    assert await drawn.locator("#line .drawing").is_hidden()
    await assert_accessible(drawn)
    await drawn.click("#line .chart-table a")
    await drawn.wait_for_url("**/charts?minute=2")


async def test_bars_and_heat_maps_are_tables_too(drawn: Page) -> None:
    for name, rows in {
        "bar": [["", "票"], ["甲", "3"], ["乙", "4"]],
        "heat": [["", "00", "01"], ["demo", "5", "6"]],
    }.items():
        await drawn.click(f"#{name} [data-do=table]")
        cells = await drawn.locator(f"#{name} .chart-table tr").all_inner_texts()
        assert [line.split("\t") for line in cells] == rows
    await assert_accessible(drawn)


async def test_the_keyboard_reaches_the_table(drawn: Page) -> None:
    await tab_to(drawn, "看表格")
    await drawn.keyboard.press("Enter")
    assert await drawn.locator("#line .chart-table table").is_visible()
    await drawn.keyboard.press("Enter")
    assert await drawn.locator("#line .drawing").is_visible()


async def test_a_tooltip_gives_the_exact_figure(drawn: Page) -> None:
    output = await drawn.evaluate(
        """() => echarts.getInstanceByDom(document.querySelector("#bar .drawing"))
          .getOption().tooltip[0].valueFormatter(12345)"""
    )
    assert output == "12,345"


async def test_a_chart_is_saved_as_a_picture(drawn: Page, tmp_path: Path) -> None:
    async with drawn.expect_download() as awaited:
        await drawn.click("#bar [data-do=picture]")
    download = await awaited.value
    assert download.suggested_filename == "各平台票数.png"
    await download.save_as(tmp_path / "chart.png")
    saved = (tmp_path / "chart.png").read_bytes()
    assert saved.startswith(b"\x89PNG")
    assert len(saved) > 5000


async def test_what_cannot_be_read_states_it(drawn: Page) -> None:
    await drawn.wait_for_selector("#away .chart-said:not([hidden])")
    assert "数据加载失败" in await drawn.inner_text("#away .chart-said")
