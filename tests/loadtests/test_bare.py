"""The bare endpoint is a fair one: the same server settings, and it does read and write JSON."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import uvicorn
from uvicorn.importer import import_from_string
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from loadtests import CONTEST, bare
from voting_service.commands.serve import serve
from voting_service.settings import Settings

# Which application, where, and how many processes: what the two may differ in.
_OWN = {"factory", "host", "port", "workers"}


def test_the_bare_server_has_the_settings_of_serve(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(uvicorn, "run", lambda _app, **options: given.update(options))
    monkeypatch.setattr("voting_service.commands.serve.load_settings", lambda: settings)
    serve.main([], standalone_mode=False)
    protocol = import_from_string(given.pop("http"))
    assert issubclass(protocol, HttpToolsProtocol)
    assert {"http": "httptools"} | {
        name: value for name, value in given.items() if name not in _OWN
    } == bare.UVICORN


async def test_the_bare_endpoint_parses_and_answers() -> None:
    transport = httpx.ASGITransport(app=bare.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://bare") as client:
        path = f"/api/v1/contests/{CONTEST}/ballots"
        answer = await client.post(path, content=b'{"choices":[1]}')
        assert (answer.status_code, answer.json()) == (201, {})
        assert (await client.post(path, content=b"not JSON")).status_code == 500
