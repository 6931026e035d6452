"""Traces requests: an app around a site's, only where traces are on."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voting_service.infrastructure.traces import span


class TracedRequests:
    """An app that opens a span for each request, named after its endpoint. The path is no part of
    it: receipts have theirs in it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with span(scope["method"]) as opened:
            assert opened is not None

            async def send_and_name(message: Message) -> None:
                if message["type"] == "http.response.start":
                    endpoint = scope.get("endpoint")
                    name = getattr(endpoint, "__name__", type(endpoint).__name__)
                    opened.update_name(f"{scope['method']} {name}")
                    opened.set_attribute("http.request.method", scope["method"])
                    opened.set_attribute("http.response.status_code", message["status"])
                await send(message)

            await self._app(scope, receive, send_and_name)
