"""Papers that take a while: asked for, made in the background, kept until somebody fetches them.

Each is made of what the stores hold at that moment; how far it is stands in its row, so that any
process can show it. One whose process ended is shown as interrupted, and started again by hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec
import structlog

from voting_service.accounts.model import Account
from voting_service.contests.model import Language, Text
from voting_service.desk.state import Desk
from voting_service.errors import InvalidInput, NotFound, VotingError
from voting_service.office.announcement.album_contents import gather_album
from voting_service.office.announcement.gathering import (
    QUERIES,
    gather_certificates,
    gather_summary,
)
from voting_service.office.model import Selection
from voting_service.office.panel.model import Panel
from voting_service.office.panel.outcome import load_outcome
from voting_service.office.panel.store import load_panel
from voting_service.office.printing.album import album, too_coarse_for_print
from voting_service.office.printing.certificate import certificates
from voting_service.office.printing.pictures import PRINT_DPI
from voting_service.office.printing.summary_report import summary_report
from voting_service.office.sealing import PersonalKeys
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.typesetting.compile import in_background

Kind = Literal["certificates", "album_print", "album_web", "report"]
KINDS: Mapping[str, Kind] = {
    "certificates": "certificates",
    "album_print": "album_print",
    "album_web": "album_web",
    "report": "report",
}
STEPS = 3
"""Gathered, set, kept."""
GIVEN_UP_AFTER = timedelta(minutes=10)
_FAULT = Text(
    "制作失败，请联系技术人员查看系统日志。", "It could not be made; ask who runs the service."
)

log = structlog.get_logger()

Press = Callable[[], bytes]
Gathered = tuple[Press, Text | None]
"""How it is set, and what whoever asked for it should know."""


class Paper(msgspec.Struct, frozen=True):
    """One that was asked for; `asked_by` is an account's name."""

    id: int
    kind: str
    language: Language
    asked_by: str
    asked_at: datetime
    steps: int
    steps_done: int
    finished_at: datetime | None
    failure: Text | None
    remark: Text | None

    def state(self, now: datetime) -> Literal["working", "made", "failed", "stopped"]:
        if self.finished_at is not None:
            return "made" if self.failure is None else "failed"
        return "working" if now < self.asked_at + GIVEN_UP_AFTER else "stopped"


async def load_papers(connection: AnyConnection, selection: Selection) -> tuple[Paper, ...]:
    """The newest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["papers"], selection.id)
    return tuple(msgspec.convert(dict(row), Paper) for row in rows)


async def load_paper(
    connection: AnyConnection, selection: Selection, paper_id: int
) -> tuple[str, Language, bytes, int | None]:
    """Kind, language, the PDF, and of which version of the result it was made. Raises NotFound
    until it is."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["paper"], selection.id, paper_id)
    if row is None:
        raise NotFound("this paper is not there", zh="没有这份文件，或尚未制作完成。")
    return row["kind"], row["language"], row["content"], row["result_version"]


async def ask_for(
    connection: AnyConnection,
    selection: Selection,
    account: Account,
    *,
    kind: Kind,
    language: Language,
    now: datetime,
) -> int:
    """The row that `make` will fill."""
    with domain_errors():
        paper_id: int = await connection.fetchval(
            QUERIES["insert_paper"], selection.id, kind, language, account.id, now, STEPS
        )
    return paper_id


async def make(
    desk: Desk, selection: Selection, paper_id: int, kind: Kind, language: Language
) -> None:
    """Makes it, and says in its row how far it is, or what is wrong and what to do about it."""
    try:
        # One snapshot: the version noted is the one that was gathered.
        async with (
            desk.connection() as connection,
            connection.transaction(isolation="repeatable_read"),
        ):
            panel = await load_panel(connection, selection, desk.clock())
            press, remark = await _GATHERERS[kind](connection, desk, panel, language)
            await connection.execute(
                QUERIES["paper_gathered"], paper_id, msgspec.to_builtins(remark)
            )
        content = await in_background(press)
        async with desk.connection() as connection:
            await connection.execute(QUERIES["paper_progress"], paper_id, 2)
        await _finish(desk, paper_id, content, None)
    except VotingError as error:
        await _finish(desk, paper_id, None, _said(error))
    except Exception:
        log.exception("a paper could not be made", paper=paper_id, kind=kind)
        await _finish(desk, paper_id, None, _FAULT)


async def _finish(desk: Desk, paper_id: int, content: bytes | None, failure: Text | None) -> None:
    """An album for print may be large, so it has more time than other statements."""
    async with desk.long_connection(60) as connection:
        stated = None if failure is None else msgspec.to_builtins(failure)
        await connection.execute(QUERIES["finish_paper"], paper_id, content, stated, desk.clock())


def _said(error: VotingError) -> Text:
    faults = error.faults if isinstance(error, InvalidInput) else ()
    zh = "".join(fault.zh for fault in faults) or error.zh or str(error)
    return Text(zh, str(error))


async def _certificates(
    connection: AnyConnection, desk: Desk, panel: Panel, _language: Language
) -> Gathered:
    batch = await gather_certificates(connection, panel, desk.settings.public_url)
    return lambda: certificates(batch), None


async def _album_for_print(
    connection: AnyConnection, desk: Desk, panel: Panel, language: Language
) -> Gathered:
    contents = await gather_album(connection, PersonalKeys.of(desk.settings), panel)
    coarse = await asyncio.to_thread(too_coarse_for_print, contents)
    return lambda: album(contents, language, for_print=True), _coarse_pictures(coarse)


def _coarse_pictures(coarse: Mapping[str, int]) -> Text | None:
    if not coarse:
        return None
    named = [f"{name} ({dots} dpi)" for name, dots in coarse.items()]
    return Text(
        f"以下照片低于印刷所需的 {PRINT_DPI} dpi，请上传更大的照片：{'、'.join(named)}。",
        f"These portraits have less than the {PRINT_DPI} dpi that print needs; send larger ones: "
        f"{', '.join(named)}.",
    )


async def _album_for_web(
    connection: AnyConnection, desk: Desk, panel: Panel, language: Language
) -> Gathered:
    contents = await gather_album(connection, PersonalKeys.of(desk.settings), panel)
    return lambda: album(contents, language, for_print=False), None


async def _report(
    connection: AnyConnection, desk: Desk, panel: Panel, language: Language
) -> Gathered:
    outcome = await load_outcome(connection, panel)
    summary = await gather_summary(connection, PersonalKeys.of(desk.settings), panel, outcome)
    return lambda: summary_report(summary, language), None


_GATHERERS: Mapping[Kind, Callable[[AnyConnection, Desk, Panel, Language], Awaitable[Gathered]]] = {
    "certificates": _certificates,
    "album_print": _album_for_print,
    "album_web": _album_for_web,
    "report": _report,
}
