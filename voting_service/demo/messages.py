"""What the demo prints: texts of the catalogue `demo`."""

from __future__ import annotations

from typing import Any

from voting_service.i18n.catalogues import load_text


def message(path: str, /, **params: Any) -> str:
    """Return the text at `section.name` in English, as all output of the command line."""
    return load_text("demo", path, **params).en
