"""The notices of the draw and of the fifty: made here, kept and shown elsewhere.

Each is handed to contests/notices.py as a whole; before it is, everything in it is looked through
for what must not become public.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Literal

from voting_service.accounts.model import Account
from voting_service.contests.lots import lot_order
from voting_service.contests.model import Text
from voting_service.contests.notices import (
    Draw,
    Notice,
    NoticeRow,
    PublishedNotice,
    load_notice,
    publish_notice,
)
from voting_service.decisions.model import Decision
from voting_service.errors import Fault, InvalidInput, NotFound, Refused
from voting_service.journal.record import record
from voting_service.office.disclosure import disclosures
from voting_service.office.model import Selection
from voting_service.office.picks.store import SEED, SOURCE, approved
from voting_service.office.review.reading import Dossier
from voting_service.storage.postgres import AnyConnection


def notice_slug(selection: Selection, kind: Literal["draw", "fifty", "result"]) -> str:
    """Under which a notice of the selection is published."""
    return f"{selection.slug}-{kind}"


def draw_of(
    selection: Selection, decisions: Sequence[Decision], tickets: Iterable[str]
) -> Draw | None:
    """The draw as far as it was decided; tickets in the order of their numbers once drawn."""
    source = approved(decisions, "draw", SOURCE)
    seed = approved(decisions, "draw", SEED)
    if source is None:
        return None
    drawn = None if seed is None else str(seed.payload["seed"])
    ordered = sorted(tickets) if drawn is None else lot_order(drawn, selection.slug, tickets)
    return Draw(
        source=Text(source.payload["zh"], source.payload["en"]),
        known_at=datetime.fromisoformat(source.payload["known_at"]),
        matter=selection.slug,
        seed=drawn,
        tickets=tuple(ordered),
    )


async def publish_draw(
    connection: AnyConnection, selection: Selection, account: Account, draw: Draw, now: datetime
) -> None:
    """Lets everybody know what will decide, and then what did; call it in the transaction of the
    decision."""
    notice = Notice(
        slug=notice_slug(selection, "draw"),
        kind="draw",
        title=Text(
            zh=f"{selection.title.zh}：候选人编号抽签",
            en=f"{selection.title.en}: draw of the candidates' numbers",
        ),
        rows=(),
        visible_from=now,
        draw=draw,
        time_zone=selection.rules.time_zone,
    )
    await _publish(connection, selection, account, notice, ())


def fifty_notice(
    selection: Selection,
    dossiers: Mapping[int, Dossier],
    numbers: Mapping[int, int | None],
    draw: Draw | None,
    now: datetime,
) -> Notice:
    """The notice of those who stand now. Raises Refused before numbers are drawn, InvalidInput
    when something in it must not become public."""
    faults: list[Fault] = []
    rows = []
    for number, recommendation in sorted((drawn or 0, id_) for id_, drawn in numbers.items()):
        if not number:
            raise Refused("draw the numbers first", zh="请先抽定编号。")
        dossier = dossiers[recommendation]
        form = dossier.form
        faults.extend(
            Fault(f"recommendation {recommendation}: {fault.field}", fault.message, fault.zh)
            for fault in disclosures(
                {"name": form.name, "trade": form.trade, "employer": form.employer}, known=form
            )
        )
        rows.append(
            NoticeRow(
                number=number,
                name=form.name,
                trade=form.trade,
                employer=form.employer,
                body=dossier.body.name,
                ticket=_drawn_ticket(dossier, draw),
            )
        )
    if not rows:
        raise Refused("nobody was chosen yet", zh="尚未确定人选。")
    if faults:
        raise InvalidInput(*faults)
    return Notice(
        slug=notice_slug(selection, "fifty"),
        kind="fifty",
        title=Text(
            zh=f"{selection.title.zh}候选人公示", en=f"{selection.title.en}: the candidates"
        ),
        text=_text(selection),
        rows=tuple(rows),
        visible_from=now,
        objections_until=end_of_period(selection, now),
        how_to_object=selection.rules.contact or _WRITE,
        draw=draw,
        time_zone=selection.rules.time_zone,
    )


def _drawn_ticket(dossier: Dossier, draw: Draw | None) -> str | None:
    """Nobody's who came instead of somebody else: they have that one's number."""
    ticket = dossier.form_sha256.hex()
    return ticket if draw is None or ticket in draw.tickets else None


_WRITE = Text(
    zh="请以书面形式向市高技办提出，写明姓名、联系方式和具体事实，以便核实。",
    en="Write to the joint office with your name, how to reach you, and the facts, so that they "
    "can be looked into.",
)


def _text(selection: Selection) -> Text:
    days = selection.rules.notice_days
    return Text(
        zh=f"经各区县、市级部门推荐和市高技办审核，下列人员拟作为候选人参加公众投票，"
        f"现公示 {days} 天。公示期内，任何人均可提出异议。",
        en="Recommended by districts and departments and reviewed by the joint office, these "
        f"people are to stand for the public vote. For {days} days anybody may object.",
    )


def end_of_period(selection: Selection, start: datetime) -> datetime:
    """The midnight, local time, after as many whole days as were announced."""
    day = start.astimezone(selection.zone).date() + timedelta(days=selection.rules.notice_days + 1)
    return datetime.combine(day, time(), selection.zone)


async def publish_fifty(
    connection: AnyConnection,
    selection: Selection,
    account: Account,
    notice: Notice,
    keys: Iterable[int],
) -> None:
    """Publishes the notice. Raises Refused when it says what the last one says: publishing again
    would only make the period longer."""
    now = notice.visible_from
    last = await shown_notice(connection, notice.slug, now)
    if last is not None and last.notice.rows == notice.rows:
        raise Refused("exactly this was published already", zh="相同内容已经公示，无须重复发布。")
    async with connection.transaction():
        await _publish(connection, selection, account, notice, keys)


async def _publish(
    connection: AnyConnection,
    selection: Selection,
    account: Account,
    notice: Notice,
    keys: Iterable[int],
) -> None:
    version = await publish_notice(connection, notice, keys)
    await record(
        connection, account.name, "notice_published", contest=selection.slug,
        subject=f"notice {notice.slug}", details={"version": version, "people": len(notice.rows)},
    )  # fmt: skip


async def shown_notice(
    connection: AnyConnection, slug: str, now: datetime
) -> PublishedNotice | None:
    """The newest version, None as long as there is none."""
    try:
        return await load_notice(connection, slug, now)
    except NotFound:
        return None
