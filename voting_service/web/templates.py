"""Jinja2 as both faces use it: everything is escaped, and an unknown name is an error."""

from __future__ import annotations

import jinja2


def template_environment(*packages: str, **prefixed: str) -> jinja2.Environment:
    """Templates of `templates/` in the packages, and under a prefix those of others:
    `desk="voting_service.desk"` gives `desk/layout.html`."""
    others = {prefix: jinja2.PackageLoader(name) for prefix, name in prefixed.items()}
    return jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PrefixLoader(others), *(jinja2.PackageLoader(name) for name in packages)]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
