"""The look that all sites share: its tokens, and the reader's choice of size and theme."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import voting_service
from voting_service.sites.shared.look.view import routes

PACKAGE = Path(voting_service.__file__).parent
SHEETS = [
    path for path in PACKAGE.rglob("static/*.css") if path.name not in ("frame.css", "guide.css")
]
LOOK = PACKAGE / "sites" / "shared" / "look" / "static" / "look.css"
COLOUR = re.compile(r"#[0-9a-f]{3,8}\b")
WHITE_PAPER = {"#fff"}
"""Codes and scanned pages are on white in every mode."""


async def _page(_request: Request) -> Response:
    return Response()


@pytest.fixture
async def reader() -> AsyncIterator[httpx.AsyncClient]:
    pages = [
        Route("/", _page),
        Route("/zh/{slug}", _page),
        Route("/zh/{slug}/logo", _page, methods=["POST"]),
    ]
    app = httpx.ASGITransport(Starlette(routes=[*pages, *routes(lambda _request: True)]))
    async with httpx.AsyncClient(transport=app, base_url="https://vote.example") as client:
        yield client


def test_every_token_that_is_used_exists() -> None:
    defined = set(re.findall(r"(--[a-z0-9-]+):", LOOK.read_text(encoding="utf-8")))
    assert len(SHEETS) > 6
    for sheet in SHEETS:
        used = set(re.findall(r"var\((--[a-z0-9-]+)", sheet.read_text(encoding="utf-8")))
        assert used <= defined, f"{sheet.name}: {used - defined}"


def test_only_tokens_have_colours() -> None:
    for sheet in set(SHEETS) - {LOOK}:
        colours = set(COLOUR.findall(sheet.read_text(encoding="utf-8"))) - WHITE_PAPER
        assert not colours, f"{sheet.name}: {colours}"


async def test_a_choice_is_kept_and_leads_back_to_the_page(reader: httpx.AsyncClient) -> None:
    page = "/zh/bayu-2022?district=3"
    for query, kept in (
        ("size=elder", "elder"),
        ("theme=dark", "elder.dark"),
        ("theme=light", "elder.light"),
        ("size=usual", "light"),
        ("size=huge&theme=pink", "light"),
    ):
        answer = await reader.get(
            f"/view?{query}", headers={"referer": f"https://vote.example{page}"}
        )
        assert (answer.status_code, answer.headers["location"]) == (303, page)
        assert reader.cookies["view"] == kept
        assert "; Secure" in answer.headers["set-cookie"], "whatever the way to the worker"
        sheet = await reader.get("/view.css")
        assert sheet.headers["vary"] == "Cookie"
        assert ("--elder: initial" in sheet.text) == ("elder" in kept)
        assert ("--dark: initial" in sheet.text) == ("dark" in kept)
        assert ("--light: initial" in sheet.text) == ("light" in kept)


@pytest.mark.parametrize(
    "referer",
    [
        "",
        "https://evil.example/zh",
        "http://vote.example//evil.example/",
        "http://[",
        "about:blank",
    ],
)
async def test_a_choice_leads_to_no_other_site(reader: httpx.AsyncClient, referer: str) -> None:
    answer = await reader.get("/view?size=elder", headers={"referer": referer})
    assert answer.headers["location"] == "/"


async def test_a_choice_on_a_page_that_answered_a_form_leads_to_one_above_it(
    reader: httpx.AsyncClient,
) -> None:
    referer = "https://vote.example/zh/bayu-2022/logo?x=1"
    answer = await reader.get("/view?size=elder", headers={"referer": referer})
    assert answer.headers["location"] == "/zh/bayu-2022"


async def test_a_spoiled_choice_is_none(reader: httpx.AsyncClient) -> None:
    reader.cookies["view"] = "elderly}body{display:none}.dark"
    sheet = (await reader.get("/view.css")).text
    assert sheet == "html:root:root { --light: ; --dark: initial; }"
