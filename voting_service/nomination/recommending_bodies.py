"""The 41 districts and counties that recommend. Their names are data: recommending_bodies.toml."""

from __future__ import annotations

from importlib import resources
from typing import Literal

import msgspec

from voting_service.i18n.text import Text

ListedKind = Literal["district", "county", "autonomous_county", "zone"]


class ListedBody(msgspec.Struct, frozen=True):
    """One of the 41; `slug` is its permanent name in addresses and files."""

    slug: str
    name: Text
    kind: ListedKind


class _BodyFile(msgspec.Struct, frozen=True):
    bodies: tuple[ListedBody, ...]


LISTED_BODIES: tuple[ListedBody, ...] = msgspec.toml.decode(
    resources.files(__package__).joinpath("recommending_bodies.toml").read_bytes(), type=_BodyFile
).bodies
