"""The bare endpoint that votes are measured against: Starlette, JSON in, JSON out, nothing else.

Settings come in BARE_ANSWER (the JSON of a real receipt, so that the answer has its size) and
BARE_READS (a folder with the bytes of real public reads, served as they are).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from loadtests import CONTEST
from voting_service.infrastructure.descriptors import max_connections
from voting_service.infrastructure.timeouts import KEEP_ALIVE_SECONDS

UVICORN: dict[str, Any] = {
    "loop": "uvloop",
    "http": "httptools",
    "ws": "none",
    "log_config": None,
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,
    "backlog": 4096,
    "limit_concurrency": max_connections(),
    "timeout_keep_alive": KEEP_ALIVE_SECONDS,
    "timeout_graceful_shutdown": 20,
    "timeout_worker_healthcheck": 30,
}
"""What `voting-service serve` gives uvicorn; a test compares the two. Only the protocol is the
plain one: what `serve` adds to it against slow clients is part of what a vote costs."""


class Read(NamedTuple):
    """A measured public read: its path, request headers and answer."""

    path: str
    request_headers: dict[str, str]
    answered: dict[str, str]


_JSON = {"content-type": "application/json"}
_AS_BROWSERS = {"accept": "text/html", "accept-encoding": "gzip, deflate, br", "cookie": "order=3"}
_PACKED = {"content-type": "text/html; charset=utf-8", "content-encoding": "gzip"}

READS = {
    "candidates": Read(f"/api/v1/contests/{CONTEST}/candidates", {}, _JSON),
    "standings": Read(f"/api/v1/contests/{CONTEST}/standings", {}, _JSON),
    "list-page": Read(f"/zh/{CONTEST}", _AS_BROWSERS, _PACKED),
    "profile-page": Read(f"/zh/{CONTEST}/candidates/7", _AS_BROWSERS, _PACKED),
    "standings-page": Read(f"/zh/{CONTEST}/standings", _AS_BROWSERS, _PACKED),
}

_answer = json.loads(os.environ.get("BARE_ANSWER", "{}"))
_reads = Path(os.environ.get("BARE_READS", "/nonexistent"))


async def cast(request: Request) -> JSONResponse:
    await request.json()
    return JSONResponse(_answer, status_code=201)


def sending(name: str) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that answers with the bytes of a public read."""
    content = (_reads / name).read_bytes() if _reads.is_dir() else b"{}"
    headers = READS[name].answered

    async def send(_request: Request) -> Response:
        return Response(content, headers=headers)

    return send


app = Starlette(
    routes=[
        Route(f"/api/v1/contests/{CONTEST}/ballots", cast, methods=["POST"]),
        *(Route(read.path, sending(name)) for name, read in READS.items()),
    ]
)


def main() -> None:
    """Serve on a loopback port, with the uvicorn settings of `serve`."""
    workers = int(os.environ["VOTING_WORKERS"])
    uvicorn.run("loadtests.bare:app", port=int(sys.argv[1]), workers=workers, **UVICORN)


if __name__ == "__main__":
    main()
