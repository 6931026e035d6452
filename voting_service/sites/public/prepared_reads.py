"""Reads of prepared bytes, which need neither waiting nor the rest of the app.

Routing, middleware, a task and the server's check of every header cost more than such a read. So
the HTTP protocol asks PreparedReads first and writes the answer itself (overload.py). Whatever is
not a plain read goes through the app, where the same endpoints give the same answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from voting_service.sites.shared.problem_documents import Headers

_METHODS = ("GET", "HEAD")
MAX_PATHS = 1024
"""Paths whose endpoint is remembered, and how long they may be: beyond, the app looks them up."""
MAX_PATH_CHARACTERS = 200


class PreparedAnswer(NamedTuple):
    """Status, headers and body of an answer."""

    status: int
    headers: Headers
    body: bytes


class NotPrepared(Exception):
    """What is asked for has to be made first, by the app."""


class PreparedRead:
    """An endpoint that answers with prepared bytes; a bare ASGI app. Subclasses find them."""

    def answer(self, scope: Scope) -> PreparedAnswer:
        """Return the answer to GET; to HEAD it is the same without the body. Raises VotingError,
        or NotPrepared."""
        raise NotImplementedError

    async def full_answer(self, scope: Scope) -> PreparedAnswer:
        """Return the answer that the app gives, which may take its time."""
        return self.answer(scope)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        status, headers, body = await self.full_answer(scope)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": body})


class PreparedReads:
    """The prepared reads among the routes of the app."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = tuple(routes)
        self._endpoint = lru_cache(MAX_PATHS)(self._find_endpoint)

    def answer(self, scope: Scope) -> PreparedAnswer | None:
        """Return the answer to a request; None if the app has to give it: to what is no prepared
        read or not prepared yet, to other origins, and to errors."""
        path: str = scope["path"]
        if scope["method"] not in _METHODS or len(path) > MAX_PATH_CHARACTERS:
            return None
        endpoint, path_params = self._endpoint(path)
        if endpoint is None or b"origin" in dict(scope["headers"]):
            return None
        try:
            return endpoint.answer({**scope, "path_params": path_params})
        except Exception:  # the app meets it too, and has the page and the log line for it
            return None

    def _find_endpoint(self, path: str) -> tuple[PreparedRead | None, dict[str, Any]]:
        scope = {"type": "http", "method": "GET", "path": path, "root_path": ""}
        for route in self._routes:
            match, matched = route.matches(scope)
            if match is Match.FULL:
                endpoint, path_params = matched["endpoint"], matched["path_params"]
                return (endpoint, path_params) if isinstance(endpoint, PreparedRead) else (None, {})
        return None, {}
