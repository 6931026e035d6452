"""The bare endpoint that votes are measured against: Starlette, JSON in, JSON out, nothing else.

Settings come in BARE_ANSWER (the JSON of a real receipt, so that the answer has its size) and
BARE_READS (a folder with the bytes of real public reads, served as they are).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from loadtests import CONTEST

UVICORN: dict[str, Any] = {
    "loop": "uvloop",
    "http": "httptools",
    "log_config": None,
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,
    "backlog": 4096,
    "limit_concurrency": 20_000,
    "timeout_keep_alive": 30,
    "timeout_graceful_shutdown": 20,
}
"""What `voting-service serve` gives uvicorn; a test compares the two. Only the protocol is the
plain one: what `serve` adds to it against slow clients is part of what a vote costs."""

_answer = json.loads(os.environ.get("BARE_ANSWER", "{}"))
_reads = Path(os.environ.get("BARE_READS", "/nonexistent"))
_candidates = (_reads / "candidates").read_bytes() if _reads.is_dir() else b"{}"
_standings = (_reads / "standings").read_bytes() if _reads.is_dir() else b"{}"


async def cast(request: Request) -> JSONResponse:
    await request.json()
    return JSONResponse(_answer, status_code=201)


async def candidates(_request: Request) -> Response:
    return Response(_candidates, media_type="application/json")


async def standings(_request: Request) -> Response:
    return Response(_standings, media_type="application/json")


app = Starlette(
    routes=[
        Route(f"/api/v1/contests/{CONTEST}/ballots", cast, methods=["POST"]),
        Route(f"/api/v1/contests/{CONTEST}/candidates", candidates),
        Route(f"/api/v1/contests/{CONTEST}/standings", standings),
    ]
)


def main() -> None:
    """Serves on the loopback port given, with the uvicorn settings of `serve`."""
    workers = int(os.environ["VOTING_WORKERS"])
    uvicorn.run("loadtests.bare:app", port=int(sys.argv[1]), workers=workers, **UVICORN)


if __name__ == "__main__":
    main()
