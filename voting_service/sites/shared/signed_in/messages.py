"""Texts for notices that are put together outside templates."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request

from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.state import get_state


def messages(request: Request, section: str) -> Mapping[str, str]:
    """Return a section of the catalogue `console` in the reader's language."""
    texts: Mapping[str, str] = get_state(request).theme.texts(language(request))["console"][section]
    return texts
