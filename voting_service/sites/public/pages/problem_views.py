"""Error pages of a contest: what happened and what to do next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import date
from functools import wraps
from typing import TypeAlias

from babel.dates import format_timedelta
from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.phases import require_published
from voting_service.errors import (
    NotFound,
    NotOpen,
    NotPublished,
    NotSignedIn,
    PeriodOver,
    SlowDown,
    Unavailable,
    VotingError,
)
from voting_service.i18n.formatting import LOCALES, written_day
from voting_service.i18n.text import Language
from voting_service.sites.public.api.cast_ballot import PlatformSwitchedOff
from voting_service.sites.public.pages.context import PageContext, load_context
from voting_service.sites.public.pages.forms import csrf_token
from voting_service.sites.public.pages.responses import rendered_response
from voting_service.sites.public.pages.sign_in_choices import (
    SignInChoice,
    is_in_wechat,
    sign_in_choices,
)
from voting_service.sites.public.rendering import dated, deadline, texts
from voting_service.sites.shared.problem_documents import problem_kind

Endpoint: TypeAlias = Callable[[PageContext], Awaitable[Response]]


def page(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """Return a Starlette endpoint whose errors become pages of the contest. NotFound and
    NotPublished are left to `error_pages.py`."""

    @wraps(endpoint)
    async def with_problem_pages(request: Request) -> Response:
        context = load_context(request)
        try:
            return await endpoint(context)
        except (NotFound, NotPublished):
            raise
        except VotingError as error:
            return problem_page(context, error)

    return with_problem_pages


def published(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint restricted to published contests. Raises NotPublished before."""

    @wraps(endpoint)
    async def if_published(context: PageContext) -> Response:
        require_published(context.contest, context.now)
        return await endpoint(context)

    return if_published


def problem_page(
    context: PageContext,
    error: VotingError,
    choices: Iterable[int] = (),
    period: date | None = None,
) -> Response:
    """Return the page of an error. It keeps the choices, so that voters need not choose again, and
    the period, so that a ballot that is sent again stays in its day."""
    status, name = page_kind(error)
    headers = {}
    if isinstance(error, SlowDown | Unavailable):
        headers["retry-after"] = str(error.retry_after_seconds)
    session = context.cookies.session(context.request)
    chosen = sorted(set(choices) & context.contest.numbers)
    body = context.page_cache.render(
        "problem.html",
        context.language,
        "/ballot",
        kind=name,
        text=problem_text(name, context, error),
        can_repeat=isinstance(error, SlowDown | Unavailable),
        chosen=chosen,
        period=period,
        csrf_token=csrf_token(context.contest_state.keys.session, session),
        choices=sign_in_choices_on(context) if isinstance(error, NotSignedIn) else (),
    )
    response = rendered_response(body, status)
    response.headers.update(headers)
    if chosen and isinstance(error, NotSignedIn):
        context.cookies.keep_choice(response, chosen)
    return response


def page_kind(error: VotingError) -> tuple[int, str]:
    """Return the status of an error and its section of the texts under `problem`."""
    kind = problem_kind(error)
    match error:
        case NotOpen():
            return kind.status, "closed" if error.closed else "upcoming"
        case PlatformSwitchedOff():
            return kind.status, "platform-off"
        case _:
            return kind.status, kind.name


def problem_text(name: str, context: PageContext, error: VotingError) -> dict[str, str]:
    """Return title and text of an error in the visitor's language."""
    contest, language = context.contest, context.language
    section: dict[str, str] = texts(language)["problem"][name]
    seconds = getattr(error, "retry_after_seconds", 0)
    values = {
        "opens_at": dated(contest.opens_at, contest.zone, language),
        "closes_at": deadline(contest.closes_at, contest.zone, language),
        "until": time_until_open(context, language),
        "period": written_day(error.period, language) if isinstance(error, PeriodOver) else "",
        "seconds": seconds,
    }
    return {key: line.format(**values) for key, line in section.items()}


def time_until_open(context: PageContext, language: Language) -> str:
    """Return the time until voting opens: "in 3 days"."""
    return format_timedelta(
        context.contest.opens_at - context.now,
        granularity="minute",
        add_direction=True,
        locale=LOCALES[language],
    )


def sign_in_choices_on(context: PageContext) -> list[SignInChoice]:
    """Return the platforms through which voters can sign in, to go on with their choices."""
    state = context.state
    return sign_in_choices(
        state.platforms.values(),
        context.language,
        state.settings.public_url,
        f"{context.address}/ballot/review",
        in_wechat=is_in_wechat(context.request),
    )
