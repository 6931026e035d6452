"""The pillar industries of the notice, which a selection lists unless its rules name others.

Their names are data: pillar_industries.toml.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

import msgspec

from voting_service.i18n.text import Text

PILLAR_INDUSTRIES: Mapping[str, Text] = MappingProxyType(
    msgspec.toml.decode(
        resources.files(__package__).joinpath("pillar_industries.toml").read_bytes(),
        type=dict[str, Text],
    )
)
"""By the key that a form holds in `industry`."""
