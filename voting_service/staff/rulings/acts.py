"""What people do about holds: put ballots in question, propose, approve, decline."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.contests.model import Text
from voting_service.decisions.model import DECIDERS
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.forms import read_form, read_form_lists
from voting_service.desk.state import contest_of, desk_of
from voting_service.errors import Fault, InvalidInput
from voting_service.rulings.holds import make_hold
from voting_service.rulings.model import VERDICTS, Evidence, Verdict
from voting_service.rulings.rulings import approve_rulings, decline_ruling, propose_rulings
from voting_service.staff.rulings.pages import CONTEST, HOLDS, LONG_SECONDS

MAX_WHY_CHARACTERS = 1000
_NUMBER = re.compile(r"[0-9]{1,9}")
_BALLOT_ID = re.compile(r"[0-9a-f]{32}")
SINGLE = frozenset({"ruling", "words"})


def _numbers(texts: Sequence[str], field: str) -> list[int]:
    if not texts or not all(_NUMBER.fullmatch(text) for text in texts):
        raise InvalidInput(
            Fault(field, "choose at least one from the list", "请在列表中至少选择一项。")
        )
    return [int(text) for text in texts]


@signed_in(*DECIDERS)
async def propose(request: Request) -> Response:
    """Proposes one ruling for every hold chosen, in one act."""
    fields = await read_form_lists(request)
    if any(len(fields.get(name, [])) != 1 for name in SINGLE):
        raise InvalidInput(
            Fault(
                "ruling",
                "choose a ruling with its reason, and give words",
                "请选择裁定及其理由，并写明核查情况。",
            )
        )
    verdict, reason = _ruling(fields["ruling"][0])
    desk, contest = desk_of(request), contest_of(request)
    async with desk.connection() as connection:
        await propose_rulings(
            connection,
            contest,
            visitor(request).account,
            _numbers(fields.get("hold", []), "hold"),
            verdict=verdict,
            reason=reason,
            words=fields["words"][0],
            now=desk.clock(),
        )
    return RedirectResponse(f"/contests/{contest.slug}/decisions?done=proposed", 303)


def _ruling(text: str) -> tuple[Verdict, str]:
    """From `void/automated_voting`."""
    given, _, reason = text.partition("/")
    for verdict in VERDICTS:
        if verdict == given:
            return verdict, reason
    raise InvalidInput(Fault("ruling", "choose a ruling with its reason", "请选择裁定及其理由。"))


@signed_in(*DECIDERS, step_up=True)
async def approve(request: Request) -> Response:
    """The second person's word on every proposal chosen; the counts follow at once."""
    fields = await read_form_lists(request)
    desk, contest = desk_of(request), contest_of(request)
    decisions = _numbers(fields.get("decision", []), "decision")
    async with desk.long_connection(LONG_SECONDS) as connection:
        await approve_rulings(
            connection, contest, visitor(request).account, decisions, now=desk.clock()
        )
    return RedirectResponse(f"/contests/{contest.slug}/decisions?done=approved", 303)


@signed_in(*DECIDERS)
async def decline(request: Request) -> Response:
    """Turns a proposed ruling down, or takes one's own back."""
    form = await read_form(request)
    desk, contest = desk_of(request), contest_of(request)
    async with desk.connection() as connection:
        await decline_ruling(
            connection,
            contest,
            visitor(request).account,
            request.path_params["decision"],
            form.get("because", ""),
            now=desk.clock(),
        )
    return RedirectResponse(f"/contests/{contest.slug}/decisions?done=declined", 303)


@signed_in(*DECIDERS)
async def select(request: Request) -> Response:
    """Puts single ballots in question; they stay as they are until two people rule."""
    form = await read_form(request)
    why = form.get("why", "").strip()
    if not 1 <= len(why) <= MAX_WHY_CHARACTERS:
        raise InvalidInput(
            Fault(
                "why",
                f"say why, in 1 to {MAX_WHY_CHARACTERS} characters",
                f"请写明为什么存疑，1 至 {MAX_WHY_CHARACTERS} 个字。",
            )
        )
    words = form.get("ballots", "").split()
    faults = [
        Fault(
            f"ballot {word[:40]}",
            "is no ballot's id: 32 hexadecimal digits",
            f"“{word[:40]}”不是选票编号：编号是 32 位十六进制数字。",
        )
        for word in words
        if not _BALLOT_ID.fullmatch(word)
    ]
    if faults:
        raise InvalidInput(*faults[:5])
    desk, contest, account = desk_of(request), contest_of(request), visitor(request).account
    async with desk.connection() as connection:
        hold_id = await make_hold(
            connection,
            contest,
            [bytes.fromhex(word) for word in words],
            actor=account.name,
            kind="selection",
            source=account.name,
            label=form.get("label", ""),
            evidence=Evidence(sentence=Text(zh=why, en=why)),
            now=desk.clock(),
        )
    return RedirectResponse(f"/contests/{contest.slug}/holds/{hold_id}?done=made", 303)


ROUTES = [
    Route(f"{HOLDS}/new", select, methods=["POST"]),
    Route(f"{HOLDS}/proposals", propose, methods=["POST"]),
    Route(f"{CONTEST}/decisions/approve", approve, methods=["POST"]),
    Route(f"{CONTEST}/decisions/{{decision:int}}/decline", decline, methods=["POST"]),
]
