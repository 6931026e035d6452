"""Unknown addresses, methods and headers."""

from __future__ import annotations

import pytest

from tests.contest_data import SLUG
from tests.sites.public.api.running_service import (
    BALLOTS,
    CONTEST,
    SESSIONS,
    STANDINGS,
    Service,
    check_problem,
)

C = CONTEST.encode()

NOWHERE = {
    "API root": b"/api/v1",
    "another version": b"/api/v2/contests/test-2022",
    "list of contests, slash": b"/api/v1/contests/",
    "unknown contest": b"/api/v1/contests/nobody-2022",
    "slug in capitals": b"/api/v1/contests/TEST-2022",
    "slug with a blank": b"/api/v1/contests/test-2022%20",
    "slug with NUL": b"/api/v1/contests/test-2022%00",
    "slug with a newline": b"/api/v1/contests/test-2022%0a",
    "slug not UTF-8": b"/api/v1/contests/%ff%fe",
    "slug a surrogate": b"/api/v1/contests/%ed%a0%80",
    "slug overlong UTF-8": b"/api/v1/contests/test%c0%ad2022",
    "slug in Chinese": b"/api/v1/contests/%E6%9C%80%E7%BE%8E",
    "slug half a percent": b"/api/v1/contests/%",
    "slug bad percent": b"/api/v1/contests/%zz",
    "slug very long": b"/api/v1/contests/" + b"x" * 20_000,
    "slug SQL": b"/api/v1/contests/'%20or%201=1--",
    "slug a template": b"/api/v1/contests/{slug}",
    "slug a format": b"/api/v1/contests/%25s%25n",
    "slash behind": C + b"/",
    "two slashes in front": b"/" + C,
    "two slashes inside": b"/api/v1//contests/test-2022",
    "dot segment": b"/api/v1/./contests/test-2022",
    "dot segments up": b"/api/v1/contests/../contests/test-2022",
    "dot segments up, escaped": b"/api/v1/contests/%2e%2e/%2e%2e/metrics",
    "dot segments up to a file": b"/../../../../etc/passwd",
    "back slashes": b"/api\\v1\\contests\\test-2022",
    "encoded back slash": b"/api/v1/contests/..%5c..%5cetc",
    "matrix parameters": C + b";a=b/standings",
    "health with a slash": b"/healthz/",
    "metrics below": b"/metrics/x",
    "metrics in capitals": b"/METRICS",
    "candidates, slash": C + b"/candidates/",
    "candidate 0": C + b"/candidates/0",
    "candidate unknown": C + b"/candidates/6",
    "candidate negative": C + b"/candidates/-1",
    "candidate plus": C + b"/candidates/+1",
    "candidate with leading zeros": C + b"/candidates/001",
    "candidate huge": C + b"/candidates/99999999999999999999",
    "candidate of 5000 digits": C + b"/candidates/" + b"9" * 5000,
    "candidate a float": C + b"/candidates/1.0",
    "candidate an exponent": C + b"/candidates/1e0",
    "candidate hexadecimal": C + b"/candidates/0x1",
    "candidate Arabic digit": C + b"/candidates/%D9%A1",
    "candidate full-width digit": C + b"/candidates/%EF%BC%91",
    "candidate superscript": C + b"/candidates/%C2%B9",
    "candidate with NUL": C + b"/candidates/1%00",
    "candidate with a newline": C + b"/candidates/1%0a",
    "candidate with a blank": C + b"/candidates/%201",
    "candidate a word": C + b"/candidates/first",
    "candidate below": C + b"/candidates/1/2",
    "receipts": C + b"/receipts",
    "receipt empty": C + b"/receipts/",
    "receipt unknown": C + b"/receipts/" + b"0" * 32,
    "receipt one short": C + b"/receipts/" + b"0" * 31,
    "receipt one long": C + b"/receipts/" + b"0" * 33,
    "receipt no hexadecimal": C + b"/receipts/" + b"g" * 32,
    "receipt with a newline": C + b"/receipts/" + b"0" * 32 + b"%0a",
    "receipt a UUID": C + b"/receipts/01890a5d-ac96-774b-bcce-b302099a8057",
    "receipt very long": C + b"/receipts/" + b"0" * 20_000,
    "receipt full-width digits": C + b"/receipts/" + b"%EF%BC%90" * 32,
    "cut before it is published": C + b"/cut",
    "events below": STANDINGS.encode() + b"/events/x",
    "internal pages": b"/office/login",
    "repository": b"/.git/config",
    "environment": b"/.env",
    "documentation": b"/docs",
}


