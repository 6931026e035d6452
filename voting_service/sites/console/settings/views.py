"""Pages of a contest's settings."""

from __future__ import annotations

from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.contests.model import Contest, Logo, Platform
from voting_service.contests.repository import load_contest, load_platforms
from voting_service.contests.settings import approval_kinds
from voting_service.contests.settings.approval_kinds import PLATFORM
from voting_service.contests.settings.descriptions import (
    TermsChange,
    describe_changes,
    describe_platform_change,
    describe_value,
    setting_name,
)
from voting_service.contests.settings.model import (
    SETTINGS,
    ChangeRefused,
    Setting,
    Why,
    change_stage,
    changed,
    people_needed,
    setting_value,
    why_fixed,
)
from voting_service.contests.settings.repository import load_changes
from voting_service.errors import InvalidInput, NotFound, VotingError
from voting_service.i18n.text import Language
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.sites.console.contests import contest_from_path
from voting_service.sites.console.organisers import (
    count_rows,
    show_organisers,
    without_gaps,
)
from voting_service.sites.console.settings.release_preview import (
    WIDTH,
    VisibleSpan,
    spans,
    time_line,
)
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import (
    get_state,
)
from voting_service.sites.shared.signed_in.uploads import PICTURE_TYPES
from voting_service.staff.accounts.model import Role
from voting_service.staff.approvals.model import DECIDERS, ApprovalRequest
from voting_service.staff.approvals.repository import load_contest_approvals
from voting_service.voting.tally.errors import TallyOfAnotherCluster
from voting_service.voting.tally.repository import count_ballots_by_platform

PREFIX = "/contests/{slug}/settings"
CHANGES = {approval_kinds.SETTINGS.name, PLATFORM.name}
"""The kinds of requests that are decided on this page."""
READERS: tuple[Role, ...] = ("tally_clerk", "supervisor", "auditor")
"""Roles that may see the page: it shows today's votes."""


class SettingRow(msgspec.Struct, frozen=True):
    """A setting, its value as text, and why it cannot be changed now (None: it can)."""

    setting: Setting
    name: str
    value: str
    fixed: Why | None


class ProposedSetting(msgspec.Struct, frozen=True):
    """A proposal: its title, what would change, and whether it still fits. `sees` is what the
    public would see of the counts afterwards, where that changes."""

    approval: ApprovalRequest
    title: str
    terms: list[TermsChange]
    reason: str
    obstacle: str | None
    sees: list[VisibleSpan | None]
    logo: Logo | None = None


@signed_in(*READERS)
async def settings_page(request: Request) -> Response:
    """Show all settings, proposed changes and the history."""
    state, user, language_code = get_state(request), current_user(request), language(request)
    now = state.clock()
    async with state.connection() as connection:
        contest = await load_contest(connection, contest_from_path(request).slug)
        approvals = await load_contest_approvals(connection, contest.id)
        changes = await load_changes(connection, contest.id)
        platforms = await load_platforms(connection)
        try:
            votes = await votes_today(connection, contest, now)
        except TallyOfAnotherCluster:  # a platform can be switched off all the same
            votes = None
    marks, now_at = time_line(contest, now)
    people = {d.id: d for d in approvals}
    return page(
        request,
        "settings/settings.html",
        contest=contest,
        stage=change_stage(contest, now),
        people=people_needed(contest, now),
        may_decide=user.account.role in DECIDERS,
        marks=marks,
        now_at=now_at,
        width=WIDTH,
        rows=[_row(contest, setting, now, language_code) for setting in SETTINGS],
        platforms=[
            (platform, None if votes is None else votes.get(platform.id, 0))
            for platform in platforms
        ],
        sees=spans(contest, now),
        waiting=[
            _waiting(contest, approval, platforms, now, language_code)
            for approval in approvals
            if approval.kind in CHANGES and approval.state == "waiting" and approval.is_readable
        ],
        history=[
            (line, people.get(change.approval_id or 0))
            for line, change in reversed(
                list(zip(describe_changes(changes, contest, language_code), changes, strict=True))
            )
        ],
        public_url=state.settings.public_url,
    )


async def votes_today(connection: AnyConnection, contest: Contest, now: datetime) -> dict[int, int]:
    """Return the ballots cast today in the contest's time zone, by the platform's id."""
    return await count_ballots_by_platform(connection, contest.id, contest.midnight_before(now))


