"""What would fail, each with when, and with a sentence and a remedy in each language."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

import msgspec

from voting_service.i18n.catalogues import load_text
from voting_service.i18n.formatting import written_moment
from voting_service.i18n.text import Text


class Finding(msgspec.Struct, frozen=True):
    """Something that would fail from `at` on. `name` is that of its sentence and of its remedy in
    the catalogue; `params` fill them in."""

    name: str
    at: datetime
    params: dict[str, Any] = {}

    def sentence(self, zone: tzinfo) -> Text:
        """Return what would go wrong, with its moments in a zone."""
        return load_text("rehearsal", f"findings.{self.name}", **in_words(self.params, zone))

    def remedy(self, zone: tzinfo) -> Text:
        """Return what to do about it."""
        return load_text("rehearsal", f"remedies.{self.name}", **in_words(self.params, zone))


def in_words(params: dict[str, Any], zone: tzinfo) -> dict[str, Any]:
    """Return the parameters of a text, moments as people write them in the zone."""
    return {
        name: moment_in_words(value, zone) if isinstance(value, datetime) else value
        for name, value in params.items()
    }


def moment_in_words(moment: datetime, zone: tzinfo) -> Text:
    """Return a moment as people write it."""
    return Text(zh=written_moment(moment, zone, "zh"), en=written_moment(moment, zone, "en"))
