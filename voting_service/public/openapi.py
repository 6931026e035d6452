"""`/openapi.json`: the contract, from the same types that read and write the messages."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from voting_service.ballots.parse import Cast
from voting_service.contests.pictures import PublicProfile
from voting_service.public.reads import ContestFacts, ContestListing, ReceiptState
from voting_service.public.sessions import SessionGranted, SignInRequest
from voting_service.tally.standings import Standings
from voting_service.web.problems import KINDS, MEDIA_TYPE


class Receipt(msgspec.Struct, frozen=True):
    """Proof of a stored ballot; `seal` is a MAC over the row, choices included."""

    ballot: str
    contest: str
    period: str
    issued_at: str
    seal: str


class ReceiptGiven(msgspec.Struct, frozen=True):
    """The answer to a cast."""

    receipt: Receipt


class CandidateListing(msgspec.Struct, frozen=True):
    """Every profile of a contest."""

    contest: str
    candidates: list[PublicProfile]


class FieldFault(msgspec.Struct, frozen=True):
    """One thing wrong with the request."""

    field: str
    message: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457; `errors` with 422, `receipt` with 409, `challenge` (ALTCHA, version 2) with 428,
    the window or the moment of publication with 403. `captcha` with 428, in contests that have
    one: `provider`, `site_key` and `binding`, as docs/contest-file.md explains."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldFault] | None = None
    receipt: Receipt | None = None
    challenge: dict[str, Any] | None = None
    captcha: dict[str, str] | None = None
    publish_at: str | None = None
    opens_at: str | None = None
    closes_at: str | None = None


_TYPES = (
    Cast, SignInRequest, SessionGranted, ReceiptGiven, ContestFacts, ContestListing,
    CandidateListing, PublicProfile, Standings, ReceiptState, Problem,
)  # fmt: skip
_SLUG = {"name": "slug", "in": "path", "required": True, "schema": {"type": "string"}}
_NUMBER = {"name": "number", "in": "path", "required": True, "schema": {"type": "integer"}}
_BALLOT = {
    "name": "ballot",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
}


_PLAIN: dict[str, Any] = {"type": "object"}
_TEXT: dict[str, Any] = {"type": "string"}


def _answer(
    description: str, schema: dict[str, Any], media_type: str = "application/json"
) -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": schema}}}


def _content(name: str, media_type: str = "application/json") -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _problems(*statuses: int) -> dict[str, Any]:
    known = {kind.status for kind in KINDS.values()} | {405}
    assert known.issuperset(statuses)
    return {
        str(status): {
            "description": "; ".join(
                sorted({kind.title.en for kind in KINDS.values() if kind.status == status})
            )
            or "There is no such method here",
            "content": _content("Problem", MEDIA_TYPE.decode()),
        }
        for status in statuses
    }


def _operation(
    operation_id: str,
    summary: str,
    answers: dict[int, str],
    problems: tuple[int, ...] = (),
    **more: Any,
) -> dict[str, Any]:
    """One method of a path; `answers` maps a status to a schema name, "" for no body."""
    described = {
        str(status): {"description": summary, **({"content": _content(name)} if name else {})}
        for status, name in answers.items()
    }
    return {
        "operationId": operation_id,
        "summary": summary,
        "responses": {**described, **_problems(*problems)},
        **more,
    }


_CONTEST = "/api/v1/contests/{slug}"


def _paths() -> dict[str, Any]:
    return {
        **_voting_paths(),
        **_reading_paths(),
        **_signed_paths(),
        **_operators_paths(),
    }


def _voting_paths() -> dict[str, Any]:
    """What a voter does."""
    return {
        "/api/v1/sessions": {
            "post": _operation(
                "createSession",
                "Exchange a platform's sign-in for a session",
                {201: "SessionGranted"},
                (400, 401, 409, 413, 415, 422, 503),
                requestBody={"required": True, "content": _content("SignInRequest")},
            )
        },
        f"{_CONTEST}/ballots": {
            "parameters": [_SLUG],
            "post": _operation(
                "castBallot",
                "Cast a ballot; sending the same again returns the same receipt",
                {201: "ReceiptGiven", 200: "ReceiptGiven"},
                (400, 401, 403, 404, 409, 413, 415, 422, 428, 429, 503),
                requestBody={"required": True, "content": _content("Cast")},
                security=[{"session": []}],
            ),
        },
        f"{_CONTEST}/receipts/{{ballot}}": {
            "parameters": [_SLUG, _BALLOT],
            "get": _operation(
                "receipt",
                "Counted, held or void, never the choices",
                {200: "ReceiptState"},
                (404, 503),
            ),
        },
    }


def _reading_paths() -> dict[str, Any]:
    """What anybody reads while a contest runs."""
    return {
        "/api/v1/contests": {
            "get": _operation(
                "contests",
                "Every contest that may be seen, with phase and window",
                {200: "ContestListing"},
                (503,),
            ),
        },
        _CONTEST: {
            "parameters": [_SLUG],
            "get": _operation(
                "contest", "Window, phase and rules", {200: "ContestFacts"}, (404, 503)
            ),
        },
        f"{_CONTEST}/candidates": {
            "parameters": [_SLUG],
            "get": _operation(
                "candidates", "All profiles", {200: "CandidateListing", 304: ""}, (403, 404, 503)
            ),
        },
        f"{_CONTEST}/candidates/{{number}}": {
            "parameters": [_SLUG, _NUMBER],
            "get": _operation(
                "candidate", "One profile", {200: "PublicProfile", 304: ""}, (403, 404, 503)
            ),
        },
        f"{_CONTEST}/standings": {
            "parameters": [_SLUG],
            "get": _operation(
                "standings",
                "Counts, as far as the release schedule allows",
                {200: "Standings", 304: ""},
                (403, 404, 503),
            ),
        },
        f"{_CONTEST}/standings/events": {
            "parameters": [_SLUG],
            "get": {
                "operationId": "standingsEvents",
                "summary": "The standings as server-sent events named `standings`",
                "responses": {
                    "200": _answer(
                        "A stream; each event's data is a Standings",
                        {"type": "string"},
                        "text/event-stream",
                    ),
                    **_problems(404, 503),
                },
            },
        },
    }


def _signed_paths() -> dict[str, Any]:
    """What is published for good."""
    return {
        f"{_CONTEST}/cut": {
            "parameters": [_SLUG],
            "get": {
                "operationId": "cut",
                "summary": "The signed document, once it is published; older versions by number",
                "parameters": [
                    {
                        "name": "version",
                        "in": "query",
                        "required": False,
                        "schema": {"type": "integer", "minimum": 1, "maximum": 9999},
                    }
                ],
                "responses": {
                    "200": _answer("The signed document", _PLAIN),
                    "304": {"description": "Unchanged"},
                    **_problems(404, 503),
                },
            },
        },
        f"{_CONTEST}/result": {
            "parameters": [_SLUG],
            "get": {
                "operationId": "result",
                "summary": "The signed result, winners and nominees, once it is announced",
                "responses": {
                    "200": _answer("The signed document", _PLAIN),
                    "304": {"description": "Unchanged"},
                    **_problems(404, 503),
                },
            },
        },
        "/api/v1/notices/{slug}": {
            "parameters": [_SLUG],
            "get": {
                "operationId": "notice",
                "summary": "A public notice of a selection; with its draw, so that anybody can "
                "draw the numbers again",
                "responses": {
                    "200": _answer("The notice", _PLAIN),
                    **_problems(404, 503),
                },
            },
        },
    }


def _operators_paths() -> dict[str, Any]:
    state = {"type": "object", "required": ["status"], "properties": {"status": _TEXT}}
    return {
        "/healthz": {
            "get": {
                "operationId": "liveness",
                "summary": "The process answers",
                "responses": {"200": _answer("Alive", state)},
            }
        },
        "/readyz": {
            "get": {
                "operationId": "readiness",
                "summary": "Every resource pinged",
                "responses": {
                    "200": _answer("Ready; Valkey may be away", state),
                    "503": _answer("Not ready", state),
                },
            }
        },
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "summary": "Prometheus' text format",
                "responses": {"200": _answer("Samples", _TEXT, "text/plain")},
            }
        },
        "/openapi.json": {
            "get": {
                "operationId": "contract",
                "summary": "This document",
                "responses": {"200": _answer("OpenAPI 3.1", _PLAIN)},
            }
        },
    }


@cache
def document() -> bytes:
    """The OpenAPI 3.1 document."""
    _, schemas = msgspec.json.schema_components(_TYPES, ref_template="#/components/schemas/{name}")
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "voting-service", "version": version("voting-service")},
            "paths": _paths(),
            "components": {
                "schemas": schemas,
                "securitySchemes": {"session": {"type": "http", "scheme": "bearer"}},
            },
        }
    )


async def openapi_document(_request: Request) -> Response:
    """The contract of this face."""
    return Response(
        document(),
        headers={"cache-control": "public, max-age=60", "vary": "Origin"},
        media_type="application/json",
    )
