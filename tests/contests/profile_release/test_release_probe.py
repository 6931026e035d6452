"""The probe against platforms that speak real HTTP: honest ones, careless ones and hostile ones."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from html import escape

import httpx
import msgspec
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from voting_service.contests.pictures.model import PublicProfile
from voting_service.contests.profile_release import probe as release_probe
from voting_service.contests.profile_release.pack import Release
from voting_service.contests.profile_release.probe import (
    ProbeFinding,
    ProbeTarget,
    probe,
)


@dataclass
class FakePlatform:
    """A newspaper's site that copied a release; its editors may spoil anything."""

    release: Release
    names: dict[int, str] = field(default_factory=dict)
    stories: dict[int, str] = field(default_factory=dict)
    portraits: dict[int, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def card(self, profile: PublicProfile) -> str:
        name = escape(self.names.get(profile.number, profile.name.zh))
        return f"<b>{profile.number}</b><img src='img/{profile.number}.webp'><h2>{name}</h2>"

    async def listing(self, _request: Request) -> Response:
        cards = "".join(self.card(candidate) for candidate in self.release.profiles.candidates)
        return HTMLResponse(f"<!doctype html><title>x</title>{cards}")

    async def profile(self, request: Request) -> Response:
        profile = self.release.profiles.candidates[request.path_params["number"] - 1]
        story = escape(self.stories.get(profile.number, profile.story.zh))
        facts = f"{profile.trade.zh} {profile.district.zh}"
        page = f"<meta charset=gb18030>{self.card(profile)}<p>{facts}</p><p>{story}</p>"
        page = page.replace("img/", "/img/")
        return Response(page.encode("gb18030"), media_type="text/html; charset=gb18030")

    async def picture(self, request: Request) -> Response:
        number = request.path_params["number"]
        self.requests.append(request.url.path)
        portrait = self.release.profiles.candidates[number - 1].portrait
        assert portrait is not None
        content = self.release.pictures[portrait.webp["320"].removeprefix("/pictures/")]
        return Response(self.portraits.get(number, content), media_type="image/webp")

    async def ours(self, request: Request) -> Response:
        self.requests.append(request.url.path)
        return Response(self.release.pictures[request.path_params["name"]])

    async def data(self, _request: Request) -> Response:
        return JSONResponse(msgspec.to_builtins(self.release.profiles))


async def endless(_request: Request) -> Response:
    async def zeros() -> AsyncIterator[bytes]:
        while True:
            yield b"0" * 65536
            await asyncio.sleep(0)

    return StreamingResponse(zeros(), media_type="text/html")


async def silent(_request: Request) -> Response:
    await asyncio.sleep(3600)
    return Response()


async def status_500(_request: Request) -> Response:
    return HTMLResponse("sorry", 500)


async def no_page(_request: Request) -> Response:
    return Response(b"%PDF", media_type="application/pdf")


async def bad_json(_request: Request) -> Response:
    return Response(b"{", media_type="application/json")


def app(platform: FakePlatform) -> Starlette:
    return Starlette(
        routes=[
            Route("/list", platform.listing),
            Route("/profile/{number:int}", platform.profile),
            Route("/img/{number:int}.webp", platform.picture),
            Route("/pictures/{name}", platform.ours),
            Route("/data", platform.data),
            Route("/moved", lambda _: RedirectResponse("/list")),
            Route("/round", lambda _: RedirectResponse("/round")),
            Route("/away", lambda _: RedirectResponse("file:///etc/passwd")),
            Route("/endless", endless),
            Route("/silent", silent),
            Route("/broken", status_500),
            Route("/document", no_page),
            Route("/bad-json", bad_json),
        ]
    )


@pytest.fixture
def platform(release: Release) -> FakePlatform:
    return FakePlatform(release)


@pytest.fixture
async def address(platform: FakePlatform) -> AsyncIterator[str]:
    server = uvicorn.Server(
        uvicorn.Config(
            app(platform), ws="none", lifespan="off", log_config=None, timeout_graceful_shutdown=1
        )
    )
    listening = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await task


async def look(release: Release, *templates: str) -> tuple[ProbeFinding, ...]:
    async with httpx.AsyncClient() as client:
        return await probe(
            client, release, [ProbeTarget("paper", template) for template in templates]
        )


def kinds(findings: tuple[ProbeFinding, ...]) -> list[tuple[int | None, str]]:
    return [(finding.difference.number, finding.difference.what) for finding in findings]


@pytest.mark.parametrize("path", ["/list", "/profile/{number}", "/data", "/moved"])
async def test_a_platform_that_shows_the_record_has_no_difference(
    release: Release, address: str, path: str
) -> None:
    assert await look(release, address + path) == ()


async def test_whatever_editors_changed_is_found_on_every_page(
    release: Release, platform: FakePlatform, address: str
) -> None:
    platform.names[2] = "候选 二"
    platform.stories[3] = "改过的故事"
    platform.portraits[4] = b"another picture"
    assert kinds(await look(release, address + "/list")) == [
        (2, "candidate"),
        (4, "portrait"),
    ]
    findings = await look(release, address + "/profile/{number}")
    assert kinds(findings) == [(2, "candidate"), (3, "story"), (4, "portrait")]
    assert findings[0] == ProbeFinding("paper", f"{address}/profile/2", findings[0].difference)
    assert (findings[1].difference.expected, findings[1].platform) == ("占位", "paper")


async def test_another_candidate_s_portrait_is_not_one_s_own(
    release: Release, platform: FakePlatform, address: str
) -> None:
    portrait = release.profiles.candidates[1].portrait
    assert portrait is not None
    other = release.pictures[portrait.webp["320"].removeprefix("/pictures/")]
    platform.portraits[1] = other
    assert kinds(await look(release, address + "/profile/{number}")) == [(1, "portrait")]


async def test_of_a_picture_under_our_name_one_size_is_fetched(
    release: Release, platform: FakePlatform, address: str
) -> None:
    assert await look(release, address + "/data") == ()
    assert len(platform.requests) == len(release.profiles.candidates)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/endless", "is larger than 8 MB"),
        ("/silent", "did not answer within 0.3 s"),
        ("/broken", "answers with status 500"),
        ("/nowhere", "answers with status 404"),
        ("/document", "is application/pdf, neither HTML nor JSON"),
        ("/bad-json", "is no JSON"),
        ("/round", "redirects more than 3 times"),
        ("/away", "redirects to another kind of address"),
    ],
)
async def test_a_page_that_cannot_be_compared_gives_the_reason(
    release: Release,
    address: str,
    path: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if path == "/silent":
        monkeypatch.setattr(release_probe, "DEADLINE_SECONDS", 0.3)
    [finding] = await look(release, address + path)
    assert finding.difference.what == "page"
    assert finding.difference.actual == reason


async def test_a_platform_that_is_unavailable_does_not_hide_the_others(
    release: Release, address: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    findings = await look(release, f"http://127.0.0.1:{port}/", address + "/list")
    [finding] = findings
    assert finding.difference.actual == "cannot be reached (ConnectError)"


@pytest.mark.parametrize(
    "source",
    [
        "http://127.0.0.1:{other}/secret",
        "//127.0.0.1:{other}/secret",
        "file:///etc/passwd",
        "ftp://127.0.0.1:{other}/secret",
        "/to-secret",
        "http://[::1",
        "data:image/png;base64,AAAA",
    ],
)
async def test_a_page_cannot_send_the_probe_elsewhere(release: Release, source: str) -> None:
    """Pictures come from the page's own origin, or over https."""
    reached = asyncio.Event()

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        writer.close()

    elsewhere = await asyncio.start_server(note, "127.0.0.1", 0)
    other = elsewhere.sockets[0].getsockname()[1]

    async def page(_request: Request) -> Response:
        return HTMLResponse(f'<b>1</b> 候选 1 <img src="{source.replace("{other}", str(other))}">')

    site = Starlette(
        routes=[
            Route("/list", page),
            Route("/to-secret", lambda _: RedirectResponse(f"http://127.0.0.1:{other}/secret")),
        ]
    )
    transport = httpx.ASGITransport(site)
    mounts = {"all://paper.example": transport}
    async with httpx.AsyncClient(mounts=mounts) as client, elsewhere:
        findings = await probe(client, release, [ProbeTarget("paper", "http://paper.example/list")])
    assert (1, "portrait") in kinds(findings)
    assert not reached.is_set()
