"""`/openapi.json`: the API contract, built from the types that read and write the messages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from importlib.metadata import version
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.candidate_changes.public_changes import CandidateChanges
from voting_service.contests.pictures.model import PublicProfile
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import LANGUAGES
from voting_service.sites.public.api.reads import (
    ContestDescription,
    ContestListing,
    ReceiptState,
)
from voting_service.sites.public.api.sessions import SessionGranted, SignInRequest
from voting_service.sites.shared.problem_documents import KINDS, MEDIA_TYPE
from voting_service.voting.ballots.parse import Cast
from voting_service.voting.exposure.model import ExposureReport
from voting_service.voting.public_log.receipt_proof import ReceiptProof
from voting_service.voting.tally.standings import Standings
from voting_service.voting.tally.trend import Trend


class ReceiptDocument(msgspec.Struct, frozen=True):
    """Proof that a ballot is stored. `seal` is a message authentication code over the ballot with
    its choices."""

    ballot: str
    contest: str
    period: str
    issued_at: str
    seal: str


class ReceiptGiven(msgspec.Struct, frozen=True):
    """The response to a cast ballot."""

    receipt: ReceiptDocument


class CandidateListing(msgspec.Struct, frozen=True):
    """All candidate profiles of a contest."""

    contest: str
    candidates: list[PublicProfile]


class FieldFault(msgspec.Struct, frozen=True):
    """One error in the request: the field and a description."""

    field: str
    message: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A problem document (RFC 9457). `errors` comes with 422, `receipt` with 409, `challenge`
    (ALTCHA, version 2) with 428, and the voting period or the publication time with 403.
    `captcha` comes with 428 in contests that use a captcha provider: `provider`, `site_key` and
    `binding`, as docs/contest-file.md explains."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldFault] | None = None
    receipt: ReceiptDocument | None = None
    challenge: dict[str, Any] | None = None
    captcha: dict[str, str] | None = None
    publish_at: str | None = None
    opens_at: str | None = None
    closes_at: str | None = None


MESSAGE_TYPES = (
    Cast,
    SignInRequest,
    SessionGranted,
    ReceiptGiven,
    ContestDescription,
    ContestListing,
    CandidateListing,
    PublicProfile,
    CandidateChanges,
    Standings,
    Trend,
    ExposureReport,
    ReceiptState,
    ReceiptProof,
    Problem,
)
_SLUG = {"name": "slug", "in": "path", "required": True, "schema": {"type": "string"}}
_NUMBER = {"name": "number", "in": "path", "required": True, "schema": {"type": "integer"}}
_LANGUAGE = {
    "name": "language",
    "in": "query",
    "required": False,
    "schema": {"type": "string", "enum": list(LANGUAGES), "default": "zh"},
}
_VERSION = {
    "name": "version",
    "in": "query",
    "required": False,
    "schema": {"type": "integer", "minimum": 1, "maximum": 9999},
}
_BALLOT = {
    "name": "ballot",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
}

_PLAIN: dict[str, Any] = {"type": "object"}
_TEXT: dict[str, Any] = {"type": "string"}


def _text(path: str) -> str:
    return load_text("openapi", path).en


def _answer(
    name: str, schema: dict[str, Any], media_type: str = "application/json"
) -> dict[str, Any]:
    description = _text(f"answers.{name}")
    return {"description": description, "content": {media_type: {"schema": schema}}}


@cache
def examples() -> Mapping[str, Any]:
    """Return an example of each message, by the name of its schema."""
    file = resources.files(__package__).joinpath("examples.json")
    return msgspec.json.decode(file.read_bytes(), type=dict[str, Any])


def _content(name: str, media_type: str = "application/json") -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{name}"}}
    if name in examples():
        content["example"] = examples()[name]
    return {media_type: content}


def _problems(*statuses: int) -> dict[str, Any]:
    documented = {kind.status for kind in KINDS.values()} | {405}
    assert documented.issuperset(statuses)
    return {
        str(status): {
            "description": "; ".join(
                sorted({kind.title("en") for kind in KINDS.values() if kind.status == status})
            )
            or _text("answers.method_not_allowed"),
            "content": _content("Problem", MEDIA_TYPE.decode()),
        }
        for status in statuses
    }


def _operation(
    operation_id: str,
    answers: dict[int, str],
    problems: tuple[int, ...] = (),
    **more: Any,
) -> dict[str, Any]:
    """Return one operation. `answers` maps a status to a schema name, or to "" for no body."""
    summary = _text(f"operations.{operation_id}")
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


def _read(operation_id: str, answer: dict[str, Any], *problems: int, **more: Any) -> dict[str, Any]:
    """Return a read of something else than a message of ours."""
    return {
        "operationId": operation_id,
        "summary": _text(f"operations.{operation_id}"),
        "responses": {
            "200": answer,
            "304": {"description": _text("answers.unchanged")},
            **_problems(*problems),
        },
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
    """Signing in, casting a ballot, and looking up its receipt."""
    return {
        "/api/v1/sessions": {
            "post": _operation(
                "createSession",
                {201: "SessionGranted"},
                (400, 401, 409, 413, 415, 422, 503),
                requestBody={"required": True, "content": _content("SignInRequest")},
            )
        },
        f"{_CONTEST}/ballots": {
            "parameters": [_SLUG],
            "post": _operation(
                "castBallot",
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
                {200: "ReceiptState"},
                (404, 503),
            ),
        },
        f"{_CONTEST}/receipts/{{ballot}}/proof": {
            "parameters": [_SLUG, _BALLOT],
            "get": _operation("receiptProof", {200: "ReceiptProof"}, (404, 503)),
        },
    }


def _reading_paths() -> dict[str, Any]:
    """Public reads of contests, candidates and standings."""
    return {
        "/api/v1/contests": {
            "get": _operation("contests", {200: "ContestListing"}, (503,)),
        },
        _CONTEST: {
            "parameters": [_SLUG],
            "get": _operation("contest", {200: "ContestDescription"}, (404, 503)),
        },
        f"{_CONTEST}/candidates": {
            "parameters": [_SLUG],
            "get": _operation("candidates", {200: "CandidateListing", 304: ""}, (403, 404, 503)),
        },
        f"{_CONTEST}/candidates/{{number}}": {
            "parameters": [_SLUG, _NUMBER],
            "get": _operation("candidate", {200: "PublicProfile", 304: ""}, (403, 404, 503)),
        },
        f"{_CONTEST}/corrections": {
            "parameters": [_SLUG],
            "get": _operation("corrections", {200: "CandidateChanges", 304: ""}, (403, 404, 503)),
        },
        f"{_CONTEST}/standings": {
            "parameters": [_SLUG],
            "get": _operation("standings", {200: "Standings", 304: ""}, (403, 404, 503)),
        },
        f"{_CONTEST}/standings.csv": {
            "parameters": [_SLUG, _LANGUAGE],
            "get": _read("standingsTable", _answer("table", _TEXT, "text/csv"), 403, 404, 503),
        },
        f"{_CONTEST}/standings/trend": {
            "parameters": [_SLUG],
            "get": _operation("standingsTrend", {200: "Trend", 304: ""}, (403, 404, 503)),
        },
        f"{_CONTEST}/standings/events": {
            "parameters": [_SLUG],
            "get": {
                "operationId": "standingsEvents",
                "summary": _text("operations.standingsEvents"),
                "responses": {
                    "200": _answer(
                        "event_stream",
                        {"type": "string"},
                        "text/event-stream",
                    ),
                    **_problems(404, 503),
                },
            },
        },
    }


def _signed_paths() -> dict[str, Any]:
    """Published documents: cut, result and notices."""
    return {
        f"{_CONTEST}/cut": {
            "parameters": [_SLUG],
            "get": _read("cut", _answer("signed", _PLAIN), 404, 503, parameters=[_VERSION]),
        },
        f"{_CONTEST}/exposure": {
            "parameters": [_SLUG],
            "get": _operation("exposure", {200: "ExposureReport", 304: ""}, (404, 503)),
        },
        f"{_CONTEST}/result": {
            "parameters": [_SLUG],
            "get": _read("result", _answer("signed", _PLAIN), 404, 503),
        },
        "/api/v1/notices/{slug}": {
            "parameters": [_SLUG],
            "get": {
                "operationId": "notice",
                "summary": _text("operations.notice"),
                "responses": {
                    "200": _answer("notice", _PLAIN),
                    **_problems(404, 503),
                },
            },
        },
    }


def _operators_paths() -> dict[str, Any]:
    status = {"type": "object", "required": ["status"], "properties": {"status": _TEXT}}
    return {
        "/healthz": {
            "get": {
                "operationId": "liveness",
                "summary": _text("operations.liveness"),
                "responses": {"200": _answer("responds", status)},
            }
        },
        "/readyz": {
            "get": {
                "operationId": "readiness",
                "summary": _text("operations.readiness"),
                "responses": {
                    "200": _answer("ready", status),
                    "503": _answer("not_ready", status),
                },
            }
        },
        "/openapi.json": {
            "get": {
                "operationId": "contract",
                "summary": _text("operations.contract"),
                "responses": {"200": _answer("openapi", _PLAIN)},
            }
        },
    }


@cache
def document() -> bytes:
    """Return the OpenAPI 3.1 document as JSON."""
    _, schemas = msgspec.json.schema_components(
        MESSAGE_TYPES, ref_template="#/components/schemas/{name}"
    )
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
    """Return the OpenAPI document of the public API."""
    return Response(
        document(),
        headers={"cache-control": "public, max-age=60", "vary": "Origin"},
        media_type="application/json",
    )
