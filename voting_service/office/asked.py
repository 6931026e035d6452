"""What a request of the office is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from voting_service.desk.cookies import language
from voting_service.desk.state import desk_of
from voting_service.office.model import Selection
from voting_service.office.store import load_selection
from voting_service.storage.postgres import AnyConnection


async def selection_of(request: Request, connection: AnyConnection) -> Selection:
    """The selection of the path. Raises NotFound."""
    return await load_selection(connection, request.path_params["slug"])


def texts_of(request: Request, area: str) -> Mapping[str, Any]:
    """The texts of an area in the reader's language, for what is put together outside
    templates."""
    texts: Mapping[str, Any] = desk_of(request).face.texts(language(request))[area]
    return texts
