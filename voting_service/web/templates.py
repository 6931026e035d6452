"""Jinja2 as both faces use it: everything is escaped, and an unknown name is an error."""

from __future__ import annotations

from collections.abc import Sequence

import jinja2


def template_environment(*packages: str) -> jinja2.Environment:
    """Templates of `templates/` in the packages, the first that has one."""
    loaders: Sequence[jinja2.BaseLoader] = [jinja2.PackageLoader(name) for name in packages]
    return jinja2.Environment(
        loader=jinja2.ChoiceLoader(loaders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
