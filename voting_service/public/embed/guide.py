"""`/{language}/platforms`: what a platform's engineers have to do, with examples to copy.

The examples are files of `examples/`; the tests run them as they stand on the page.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.model import Language
from voting_service.public.embed.rendering import environment
from voting_service.public.pages.answers import language_of_path, page_response
from voting_service.public.worker import Worker
from voting_service.tally.standings import Prepared
from voting_service.voters.sign_in_kinds.jwt import Claims
from voting_service.web.problems import KINDS

EXAMPLE_ADDRESS = "https://vote.example"
"""What the examples say where our own address belongs."""
EXAMPLES = {"Python": "sign_in.py", "Java": "SignIn.java", "Node.js / TypeScript": "sign-in.mjs"}
_CACHE_CONTROL = "public, max-age=60"


class ErrorLine(NamedTuple):
    """A kind of error as the API answers it, and what a platform does about it."""

    status: int
    name: str
    title: str
    advice: str


class ClaimLine(NamedTuple):
    """A claim of the sign-in token."""

    name: str
    required: bool
    meaning: str


async def guide(request: Request) -> Response:
    """The page; the same for everybody."""
    worker: Worker = request.state.worker
    language = language_of_path(request)
    page = _page(language, worker.settings.public_url)
    return page_response(request, page, cache_control=_CACHE_CONTROL)


@cache
def texts(language: Language) -> Mapping[str, Any]:
    """What the tables say, by section and key."""
    source = resources.files(__package__).joinpath("texts", f"{language}.toml")
    return tomllib.loads(source.read_text(encoding="utf-8"))


@cache
def _page(language: Language, public_url: str) -> Prepared:
    template = environment().get_template(f"guide_{language}.html")
    return Prepared.of(
        template.render(
            language=language,
            t=texts(language),
            vote=public_url,
            examples={name: _example(file, public_url) for name, file in EXAMPLES.items()},
            claims=list(_claims(language)),
            errors=list(_errors(language)),
        ).encode()
    )


def _example(file: str, public_url: str) -> str:
    source = resources.files(__package__).joinpath("examples", file)
    return source.read_text(encoding="utf-8").strip().replace(EXAMPLE_ADDRESS, public_url)


def _claims(language: Language) -> Iterator[ClaimLine]:
    for field in msgspec.structs.fields(Claims):
        yield ClaimLine(field.name, field.required, texts(language)["claims"][field.name])


def _errors(language: Language) -> Iterator[ErrorLine]:
    for kind in KINDS.values():
        title = getattr(kind.title, language)
        advice = texts(language)["errors"].get(kind.name, "")
        yield ErrorLine(kind.status, kind.name, title, advice)
