"""The address under which a platform publishes its keys."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


class FakeKeyServer:
    """Serves `keys` at /jwks.json; `answer`, where set, is given instead."""

    url = "https://keys.platform.example/jwks.json"
    host = "https://keys.platform.example"

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys = list(keys)
        self.answer: Response | None = None
        self.asked = 0
        self.arrived = asyncio.Event()
        """Set by every request; a test that waits for the next one clears it."""
        self.held: asyncio.Event | None = None
        self.app = Starlette(routes=[Route("/jwks.json", self.jwks)])

    async def jwks(self, request: Request) -> Response:
        self.asked += 1
        self.arrived.set()
        if self.held is not None:
            await self.held.wait()
        return self.answer or JSONResponse({"keys": self.keys})
