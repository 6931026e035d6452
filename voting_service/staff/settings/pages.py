"""Settings as they are, what may be changed now, what waits, what was changed."""

from __future__ import annotations

from datetime import datetime, time

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.accounts.model import Role
from voting_service.contests.announced_changes import load_changes
from voting_service.contests.changes import (
    SETTINGS,
    ChangeRefused,
    Setting,
    Why,
    changed,
    fixed_because,
    people_needed,
    stage_of,
    value_of,
)
from voting_service.contests.model import Contest, Language, Platform
from voting_service.contests.store import load_contest, load_platforms
from voting_service.decisions.model import DECIDERS, Decision
from voting_service.decisions.platforms import PLATFORM, contests_that_need_two
from voting_service.decisions.store import load_decisions
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.cookies import language
from voting_service.desk.rendering import page
from voting_service.desk.state import Desk, contest_of, desk_of
from voting_service.errors import InvalidInput, NotFound, TallyOfAnotherCluster, VotingError
from voting_service.staff.settings.preview import WIDTH, Span, spans, time_line
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries
from voting_service.web.changes_in_words import (
    in_words,
    setting_in_words,
    value_in_words,
)

PREFIX = "/contests/{slug}/settings"
READERS: tuple[Role, ...] = ("tally_clerk", "supervisor", "auditor")
"""The page shows today's votes, which are for those who answer for them."""
QUERIES = Queries(__package__)


class Row(msgspec.Struct, frozen=True):
    """A setting, its value in words, and why it cannot be changed now (None: it can)."""

    setting: Setting
    name: str
    value: str
    fixed: Why | None


class Waiting(msgspec.Struct, frozen=True):
    """A proposal: what would change, and whether it still fits. `sees` is what the public would
    see of the counts afterwards, where that changes."""

    decision: Decision
    name: str
    before: str
    after: str
    reason: str
    obstacle: str | None
    sees: list[Span | None]


@signed_in(*READERS)
async def settings_page(request: Request) -> Response:
    """Everything about the settings on one page."""
    desk, known, said = desk_of(request), visitor(request), language(request)
    now = desk.clock()
    async with desk.connection() as connection:
        contest = await load_contest(connection, contest_of(request).slug)
        decisions = await load_decisions(connection, contest.id)
        changes = await load_changes(connection, contest.id)
        platforms = await load_platforms(connection)
        try:
            votes = await votes_today(connection, contest, now)
        except TallyOfAnotherCluster:  # a platform can be switched off all the same
            votes = None
    marks, now_at = time_line(contest, now)
    people = {d.id: d for d in decisions}
    return page(
        request,
        "settings/settings.html",
        contest=contest,
        done=request.query_params.get("done", ""),
        stage=stage_of(contest, now),
        people=people_needed(contest, now),
        may_decide=known.account.role in DECIDERS,
        marks=marks,
        now_at=now_at,
        width=WIDTH,
        rows=[_row(contest, setting, now, said) for setting in SETTINGS],
        platforms=[
            (platform, None if votes is None else votes.get(platform.id, 0))
            for platform in platforms
        ],
        sees=spans(contest, now),
        waiting=[
            _waiting(contest, decision, platforms, now, said)
            for decision in decisions
            if decision.kind == "settings" and decision.state == "waiting"
        ],
        history=[
            (line, people.get(change.decision_id or 0))
            for line, change in reversed(
                list(zip(in_words(changes, contest, said), changes, strict=True))
            )
        ],
        public_url=desk.settings.public_url,
    )


async def votes_today(connection: AnyConnection, contest: Contest, now: datetime) -> dict[int, int]:
    today = now.astimezone(contest.zone).date()
    midnight = datetime.combine(today, time(), contest.zone)
    with domain_errors():
        rows = await connection.fetch(QUERIES["votes_by_platform"], contest.id, midnight)
    return {row["platform_id"]: row["ballots"] for row in rows}


def _row(contest: Contest, setting: Setting, now: datetime, said: Language) -> Row:
    value = value_in_words(setting, value_of(contest, setting), contest, said)
    name = setting_in_words(setting, said)
    return Row(setting, name, value, fixed_because(contest, setting, now))


