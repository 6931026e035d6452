"""What a request to the nomination site is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import Selection
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.progress import load_stages
from voting_service.nomination.repository import load_selection
from voting_service.sites.shared.signed_in.access import current_actor
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.state import get_state


async def requested_selection(request: Request, connection: AnyConnection) -> Selection:
    """Return the selection in the path; its pages show how far it is. Raises NotFound."""
    selection = await load_selection(connection, request.path_params["slug"])
    request.state.stages = await load_stages(connection, selection, get_state(request).clock())
    return selection


def personal_keys(request: Request) -> PersonalKeys:
    """Return the keys of personal data."""
    return PersonalKeys.of(get_state(request).settings)


async def selection_actor(request: Request, connection: AnyConnection) -> SelectionActor:
    """Return the signed-in account as an actor in the selection of the path. Raises NotFound."""
    selection = await requested_selection(request, connection)
    return SelectionActor(current_actor(request, connection), selection, personal_keys(request))


def load_texts(request: Request, area: str) -> Mapping[str, Any]:
    """Return the texts of an area in the reader's language, for use outside templates."""
    texts: Mapping[str, Any] = get_state(request).theme.texts(language(request))[area]
    return texts
