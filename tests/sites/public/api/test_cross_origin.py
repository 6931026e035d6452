"""Which pages may read and vote: those of registered platforms."""

from __future__ import annotations

import pytest

from tests.contest_data import switch_platform
from tests.sites.public.api.running_service import (
    BALLOTS,
    CONTEST,
    ORIGIN,
    SESSIONS,
    STANDINGS,
    Service,
)

STRANGERS = {
    "another site": "https://evil.example",
    "http": "http://demo.example",
    "another port": "https://demo.example:8443",
    "in capitals": "https://DEMO.EXAMPLE",
    "below it": "https://a.demo.example",
    "behind it": "https://demo.example.evil.example",
    "in front of it": "https://evildemo.example",
    "with a path": "https://demo.example/",
    "with a user": "https://demo.example@evil.example",
    "null": "null",
    "star": "*",
    "empty scheme": "://demo.example",
    "two": "https://demo.example https://evil.example",
    "two with a comma": "https://demo.example, https://evil.example",
    "not ASCII": "https://dem\xf6.example",
    "switched off": "https://disabled.example",
    "very long": "https://" + "x" * 5000,
}
READS = [CONTEST, f"{CONTEST}/candidates", STANDINGS, "/healthz", "/nowhere"]


async def allowed(service: Service, method: bytes, path: str, origin: str) -> str | None:
    """The origin that the answer lets read it."""
    headers = [(b"origin", origin.encode("latin-1"))]
    if method == b"OPTIONS":
        headers.append((b"access-control-request-method", b"POST"))
        headers.append((b"access-control-request-headers", b"authorization,content-type"))
    answer = await service.ask(path.encode(), method=method, headers=headers)
    assert "access-control-allow-credentials" not in answer.headers
    given: str | None = answer.headers.get("access-control-allow-origin")
    return given


@pytest.mark.parametrize("origin", STRANGERS.values(), ids=STRANGERS.keys())
async def test_no_other_origin_may_read_or_vote(shared_service: Service, origin: str) -> None:
    for path in READS:
        assert await allowed(shared_service, b"GET", path, origin) is None
    for path in (BALLOTS, SESSIONS):
        assert await allowed(shared_service, b"POST", path, origin) is None
        assert await allowed(shared_service, b"OPTIONS", path, origin) is None


async def test_a_platforms_origin_may_read_and_vote(shared_service: Service) -> None:
    for path in READS:
        assert await allowed(shared_service, b"GET", path, ORIGIN) == ORIGIN
    for path in (BALLOTS, SESSIONS):
        assert await allowed(shared_service, b"POST", path, ORIGIN) == ORIGIN
        assert await allowed(shared_service, b"OPTIONS", path, ORIGIN) == ORIGIN


async def test_the_preflight_states_what_a_vote_needs(shared_service: Service) -> None:
    answer = await shared_service.client.options(BALLOTS, headers={"origin": ORIGIN})
    assert answer.status_code == 204
    assert answer.content == b""
    assert "content-length" not in answer.headers  # RFC 9110 section 8.6
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    assert answer.headers["access-control-allow-headers"] == "authorization, content-type"
    assert int(answer.headers["access-control-max-age"]) > 0


async def test_an_accepted_and_a_refused_vote_can_both_be_read(service: Service) -> None:
    session = await service.open_session()
    for choices, status in (([1], 201), ([1], 200), ([2], 409), ([99], 422)):
        answer = await service.cast(session, choices, {"origin": ORIGIN})
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert "retry-after" in answer.headers["access-control-expose-headers"]


async def test_a_platform_that_is_switched_off_takes_its_origin_along(service: Service) -> None:
    assert await allowed(service, b"GET", CONTEST, ORIGIN) == ORIGIN
    await switch_platform(service.database, "demo", enabled=False)
    await service.refresh()
    assert await allowed(service, b"GET", CONTEST, ORIGIN) is None
    assert await allowed(service, b"OPTIONS", BALLOTS, ORIGIN) is None
