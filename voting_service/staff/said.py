"""Texts of the staff's own pages, for notices that are put together outside templates."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request

from voting_service.desk.cookies import language
from voting_service.desk.state import desk_of


def said(request: Request, section: str) -> Mapping[str, str]:
    """A section of texts/staff.*.toml in the reader's language."""
    texts: Mapping[str, str] = desk_of(request).face.texts(language(request))["staff"][section]
    return texts
