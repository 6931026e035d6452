"""The citizens' face on one screen."""

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

from voting_service.clock import Clock, system_clock
from voting_service.errors import VotingError
from voting_service.logs import configure_logs
from voting_service.public.cast_ballot import CastBallot, VotesFirst
from voting_service.public.cross_origin import CrossOrigin
from voting_service.public.embed import routes as embed
from voting_service.public.events import standings_events
from voting_service.public.health import readyz, show_metrics
from voting_service.public.openapi import openapi_document
from voting_service.public.pages import routes as pages
from voting_service.public.pages.error_pages import on_bug, on_domain_error, on_http_error
from voting_service.public.pages.notices import notice_document
from voting_service.public.pages.results import published_result
from voting_service.public.pictures import picture_file
from voting_service.public.reads import (
    CandidateList,
    CandidateProfile,
    CurrentStandings,
    contest_facts,
    contest_listing,
    published_cut,
    receipt_state,
)
from voting_service.public.sessions import create_session
from voting_service.public.stopping import set_on_signal
from voting_service.public.worker import Worker, running
from voting_service.settings import Settings, load_settings
from voting_service.web.health import healthz

API = "/api/v1"
CONTEST = API + "/contests/{slug}"


class State(TypedDict):
    """Lifespan state, found in every request."""

    worker: Worker


ROUTES = [
    embed.GUIDE,
    *pages.READS,
    Route(f"{CONTEST}/ballots", CastBallot(), methods=["POST"]),  # VotesFirst gets there first
    Route(f"{API}/sessions", create_session, methods=["POST"]),
    Route(f"{API}/contests", contest_listing),
    Route(CONTEST, contest_facts),
    Route(f"{CONTEST}/candidates", CandidateList(), methods=["GET"]),
    Route(f"{CONTEST}/candidates/{{number}}", CandidateProfile(), methods=["GET"]),
    Route(f"{CONTEST}/receipts/{{ballot}}", receipt_state),
    Route(f"{CONTEST}/standings", CurrentStandings(), methods=["GET"]),
    Route(f"{CONTEST}/standings/events", standings_events),
    Route(f"{CONTEST}/cut", published_cut),
    Route(f"{CONTEST}/result", published_result),
    Route(f"{API}/notices/{{slug}}", notice_document),
    Route("/pictures/{name}", picture_file),
    Route("/healthz", healthz),
    Route("/readyz", readyz),
    Route("/metrics", show_metrics),
    Route("/openapi.json", openapi_document),
    *embed.ROUTES,
    *pages.ROUTES,
]


def _collect_garbage_less_often() -> None:
    """What was made at start stays for ever, and a request leaves few cycles behind: looking
    through everything at every 700 new objects took about 2 µs of each vote."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def create_app(settings: Settings | None = None, clock: Clock = system_clock) -> ASGIApp:
    """The ASGI app; uvicorn's workers call it without arguments."""
    used = settings or load_settings()

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[State]:
        configure_logs(used.log_level)
        async with running(used, clock) as worker:
            _collect_garbage_less_often()
            with set_on_signal(worker.closing):
                yield {"worker": worker}

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
    # What is at one address is not at another: no answer sends anybody to where Host points.
    rest.router.redirect_slashes = False
    return VotesFirst(rest, prefix=CONTEST.removesuffix("{slug}"), suffix="/ballots")
