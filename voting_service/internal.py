"""The internal face as an ASGI app: the staff's desk and the office, with one sign-in."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TypedDict

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from voting_service.clock import Clock, system_clock
from voting_service.desk.error_pages import on_bug, on_domain_error, on_http_error
from voting_service.desk.face import Face
from voting_service.desk.limits import Limits
from voting_service.desk.state import Desk, desk_of, running
from voting_service.errors import VotingError
from voting_service.logs import configure_logs
from voting_service.office.routes import ROUTES as OFFICE_ROUTES
from voting_service.office.routes import WAYS as OFFICE_WAYS
from voting_service.settings import Settings, load_settings
from voting_service.staff.routes import ROUTES as STAFF_ROUTES
from voting_service.staff.routes import WAYS as STAFF_WAYS
from voting_service.web.health import (
    healthz,
    metrics_response,
    readiness_response,
    registry_age,
    registry_state,
    state_of,
)
from voting_service.web.static_files import static_response


class State(TypedDict):
    """Lifespan state, found in every request."""

    desk: Desk
    limits: Limits


async def readyz(request: Request) -> Response:
    """503 without Postgres, and while the contests in memory are missing or old."""
    desk = desk_of(request)

    async def ping() -> None:
        async with desk.connection() as connection:
            await connection.execute("select 1")

    postgres = await state_of(ping())
    needed = {
        "postgres": postgres,
        "contests": "ok" if desk.registry.loaded else "being prepared",
        "registry": registry_state(desk.registry),
    }
    told = {
        "registry_age_seconds": registry_age(desk.registry),
        "failing_contests": sorted(desk.registry.failing),
    }
    return readiness_response(needed, told)


async def show_metrics(_request: Request) -> Response:
    """Prometheus' text format, of this process alone."""
    return metrics_response(None)


async def static_file(request: Request) -> Response:
    """A file of the desk under its hashed name."""
    return static_response(desk_of(request).face.static, request)


PACKAGES = ("voting_service.staff", "voting_service.office")
ROUTES = [*STAFF_ROUTES, *OFFICE_ROUTES]
OPEN_ROUTES = [
    Route("/static/{name:path}", static_file),
    Route("/healthz", healthz),
    Route("/readyz", readyz),
    Route("/metrics", show_metrics),
]


def create_app(
    settings: Settings | None = None,
    clock: Clock = system_clock,
    http: httpx.AsyncClient | None = None,
) -> ASGIApp:
    """The ASGI app; uvicorn calls it without arguments."""
    used = settings or load_settings()
    face = Face(PACKAGES, [*OFFICE_WAYS, *STAFF_WAYS], {route.path for route in ROUTES})

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[State]:
        configure_logs(used.log_level)
        async with running(used, clock, face, http) as desk:
            yield {"desk": desk, "limits": Limits()}

    app = Starlette(
        routes=[*OPEN_ROUTES, *ROUTES],
        lifespan=lifespan,
        exception_handlers={
            VotingError: on_domain_error,
            HTTPException: on_http_error,
            Exception: on_bug,
        },
    )
    # What is at one address is not at another: no answer sends anybody to where Host points.
    app.router.redirect_slashes = False
    return app
