"""Words of a language that patterns look for: data beside the package that reads them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

import msgspec


def load_patterns(package: str) -> Mapping[str, str]:
    """Return the fragments of regular expressions in a package's `patterns.toml`, by name."""
    data = resources.files(package).joinpath("patterns.toml").read_bytes()
    return msgspec.toml.decode(data, type=dict[str, str])
