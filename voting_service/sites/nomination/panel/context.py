"""What the pages of the panel share: addresses, who may see them, the requested panel."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.model import READERS
from voting_service.nomination.panel.model import Panel
from voting_service.nomination.panel.service import load_own_panel
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.sites.nomination.context import requested_selection
from voting_service.sites.shared.signed_in.access import current_actor
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.model import Role

PANEL = "/selections/{slug}/panel"
CANDIDATE = PANEL + "/candidates/{number:int}"
MAX_DIGITS = 10
PANEL_ROLES: tuple[Role, ...] = (*READERS, "expert")
"""Who may see the panel; an expert only their own."""


async def requested_panel(request: Request, connection: AnyConnection) -> Panel:
    """Return the panel of the path. Raises NotFound, and Refused for an expert of another."""
    keys = PersonalKeys.of(get_state(request).settings)
    selection = await requested_selection(request, connection)
    return await load_own_panel(current_actor(request, connection), keys, selection)


def candidate_names(panel: Panel) -> dict[int, Any]:
    """Return the candidates' names by number."""
    return {} if panel.contest is None else {c.number: c.name for c in panel.contest.candidates}


def read_number(text: str) -> int:
    """Return a number of a form's field, 0 for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < MAX_DIGITS else 0
