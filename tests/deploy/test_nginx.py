"""The sample of deploy/nginx before the real service: one nginx for all tests of this file."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_network
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from tests.browser.serving import serving as serving_app
from tests.contest_data import SLUG
from tests.deploy.nginx import PUBLIC, STAFF, Nginx, nginx
from tests.sites.public.api.running_service import (
    BALLOTS,
    CONTEST,
    STANDINGS,
    Service,
    running_service,
    serving,
)
from voting_service.settings import Settings
from voting_service.sites.shared.slow_clients import MAX_UPLOAD_BYTES, UploadHttp

LUNCH = 150
"""People of a canteen, who all come from one address."""


async def tell_what_arrived(scope: Scope, receive: Receive, send: Send) -> None:
    """The staff site, as far as the proxy is concerned."""
    request = Request(scope, receive)
    read = sum([len(chunk) async for chunk in request.stream()])
    response: Response = JSONResponse({"headers": request.headers.items(), "bytes": read})
    await response(scope, receive, send)


@dataclass(frozen=True)
class Front:
    """nginx before two processes of the public site, and one of the staff site."""

    nginx: Nginx
    service: Service

    async def cast(self, client: httpx.AsyncClient, **headers: str) -> httpx.Response:
        session = await self.service.open_session()
        return await vote(client, session, **headers)

    async def stored_network(self, answer: httpx.Response) -> bytes:
        """What was stored of where a vote came from."""
        assert answer.status_code == 201, answer.text
        ballot = bytes.fromhex(answer.json()["receipt"]["ballot"])
        network: bytes = await self.service.database.fetchval(
            "select network from ballots where ballot_id = $1", ballot
        )
        return network


async def vote(client: httpx.AsyncClient, session: str, **headers: str) -> httpx.Response:
    sent = {"authorization": f"Bearer {session}", **headers}
    return await client.post(BALLOTS, json={"choices": [1]}, headers=sent)


@pytest.fixture(scope="module")
async def front(
    lasting_settings: Callable[[str], Awaitable[Settings]],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Front]:
    settings = (await lasting_settings("test_behind_nginx")).model_copy(
        update={"trusted_proxies": (ip_network("127.0.0.1/32"),)}
    )
    async with (
        running_service(settings) as service,
        serving(settings, service.clock, {}) as (_, second),
        serving_app(tell_what_arrived, http=UploadHttp) as (_, office),
        nginx(
            tmp_path_factory.mktemp("nginx"),
            {
                "127.0.0.1:8000": f"127.0.0.1:{service.port}",
                "127.0.0.1:8010": urlsplit(second).netloc,
                "127.0.0.1:8001": urlsplit(office).netloc,
            },
        ) as running,
    ):
        yield Front(running, service)


@pytest.fixture
async def citizen(front: Front) -> AsyncIterator[httpx.AsyncClient]:
    async with front.nginx.client() as client:
        yield client


@pytest.fixture
async def officer(front: Front) -> AsyncIterator[httpx.AsyncClient]:
    async with front.nginx.client(STAFF) as client:
        yield client


async def test_both_sites_speak_http_2_over_tls_and_nothing_else(
    front: Front, citizen: httpx.AsyncClient, officer: httpx.AsyncClient
) -> None:
    offering = ssl.create_default_context(cafile=str(front.nginx.folder / "voting.crt"))
    offering.check_hostname = False
    offering.set_alpn_protocols(["h2", "http/1.1"])
    _, writer = await asyncio.open_connection("127.0.0.1", front.nginx.https_port, ssl=offering)
    chosen = writer.get_extra_info("ssl_object").selected_alpn_protocol()
    writer.close()
    assert chosen == "h2"
    with pytest.warns(DeprecationWarning), pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        offering.maximum_version = ssl.TLSVersion.TLSv1_1
        offering.minimum_version = ssl.TLSVersion.TLSv1_1
        offering.set_ciphers("ALL:@SECLEVEL=0")
        await asyncio.open_connection("127.0.0.1", front.nginx.https_port, ssl=offering)
    for client in (citizen, officer):
        answer = await client.get("/healthz")
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
    async with httpx.AsyncClient() as plain:
        address = f"http://127.0.0.1:{front.nginx.http_port}/en"
        answer = await plain.get(address, headers={"host": PUBLIC})
    assert (answer.status_code, answer.headers["location"]) == (308, f"https://{PUBLIC}/en")


async def test_health_and_metrics_stay_inside(
    citizen: httpx.AsyncClient, officer: httpx.AsyncClient
) -> None:
    assert (await citizen.get("/healthz")).status_code == 200
    for client in (citizen, officer):
        for path in ("/metrics", "/readyz"):
            assert (await client.get(path)).status_code == 404, path


async def test_a_voter_is_who_nginx_saw_and_not_who_the_voter_claims_to_be(
    front: Front, citizen: httpx.AsyncClient, officer: httpx.AsyncClient
) -> None:
    plain = await front.stored_network(await front.cast(citizen))
    invented = {"X-Forwarded-For": "198.51.100.9", "Forwarded": "for=198.51.100.9"}
    assert await front.stored_network(await front.cast(citizen, **invented)) == plain
    async with front.nginx.client(from_address="127.0.1.1") as neighbour:
        assert await front.stored_network(await front.cast(neighbour)) != plain
    arrived = (await officer.get("/", headers=invented)).json()["headers"]
    assert [value for name, value in arrived if "forwarded" in name] == ["127.0.0.1"]
    assert ["host", STAFF] in arrived, "posts are compared with the address that staff opened"


async def test_uploads_pass_up_to_what_the_service_takes(
    citizen: httpx.AsyncClient, officer: httpx.AsyncClient
) -> None:
    taken = await officer.post("/", content=bytes(MAX_UPLOAD_BYTES))
    assert (taken.status_code, taken.json()["bytes"]) == (200, MAX_UPLOAD_BYTES)
    refused = await officer.post("/", content=bytes(MAX_UPLOAD_BYTES + 1))
    assert refused.status_code == 413
    scan = bytes(8 << 20)
    assert (await citizen.post(f"/en/{SLUG}/objection", content=scan)).status_code != 413
    assert (await citizen.post(BALLOTS, content=bytes(10_000))).status_code == 413


async def test_event_streams_come_as_they_are_sent(
    front: Front, citizen: httpx.AsyncClient
) -> None:
    async with citizen.stream("GET", f"{STANDINGS}/events") as stream:
        lines = stream.aiter_lines()

        async def next_count() -> int:
            async for line in lines:
                if line.startswith("data:"):
                    count: int = json.loads(line.removeprefix("data:"))["ballots"]
                    return count
            raise AssertionError("the stream ended")

        before = await next_count()
        assert (await front.cast(citizen)).status_code == 201
        await front.service.reconcile()
        assert await next_count() > before


async def test_a_cdn_may_keep_what_is_public_and_nothing_else(
    front: Front, citizen: httpx.AsyncClient
) -> None:
    page = await citizen.get(f"/en/{SLUG}")
    script = page.text.partition('<script type="module" src="')[2].partition('"')[0]
    assert script.startswith("/static/"), page.text[:2000]
    kept = {
        script: "public, max-age=31536000, immutable",
        STANDINGS: "public, max-age=1",
        f"/en/{SLUG}/standings": "public, max-age=",
    }
    for path, how_long in kept.items():
        answer = await citizen.get(path)
        assert answer.headers["content-encoding"] == "gzip", path
        assert how_long in answer.headers["cache-control"], path
    candidates = f"{CONTEST}/candidates"
    tag = (await citizen.get(candidates)).headers["etag"]
    unchanged = await citizen.get(candidates, headers={"if-none-match": tag})
    assert unchanged.status_code == 304
    assert "private" in page.headers["cache-control"], "it shows what this visitor has chosen"
    assert (await front.cast(citizen)).headers["cache-control"] == "no-store"


async def test_a_canteen_is_let_in(front: Front, citizen: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(citizen.get(STANDINGS) for _ in range(LUNCH)))
    assert {answer.status_code for answer in answers} == {200}
    sessions = [await front.service.open_session() for _ in range(20)]
    votes = await asyncio.gather(*(vote(citizen, session) for session in sessions))
    assert {answer.status_code for answer in votes} == {201}


async def test_a_restart_of_one_process_refuses_no_vote(
    front: Front, citizen: httpx.AsyncClient
) -> None:
    """The last test: the first process does not come back."""
    sessions = [await front.service.open_session() for _ in range(60)]
    votes = []
    for number, session in enumerate(sessions):
        votes.append(asyncio.create_task(vote(citizen, session)))
        if number == 20:
            front.service.server.should_exit = True
        await asyncio.sleep(0)
        if number % 10 == 0:
            await votes[-1]
    assert [(await answer).status_code for answer in votes] == [201] * len(sessions)
    assert front.service.server.should_exit
