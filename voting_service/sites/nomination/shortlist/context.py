"""What the pages of the shortlist share: addresses, numbers in forms, who may decide."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from starlette.requests import Request

from voting_service.errors import Fault, InvalidInput
from voting_service.nomination.model import REVIEWERS
from voting_service.sites.shared.signed_in.access import current_user
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.sessions import is_confirmed

SHORTLIST = "/selections/{slug}/shortlist"
NOTICE = "/selections/{slug}/notice"
_NUMBER = re.compile(r"[0-9]{1,9}")


def read_numbers(texts: list[str], field: str) -> list[int]:
    """Return the numbers of recommendations that a form names. Raises InvalidInput."""
    if not all(_NUMBER.fullmatch(text) for text in texts):
        raise InvalidInput(Fault(field, "sites.nomination.shortlist.choose_from_list"))
    return [int(text) for text in texts]


def decision_values(request: Request) -> dict[str, Any]:
    """Return what `shortlist/parts.html` needs: whether the user may decide, and whether they
    must confirm their identity first."""
    user = current_user(request)
    may_decide = user.account.role in REVIEWERS
    return {
        "may_decide": may_decide,
        "must_confirm": may_decide and not is_confirmed(user.session, get_state(request).clock()),
        "own_account": user.account.id,
        "parsed": datetime.fromisoformat,
    }
