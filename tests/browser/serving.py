"""ASGI apps as real servers in the tests' event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Literal

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from voting_service.sites.shared.slow_clients import PatientHttp

KEEP_ALIVE_SECONDS = 3600
"""A client closes an idle connection long before. A server that closed it first could do so in the
very step in which the client sends: they share one event loop, which stands still between tests."""


@asynccontextmanager
async def run_server(
    config: uvicorn.Config, host: str = "127.0.0.1"
) -> AsyncIterator[tuple[uvicorn.Server, str]]:
    """Run a server on a free port of the loopback; yield it and its origin under `host`."""
    config.timeout_keep_alive = KEEP_ALIVE_SECONDS
    running = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(running.serve(sockets=[listening]))
    try:
        while not running.started:
            assert not task.done(), "the server ended while it was starting"
            await asyncio.sleep(0.005)
        yield running, f"http://{host}:{listening.getsockname()[1]}"
    finally:
        running.should_exit = True
        await task
        listening.close()  # where the start failed, nobody else does


@asynccontextmanager
async def serving(
    app: ASGIApp,
    host: str = "127.0.0.1",
    *,
    lifespan: Literal["on", "off"] = "off",
    http: type[PatientHttp] = PatientHttp,
) -> AsyncIterator[tuple[uvicorn.Server, str]]:
    """Serves `app` on a free port of the loopback; yields the server and its origin under
    `host`, which is how a browser is made to see another site."""
    config = uvicorn.Config(
        app, http=http, ws="none", lifespan=lifespan, log_config=None, access_log=False,
        server_header=False, proxy_headers=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    async with run_server(config, host) as served:
        yield served


class ForeignSite:
    """Somebody else's web site, on `localhost` where the service is on 127.0.0.1: to a browser
    these are two sites, so storage is partitioned and cookies are third-party ones.

    `pages` maps a path to its HTML, `headers` go with every page; `asked` holds the requests.
    """

    def __init__(self) -> None:
        self.origin = ""
        self.asked: list[str] = []
        self.clear()

    def clear(self) -> None:
        self.pages: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self.asked.clear()

    def show(self, body: str, path: str = "/", *, head: str = "", language: str = "zh-Hans") -> str:
        """Puts a whole page at `path`; returns its address."""
        self.pages[path] = (
            f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>平台页面 {path}</title>{head}</head><body>{body}</body></html>"
        )
        return self.origin + path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        self.asked.append(target)
        page = self.pages.get(request.url.path)
        response = (
            Response(page, headers=self.headers, media_type="text/html")
            if page is not None
            else Response(status_code=204 if request.url.path == "/favicon.ico" else 404)
        )
        await response(scope, receive, send)


@asynccontextmanager
async def foreign_sites(count: int) -> AsyncIterator[Sequence[ForeignSite]]:
    """That many sites, each at an origin of its own."""
    sites = [ForeignSite() for _ in range(count)]
    async with AsyncExitStack() as served:
        for site in sites:
            _, site.origin = await served.enter_async_context(serving(site, "localhost"))
        yield sites