@pytest.mark.parametrize("target", NOWHERE.values(), ids=NOWHERE.keys())
async def test_what_is_unavailable_is_404(shared_service: Service, target: bytes) -> None:
    answer = await shared_service.ask(target)
    check_problem(answer, 404)
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "target",
    [
        b"/api/v1/contests//ballots",
        b"/api/v1/contests/nobody-2022/ballots",
        b"/api/v1/contests/test-2022%00/ballots",
        b"/api/v1/contests/%2e%2e/ballots",
        b"/api/v1/contests/test-2022/x/ballots",
        b"/api/v1/contests/" + b"x" * 20_000 + b"/ballots",
        b"/api/v1/contests/test-2022/ballots/",
        b"/api/v1/contests/test-2022//ballots",
        b"//api/v1/contests/test-2022/ballots",
        b"/api/v1/contests/test-2022/Ballots",
        b"/api/v1/contests/test-2022/ballots%20",
    ],
)
async def test_ballots_for_nowhere_are_404(shared_service: Service, target: bytes) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"authorization", b"Bearer " + shared_service.forged_session().encode()),
    ]
    answer = await shared_service.ask(
        target, method=b"POST", headers=headers, body=b'{"choices":[1]}'
    )
    check_problem(answer, 404)


READS = {
    "contests": "/api/v1/contests",
    "contest": CONTEST,
    "candidates": f"{CONTEST}/candidates",
    "candidate": f"{CONTEST}/candidates/1",
    "standings": STANDINGS,
    "health": "/healthz",
    "readiness": "/readyz",
    "contract": "/openapi.json",
}
NOT_FOUND_READS = {"receipt": f"{CONTEST}/receipts/{'0' * 32}", "cut": f"{CONTEST}/cut"}
WRITES = {"ballots": BALLOTS, "sessions": SESSIONS}
EVERYWHERE = {**READS, **NOT_FOUND_READS, "events": f"{STANDINGS}/events"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", EVERYWHERE.values(), ids=EVERYWHERE.keys())
async def test_reads_are_only_read(shared_service: Service, method: str, path: str) -> None:
    answer = await shared_service.client.request(
        method, path, content=b"{}" if method != "TRACE" else None
    )
    check_problem(answer, 405)
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "TRACE", "SEARCH"])
@pytest.mark.parametrize("path", WRITES.values(), ids=WRITES.keys())
async def test_writes_are_only_posted(shared_service: Service, method: str, path: str) -> None:
    check_problem(await shared_service.client.request(method, path), 405)


@pytest.mark.parametrize("path", WRITES.values(), ids=WRITES.keys())
async def test_heads_of_writes_are_405(shared_service: Service, path: str) -> None:
    answer = await shared_service.client.head(path)
    assert (answer.status_code, answer.content) == (405, b"")


@pytest.mark.parametrize("path", {**EVERYWHERE, **WRITES}.values())
async def test_options_without_an_origin_are_405(shared_service: Service, path: str) -> None:
    check_problem(await shared_service.client.options(path), 405)


async def test_a_method_of_ones_own_is_refused(shared_service: Service) -> None:
    for method in (b"VOTE", b"get", b"POST\x00", b"X" * 5000):
        check_problem(await shared_service.ask(CONTEST.encode(), method=method), 400)


@pytest.mark.parametrize("override", ["x-http-method-override", "x-method-override"])
async def test_no_header_makes_a_read_a_write(shared_service: Service, override: str) -> None:
    headers = {override: "POST", "authorization": f"Bearer {shared_service.forged_session()}"}
    check_problem(await shared_service.client.get(BALLOTS, headers=headers), 405)


@pytest.mark.parametrize("path", READS.values(), ids=READS.keys())
async def test_a_head_has_the_headers_and_no_body(shared_service: Service, path: str) -> None:
    head, get = await shared_service.client.head(path), await shared_service.client.get(path)
    assert head.status_code == get.status_code == 200
    assert head.content == b""
    for name in ("content-type", "cache-control"):
        assert head.headers[name] == get.headers[name]


async def test_the_head_of_the_events_ends(shared_service: Service) -> None:
    answer = await shared_service.ask(f"{STANDINGS}/events".encode(), method=b"HEAD")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize(
    "query", ["?", "?x", "?a=%ff%00", "?" + "q" * 20_000, "?a[]=1&a[b]=2", "??//?&&==", "?%"]
)
async def test_queries_are_not_looked_at(shared_service: Service, query: str) -> None:
    for path in (CONTEST, STANDINGS, f"{CONTEST}/candidates/1", "/healthz"):
        answer = await shared_service.ask((path + query).encode())
        assert answer.status_code == 200, path


@pytest.mark.parametrize(
    ("headers", "statuses"),
    [
        ({"accept": "application/xml"}, {200}),
        ({"accept-encoding": "gzip;q=1, *;q=0"}, {200}),
        ({"range": "bytes=0-9999999"}, {200}),
        ({"if-modified-since": "garbage"}, {200}),
        ({"expect": "200-ok"}, {200}),
        ({"host": "evil.example"}, {200}),
        ({"x-forwarded-host": "evil.example"}, {200}),
        ({"x-original-url": "/metrics", "x-rewrite-url": "/metrics"}, {200}),
        ({"accept-language": "\xff" * 50}, {200}),
        ({"cookie": "a=" + "b" * 10_000}, {200}),
    ],
)
async def test_headers_that_mean_nothing_here_change_nothing(
    shared_service: Service, headers: dict[str, str], statuses: set[int]
) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    answer = await shared_service.ask(CONTEST.encode(), headers=raw)
    assert answer.status_code in statuses
    assert answer.json()["contest"] == SLUG
    assert b"evil" not in answer.content
