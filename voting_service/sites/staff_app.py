"""The staff site as an ASGI app: console and nomination, with one sign-in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from typing import TypedDict

import httpx
from slowapi.errors import RateLimitExceeded
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from voting_service.contests.cache import ContestCache
from voting_service.errors import NotFound, VotingError
from voting_service.infrastructure.clock import Clock, system_clock
from voting_service.infrastructure.logs import configure_logs
from voting_service.infrastructure.postgres.schema import require_schema
from voting_service.infrastructure.tasks import end_tasks
from voting_service.infrastructure.timeouts import CACHE_STALE_SECONDS
from voting_service.infrastructure.traces import tracing
from voting_service.infrastructure.typesetting.glyph_coverage import use_fonts
from voting_service.settings import Settings, load_settings
from voting_service.sites.console.contests import contest_cache, newest_zone
from voting_service.sites.console.routes import NAVIGATION as CONSOLE_NAVIGATION
from voting_service.sites.console.routes import ROUTES as CONSOLE_ROUTES
from voting_service.sites.contest_preview import ROUTES as PREVIEW_ROUTES
from voting_service.sites.home.views import ROUTES as HOME_ROUTES
from voting_service.sites.nomination.routes import NAVIGATION as NOMINATION_NAVIGATION
from voting_service.sites.nomination.routes import ROUTES as NOMINATION_ROUTES
from voting_service.sites.public.rendering import STATIC
from voting_service.sites.shared.health import (
    cache_age,
    cache_state,
    healthz,
    readiness_response,
    store_state,
    tasks_shown,
    tasks_state,
)
from voting_service.sites.shared.look import view
from voting_service.sites.shared.signed_in.error_pages import (
    on_bug,
    on_domain_error,
    on_http_error,
    on_rate_limit_exceeded,
)
from voting_service.sites.shared.signed_in.rate_limits import limiter
from voting_service.sites.shared.signed_in.state import (
    StaffSite,
    StaffState,
    get_state,
    open_state,
)
from voting_service.sites.shared.signed_in.theme import Theme
from voting_service.sites.shared.static_files import static_response
from voting_service.sites.shared.traced_requests import TracedRequests


class StaffLifespanState(TypedDict):
    """Lifespan state, found in every request."""

    staff: StaffState
    contests: ContestCache


TASKS = ("registry",)


async def readyz(request: Request) -> Response:
    """503 without Postgres, and while the contests in memory are missing or old."""
    state, contests = get_state(request), contest_cache(request)

    async def ping_postgres() -> None:
        async with state.connection() as connection:
            await require_schema(connection)

    postgres = await store_state(ping_postgres())
    needed = {
        "postgres": postgres,
        "contests": "ok" if contests.loaded else "being prepared",
        "registry": cache_state(contests.age_seconds(), CACHE_STALE_SECONDS),
        "tasks": tasks_state(TASKS),
    }
    shown = {
        "registry_age_seconds": cache_age(contests.age_seconds()),
        "failing_contests": sorted(contests.failing),
        **tasks_shown(TASKS),
    }
    return readiness_response(needed, shown)


async def static_file(request: Request) -> Response:
    """A static file under its hashed name: this site's, or the public pages' for their preview."""
    try:
        return static_response(get_state(request).theme.static, request)
    except NotFound:
        return static_response(STATIC, request)


_CONSOLE = "voting_service.sites.console"
_NOMINATION = "voting_service.sites.nomination"
AREAS = {
    "sign_in": "voting_service.sites.shared.sign_in",
    "console": _CONSOLE,
    **{
        area: f"{_CONSOLE}.{area}"
        for area in (
            *("accounts", "alarms", "audit_log", "corrections", "drafts", "exports", "jobs"),
            *("messages", "objections", "publication", "rulings", "settings", "tally"),
            "components",
        )
    },
    "contest_preview": "voting_service.sites.contest_preview",
    "nomination": _NOMINATION,
    "wordings": f"{_NOMINATION}.messages",
    **{
        area: f"{_NOMINATION}.{area}"
        for area in ("bodies", "recommendations", "review", "shortlist", "panel", "awards")
    },
    "selection_settings": f"{_NOMINATION}.settings",
    "home": "voting_service.sites.home",
}
"""The packages whose templates and static files the pages use; scripts import only from areas
that stand before theirs."""
CATALOGUES = (
    *("console", "alarms", "audit_log", "corrections", "drafts", "exports", "heat_map", "jobs"),
    *("messages", "objections"),
    *("publication", "rulings", "settings", "tally"),
    *("nomination", "selection_settings", "recommendations", "review", "shortlist"),
    *("panel", "awards"),
)
ROUTES = [*HOME_ROUTES, *CONSOLE_ROUTES, *PREVIEW_ROUTES, *NOMINATION_ROUTES]
OPEN_ROUTES = [
    Route("/static/{name:path}", static_file),
    *view.routes(lambda request: get_state(request).is_https),
    Route("/healthz", healthz),
    Route("/readyz", readyz),
]


def create_app(
    settings: Settings | None = None,
    clock: Clock = system_clock,
    http: httpx.AsyncClient | None = None,
) -> ASGIApp:
    """The ASGI app; uvicorn calls it without arguments."""
    used = settings or load_settings()
    use_fonts(used.fonts)
    navigation = [*NOMINATION_NAVIGATION, *CONSOLE_NAVIGATION]
    theme = Theme(AREAS, CATALOGUES, navigation, {route.path for route in ROUTES})

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[StaffLifespanState]:
        configure_logs(used.log_level)
        contests = ContestCache()
        site = StaffSite(theme, default_zone=partial(newest_zone, contests))
        with tracing(used, "console"):
            async with open_state(used, clock, site, http) as state:
                refresh = asyncio.create_task(contests.keep_fresh(state.pool), name="contests")
                try:
                    with limiter.counting_in(used.valkey_url):
                        yield {"staff": state, "contests": contests}
                finally:
                    await end_tasks([refresh])

    app = Starlette(
        routes=[*OPEN_ROUTES, *ROUTES],
        lifespan=lifespan,
        exception_handlers={
            VotingError: on_domain_error,
            RateLimitExceeded: on_rate_limit_exceeded,
            HTTPException: on_http_error,
            Exception: on_bug,
        },
    )
    # A redirect would go to the host that the request names.
    app.router.redirect_slashes = False
    return app if used.traces_url is None else TracedRequests(app)
