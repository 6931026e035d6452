"""Pages that differ in a few values only: rendered once with placeholders, then filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from markupsafe import Markup

_PLACEHOLDER = re.compile("\ue000([a-z_]+)\ue001")
"""Private-use characters, which no text of ours contains."""


def placeholder(name: str) -> Markup:
    """Return what a template writes where the value is to stand."""
    return Markup(f"\ue000{name}\ue001")  # noqa: S704 — a name of ours


class PageFrame(NamedTuple):
    """A rendered page: text and names of values by turns."""

    parts: tuple[str, ...]

    @classmethod
    def of(cls, body: bytes) -> PageFrame:
        """Return the frame of a page that was rendered with placeholders."""
        return cls(tuple(_PLACEHOLDER.split(body.decode())))

    def fill(self, values: Mapping[str, str]) -> bytes:
        """Return the page with the values, which stand in it as they are: markup or escaped."""
        filled = list(self.parts)
        filled[1::2] = [values[name] for name in self.parts[1::2]]
        return "".join(filled).encode()
