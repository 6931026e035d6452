"""Put ballots in question; propose, approve and decline rulings."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.errors import Fault, InvalidInput
from voting_service.sites.console.contests import contest_from_path
from voting_service.sites.console.declining import decline_from_form
from voting_service.sites.console.rulings.views import (
    CONTEST,
    HOLDS,
    LONG_SECONDS,
)
from voting_service.sites.shared.signed_in.access import current_actor, signed_in
from voting_service.sites.shared.signed_in.forms import read_form_lists
from voting_service.sites.shared.signed_in.rendering import redirect_done
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.approvals.model import DECIDERS
from voting_service.voting.rulings.model import (
    VERDICTS,
    Verdict,
)
from voting_service.voting.rulings.service import (
    RulingProposal,
    approve_rulings,
    decline_ruling,
    propose_rulings,
)

_NUMBER = re.compile(r"[0-9]{1,9}")
SINGLE = frozenset({"ruling", "words"})


def _numbers(texts: Sequence[str], field: str) -> list[int]:
    if not texts or not all(_NUMBER.fullmatch(text) for text in texts):
        raise InvalidInput(Fault(field, "sites.console.rulings.nothing_selected"))
    return [int(text) for text in texts]


@signed_in(*DECIDERS)
async def propose(request: Request) -> Response:
    """Propose one ruling for all selected holds."""
    fields = await read_form_lists(request)
    if any(len(fields.get(name, [])) != 1 for name in SINGLE):
        raise InvalidInput(Fault("ruling", "sites.console.rulings.no_ruling_or_findings"))
    verdict, reason = _ruling(fields["ruling"][0])
    state, contest = get_state(request), contest_from_path(request)
    async with state.connection() as connection:
        await propose_rulings(
            current_actor(request, connection),
            contest,
            _numbers(fields.get("hold", []), "hold"),
            RulingProposal(verdict, reason, fields["words"][0]),
        )
    return redirect_done(request, f"{CONTEST}/approvals", "proposed")


def _ruling(text: str) -> tuple[Verdict, str]:
    """Return verdict and reason from `void/automated_voting`. Raises InvalidInput."""
    given, _, reason = text.partition("/")
    for verdict in VERDICTS:
        if verdict == given:
            return verdict, reason
    raise InvalidInput(Fault("ruling", "sites.console.rulings.no_ruling"))


@signed_in(*DECIDERS, step_up=True)
async def approve(request: Request) -> Response:
    """Approve all selected proposals; the counts follow at once."""
    fields = await read_form_lists(request)
    state, contest = get_state(request), contest_from_path(request)
    approvals = _numbers(fields.get("approval", []), "approval")
    async with state.long_connection(LONG_SECONDS) as connection:
        await approve_rulings(current_actor(request, connection), contest, approvals)
    return redirect_done(request, f"{CONTEST}/approvals", "approved")


@signed_in(*DECIDERS)
async def decline(request: Request) -> Response:
    """Decline a proposed ruling, or withdraw one's own."""
    await decline_from_form(request, decline_ruling)
    return redirect_done(request, f"{CONTEST}/approvals", "declined")


ROUTES = [
    Route(f"{HOLDS}/proposals", propose, methods=["POST"]),
    Route(f"{CONTEST}/approvals/approve", approve, methods=["POST"]),
    Route(f"{CONTEST}/approvals/{{approval:int}}/decline", decline, methods=["POST"]),
]
