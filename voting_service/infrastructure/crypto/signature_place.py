"""Where a signed document shows its signature."""

from __future__ import annotations

from typing import NamedTuple


class SignaturePlace(NamedTuple):
    """Where a reader shows the signature: a page, and left, bottom, right, top in points.
    `appearance` is a PDF of that size. Only with `printed` it is on paper, too."""

    page: int
    box: tuple[int, int, int, int]
    appearance: bytes
    printed: bool = True
