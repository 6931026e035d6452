"""`/{language}/platforms`: what a platform's engineers have to do, with examples to copy.

The examples are files of `examples/`; the tests run them as they stand on the page.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib import resources
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.model import Language
from voting_service.contests.phases import front_contest
from voting_service.public.embed.rendering import environment
from voting_service.public.pages.answers import language_of_path, page_response
from voting_service.public.worker import Worker
from voting_service.tally.standings import Prepared
from voting_service.voters.sign_in_kinds.jwt import Claims
from voting_service.web.problems import KINDS

EXAMPLE_ADDRESS = "https://vote.example"
"""What the examples say where our own address belongs."""
EXAMPLE_PLATFORM = "your-platform"
EXAMPLE_CONTEST = "your-contest"
DEMO_PLATFORM = "demo"
"""Where this platform is registered, the page is a demo's: its examples run there as printed."""
_CACHE_CONTROL = "public, max-age=60"


class Example(NamedTuple):
    """A program that signs a user in, a file of `examples/`; the commands that install what it
    needs (none where empty) and run it."""

    name: str
    file: str
    run: str
    install: str = ""


EXAMPLES = (
    Example(
        "Python",
        "sign_in.py",
        run="venv/bin/python sign_in.py reader-1",
        install='python3 -m venv venv\nvenv/bin/pip install "pyjwt[crypto]"',
    ),
    Example("Java", "SignIn.java", run="java SignIn.java reader-1"),
    Example("Node.js", "sign-in.mjs", run="node sign-in.mjs reader-1"),
)


class Names(NamedTuple):
    """What the examples call the voting site, the platform and the contest. `choices` is a
    ballot that the contest takes."""

    vote: str
    platform: str
    contest: str
    choices: tuple[int, ...]


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
    page = _page(language, _names(worker))
    return page_response(request, page, cache_control=_CACHE_CONTROL)


def _names(worker: Worker) -> Names:
    """Those of this service as far as they are known: the contest that `/` leads to, and the
    demo's platform where there is one."""
    demo = worker.registry.platforms.get(DEMO_PLATFORM)
    platform = DEMO_PLATFORM if demo and demo.enabled else EXAMPLE_PLATFORM
    contest = front_contest((desk.contest for desk in worker.desks.values()), worker.clock())
    least = contest.rules.ballot.min_choices if contest else 1
    return Names(
        worker.settings.public_url,
        platform,
        contest.slug if contest else EXAMPLE_CONTEST,
        tuple(range(1, least + 1)),
    )


@cache
def texts(language: Language) -> Mapping[str, Any]:
    """What the tables say, by section and key."""
    source = resources.files(__package__).joinpath("texts", f"{language}.toml")
    return tomllib.loads(source.read_text(encoding="utf-8"))


@lru_cache(maxsize=8)
def _page(language: Language, names: Names) -> Prepared:
    template = environment().get_template(f"guide_{language}.html")
    return Prepared.of(
        template.render(
            language=language,
            t=texts(language),
            vote=names.vote,
            platform=names.platform,
            contest=names.contest,
            choices=list(names.choices),
            is_demo=names.platform == DEMO_PLATFORM,
            examples=[(example, _code(example, names)) for example in EXAMPLES],
            claims=list(_claims(language)),
            errors=list(_errors(language)),
        ).encode()
    )


def _code(example: Example, names: Names) -> str:
    source = resources.files(__package__).joinpath("examples", example.file)
    code = source.read_text(encoding="utf-8").strip()
    for written, name in (
        (EXAMPLE_ADDRESS, names.vote),
        (EXAMPLE_PLATFORM, names.platform),
        (EXAMPLE_CONTEST, names.contest),
    ):
        code = code.replace(written, name)
    return code


def _claims(language: Language) -> Iterator[ClaimLine]:
    for field in msgspec.structs.fields(Claims):
        yield ClaimLine(field.name, field.required, texts(language)["claims"][field.name])


def _errors(language: Language) -> Iterator[ErrorLine]:
    for kind in KINDS.values():
        title = getattr(kind.title, language)
        advice = texts(language)["errors"].get(kind.name, "")
        yield ErrorLine(kind.status, kind.name, title, advice)
