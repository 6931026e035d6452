"""`/{language}/platforms/api`: the API for people, rendered from the OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from voting_service.i18n.catalogues import find_text, load_catalogue
from voting_service.i18n.text import Language
from voting_service.sites.public.api.openapi import document
from voting_service.sites.public.embed.guide import (
    CACHE_CONTROL,
    ExampleNames,
    example_names,
    texts,
)
from voting_service.sites.public.embed.rendering import environment
from voting_service.sites.public.pages.responses import language_of_path, page_response
from voting_service.sites.shared.prepared_pages import PreparedPage
from voting_service.sites.shared.problem_documents import KINDS

_API = "/api/"
_REF = "#/components/schemas/"
_BALLOT = "4f1c2d9a7b3e48560c9f1a2b3d4e5f60"
_METHODS = ("get", "post")


class FieldRow(NamedTuple):
    """A member of a JSON object."""

    name: str
    type: str
    required: bool
    meaning: str


class AnswerRow(NamedTuple):
    """An answer of an operation, with an example where there is one; `problems` are the last parts
    of the types and the titles of a problem's answers."""

    status: str
    example: str
    problems: list[tuple[str, str]]


class OperationSection(NamedTuple):
    """One operation as the page shows it."""

    id: str
    method: str
    path: str
    summary: str
    call: str
    body: str
    answers: list[AnswerRow]


async def api_reference(request: Request) -> Response:
    """Return the reference."""
    language = language_of_path(request)
    page = _page(language, example_names(request.state.app_state))
    return page_response(request, page, cache_control=CACHE_CONTROL)


@lru_cache(maxsize=8)
def _page(language: Language, names: ExampleNames) -> PreparedPage:
    contract = msgspec.json.decode(document())
    body = (
        environment()
        .get_template("api_reference.html")
        .render(
            language=language,
            t=texts(language),
            vote=names.vote,
            operations=list(_operations(contract, language, names)),
            schemas={
                name: list(_fields(name, schema, language))
                for name, schema in contract["components"]["schemas"].items()
                if schema.get("properties")
            },
        )
    )
    return PreparedPage.of(body.encode())


def _operations(
    contract: Mapping[str, Any], language: Language, names: ExampleNames
) -> Iterator[OperationSection]:
    summaries = load_catalogue("openapi", language)["operations"]
    for path, item in contract["paths"].items():
        for method in _METHODS:
            if method not in item or not path.startswith(_API):
                continue
            operation = item[method]
            body, schema = _content(operation.get("requestBody", {}))
            yield OperationSection(
                operation["operationId"],
                method.upper(),
                path,
                summaries[operation["operationId"]],
                _call(path, body, names, signed="security" in operation),
                schema,
                list(_answers(operation["responses"], language)),
            )


def _call(path: str, body: Any, names: ExampleNames, *, signed: bool) -> str:
    """Return the call as a command."""
    slug = "NOTICE" if path.startswith("/api/v1/notices") else names.contest
    address = path.format(slug=slug, number=names.choices[0], ballot=_BALLOT)
    lines = [f"curl -sS {names.vote}{address}"]
    if signed:
        lines.append('-H "Authorization: Bearer $SESSION"')
    if body is not None:
        lines += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(body)}'"]
    return " \\\n    ".join(lines)


def _answers(responses: Mapping[str, Any], language: Language) -> Iterator[AnswerRow]:
    for status, response in responses.items():
        example, schema = _content(response)
        problems = [
            (kind.name, kind.title(language))
            for kind in KINDS.values()
            if schema == "Problem" and str(kind.status) == status
        ]
        shown = "" if example is None else json.dumps(example, ensure_ascii=False, indent=2)
        yield AnswerRow(status, shown, problems)


def _content(described: Mapping[str, Any]) -> tuple[Any, str]:
    """Return the example and the name of the schema of a request's or answer's body."""
    for content in described.get("content", {}).values():
        name = content["schema"].get("$ref", "").removeprefix(_REF)
        return content.get("example"), name
    return None, ""


def _fields(name: str, schema: Mapping[str, Any], language: Language) -> Iterator[FieldRow]:
    required = schema.get("required", ())
    for field, described in schema["properties"].items():
        meaning = find_text("openapi", f"fields.{name}.{field}", language) or ""
        yield FieldRow(field, _type(described), field in required, meaning)


def _type(schema: Mapping[str, Any]) -> str:
    """Return a type in a few words: `array of integer`, `string (date-time) or null`."""
    match schema:
        case {"$ref": str(reference)}:
            return reference.removeprefix(_REF)
        case {"anyOf": list(choices)}:
            return " or ".join(map(_type, choices))
        case {"enum": list(values)}:
            return " | ".join(map(json.dumps, values))
        case {"type": "array"}:
            return f"array of {_type(schema.get('items') or {'type': 'any'})}"
        case {"format": str(form)}:
            return f"{schema['type']} ({form})"
    return str(schema.get("type", "any"))
