"""What a person is told when something does not work: what happened, and what to do now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import wraps
from typing import TypeAlias

from babel.dates import format_timedelta
from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.model import Language, Platform
from voting_service.contests.phases import require_published
from voting_service.errors import (
    NotFound,
    NotOpen,
    NotPublished,
    NotSignedIn,
    PlatformSwitchedOff,
    SlowDown,
    Unavailable,
    VotingError,
)
from voting_service.public.pages.answers import rendered_response
from voting_service.public.pages.forms import form_seal
from voting_service.public.pages.rendering import moment, texts
from voting_service.public.pages.visit import Visit, visit_of
from voting_service.web.languages import LOCALES
from voting_service.web.problems import kind_of

Endpoint: TypeAlias = Callable[[Visit], Awaitable[Response]]


def page(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for Starlette; its refusals become pages of the contest. What is not found, or
    not published yet, is left to whoever answers for addresses that show nothing."""

    @wraps(endpoint)
    async def answered(request: Request) -> Response:
        visit = visit_of(request)
        try:
            return await endpoint(visit)
        except (NotFound, NotPublished):
            raise
        except VotingError as error:
            return trouble(visit, error)

    return answered


def published(endpoint: Endpoint) -> Endpoint:
    """The endpoint once the profiles are published; before, nothing that names a candidate."""

    @wraps(endpoint)
    async def kept_back(visit: Visit) -> Response:
        require_published(visit.contest, visit.now)
        return await endpoint(visit)

    return kept_back


def trouble(visit: Visit, error: VotingError, choices: Iterable[int] = ()) -> Response:
    """The page of a refusal; it carries the choices along, so that nobody has to choose again."""
    status, name = page_kind(error)
    headers = {}
    if isinstance(error, SlowDown | Unavailable):
        headers["retry-after"] = str(error.retry_after_seconds)
    session = visit.cookies.session(visit.request)
    chosen = sorted(set(choices) & visit.contest.numbers)
    body = visit.book.render(
        "trouble.html",
        visit.language,
        "/ballot",
        kind=name,
        text=trouble_text(name, visit, error),
        can_repeat=isinstance(error, SlowDown | Unavailable),
        chosen=chosen,
        seal=form_seal(visit.desk.keys.session, session),
        platforms=platforms_of(visit) if isinstance(error, NotSignedIn) else (),
    )
    response = rendered_response(body, status)
    response.headers.update(headers)
    if chosen and isinstance(error, NotSignedIn):
        visit.cookies.keep_choice(response, chosen)
    return response


def page_kind(error: VotingError) -> tuple[int, str]:
    """Status, and the section of the texts under `trouble`."""
    kind = kind_of(error)
    match error:
        case NotOpen():
            return kind.status, "closed" if error.closed else "upcoming"
        case PlatformSwitchedOff():
            return kind.status, "platform-off"
        case _:
            return kind.status, kind.name


def trouble_text(name: str, visit: Visit, error: VotingError) -> dict[str, str]:
    """Title and text of a refusal, in the visitor's language."""
    contest, language = visit.contest, visit.language
    section: dict[str, str] = texts(language)["trouble"][name]
    seconds = getattr(error, "retry_after_seconds", 0)
    values = {
        "opens_at": moment(contest.opens_at, contest, language),
        "closes_at": moment(contest.closes_at, contest, language),
        "until": from_now(visit, language),
        "seconds": seconds,
    }
    return {key: line.format(**values) for key, line in section.items()}


def from_now(visit: Visit, language: Language) -> str:
    """How long it is until voting opens, as people say it: "in 3 days"."""
    return format_timedelta(
        visit.contest.opens_at - visit.now,
        granularity="minute",
        add_direction=True,
        locale=LOCALES[language],
    )


def platforms_of(visit: Visit) -> list[Platform]:
    """Over which platforms one can come."""
    return sorted(visit.worker.platforms.values(), key=lambda platform: platform.id)
