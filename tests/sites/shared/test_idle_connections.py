"""One timer watches a connection: it closes what is idle for too long, and no request in hand."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.browser.serving import serving
from tests.patience import PATIENCE_SECONDS
from voting_service.sites.shared import slow_clients

SHORT_SECONDS = 0.05
ASK = b"GET /%b HTTP/1.1\r\nhost: a\r\n\r\n"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/slow":
        await asyncio.sleep(6 * SHORT_SECONDS)
    await Response("right")(scope, receive, send)


async def test_what_is_idle_is_closed_but_not_who_waits_for_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slow_clients, "REQUEST_SECONDS", SHORT_SECONDS)
    async with serving(app) as (server, origin):
        server.config.timeout_keep_alive = 2 * SHORT_SECONDS  # type: ignore[assignment]
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(origin).port)
        async with asyncio.timeout(PATIENCE_SECONDS):
            writer.write(ASK % b"quick")
            await reader.readuntil(b"right")
            writer.write(ASK % b"slow")
            await reader.readuntil(b"right")
            assert await reader.read() == b""
        writer.close()
