"""What the staff did, newest first, and whether the chain of it is whole."""

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

from voting_service.accounts.model import STAFF, Account, Role
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.forms import read_form
from voting_service.desk.rendering import page, zone_of
from voting_service.desk.state import Desk, desk_of
from voting_service.errors import Fault, InvalidInput, Refused, StoreUnavailable
from voting_service.journal.chain import Head
from voting_service.journal.checking import check_whole, load_checks, load_head
from voting_service.journal.file import line_of
from voting_service.journal.model import ACTS, Entry
from voting_service.journal.reading import (
    PAGE,
    Filters,
    entries_after,
    load_actors,
    search,
)
from voting_service.journal.record import record
from voting_service.staff.journal.subjects import Subject, read_subject
from voting_service.staff.tally.reading import READERS as TALLY_READERS

READERS: tuple[Role, ...] = ("auditor", "supervisor", "administrator")
"""They see everybody's acts; the others see their own."""
CHECK_SECONDS = 60.0
MAX_WORDS = 200
_FIELDS = ("actor", "act", "contest", "words", "from", "to")
_ENTRY = re.compile(r"[1-9][0-9]{0,17}")


class Line(msgspec.Struct, frozen=True):
    """An entry as the page shows it: `details` are the leaves, each with the keys that lead
    to it."""

    entry: Entry
    subject: Subject
    details: list[tuple[str, str]]


@signed_in(*STAFF)
async def journal_page(request: Request) -> Response:
    """The newest lines that fit, a page of them."""
    desk, account = desk_of(request), visitor(request).account
    sees_all = account.role in READERS
    asked = {name: request.query_params.get(name, "").strip() for name in (*_FIELDS, "before")}
    filters = _filters(asked, desk)
    if not sees_all:
        filters = msgspec.structs.replace(filters, actor=account.name)
    before = asked["before"]
    if before and not _ENTRY.fullmatch(before):
        raise InvalidInput(Fault("before", "must be a line's number"))
    async with desk.connection() as connection:
        found = await _search(connection, filters, int(before) if before else None)
        checks = await load_checks(connection) if sees_all else {}
        actors = await load_actors(connection) if sees_all else []
    lines = [line_shown(entry) for entry in found[:PAGE]]
    here = {name: asked[name] for name in _FIELDS if asked[name]}
    more = urlencode({**here, "before": lines[-1].entry.entry}) if len(found) > PAGE else ""
    return page(
        request,
        "journal/journal.html",
        lines=lines,
        asked=asked,
        acts=ACTS,
        actors=actors,
        contests=sorted(desk.registry.contests),
        sees_all=sees_all,
        may_look=account.role in TALLY_READERS,
        checks=sorted(checks.values(), key=lambda check: check.checked_at, reverse=True),
        head=max((check.head for check in checks.values()), default=None),
        more=more,
        newest=urlencode(here) if before else None,
    )


def line_shown(entry: Entry) -> Line:
    """A line for the page, whatever its details are."""
    facts = entry.facts
    subject = read_subject(entry.contest, entry.subject, facts.get("kind"))
    return Line(entry, subject, list(_leaves(facts)))


async def _search(connection: Any, filters: Filters, before: int | None) -> list[Entry]:
    try:
        return await search(connection, filters, before=before, limit=PAGE + 1)
    except StoreUnavailable as error:
        if filters.words is None:
            raise
        raise Refused(
            "looking for these words took too long; say also from when to when, or who",
            zh="查找这些关键词耗时过长，请同时限定起止日期或操作人。",
        ) from error


def _filters(asked: Mapping[str, str], desk: Desk) -> Filters:
    """Raises InvalidInput for a day that is none, or too many words."""
    words = asked["words"] or None
    if words is not None and (len(words) > MAX_WORDS or not words.isprintable()):
        raise InvalidInput(
            Fault(
                "words",
                f"must be at most {MAX_WORDS} printable characters",
                f"关键词最多 {MAX_WORDS} 个字。",
            )
        )
    return Filters(
        actor=_text(asked, "actor"),
        act=_text(asked, "act"),
        contest=_text(asked, "contest"),
        words=words,
        since=_day(asked, "from", desk, timedelta(0)),
        until=_day(asked, "to", desk, timedelta(days=1)),
    )


def _text(asked: Mapping[str, str], name: str) -> str | None:
    value = asked[name] or None
    if value is not None and "\0" in value:
        raise InvalidInput(Fault(name, "holds a zero byte"))
    return value


def _day(asked: Mapping[str, str], name: str, desk: Desk, after: timedelta) -> datetime | None:
    """The day's first moment by the desk's clock, `after` later."""
    value = asked[name]
    if not value:
        return None
    try:
        return datetime.combine(date.fromisoformat(value) + after, time(), zone_of(desk))
    except (ValueError, OverflowError):
        raise InvalidInput(
            Fault(name, "must be a day such as 2022-07-18", "日期应写成 2022-07-18 的形式。")
        ) from None


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
    """Recomputes the whole chain."""
    await read_form(request)
    desk = desk_of(request)
    async with desk.long_connection(CHECK_SECONDS) as connection:
        await check_whole(connection, desk.clock())
    return RedirectResponse("/journal#chain", 303)


@signed_in(*READERS, step_up=True)
async def export(request: Request) -> Response:
    """The journal as a file for `journal verify --file`. Recorded before the first byte; the head
    that is noted there says by its hash what was given out."""
    await read_form(request)
    desk, account = desk_of(request), visitor(request).account
    head = await _record_export(desk, account)
    return StreamingResponse(
        _lines(desk, head),
        media_type="application/x-ndjson",
        headers={
            "content-disposition": f'attachment; filename="journal-{head.entry}.jsonl"',
            "cache-control": "no-store",
        },
    )


async def _record_export(desk: Desk, account: Account) -> Head:
    async with desk.connection() as connection, connection.transaction():
        head = await load_head(connection)
        await record(
            connection, account.name, "exported", subject="journal", details={"head": str(head)}
        )
    return head


async def _lines(desk: Desk, head: Head) -> AsyncIterator[bytes]:
    async with desk.connection() as connection:
        async for batch in entries_after(connection):
            yield b"".join(line_of(entry) for entry in batch if entry.entry <= head.entry)
            if batch[-1].entry >= head.entry:
                return


ROUTES = [
    Route("/journal", journal_page),
    Route("/journal/check", check_now, methods=["POST"]),
    Route("/journal/export", export, methods=["POST"]),
]
