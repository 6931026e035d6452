"""`/{language}/platforms`: the guide for a platform's engineers, with examples to copy.

The examples are the files of `examples/`; `examples/servers/` shows how a server calls them. The
tests run them as the page shows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.contest_list import find_front_contest
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import Language
from voting_service.infrastructure.prepared_response import Prepared
from voting_service.sites.public.embed.rendering import environment
from voting_service.sites.public.pages.responses import language_of_path, page_response
from voting_service.sites.public.state import PublicState
from voting_service.sites.shared.problem_documents import KINDS
from voting_service.voting.voters.platform_adapters.jwt import Claims

EXAMPLE_ADDRESS = "https://vote.example"
"""The placeholder in the examples for the address of this service."""
EXAMPLE_PLATFORM = "your-platform"
EXAMPLE_CONTEST = "your-contest"
DEMO_PLATFORM = "demo"
"""If this platform is registered, the service is a demo and the examples run as printed."""
CACHE_CONTROL = "public, max-age=60"


class Example(NamedTuple):
    """A sign-in program in `examples/`, with the commands that install its requirements (if any)
    and run it."""

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
    Example("Node.js", "sign-in.js", run="node sign-in.js reader-1"),
    Example("Java", "SignIn.java", run="java SignIn.java reader-1"),
    Example("PHP", "sign_in.php", run="php sign_in.php reader-1"),
    Example("Go", "sign_in.go", run="go run sign_in.go reader-1"),
    Example(
        "C#",
        "SignIn.cs",
        run="dotnet run -- reader-1",
        install="dotnet new console -o .\nrm Program.cs",
    ),
)


class ExampleNames(NamedTuple):
    """The names of the voting site, platform and contest in the examples. `choices` is a valid
    ballot."""

    vote: str
    platform: str
    contest: str
    choices: tuple[int, ...]


class ErrorRow(NamedTuple):
    """An error of the API and what the platform should do."""

    status: int
    name: str
    title: str
    advice: str


class ClaimRow(NamedTuple):
    """A claim of the sign-in token."""

    name: str
    required: bool
    meaning: str


async def guide(request: Request) -> Response:
    """Return the guide."""
    state: PublicState = request.state.app_state
    language = language_of_path(request)
    page = _page(language, example_names(state))
    return page_response(request, page, cache_control=CACHE_CONTROL)


def example_names(state: PublicState) -> ExampleNames:
    """Return the names that the samples print: the front contest of this service, and the demo
    platform if it is registered."""
    demo = state.registry.platforms.get(DEMO_PLATFORM)
    platform = DEMO_PLATFORM if demo and demo.enabled else EXAMPLE_PLATFORM
    contest = find_front_contest(
        (contest_state.contest for contest_state in state.contest_states.values()), state.clock()
    )
    min_choices = contest.rules.ballot.min_choices if contest else 1
    return ExampleNames(
        state.settings.public_url,
        platform,
        contest.slug if contest else EXAMPLE_CONTEST,
        tuple(range(1, min_choices + 1)),
    )


def texts(language: Language) -> Mapping[str, Any]:
    """Return the texts of the tables by section and key."""
    return load_catalogue("embed", language)


@lru_cache(maxsize=8)
def _page(language: Language, names: ExampleNames) -> Prepared:
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
            examples=[(example, _code(example.file, names)) for example in EXAMPLES],
            servers={
                example.file: _code(f"servers/{example.file}.txt", names) for example in EXAMPLES
            },
            claims=list(_claims(language)),
            errors=list(_errors(language)),
        ).encode()
    )


def _code(file: str, names: ExampleNames) -> str:
    source = resources.files(__package__).joinpath("examples", *file.split("/"))
    code = source.read_text(encoding="utf-8").strip()
    for placeholder, name in (
        (EXAMPLE_ADDRESS, names.vote),
        (EXAMPLE_PLATFORM, names.platform),
        (EXAMPLE_CONTEST, names.contest),
    ):
        code = code.replace(placeholder, name)
    return code


def _claims(language: Language) -> Iterator[ClaimRow]:
    for field in msgspec.structs.fields(Claims):
        yield ClaimRow(field.name, field.required, texts(language)["claims"][field.name])


def _errors(language: Language) -> Iterator[ErrorRow]:
    for kind in KINDS.values():
        title = kind.title(language)
        advice = texts(language)["errors"].get(kind.name, "")
        yield ErrorRow(kind.status, kind.name, title, advice)
