"""The ASGI app of the public site: API, pages and embeds."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import AsyncIterator
from typing import TypedDict

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp

from voting_service.errors import VotingError
from voting_service.infrastructure.clock import Clock, system_clock
from voting_service.infrastructure.logs import configure_logs
from voting_service.infrastructure.traces import tracing
from voting_service.settings import Settings, load_settings
from voting_service.sites.public.api.cast_ballot import BallotFastPath, CastBallot
from voting_service.sites.public.api.openapi import openapi_document
from voting_service.sites.public.api.pictures import picture_file
from voting_service.sites.public.api.public_log import log_file, log_key, receipt_proof
from voting_service.sites.public.api.reads import (
    CandidateListEndpoint,
    CandidateProfile,
    Corrections,
    CurrentStandings,
    StandingsTrend,
    contest_description,
    contest_listing,
    published_cut,
    receipt_state,
)
from voting_service.sites.public.api.sessions import create_session
from voting_service.sites.public.api.standings_events import StandingsEvents
from voting_service.sites.public.cors import CrossOrigin
from voting_service.sites.public.embed import routes as embed
from voting_service.sites.public.health import readyz
from voting_service.sites.public.pages import routes as pages
from voting_service.sites.public.pages.error_pages import (
    on_bug,
    on_domain_error,
    on_http_error,
)
from voting_service.sites.public.pages.exposure_views import exposure_report
from voting_service.sites.public.pages.notice_views import notice_document
from voting_service.sites.public.pages.result_views import published_result
from voting_service.sites.public.pages.standings_views import StandingsTable
from voting_service.sites.public.prepared_reads import PreparedReads
from voting_service.sites.public.shutdown import set_on_signal
from voting_service.sites.public.state import (
    PRODUCTION_LIMITS,
    PublicState,
    WorkerLimits,
    open_public_state,
)
from voting_service.sites.shared.health import healthz
from voting_service.sites.shared.traced_requests import TracedRequests

START_SECONDS = 2.0
"""A worker does not listen before it knows the contests, so that a restart refuses no vote, but no
later than this: while Postgres is unavailable it answers 503 with the reason."""
API = "/api/v1"
CONTEST = API + "/contests/{slug}"


class PublicLifespanState(TypedDict):
    """The lifespan state, available in every request and to the protocol (overload.py)."""

    app_state: PublicState
    prepared_reads: PreparedReads


ROUTES = [
    *embed.GUIDE,
    *pages.READS,
    Route(f"{CONTEST}/ballots", CastBallot(), methods=["POST"]),  # BallotFastPath gets there first
    Route(f"{API}/sessions", create_session, methods=["POST"]),
    Route(f"{API}/contests", contest_listing),
    Route(CONTEST, contest_description),
    Route(f"{CONTEST}/candidates", CandidateListEndpoint(), methods=["GET"]),
    Route(f"{CONTEST}/candidates/{{number}}", CandidateProfile(), methods=["GET"]),
    Route(f"{CONTEST}/corrections", Corrections(), methods=["GET"]),
    Route(f"{CONTEST}/receipts/{{ballot}}", receipt_state),
    Route(f"{CONTEST}/receipts/{{ballot}}/proof", receipt_proof),
    Route(f"{CONTEST}/standings", CurrentStandings(), methods=["GET"]),
    Route(f"{CONTEST}/standings.csv", StandingsTable(), methods=["GET"]),
    Route(f"{CONTEST}/standings/trend", StandingsTrend(), methods=["GET"]),
    Route(f"{CONTEST}/standings/events", StandingsEvents(), methods=["GET"]),
    Route(f"{CONTEST}/cut", published_cut),
    Route(f"{CONTEST}/exposure", exposure_report),
    Route(f"{CONTEST}/result", published_result),
    Route(f"{API}/notices/{{slug}}", notice_document),
    Route("/log/key", log_key),
    Route("/log/{slug}/{path:path}", log_file),
    Route("/pictures/{name}", picture_file),
    Route("/healthz", healthz),
    Route("/readyz", readyz),
    Route("/openapi.json", openapi_document),
    *embed.ROUTES,
    *pages.ROUTES,
]


def _collect_garbage_less_often() -> None:
    """Exempt startup objects from garbage collection and collect less often.

    Requests leave few cycles; the default threshold of 700 objects cost about 2 µs per vote.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def create_app(
    settings: Settings | None = None,
    clock: Clock = system_clock,
    limits: WorkerLimits = PRODUCTION_LIMITS,
) -> ASGIApp:
    """Create the ASGI app. uvicorn's workers call this without arguments."""
    app_settings = settings or load_settings()

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[PublicLifespanState]:
        configure_logs(app_settings.log_level)
        with tracing(app_settings, "serve"):
            async with open_public_state(app_settings, clock, limits) as state:
                _collect_garbage_less_often()
                await state.registry.wait_until_loaded(START_SECONDS)
                with set_on_signal(state.closing):
                    yield {"app_state": state, "prepared_reads": PreparedReads(ROUTES)}

    rest = Starlette(
        routes=ROUTES,
        lifespan=lifespan,
        middleware=[Middleware(CrossOrigin)],
        exception_handlers={
            VotingError: on_domain_error,
            HTTPException: on_http_error,
            Exception: on_bug,
        },
    )
    # Redirects built from the Host header could lead to another site.
    rest.router.redirect_slashes = False
    app = BallotFastPath(rest, prefix=CONTEST.removesuffix("{slug}"), suffix="/ballots")
    return app if app_settings.traces_url is None else TracedRequests(app)
