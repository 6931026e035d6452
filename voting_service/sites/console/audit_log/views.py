"""The audit log, newest entries first, and its integrity."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from voting_service.errors import (
    Fault,
    InvalidInput,
    Refused,
    StoreUnavailable,
)
from voting_service.i18n.catalogues import load_catalogue
from voting_service.sites.console.audit_log.subject_links import Subject, read_subject
from voting_service.sites.console.contests import contest_cache
from voting_service.sites.console.tally_reads import READERS as TALLY_READERS
from voting_service.sites.shared.downloads import content_disposition
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import StaffState, get_state
from voting_service.staff.accounts.model import (
    STAFF,
    Role,
)
from voting_service.staff.audit_log.hash_chain import Head
from voting_service.staff.audit_log.json_lines import encode_entry
from voting_service.staff.audit_log.model import ACTS, Entry
from voting_service.staff.audit_log.repository import (
    PAGE,
    Filters,
    entries_after,
    load_actors,
    search,
)
from voting_service.staff.audit_log.service import begin_log_export
from voting_service.staff.audit_log.verification import (
    check_whole,
    load_checks,
)

READERS: tuple[Role, ...] = ("auditor", "supervisor", "administrator")
"""Roles that see all entries; the others see their own."""
CHECK_SECONDS = 60.0
MAX_WORDS = 200
_FIELDS = ("actor", "act", "contest", "words", "from", "to")
_ENTRY = re.compile(r"[1-9][0-9]{0,17}")


class LogLine(msgspec.Struct, frozen=True):
    """An entry as the page shows it: `details` are the leaves, each with the keys leading to it."""

    entry: Entry
    subject: Subject
    details: list[tuple[str, str]]


@signed_in(*STAFF)
async def audit_log_page(request: Request) -> Response:
    """Show one page of the entries that match."""
    state, account = get_state(request), current_user(request).account
    sees_all = account.role in READERS
    query = {name: request.query_params.get(name, "").strip() for name in (*_FIELDS, "before")}
    filters = _filters(query, state)
    if not sees_all:
        filters = msgspec.structs.replace(filters, actor=account.name)
    before = query["before"]
    if before and not _ENTRY.fullmatch(before):
        raise InvalidInput(Fault("before", "sites.console.audit_log.entry_number"))
    async with state.connection() as connection:
        entries = await _search(connection, filters, int(before) if before else None)
        checks = await load_checks(connection) if sees_all else {}
        actors = await load_actors(connection) if sees_all else []
    lines = [show_line(entry) for entry in entries[:PAGE]]
    here = {name: query[name] for name in _FIELDS if query[name]}
    more = urlencode({**here, "before": lines[-1].entry.entry}) if len(entries) > PAGE else ""
    return page(
        request,
        "audit_log/audit_log.html",
        lines=lines,
        asked=query,
        acts=ACTS,
        actors=actors,
        contests=sorted(contest_cache(request).contests),
        sees_all=sees_all,
        may_look=account.role in TALLY_READERS,
        checks=sorted(checks.values(), key=lambda check: check.checked_at, reverse=True),
        head=max((check.head for check in checks.values()), default=None),
        more=more,
        newest=urlencode(here) if before else None,
    )


def show_line(entry: Entry) -> LogLine:
    """Return an entry as the page shows it, whatever its details are."""
    facts = entry.facts
    subject = read_subject(entry.contest, entry.subject, facts.get("kind"))
    return LogLine(entry, subject, list(_leaves(facts)))


async def _search(connection: Any, filters: Filters, before: int | None) -> list[Entry]:
    try:
        return await search(connection, filters, before=before, limit=PAGE + 1)
    except StoreUnavailable as error:
        if filters.words is None:
            raise
        raise Refused("sites.console.audit_log.search_too_slow") from error


def _filters(query: Mapping[str, str], state: StaffState) -> Filters:
    """Return the filters. Raises InvalidInput for an invalid date or too many words."""
    words = query["words"] or None
    if words is not None and (len(words) > MAX_WORDS or not words.isprintable()):
        raise InvalidInput(
            Fault("words", "sites.console.audit_log.words_length", max_words=MAX_WORDS)
        )
    return Filters(
        actor=_text(query, "actor"),
        act=_text(query, "act"),
        contest=_text(query, "contest"),
        words=words,
        since=_day(query, "from", state, timedelta(0)),
        until=_day(query, "to", state, timedelta(days=1)),
    )


def _text(query: Mapping[str, str], name: str) -> str | None:
    value = query[name] or None
    if value is not None and "\0" in value:
        raise InvalidInput(Fault(name, "sites.console.audit_log.zero_byte"))
    return value


def _day(
    query: Mapping[str, str], name: str, state: StaffState, after: timedelta
) -> datetime | None:
    """Return the day's first moment in the default time zone, plus `after`."""
    value = query[name]
    if not value:
        return None
    try:
        return datetime.combine(date.fromisoformat(value) + after, time(), state.default_zone())
    except (ValueError, OverflowError):
        raise InvalidInput(Fault(name, "sites.console.audit_log.date_format")) from None


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and not isinstance(value[0], (dict, list)):
        yield path, ", ".join(_leaf(inner) for inner in value)
    elif isinstance(value, list):
        for place, inner in enumerate(value, start=1):
            yield from _leaves(inner, f"{path}.{place}")
    elif value != {}:
        yield path, _leaf(value)


def _leaf(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


@signed_in(*READERS)
async def check_now(request: Request) -> Response:
    """Recompute the whole chain."""
    await read_form(request)
    state = get_state(request)
    async with state.long_connection(CHECK_SECONDS) as connection:
        await check_whole(connection, state.clock())
    return RedirectResponse("/audit-log#chain", 303)


@signed_in(*READERS, step_up=True)
async def export(request: Request) -> Response:
    """Return the audit log as a file for `audit-log verify --file`.

    The export is recorded before the first byte, with the hash of the newest entry in it.
    """
    await read_form(request)
    state, account = get_state(request), current_user(request).account
    async with state.connection() as connection:
        head = await begin_log_export(connection, account.name)
    what = load_catalogue("audit_log", language(request))["title"]
    return StreamingResponse(
        _lines(state, head),
        media_type="application/x-ndjson",
        headers={
            "content-disposition": content_disposition(f"{what}-{head.entry}.jsonl"),
            "cache-control": "no-store",
        },
    )


async def _lines(state: StaffState, head: Head) -> AsyncIterator[bytes]:
    async with state.connection() as connection:
        async for batch in entries_after(connection):
            yield b"".join(encode_entry(entry) for entry in batch if entry.entry <= head.entry)
            if batch[-1].entry >= head.entry:
                return


ROUTES = [
    Route("/audit-log", audit_log_page),
    Route("/audit-log/check", check_now, methods=["POST"]),
    Route("/audit-log/export", export, methods=["POST"]),
]
