"""The chosen in Postgres, and what was decided about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from voting_service.accounts.model import Account
from voting_service.contests.lots import plain_drawn
from voting_service.contests.model import Text
from voting_service.decisions.model import Decision
from voting_service.decisions.store import load_selection_decisions, propose
from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.office.disclosure import disclosures
from voting_service.office.model import Selection
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__)
FIFTY, SOURCE, SEED, CONTEST = "fifty", "source", "seed", "contest"
MAX_SOURCE_CHARACTERS = 300


class Pick(msgspec.Struct, frozen=True):
    """Somebody who was chosen, by the decision `decision_id`; `number` once drawn."""

    recommendation_id: int
    number: int | None
    is_removed: bool
    decision_id: int


async def load_picks(connection: AnyConnection, selection: Selection) -> tuple[Pick, ...]:
    """By number; whoever an objection removed stands last."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["picks"], selection.id)
    return tuple(msgspec.convert(dict(row), Pick) for row in rows)


def drawn_set(picks: Iterable[Pick]) -> list[int]:
    """The recommendations whose tickets the draw puts in order: once numbers are drawn, who had
    each of them first, since whoever comes instead of somebody takes over the number."""
    known = sorted(picks, key=lambda pick: pick.decision_id)
    first: dict[int, int] = {}
    for pick in known:
        if pick.number is not None:
            first.setdefault(pick.number, pick.recommendation_id)
    return list(first.values()) or [p.recommendation_id for p in known if not p.is_removed]


async def load_numbers(connection: AnyConnection, selection: Selection) -> Mapping[int, int | None]:
    """Of those who stand: their number by recommendation."""
    picks = await load_picks(connection, selection)
    return {pick.recommendation_id: pick.number for pick in picks if not pick.is_removed}


async def propose_picks(
    connection: AnyConnection,
    selection: Selection,
    account: Account,
    recommendations: Iterable[int],
    *,
    now: datetime,
) -> int:
    """The decision's id. Raises InvalidInput unless exactly as many are named as were announced;
    whether they were accepted is for the database to say when it is approved."""
    chosen = sorted(set(recommendations))
    wanted = selection.rules.picks
    if len(chosen) != wanted:
        raise InvalidInput(
            Fault(
                "recommendation",
                f"choose exactly {wanted}; {len(chosen)} are chosen",
                f"须选定 {wanted} 人，现选了 {len(chosen)} 人。",
            )
        )
    if now < selection.closes_at:
        raise Refused(
            "recommending is not over yet; choose when everything has been reviewed",
            zh="推荐尚未截止，请在审核全部完毕后再确定人选。",
        )
    return await propose(
        connection, selection, account, kind="picks", subject=FIFTY,
        payload={"recommendations": chosen}, now=now,
    )  # fmt: skip


async def propose_replacement(
    connection: AnyConnection,
    selection: Selection,
    account: Account,
    *,
    objection: int,
    remove: int,
    add: int,
    now: datetime,
) -> int:
    """Somebody else instead of whom an upheld objection is about; they get the same number."""
    return await propose(
        connection, selection, account, kind="picks", subject=f"objection/{objection}",
        payload={"remove": remove, "add": add}, now=now,
    )  # fmt: skip


async def propose_source(
    connection: AnyConnection,
    selection: Selection,
    account: Account,
    *,
    source: Text,
    known_at: datetime,
    now: datetime,
) -> int:
    """What will decide the numbers, named before anybody can know it; it becomes public. Raises
    InvalidInput."""
    faults = [
        Fault(field, f"must be 1 to {MAX_SOURCE_CHARACTERS} characters", "请写明号码来源。")
        for field, text in (("source_zh", source.zh), ("source_en", source.en))
        if not 1 <= len(text.strip()) <= MAX_SOURCE_CHARACTERS
    ]
    faults.extend(disclosures({"source_zh": source.zh, "source_en": source.en}))
    if known_at <= now:
        faults.append(
            Fault("known_at", "must be ahead: nobody may know it yet", "揭晓时间须晚于现在。")
        )
    if faults:
        raise InvalidInput(*faults)
    payload = {**msgspec.to_builtins(source), "known_at": known_at.isoformat()}
    return await propose(
        connection, selection, account, kind="draw", subject=SOURCE, payload=payload, now=now
    )


async def propose_seed(
    connection: AnyConnection,
    selection: Selection,
    account: Account,
    *,
    drawn: str,
    now: datetime,
) -> int:
    """The digits that the source gave. Raises InvalidInput for what is no number."""
    source = approved(await load_selection_decisions(connection, selection.id), "draw", SOURCE)
    if source is None or now < datetime.fromisoformat(source.payload["known_at"]):
        raise Refused(
            "first two people name the source, and it must be known by now",
            zh="须先由两人公布号码来源，并等到揭晓之后再录入。",
        )
    return await propose(
        connection, selection, account, kind="draw", subject=SEED,
        payload={"seed": plain_drawn(drawn)}, now=now,
    )  # fmt: skip


def approved(decisions: Sequence[Decision], kind: str, subject: str) -> Decision | None:
    """The one that stands about this, if there is."""
    for decision in decisions:
        if (decision.kind, decision.subject) == (kind, subject) and decision.state == "approved":
            return decision
    return None


async def hand_over_blocked(connection: AnyConnection, selection: Selection) -> str | None:
    """`numbers`, `notice`, `objections`, `replacement` or `period`; None when nothing does."""
    with domain_errors():
        reason: str | None = await connection.fetchval(QUERIES["blocked"], selection.id)
    return reason
