"""The answer to a POST is one write, and the bytes are those of the server's own way."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.types import Receive, Scope, Send

from tests.browser.serving import serving
from tests.patience import PATIENCE_SECONDS
from voting_service.sites.public.overload import PublicHttpProtocol
from voting_service.sites.shared.slow_clients import PatientHttp

Sent = tuple[list[tuple[bytes, bytes]], list[bytes]]

ANSWERS: dict[str, Sent] = {
    "whole": ([(b"content-length", b"5"), (b"cache-control", b"no-store")], [b"right"]),
    "empty": ([(b"content-length", b"0")], [b""]),
    "pieces": ([(b"content-length", b"5")], [b"ri", b"ght"]),
    "no-length": ([], [b"right"]),
    "closing": ([(b"content-length", b"5"), (b"connection", b"close")], [b"right"]),
}


async def app(scope: Scope, _receive: Receive, send: Send) -> None:
    name = scope["path"][1:]
    if name not in ANSWERS:
        if name == "dies-late":
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError(name)
    headers, body = ANSWERS[name]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    for place, piece in enumerate(body, 1):
        await send({"type": "http.response.body", "body": piece, "more_body": place < len(body)})


async def say(http: type[PatientHttp], *names: str) -> bytes:
    """Return all that a connection gets for POSTs one after the other, the last one closing it."""
    async with serving(app, http=http) as (_, origin):
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(origin).port)
        for place, name in enumerate(names, 1):
            last = b"connection: close\r\n" if place == len(names) else b""
            writer.write(b"POST /%b HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n" % name.encode())
            writer.write(last + b"\r\nx")
        answered = await asyncio.wait_for(reader.read(), PATIENCE_SECONDS)
        writer.close()
    return b"\r\n".join(line for line in answered.split(b"\r\n") if not line.startswith(b"date: "))


@pytest.mark.parametrize("name", [*ANSWERS, "dies", "dies-late"])
async def test_the_bytes_are_those_of_the_server(name: str) -> None:
    ours = await say(PublicHttpProtocol, name)
    if name == "dies-late":  # nothing was sent yet, so there is still an answer
        assert ours.startswith(b"HTTP/1.1 500 ")
    else:
        assert ours == await say(PatientHttp, name)


async def test_answers_of_one_connection_follow_each_other() -> None:
    names = ("whole", "pieces", "whole", "empty", "no-length", "whole")
    assert await say(PublicHttpProtocol, *names) == await say(PatientHttp, *names)


async def test_an_answer_is_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    write = PublicHttpProtocol.write

    def record(protocol: PublicHttpProtocol, cycle: Any, *answer: Any) -> None:
        written.append(answer[-1])
        write(protocol, cycle, *answer)

    monkeypatch.setattr(PublicHttpProtocol, "write", record)
    assert (await say(PublicHttpProtocol, "whole", "pieces")).count(b"right") == 2
    assert written == [b"right"]
