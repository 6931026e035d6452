"""The pillar industries, which a selection lists unless its rules name others, and the key industry
chains of the notice.

Their names are data: pillar_industries.toml, key_chains.toml.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import TypeVar

import msgspec

from voting_service.i18n.text import Text

_Data = TypeVar("_Data")


def _load(name: str, type_: type[_Data]) -> _Data:
    data = resources.files(__package__).joinpath(name).read_bytes()
    return msgspec.toml.decode(data, type=type_)


PILLAR_INDUSTRIES: Mapping[str, Text] = MappingProxyType(
    _load("pillar_industries.toml", dict[str, Text])
)
"""By the key that a form holds in `industry`."""
KEY_CHAINS: tuple[Text, ...] = _load("key_chains.toml", dict[str, tuple[Text, ...]])["chains"]
"""A form holds the Chinese name in `chain`."""