def _row(contest: Contest, setting: Setting, now: datetime, language_code: Language) -> SettingRow:
    value = describe_value(setting, setting_value(contest, setting), contest, language_code)
    name = setting_name(setting, language_code)
    return SettingRow(setting, name, value, why_fixed(contest, setting, now))


def _waiting(
    contest: Contest,
    approval: ApprovalRequest,
    platforms: tuple[Platform, ...],
    now: datetime,
    language_code: Language,
) -> ProposedSetting:
    if approval.kind == PLATFORM.name:
        return _waiting_platform(approval, platforms, language_code)
    payload = approval.payload
    setting = payload["setting"]
    obstacle, sees = None, []
    if payload["revision"] != contest.revision:
        obstacle = "stale"
    else:
        try:
            after = changed(contest, setting, payload["to"], now, by=approval.proposer)
            sees = spans(after, now) if spans(after, now) != spans(contest, now) else []
        except ChangeRefused as refusal:
            obstacle = refusal.why
    name = setting_name(setting, language_code)
    term = TermsChange(
        name,
        describe_value(setting, payload["from"], contest, language_code, beside=payload["to"]),
        describe_value(setting, payload["to"], contest, language_code),
    )
    logo = msgspec.convert(payload["to"], Logo | None) if setting == "logo" else None
    return ProposedSetting(
        approval, name, [term], payload["reason"][language_code], obstacle, sees, logo
    )


def _waiting_platform(
    approval: ApprovalRequest, platforms: tuple[Platform, ...], language_code: Language
) -> ProposedSetting:
    payload = PLATFORM.read(approval)
    revision = next((p.revision for p in platforms if p.slug == payload.slug), 0)
    return ProposedSetting(
        approval,
        PLATFORM.describe(approval, language_code, subject=payload.slug),
        describe_platform_change(payload, language_code),
        getattr(payload.reason, language_code),
        None if revision == payload.revision else "stale",
        [],
        None
        if payload.before and payload.before.logo == payload.after.logo
        else payload.after.logo,
    )


@signed_in(*DECIDERS, step_up=True)
async def change_form(request: Request) -> Response:
    """Ask for a setting's new value and the reason."""
    return await setting_form(request, {})


async def setting_form(
    request: Request, filled: dict[str, str], error: VotingError | None = None
) -> Response:
    """Return the form as it was filled in, with what was wrong. Raises NotFound."""
    state, reader = get_state(request), language(request)
    setting = setting_from_path(request)
    async with state.connection() as connection:
        contest = await load_contest(connection, contest_from_path(request).slug)
    now = state.clock()
    row = _row(contest, setting, now, reader)
    value = setting_value(contest, setting)
    if setting in {"publish_at", "opens_at", "closes_at"} and value is not None:
        local = datetime.fromisoformat(value).astimezone(contest.zone)
        value = local.replace(tzinfo=None, microsecond=0).isoformat(timespec="minutes")
    shown = filled
    if setting == "organisers":
        shown = without_gaps(filled) if filled else show_organisers(value)
    return page(
        request,
        "settings/change.html",
        status=200 if error is None else 422 if isinstance(error, InvalidInput) else 409,
        contest=contest,
        setting=setting,
        row=row,
        value=value,
        people=people_needed(contest, now),
        filled=shown,
        organiser_rows=count_rows(shown),
        picture_types=PICTURE_TYPES,
        why=error.why if isinstance(error, ChangeRefused) else None,
        faults=form_faults(error, reader),
    )


def form_faults(error: VotingError | None, reader: Language) -> list[str]:
    """Return what was wrong with a form."""
    if isinstance(error, InvalidInput):
        return [fault.text(reader) if reader == "zh" else str(fault) for fault in error.faults]
    return [error.text(reader)] if error and not isinstance(error, ChangeRefused) else []


def setting_from_path(request: Request) -> Setting:
    """Return the setting named in the address. Raises NotFound."""
    for setting in SETTINGS:
        if setting == request.path_params["setting"]:
            return setting
    raise NotFound("sites.console.settings.no_such_setting")


ROUTES = [
    Route(PREFIX, settings_page),
    Route(f"{PREFIX}/change/{{setting}}", change_form),
]