def _waiting(
    contest: Contest,
    decision: Decision,
    platforms: tuple[Platform, ...],
    now: datetime,
    said: Language,
) -> Waiting:
    payload = decision.payload
    setting = payload["setting"]
    obstacle, sees = None, []
    if setting == PLATFORM:
        found = [p for p in platforms if p.slug == payload["to"]["slug"]]
        if not found or found[0].revision != payload["revision"]:
            obstacle = "stale"
    elif payload["revision"] != contest.revision:
        obstacle = "stale"
    else:
        try:
            after = changed(contest, setting, payload["to"], now, by=decision.proposer)
            sees = spans(after, now) if spans(after, now) != spans(contest, now) else []
        except ChangeRefused as refusal:
            obstacle = refusal.why
    return Waiting(
        decision,
        setting_in_words(setting, said),
        value_in_words(setting, payload["from"], contest, said, beside=payload["to"]),
        value_in_words(setting, payload["to"], contest, said),
        payload["reason"][said],
        obstacle,
        sees,
    )


@signed_in(*DECIDERS, step_up=True)
async def change_form(request: Request) -> Response:
    """Asks for a setting's new value and the reason."""
    return await setting_form(request, {})


async def setting_form(
    request: Request, filled: dict[str, str], error: VotingError | None = None
) -> Response:
    """The form as it was filled in, with what was wrong. Raises NotFound."""
    desk, said = desk_of(request), language(request)
    setting = setting_of(request)
    async with desk.connection() as connection:
        contest = await load_contest(connection, contest_of(request).slug)
    now = desk.clock()
    row = _row(contest, setting, now, said)
    value = value_of(contest, setting)
    if setting in {"publish_at", "opens_at", "closes_at"} and value is not None:
        local = datetime.fromisoformat(value).astimezone(contest.zone)
        value = local.replace(tzinfo=None, microsecond=0).isoformat(timespec="minutes")
    return page(
        request,
        "settings/change.html",
        status=200 if error is None else 422 if isinstance(error, InvalidInput) else 409,
        contest=contest,
        setting=setting,
        row=row,
        value=value,
        people=people_needed(contest, now),
        filled=filled,
        why=error.why if isinstance(error, ChangeRefused) else None,
        faults=_faults(error),
    )


def _faults(error: VotingError | None) -> list[str]:
    if isinstance(error, InvalidInput):
        return [str(fault) for fault in error.faults]
    return [str(error)] if error and not isinstance(error, ChangeRefused) else []


def setting_of(request: Request) -> Setting:
    """The setting of the path. Raises NotFound."""
    for setting in SETTINGS:
        if setting == request.path_params["setting"]:
            return setting
    raise NotFound("there is no such setting")


@signed_in(*DECIDERS, step_up=True)
async def platform_form(request: Request) -> Response:
    """Asks why a platform is to be switched."""
    return await switch_form(request, {})


async def switch_form(
    request: Request, filled: dict[str, str], error: VotingError | None = None
) -> Response:
    """The form as it was filled in, with what was wrong. Raises NotFound."""
    desk = desk_of(request)
    platform = await platform_of(request, desk)
    async with desk.connection() as connection:
        running = await contests_that_need_two(connection, desk.clock())
    return page(
        request,
        "settings/platform.html",
        status=200 if error is None else 422 if isinstance(error, InvalidInput) else 409,
        contest=contest_of(request),
        platform=platform,
        two=bool(running) and not platform.enabled,
        filled=filled,
        faults=_faults(error),
    )


async def platform_of(request: Request, desk: Desk) -> Platform:
    """The platform of the path. Raises NotFound."""
    async with desk.connection() as connection:
        for platform in await load_platforms(connection):
            if platform.slug == request.path_params["platform"]:
                return platform
    raise NotFound("there is no such platform")


ROUTES = [
    Route(PREFIX, settings_page),
    Route(f"{PREFIX}/change/{{setting}}", change_form),
    Route(f"{PREFIX}/platforms/{{platform}}", platform_form),
]
